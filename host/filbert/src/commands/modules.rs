//! `filbert modules`: what is in service, and what is not and why.

use std::process::ExitCode;

use filbert_runtime::library::{Ungoverned, short};
use serde_json::json;

use crate::cli::{Format, Modules};
use crate::failure::Outcome;
use crate::{output, world};

pub(crate) async fn run(options: &Modules) -> Outcome<ExitCode> {
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    if options.output == Format::Json {
        output::line(json!({"modules": serving.states(), "problems": serving.problems()}))?;
    } else {
        for state in serving.states() {
            let version = state.version.as_deref().unwrap_or("-");
            let digest = state.digest.as_deref().map_or("not in service", short);
            let problem = state.problem.as_deref().unwrap_or("in service");
            output::line(format_args!("{:<24} {version:<10} {digest:<14} {problem}", state.name))?;
        }
        for pipeline in serving.pipelines() {
            let steps: Vec<_> =
                pipeline.steps.iter().map(|step| format!("{} ({})", step.name, step.module.module.name())).collect();
            let steps = steps.join(" > ");
            output::line(format_args!("pipeline {} for {}: {steps}", pipeline.name, pipeline.resource))?;
        }
        for problem in serving.problems() {
            output::line(format_args!("problem  {problem}"))?;
        }
    }
    Ok(if serving.problems().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
