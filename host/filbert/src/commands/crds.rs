//! `filbert crds`: the definitions that modules bring along.

use std::process::ExitCode;

use filbert_runtime::library::Ungoverned;

use crate::cli::Crds;
use crate::failure::Outcome;
use crate::{output, world};

pub(crate) async fn run(options: &Crds) -> Outcome<ExitCode> {
    let library = world::library(&options.folder, Ungoverned::NothingGranted).await?;
    for definition in library.serving().definitions() {
        output::line(format_args!("---\n{}", serde_saphyr::to_string(&definition)?.trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}
