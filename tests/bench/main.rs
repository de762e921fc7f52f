//! What the sandbox and the operator cost, side by side with the same code compiled natively. `cargo xtask bench` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table, and what it is at")]

mod admission;
mod calls;
mod memory;
mod modules;
mod operator;
mod report;
mod review_client;
mod start;

use std::process::ExitCode;

use anyhow::Result;
use cap::Cap;
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;

use crate::report::Report;

/// The allocator of the command, counting what is on the heap.
#[global_allocator]
static HEAP: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// Measures, and prints values beside their baselines and goals. Ends without error whatever the values are.
#[derive(Parser)]
struct Options {
    /// How the values are printed.
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
    /// Measure only these groups.
    #[arg(value_enum)]
    groups: Vec<Group>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    /// A list of name, value, unit, baseline and goal.
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Single calls of guests, against the same functions natively.
    Calls,
    /// Reviews over HTTPS, against the same rules compiled natively behind the same server; and beside hostile modules.
    Admission,
    /// Loading and keeping modules.
    Modules,
    /// The operator on an embedded API server in the same process.
    Operator,
    /// The program from its start.
    Start,
}

fn main() -> Result<ExitCode> {
    let Options { output, groups } = Options::parse();
    let wanted = |group| groups.is_empty() || groups.contains(&group);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        if wanted(Group::Calls) {
            eprintln!("measuring calls");
            calls::measure(&mut report).await?;
        }
        if wanted(Group::Admission) {
            eprintln!("measuring admission");
            admission::measure(&mut report).await?;
        }
        if wanted(Group::Modules) {
            eprintln!("measuring modules");
            modules::measure(&mut report).await?;
        }
        if wanted(Group::Start) {
            eprintln!("measuring starts");
            start::measure(&mut report)?;
        }
        if wanted(Group::Operator) {
            eprintln!("measuring the operator");
            operator::measure(&mut report).await?;
        }
        anyhow::Ok(())
    })?;
    match output {
        Output::Table => println!("{}", report.table()),
        Output::Json => println!("{}", report.json()?),
    }
    Ok(ExitCode::SUCCESS)
}
