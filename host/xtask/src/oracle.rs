//! Our configuration documents, read by Hazelcast's own parsers and schemas.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::java::{self, VERSIONS};
use crate::{project, samples};

/// Tests that tell stories, which leave every document that came up in them.
const STORIES: [&str; 5] = ["drift::", "life::", "lifecycle::", "references::", "trouble::"];
/// A reader of YAML 1.1, and one of YAML 1.2: group, name, version.
const READERS: [(&str, &str, &str); 2] =
    [("org.yaml", "snakeyaml", "2.4"), ("org.snakeyaml", "snakeyaml-engine", "2.9")];
/// What a golden story shows that has documents.
const SHOWS_DOCUMENT: &str = "hazelcast.yaml";

/// Has the documents of all samples and all stories judged; says so and succeeds where there is no Java.
pub(crate) fn run() -> Result<ExitCode> {
    if let Some(missing) = java::missing() {
        eprintln!("skipped: no `{missing}` on the path, so no Hazelcast reads our configuration documents");
        return Ok(ExitCode::SUCCESS);
    }
    samples::build()?;
    let mut documents = of_samples(&java::folder().join("documents"))?;
    ensure!(!documents.is_empty(), "no sample renders to a configuration document");
    documents.extend(of_stories()?);
    let mut refused = 0;
    for version in VERSIONS {
        let mut oracle = java::command(&[&java::member(version)?])?;
        oracle.arg(project::root().join("tests/oracle/ConfigOracle.java")).args(&documents);
        let status = oracle.status().context("failed to start `java`")?;
        match status.code() {
            Some(0) => eprintln!("Hazelcast {version} accepts {} documents", documents.len()),
            Some(1) => refused += 1,
            _ => bail!("the oracle of Hazelcast {version} failed: {status}"),
        }
    }
    ensure!(refused == 0, "{refused} of {} versions refuse documents", VERSIONS.len());
    read_by_others()?;
    Ok(ExitCode::SUCCESS)
}

/// Has readers of YAML 1.1 and 1.2 that are not ours say what documents with odd texts mean.
fn read_by_others() -> Result<()> {
    let folder = java::folder().join("odd");
    empty(&folder)?;
    let mut write = project::cargo();
    write.args(["test", "--workspace", "--quiet", "--test", "documents"]).env("FILBERT_DOCUMENTS", &folder);
    project::succeed(&mut write)?;
    let mut documents = listed(&folder)?;
    documents.retain(|file| file.extension().is_some_and(|it| it == "yaml"));
    ensure!(!documents.is_empty(), "no document with odd texts was left");
    let [old, new] = READERS.map(|(group, name, version)| java::jar(group, name, version));
    let mut oracle = java::command(&[&old?, &new?])?;
    oracle.arg(project::root().join("tests/oracle/YamlOracle.java")).args(&documents);
    let status = oracle.status().context("failed to start `java`")?;
    ensure!(status.success(), "readers of YAML differ about what documents mean: {status}");
    eprintln!("readers of YAML 1.1 and 1.2 agree about {} documents with odd texts", documents.len());
    Ok(())
}

/// Renders every sample; answers the files with the documents.
fn of_samples(folder: &Path) -> Result<Vec<PathBuf>> {
    empty(folder)?;
    let mut files = Vec::new();
    for sample in samples::render()? {
        for document in sample.documents()? {
            let file = folder.join(format!("{}-{}", sample.name, document.file));
            fs::write(&file, document.text).with_context(|| format!("failed to write `{}`", file.display()))?;
            files.push(file);
        }
    }
    Ok(files)
}

/// Has the stories told again; answers the files with the documents that came up, at least one for each story that shows
/// one.
fn of_stories() -> Result<Vec<PathBuf>> {
    let folder = project::target().join("stories/documents");
    empty(&folder)?;
    let mut tell = project::cargo();
    tell.args(["test", "--workspace", "--quiet", "--test", "stories", "--"]).args(STORIES);
    project::succeed(&mut tell)?;
    let mut files = Vec::new();
    for golden in listed(&project::root().join("tests/stories/golden"))? {
        let told = fs::read_to_string(&golden).with_context(|| format!("failed to read `{}`", golden.display()))?;
        let name = golden.file_stem().unwrap_or_default();
        let of_story = folder.join(name);
        let documents = if of_story.is_dir() { listed(&of_story)? } else { Vec::new() };
        ensure!(
            !told.contains(SHOWS_DOCUMENT) || !documents.is_empty(),
            "the story `{}` shows a configuration document and left none",
            name.to_string_lossy()
        );
        files.extend(documents);
    }
    Ok(files)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list `{}`", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
