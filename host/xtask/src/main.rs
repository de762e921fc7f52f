//! Everything that is not `cargo`. `cargo xtask --help` lists it.
#![expect(clippy::print_stderr, reason = "a build tool talks to people")]

mod component;
mod crds;
mod guests;
mod kubectl;
mod oracle;
mod project;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, runs and checks Filbert.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build all guests into components below `target/modules`. A running `dev` takes them up at once.
    Guests(guests::Options),
    /// Write the definitions of our kinds below `crds/`, made from their types.
    Crds(crds::Options),
    /// Build everything and run the operator against the embedded API server, with samples to look at.
    Dev {
        /// Handed to `filbert dev`: `--once`, `-o json`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every hermetic test: nothing from the network but crates.
    Test {
        /// Handed to `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the real kubectl from its Go modules, and test the embedded API server with it. Skipped where there is no Go.
    Kubectl {
        /// Handed to the test program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Let Hazelcast's own parser judge the configuration documents of all samples. Skipped where there is no Java or Maven.
    Oracle,
    /// Measure what sandboxed calls cost.
    Bench {
        /// `-o json` for name, value, unit, baseline and goal of each.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Guests(options) => guests::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Crds(options) => crds::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Dev { arguments } => project::dev(&arguments),
        Command::Test { arguments } => project::test(&arguments),
        Command::Kubectl { arguments } => kubectl::run(&arguments),
        Command::Oracle => oracle::run(),
        Command::Bench { arguments } => project::bench(&arguments),
    }
}
