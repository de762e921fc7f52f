//! `filbert module inspect`: what a component says of itself.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use filbert_runtime::library::short;
use serde_json::json;

use crate::cli::Format;
use crate::failure::{Hint as _, Outcome};
use crate::world;

pub(crate) async fn inspect(file: &Path, output: Format) -> Outcome<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("failed to read `{}`", file.display()))?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let engine = world::engine(None)?;
    let module =
        engine.load(&name, &bytes).await.with_context(|| format!("`{}` cannot be used", file.display())).hint(
            "a component is made from a core module with `wasm-tools component new`, or by `cargo xtask guests`",
        )?;
    let description = module.description();
    if output == Format::Json {
        let value = json!({
            "file": file, "digest": module.digest(), "size": module.size(), "description": description, "surface": module.surface(),
        });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} {}  {}", description.name, description.version, description.summary);
    println!("size     {} KiB\ndigest   {}", module.size().div_ceil(1024), short(module.digest()));
    println!("{}", module.surface());
    for step in &description.steps {
        println!("step     {}  {}{}", step.name, step.summary, if step.finalizes { " (finalizes)" } else { "" });
    }
    for (role, subjects) in [("defaults", &description.defaults), ("validates", &description.validates)] {
        for subject in subjects {
            println!("{role:<8} {}", subject.resource);
        }
    }
    for kind in &description.kinds {
        println!("brings   {} ({})", kind.resource, kind.kind);
    }
    for wish in &description.wants {
        println!("wants    {}  {}", serde_json::to_string(&wish.wanted)?, wish.reason);
    }
    Ok(ExitCode::SUCCESS)
}
