//! The `filbert` command: reads the command line, calls one command, says what went wrong.

mod cli;
mod cluster;
mod commands;
mod differences;
mod documents;
mod failure;
mod operator;
mod output;
mod settle;
mod show;
mod signals;
mod usage;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use crate::cli::LogFormat;
use crate::failure::Outcome;

/// The operator's work is parsing, merging and writing small objects: a third of it is allocation with the system's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

async fn start() -> Outcome<ExitCode> {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::explain(&error),
    };
    start_log(cli.log.as_deref(), cli.command.default_log(), cli.command.log_format());
    commands::run(cli.command).await
}

/// Logs go to stderr, so that data on stdout can be piped.
fn start_log(filter: Option<&str>, default: &str, format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::new(filter.unwrap_or(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A log that nobody can read is no reason to panic.
    let log = log.with_target(false).log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(true).with_span_list(false).init(),
    }
}
