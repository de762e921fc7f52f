//! `filbert replay`: the guests of recordings called again, their answers compared byte by byte.

use std::process::ExitCode;

use anyhow::Context as _;
use filbert_record::{Recording, Verdict, replay};
use filbert_runtime::library::Ungoverned;

use crate::cli::Replay;
use crate::failure::{Hint as _, Outcome};
use crate::world;

pub(crate) async fn run(options: Replay) -> Outcome<ExitCode> {
    let library = world::library(&options.folder, Ungoverned::NothingGranted).await?;
    let serving = library.serving();
    let mut all_same = true;
    for path in &options.recordings {
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display()))?;
        let recording = Recording::from_json(&text)
            .with_context(|| format!("`{}` is no recording", path.display()))
            .hint("`filbert dev --record DIR` writes recordings")?;
        println!("{}", path.display());
        for step in &recording.steps {
            let verdict = match serving.modules().get(&step.module) {
                Some(serving) => replay(&serving.module, step).await,
                None => Verdict::NoModule,
            };
            all_same &= verdict == Verdict::Same;
            println!("  {:<20} {verdict}", step.step);
        }
    }
    Ok(if all_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
