//! Where things are, and the commands that only start other commands.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::guests;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    // host/xtask, two levels down.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("xtask lives two levels below the root").to_owned()
}

/// Where cargo puts what it builds.
#[expect(clippy::disallowed_methods, reason = "cargo's own variable")]
pub(crate) fn target() -> PathBuf {
    env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), |dir| root().join(dir))
}

/// Where built modules are.
pub(crate) fn modules() -> PathBuf {
    target().join("modules")
}

/// Cargo, as it called us.
#[expect(clippy::disallowed_methods, reason = "cargo's own variable")]
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.current_dir(root());
    // What cargo tells the programs that it runs; build scripts that look at it would run again, and all that depends on them.
    for (name, _) in env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_"))
    }) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end; fails where it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let line = command.get_args().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("failed to start `{program}`"))?;
    if !status.success() {
        bail!("`{program} {line}` failed: {status}");
    }
    Ok(())
}

/// Builds all and becomes `filbert dev`.
pub(crate) fn dev(arguments: &[String]) -> Result<ExitCode> {
    guests::run(&guests::Options::default())?;
    succeed(cargo().args(["build", "--workspace", "--bin", "filbert"]))?;
    let samples = root().join("crds/samples");
    let mut command = Command::new(target().join("debug/filbert"));
    command.arg("dev").arg("--modules").arg(modules());
    // Compiled code and the kubeconfig have a place where the next command finds them.
    command.arg("--cache").arg(target().join("code"));
    command.arg("--write-kubeconfig").arg(target().join("dev/kubeconfig"));
    if !arguments.iter().any(|argument| argument == "-f" || argument.starts_with("--file")) {
        for sample in ["hazelcast.yaml", "management-center.yaml"] {
            command.arg("-f").arg(samples.join(sample));
        }
    }
    let status = command.args(arguments).status().context("failed to start `filbert dev`")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds what tests need and runs them all.
pub(crate) fn test(arguments: &[String]) -> Result<ExitCode> {
    guests::run(&guests::Options::default())?;
    succeed(cargo().args(["test", "--workspace"]).args(arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds what is measured, optimised, and measures it.
pub(crate) fn bench(arguments: &[String]) -> Result<ExitCode> {
    guests::run(&guests::Options::default())?;
    // Both at once and for the whole workspace: fewer features of dependencies would mean to compile them again.
    succeed(cargo().args(["build", "--release", "--workspace", "--bin", "filbert", "--bin", "bench"]))?;
    succeed(Command::new(target().join("release/bench")).args(arguments))?;
    Ok(ExitCode::SUCCESS)
}
