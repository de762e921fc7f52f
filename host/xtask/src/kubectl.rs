//! Builds the real `kubectl` from its pinned Go modules, and runs the tests that need it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{guests, project};

/// Where `tests/kubectl/go.mod` says the version.
const MODULE: &str = "k8s.io/kubectl v0.";

/// Builds what is needed and runs the tests; says so and succeeds where there is no Go.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some(go) = find_go() else {
        eprintln!("skipped: no `go` on the path, so no kubectl can be built and nothing is tested with it");
        return Ok(ExitCode::SUCCESS);
    };
    let kubectl = build(&go)?;
    guests::run(&guests::Options::default())?;
    let mut test = project::cargo();
    test.args(["test", "--workspace", "--test", "stories", "--", "--ignored", "kubectl::"]).args(arguments);
    project::succeed(test.env("FILBERT_KUBECTL", kubectl))?;
    Ok(ExitCode::SUCCESS)
}

fn find_go() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join("go")).find(|file| file.is_file())
}

/// Go keeps what it compiled in its own cache, so that only the first build takes minutes.
fn build(go: &Path) -> Result<PathBuf> {
    let folder = project::root().join("tests/kubectl");
    let pinned = std::fs::read_to_string(folder.join("go.mod")).context("failed to read `tests/kubectl/go.mod`")?;
    let minor = pinned.lines().find_map(|line| line.trim().strip_prefix(MODULE));
    let minor = minor.context("`tests/kubectl/go.mod` does not name the version of kubectl")?;
    let kubectl = project::target().join("kubectl/kubectl");
    let version = format!("-s -w -X k8s.io/component-base/version.gitVersion=v1.{minor}");
    let mut build = Command::new(go);
    // Not optimised: what it does takes no time, building it does.
    build.current_dir(&folder).args(["build", "-trimpath", "-gcflags=all=-N -l", "-ldflags", &version, "-o"]);
    project::succeed(build.arg(&kubectl).arg("."))?;
    Ok(kubectl)
}
