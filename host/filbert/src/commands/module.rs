//! `filbert module inspect`: what a component says of itself.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use filbert_engine::Module;
use serde_json::json;

use crate::cli::Format;
use crate::failure::{Hint as _, Outcome};
use crate::{output, world};

pub(crate) async fn inspect(file: &Path, output: Format) -> Outcome<ExitCode> {
    let bytes = std::fs::read(file)
        .with_context(|| format!("failed to read `{}`", file.display()))
        .hint("name a component: a file that ends in `.wasm`, as `cargo xtask guests` puts below target/modules")?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let engine = world::engine(None)?;
    let module = engine.load(&name, &bytes).await.with_context(|| format!("`{}` cannot be used", file.display())).hint(
        "a component is made from a core module with `wasm-tools component new`, or by `cargo xtask guests`; one for another contract is built again with the SDK of this host",
    )?;
    match output {
        Format::Json => output::line(json!({
            "file": file, "digest": module.digest(), "size": module.size(),
            "description": module.description(), "surface": module.surface(),
        }))?,
        Format::Text => output::data(text(&module))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One fact a line, what it is in the first column.
fn text(module: &Module) -> String {
    let description = module.description();
    let surface = module.surface();
    let mut text = String::new();
    let mut fact = |what: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{what:<11}{value}");
    };
    fact("name", &description.name);
    fact("version", &description.version);
    fact("summary", &description.summary);
    fact("digest", module.digest());
    fact("size", &format!("{} KiB", module.size().div_ceil(1024)));
    for step in &description.steps {
        let takes: Vec<_> = step.takes.iter().map(ToString::to_string).collect();
        let takes = if takes.is_empty() { "any kind".to_owned() } else { takes.join(", ") };
        let finalizes = if step.finalizes { "; finalizes" } else { "" };
        fact("step", &format!("{}: {} (takes {takes}{finalizes})", step.name, step.summary));
    }
    for (role, subjects) in [("defaults", &description.defaults), ("validates", &description.validates)] {
        for subject in subjects {
            fact(role, &subject.resource.to_string());
        }
    }
    for kind in &description.kinds {
        fact("brings", &format!("{} ({})", kind.resource, kind.kind));
    }
    for wish in &description.wants {
        fact("wants", &format!("to {}: {}", wish.wanted, wish.reason));
    }
    for import in &surface.imports {
        fact("imports", &import.to_string());
    }
    for export in &surface.exports {
        fact("exports", &export.to_string());
    }
    text
}
