//! What a call of a sandboxed guest costs, side by side with the same code compiled natively. `cargo xtask bench` runs it.
#![expect(clippy::print_stdout, reason = "it prints a table")]

mod calls;
mod report;

use std::process::ExitCode;

use anyhow::Result;

use crate::report::Report;

fn main() -> Result<ExitCode> {
    let json = std::env::args().any(|argument| argument == "json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(calls::measure(&mut report))?;
    println!("{}", if json { report.json()? } else { report.table() });
    Ok(ExitCode::SUCCESS)
}
