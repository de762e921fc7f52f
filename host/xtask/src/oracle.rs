//! The configuration documents that our samples render to, read by Hazelcast's own parser and schema.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use serde_json::Value;

use crate::{guests, project};

/// Versions of Hazelcast whose word is asked.
const VERSIONS: [&str; 3] = ["5.4.0", "5.5.0", "5.7.0"];
/// Where the document is in what is rendered.
const DOCUMENT: &str = "hazelcast.yaml";

/// Renders all samples and has their documents judged; says so and succeeds where there is no Java.
pub(crate) fn run() -> Result<ExitCode> {
    if let Some(missing) = ["java", "mvn"].into_iter().find(|program| !is_on_path(program)) {
        eprintln!("skipped: no `{missing}` on the path, so no Hazelcast reads our configuration documents");
        return Ok(ExitCode::SUCCESS);
    }
    guests::run(&guests::Options::default())?;
    project::succeed(project::cargo().args(["build", "--workspace", "--bin", "filbert"]))?;
    let folder = project::target().join("oracle");
    let documents = documents(&folder.join("documents"))?;
    ensure!(!documents.is_empty(), "no sample renders to a configuration document");
    let mut refused = 0;
    for version in VERSIONS {
        let jar = jar(&folder, version)?;
        let mut oracle = Command::new("java");
        // It lives for a second: what costs time at the start is left out.
        oracle.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]).arg(&jar);
        oracle.arg(project::root().join("tests/oracle/ConfigOracle.java")).args(&documents);
        let status = oracle.status().context("failed to start `java`")?;
        match status.code() {
            Some(0) => eprintln!("Hazelcast {version} accepts {} documents", documents.len()),
            Some(1) => refused += 1,
            _ => bail!("the oracle of Hazelcast {version} failed: {status}"),
        }
    }
    ensure!(refused == 0, "{refused} of {} versions refuse documents", VERSIONS.len());
    Ok(ExitCode::SUCCESS)
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The member's library, from Maven Central; kept.
fn jar(folder: &Path, version: &str) -> Result<PathBuf> {
    let jar = folder.join(format!("hazelcast-{version}.jar"));
    if !jar.is_file() {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"]);
        maven.arg(format!("-Dartifact=com.hazelcast:hazelcast:{version}"));
        maven.arg(format!("-DoutputDirectory={}", folder.display()));
        project::succeed(&mut maven)?;
    }
    Ok(jar)
}

/// Renders every sample; answers the files with the documents.
fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    let samples = project::root().join("crds/samples");
    let listed = fs::read_dir(&samples).with_context(|| format!("failed to list `{}`", samples.display()))?;
    let mut samples = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    samples.sort();
    let mut documents = Vec::new();
    for sample in samples.iter().filter(|sample| sample.extension().is_some_and(|it| it == "yaml")) {
        let mut render = Command::new(project::target().join("debug/filbert"));
        render.arg("render").arg("--modules").arg(project::modules());
        render.arg("--cache").arg(project::target().join("code")).arg("-f").arg(sample);
        let rendered = render.output().context("failed to start `filbert render`")?;
        ensure!(
            rendered.status.success(),
            "`{}` cannot be rendered: {}",
            sample.display(),
            String::from_utf8_lossy(&rendered.stderr)
        );
        let objects: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(rendered.stdout)?)?;
        for (number, text) in objects.iter().filter_map(|object| document(object).transpose()).enumerate() {
            let name = sample.file_stem().unwrap_or_default().to_string_lossy();
            let file = folder.join(format!("{name}-{number}.yaml"));
            fs::write(&file, text?).with_context(|| format!("failed to write `{}`", file.display()))?;
            documents.push(file);
        }
    }
    Ok(documents)
}

/// The configuration document in an object, where there is one.
fn document(object: &Value) -> Result<Option<Vec<u8>>> {
    let text = |part: &str| object.get(part).and_then(|it| it.get(DOCUMENT)).and_then(Value::as_str);
    let is_secret = object.get("kind").is_some_and(|kind| kind == "Secret");
    if let (true, Some(encoded)) = (is_secret, text("data")) {
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
        return decoded.context("the document of a Secret is no base64").map(Some);
    }
    Ok(text("stringData").or_else(|| text("data")).map(|text| text.as_bytes().to_vec()))
}
