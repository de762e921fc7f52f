//! One file a command.

mod crds;
mod dev;
mod explain;
mod manifests;
mod module;
mod modules;
mod plan;
mod render;
mod replay;
mod run;
mod withdraw;

use std::process::ExitCode;

use crate::cli::{Command, ModuleCommand};
use crate::failure::Outcome;

/// Runs a command to its end.
pub(crate) async fn run(command: Command) -> Outcome<ExitCode> {
    match command {
        Command::Run(options) => run::run(*options).await,
        Command::Dev(options) => dev::run(options).await,
        Command::Plan(options) => plan::run(options).await,
        Command::Render(options) => render::run(options).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Explain(options) => explain::run(options).await,
        Command::Module(ModuleCommand::Inspect { file, output }) => module::inspect(&file, output).await,
        Command::Modules(options) => modules::run(&options).await,
        Command::Manifests(options) => manifests::run(&options).await,
        Command::Crds(options) => crds::run(&options).await,
        Command::Withdraw(options) => withdraw::run(&options).await,
        Command::CompileModule => Ok(filbert_engine::compile_child()),
    }
}
