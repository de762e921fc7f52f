//! What our samples render to.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use serde_json::Value;

use crate::{guests, project};

/// One of `crds/samples`, rendered.
pub(crate) struct Sample {
    /// Of its file, without the ending.
    pub(crate) name: String,
    /// What the operator would apply.
    pub(crate) objects: Vec<Value>,
}

/// A configuration document, of members or of clients.
pub(crate) struct Document {
    /// Of the file in its Secret.
    pub(crate) file: String,
    /// As it is there.
    pub(crate) text: String,
}

/// Builds what renders.
pub(crate) fn build() -> Result<()> {
    guests::run(&guests::Options::default())?;
    project::succeed(project::cargo().args(["build", "--workspace", "--bin", "filbert"]))
}

/// Renders every sample, with what was built.
pub(crate) fn render() -> Result<Vec<Sample>> {
    let folder = project::root().join("crds/samples");
    let listed = fs::read_dir(&folder).with_context(|| format!("failed to list `{}`", folder.display()))?;
    let mut files = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|it| it == "yaml"));
    files.sort();
    files.iter().map(|file| rendered(file)).collect()
}

fn rendered(file: &Path) -> Result<Sample> {
    let mut render = Command::new(project::target().join("debug/filbert"));
    render.arg("render").arg("--modules").arg(project::modules());
    render.arg("--cache").arg(project::target().join("code")).arg("-f").arg(file);
    let rendered = render.output().context("failed to start `filbert render`")?;
    ensure!(
        rendered.status.success(),
        "`{}` cannot be rendered: {}",
        file.display(),
        String::from_utf8_lossy(&rendered.stderr)
    );
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Sample { name, objects: serde_saphyr::from_multiple(&String::from_utf8(rendered.stdout)?)? })
}

impl Sample {
    /// Every configuration document in its Secrets.
    pub(crate) fn documents(&self) -> Result<Vec<Document>> {
        let secrets = self.objects.iter().filter(|object| object.get("kind").is_some_and(|kind| kind == "Secret"));
        let files = secrets.filter_map(|secret| secret.get("data")?.as_object()).flatten();
        files
            .filter(|(file, _)| Path::new(file).extension().is_some_and(|it| it == "yaml"))
            .map(|(file, encoded)| {
                let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.as_str().unwrap_or_default());
                let text = String::from_utf8(decoded.context("what a Secret holds is no base64")?)?;
                Ok(Document { file: file.clone(), text })
            })
            .collect()
    }
}
