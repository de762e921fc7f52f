//! A real control plane on this machine, for tests and for a look: `tests/bed/README.md` says what it is.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::{go, project};

/// Which bed, and what to do with it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the bed keeps everything; another folder is another bed. Default: `bed` in cargo's target folder.
    #[arg(long, global = true, env = "FILBERT_BED")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Only build what is needed, kubectl and helm too. Skipped where there is no Go.
    Build,
    /// Build what is needed (minutes the first time), bring up a cluster, and print the path of its kubeconfig.
    Up {
        /// How many nodes it has.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=200))]
        nodes: u8,
        /// Which command stands for which container image.
        #[arg(long, default_value = "tests/bed/images.json")]
        images: PathBuf,
    },
    /// End the cluster and remove all of it. Also after a crash.
    Down,
    /// Show whether its components are well.
    Status,
    /// Run a command in the cluster's network, with its kubeconfig, its names, and `kubectl` and `helm` on the path.
    Exec {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Do something to one component, for tests of what happens then.
    Component {
        /// Its name, as `status` shows it.
        name: String,
        /// What to do.
        #[arg(value_parser = ["start", "stop", "kill", "pause", "resume"])]
        action: String,
    },
    /// Test the bed itself, from its functions to a whole cluster. Skipped where there is no Go; the cluster also where the machine
    /// cannot run one.
    Test {
        /// Handed to `go test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Runs a command of the bed.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let folder = options.folder.clone().unwrap_or_else(|| project::target().join("bed"));
    match &options.action {
        Action::Build if go::find().is_none() => {
            eprintln!("skipped: no `go` on the path");
            Ok(ExitCode::SUCCESS)
        }
        Action::Build => go::build(&go::BED).map(|()| ExitCode::SUCCESS),
        Action::Up { nodes, images } => {
            go::build(&go::BED)?;
            let mut up = command(&folder, "up");
            // The command's own folder counts for a file that somebody names, the project's for ours.
            let images = if images.exists() { images.clone() } else { project::root().join(images) };
            let images =
                images.canonicalize().with_context(|| format!("no table of images in `{}`", images.display()))?;
            become_code(up.arg(format!("--nodes={nodes}")).arg("--images").arg(images))
        }
        Action::Down => become_code(&mut built(&folder, "down")?),
        Action::Status => become_code(&mut built(&folder, "status")?),
        Action::Exec { command } => become_code(built(&folder, "exec")?.arg("--").args(command)),
        Action::Component { name, action } => become_code(built(&folder, "component")?.args([name, action])),
        Action::Test { arguments } => test(arguments),
    }
}

/// A command of the program that `go::build` has built.
pub(crate) fn command(folder: &Path, action: &str) -> Command {
    let mut command = Command::new(go::programs().join("bed"));
    command.arg(action).arg("--folder").arg(folder);
    command
}

/// The same for commands that are of use only after `up`, which has built the program.
fn built(folder: &Path, action: &str) -> Result<Command> {
    if !go::programs().join("bed").is_file() {
        go::build(&go::BED)?;
    }
    Ok(command(folder, action))
}

/// Runs a program that speaks for itself, and answers with its exit code.
fn become_code(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("failed to start `{}`", command.get_program().display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Fails where a file is not as `gofmt` writes it.
fn is_formatted() -> Result<()> {
    let output = go::formatter()?.args(["-l", "."]).output().context("failed to start `gofmt`")?;
    ensure!(output.status.success(), "`gofmt` failed: {}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.stdout.is_empty(), "not as `gofmt` writes it: {}", String::from_utf8_lossy(&output.stdout).trim());
    Ok(())
}

/// Whether this machine can run a cluster. It prints what the machine lacks.
pub(crate) fn is_possible() -> bool {
    Command::new(go::programs().join("bed")).arg("check").status().is_ok_and(|status| status.success())
}

fn test(arguments: &[String]) -> Result<ExitCode> {
    if go::find().is_none() {
        eprintln!("skipped: no `go` on the path, so there is no control plane to test with");
        return Ok(ExitCode::SUCCESS);
    }
    go::build(&go::BED)?;
    is_formatted()?;
    let mut test = go::command()?;
    // A result is never taken from the cache: what the programs do is not seen by it. A busy machine may take its time. Without
    // `vet`, which would look through all of Kubernetes first, for minutes.
    test.args(["test", "-trimpath", "-count=1", "-vet=off", "-timeout=30m", "./..."]).args(arguments);
    if is_possible() {
        test.env("FILBERT_BED_PROGRAMS", go::programs());
    } else {
        eprintln!("skipped: the tests with a whole cluster, which this machine cannot run");
    }
    project::succeed(&mut test)?;
    Ok(ExitCode::SUCCESS)
}
