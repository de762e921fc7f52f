//! Compiles one module and ends, as the operator's own hidden command does.

use std::process::ExitCode;

fn main() -> ExitCode {
    filbert_engine::compile_child()
}
