//! The integration suite (`host/filbert/tests/e2e.rs`) on a real control plane. With all other tests it runs on the embedded one.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{bed, go, guests, project};

/// Builds what is needed, brings up a bed of its own, runs the suite in its network, and takes it down; says so and succeeds where
/// there can be no bed.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if go::find().is_none() {
        eprintln!("skipped: no `go` on the path, so there is no control plane to test with");
        return Ok(ExitCode::SUCCESS);
    }
    go::build(&go::BED)?;
    if !bed::is_possible() {
        eprintln!("skipped: this machine cannot run a control plane");
        return Ok(ExitCode::SUCCESS);
    }
    guests::run(&guests::Options::default())?;
    let suite = built()?;
    let bed = Bed::up()?;
    let mut test = bed::command(&bed.folder, "exec");
    // One after the other: definitions, and the objects that tell of modules, are there once for all.
    test.arg("--").arg(suite).arg("--test-threads=1").args(arguments).env("FILBERT_E2E", "1");
    project::succeed(&mut test)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the suite and the command; answers the suite's program.
fn built() -> Result<PathBuf> {
    let mut build = project::cargo();
    build.args(["test", "--workspace", "--test", "e2e", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = build.stderr(Stdio::inherit()).output().context("failed to start cargo")?;
    ensure!(output.status.success(), "the suite cannot be built: {}", output.status);
    let told = String::from_utf8(output.stdout).context("cargo tells of what it built in no UTF-8")?;
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut program = messages.filter_map(|message| {
        let is_it = message.pointer("/target/name").is_some_and(|name| name == "e2e");
        message.get("executable").filter(|_| is_it)?.as_str().map(PathBuf::from)
    });
    program.next_back().context("cargo does not say where it put the suite")
}

/// A bed of its own, so that one that somebody looks at is left alone. Gone when it is dropped.
struct Bed {
    folder: PathBuf,
}

impl Bed {
    fn up() -> Result<Self> {
        let folder = project::target().join("e2e-bed");
        // What a run that was killed left.
        project::succeed(&mut bed::command(&folder, "down"))?;
        let bed = Self { folder };
        let mut up = bed::command(&bed.folder, "up");
        project::succeed(up.arg("--images").arg(images()))?;
        Ok(bed)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let mut down: Command = bed::command(&self.folder, "down");
        if let Err(error) = project::succeed(&mut down) {
            eprintln!("warning: the bed is not taken down: {error}");
        }
    }
}

fn images() -> PathBuf {
    project::root().join(Path::new("tests/bed/images.json"))
}
