//! `filbert replay`: the guests of recordings called again, their answers compared byte by byte.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use filbert_record::{Recording, Verdict, replay};
use filbert_runtime::library::Ungoverned;

use crate::cli::Replay;
use crate::failure::{Hint as _, Outcome};
use crate::{output, world};

pub(crate) async fn run(options: Replay) -> Outcome<ExitCode> {
    // All are read before the first guest is compiled: a wrong name is told at once.
    let recordings = options.recordings.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    let library = world::library(&options.folder, Ungoverned::NothingGranted).await?;
    let serving = library.serving();
    let mut all_same = true;
    for (path, recording) in options.recordings.iter().zip(recordings) {
        output::line(path.display())?;
        for call in recording.calls() {
            let verdict = match serving.modules().get(call.module()) {
                Some(serving) => replay(&serving.module, call).await,
                None => Verdict::NoModule,
            };
            all_same &= verdict == Verdict::Same;
            output::line(format_args!("  {:<29} {verdict}", call.title()))?;
        }
    }
    Ok(if all_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> Outcome<Recording> {
    let hint = "`filbert dev --record DIR` writes recordings, one file a pass";
    let text =
        std::fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display())).hint(hint)?;
    Recording::from_json(&text).with_context(|| format!("`{}` is no recording", path.display())).hint(hint)
}
