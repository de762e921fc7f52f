//! Writes the definitions of our kinds, made from their types.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::project;

/// How definitions are written.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only check that the files are as they would be written; fail on a difference.
    #[arg(long)]
    check: bool,
}

/// Writes, or checks, one file for each kind.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = project::root().join("crds");
    let mut differ = Vec::new();
    for (name, definition) in filbert_plan::definition::all().into_iter().chain(hazelcast_api::definition::all()) {
        let yaml = serde_saphyr::to_string(&definition).context("failed to write a definition as YAML")?;
        let text = format!("# Made by `cargo xtask crds`.\n{yaml}");
        let file = folder.join(&name);
        if fs::read_to_string(&file).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if options.check {
            differ.push(name);
        } else {
            fs::create_dir_all(&folder)?;
            fs::write(&file, text).with_context(|| format!("failed to write `{}`", file.display()))?;
        }
    }
    if !differ.is_empty() {
        bail!(
            "definitions differ from their types; run `cargo xtask crds` and review the difference: {}",
            differ.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
