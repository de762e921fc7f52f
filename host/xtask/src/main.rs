//! Everything that is not `cargo`. `cargo xtask --help` lists it.
#![expect(clippy::print_stderr, reason = "a build tool talks to people")]

mod bed;
mod component;
mod crds;
mod deploy;
mod e2e;
mod fuzz;
mod go;
mod guests;
mod image;
mod java;
mod kubectl;
mod members;
mod oracle;
mod project;
mod samples;

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
    /// Write what the chart in `host/deploy` takes from elsewhere (rules from grants, definitions), and the plain manifests from
    /// the chart.
    Deploy(deploy::Options),
    /// Build a container image, without a container engine: an OCI layout with a static binary and our modules, nothing else.
    Image(image::Options),
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
    /// Bring a real control plane up and down on this machine, with pods as processes; needs Go, Linux and root.
    Bed(bed::Options),
    /// Run the integration suite on a real control plane of its own. Skipped where there is no Go, or the machine cannot run one.
    E2e {
        /// Handed to the test program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Let Hazelcast's own parsers judge the configuration documents of all samples and all golden stories, and readers of
    /// YAML 1.1 and 1.2 those with odd texts. Skipped where there is no Java or Maven.
    Oracle,
    /// Start a real open source member with the configuration document of every sample that needs no licence, look at it,
    /// and stop it. Members listen on loopback addresses and are given two minutes each. Skipped where there is no Java or
    /// Maven.
    Members(members::Options),
    /// Try arbitrary specifications, guided by what code they reach. Skipped where there is no C++ compiler.
    Fuzz(fuzz::Options),
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
        Command::Deploy(options) => deploy::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Image(options) => image::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Dev { arguments } => project::dev(&arguments),
        Command::Test { arguments } => project::test(&arguments),
        Command::Kubectl { arguments } => kubectl::run(&arguments),
        Command::Bed(options) => bed::run(&options),
        Command::E2e { arguments } => e2e::run(&arguments),
        Command::Oracle => oracle::run(),
        Command::Members(options) => members::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench { arguments } => project::bench(&arguments),
    }
}
