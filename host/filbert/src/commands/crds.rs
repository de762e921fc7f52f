//! `filbert crds`: our own definitions, and those that modules bring along.

use std::process::ExitCode;

use filbert_plan::definition;
use filbert_runtime::library::Ungoverned;

use crate::cli::Crds;
use crate::failure::Outcome;
use crate::{output, world};

pub(crate) async fn run(options: &Crds) -> Outcome<ExitCode> {
    let library = world::library(&options.folder, Ungoverned::NothingGranted).await?;
    let own = definition::all().into_iter().map(|(_, definition)| definition);
    for definition in own.chain(library.serving().definitions()) {
        output::line(format_args!("---\n{}", serde_saphyr::to_string(&definition)?.trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}
