//! Runs the tests that need the real `kubectl`.

use std::process::ExitCode;

use anyhow::Result;

use crate::{go, guests, project};

/// Builds what is needed and runs the tests; says so and succeeds where there is no Go.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if go::find().is_none() {
        eprintln!("skipped: no `go` on the path, so no kubectl can be built and nothing is tested with it");
        return Ok(ExitCode::SUCCESS);
    }
    go::build(&[go::KUBECTL])?;
    guests::run(&guests::Options::default())?;
    let mut test = project::cargo();
    test.args(["test", "--workspace", "--test", "stories", "--", "--ignored", "kubectl::"]).args(arguments);
    project::succeed(test.env("FILBERT_KUBECTL", go::programs().join("kubectl")))?;
    Ok(ExitCode::SUCCESS)
}
