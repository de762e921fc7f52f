//! Programs built from pinned Go modules. Go keeps what it compiled in a cache of its own, outside of the clone, so that only the
//! first build takes minutes.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::project;

/// Every program is a package below `programs` of the module in `tests/bed`, all with the same versions: what one has compiled, the
/// others need not.
#[derive(Clone, Copy)]
pub(crate) struct Program(&'static str);

/// The real kubectl.
pub(crate) const KUBECTL: Program = Program("kubectl");

/// All that a bed needs: the control plane with the kubelet, what containers begin with, what stands in for servers in tests, and
/// the two tools of those who use a cluster.
pub(crate) const BED: [Program; 5] = [Program("bed"), Program("sandbox"), Program("standin"), KUBECTL, Program("helm")];

/// The line of `go.mod` that says the version of Kubernetes.
const KUBERNETES: &str = "k8s.io/kubernetes v1.";

/// Where Go is, if it is anywhere.
pub(crate) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join("go")).find(|file| file.is_file())
}

/// Where built programs are.
pub(crate) fn programs() -> PathBuf {
    project::target().join("bed-programs")
}

/// Go, in the folder of the module.
pub(crate) fn command() -> Result<Command> {
    let go = find().context("no `go` on the path; the programs of the bed are built from Go modules")?;
    let mut command = Command::new(go);
    // Without C: the programs run on any machine, and none needs a compiler for it.
    command.current_dir(module()).env("CGO_ENABLED", "0");
    Ok(command)
}

/// What comes with Go and says which files are not formatted, in the folder of the module.
pub(crate) fn formatter() -> Result<Command> {
    let go = find().context("no `go` on the path")?;
    // Where `go` is a link, only the one beside its target is sure to be there.
    let mut command = Command::new(go.canonicalize()?.with_file_name("gofmt"));
    command.current_dir(module());
    Ok(command)
}

fn module() -> PathBuf {
    project::root().join("tests/bed")
}

/// Builds programs, each into a file of its name.
pub(crate) fn build(wanted: &[Program]) -> Result<()> {
    let pinned = module().join("go.mod");
    let text = fs::read_to_string(&pinned).with_context(|| format!("failed to read `{}`", pinned.display()))?;
    let rest = text.lines().find_map(|line| line.trim().strip_prefix(KUBERNETES));
    let rest = rest.with_context(|| format!("`{}` does not name the version of Kubernetes", pinned.display()))?;
    let minor = rest.split('.').next().unwrap_or_default();
    // What a release build writes into itself; clients look at it.
    let stamp = [("gitVersion", format!("v1.{rest}")), ("gitMajor", "1".to_owned()), ("gitMinor", minor.to_owned())];
    let stamp = stamp.map(|(name, value)| format!("-X k8s.io/component-base/version.{name}={value}")).join(" ");
    let flags = format!("-s -w {stamp}");
    let folder = programs();
    fs::create_dir_all(&folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
    let mut build = command()?;
    build.args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"]).arg(&folder);
    project::succeed(build.args(wanted.iter().map(|program| format!("./programs/{}", program.0))))
}
