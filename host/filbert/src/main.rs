//! The `filbert` command: reads the command line, calls one command, says what went wrong.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

mod cli;
mod commands;
mod documents;
mod failure;
mod settle;
mod show;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    start_log(cli.log.as_deref(), cli.command.default_log());
    match commands::run(cli.command).await {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.code()
        }
    }
}

/// Logs go to stderr, so that data on stdout can be piped.
fn start_log(filter: Option<&str>, default: &str) {
    let filter = tracing_subscriber::EnvFilter::new(filter.unwrap_or(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    log.with_target(false).init();
}
