//! Writes what the chart and the plain manifests take from elsewhere: the rules of the operator's roles from the grants of our
//! modules, the definitions from `crds/`, and the manifests from the chart.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use filbert_plan::pipeline::{ModuleSpec, PipelineSpec};
use filbert_plan::rights::{self, Operator, Rule, Scope, Served};
use serde_json::{Value, json};

use crate::{go, project};

/// How they are written.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only check that the files are as they would be written; fail on a difference.
    #[arg(long)]
    check: bool,
}

/// Where the operator is in the plain manifests.
const NAMESPACE: &str = "filbert-system";

/// What stands for a namespace in rules, where the chart puts one.
const WATCHED: &str = "watched";
/// What stands for the operator's name in rules, where the chart puts that of the release.
const OPERATOR: Operator<'_> = Operator { name: "{name}", namespace: "home" };

/// Writes, or checks, all files.
pub(crate) fn run(options: &Options) -> Result<()> {
    let chart = project::root().join("host/deploy/chart");
    let mut files = BTreeMap::from([(chart.join("files/rules.yaml"), rules()?)]);
    for (path, text) in definitions()? {
        files.insert(chart.join("files/crds").join(path), text);
    }
    let mut differ = settle(&files, options.check)?;
    // The chart is whole now, so that it can be rendered.
    if go::find().is_some() {
        let manifests = BTreeMap::from([(project::root().join("host/deploy/filbert.yaml"), manifests(&chart)?)]);
        differ.extend(settle(&manifests, options.check)?);
    } else {
        eprintln!("skipped: no `go` on the path, so there is no helm to make host/deploy/filbert.yaml with");
    }
    ensure!(differ.is_empty(), "run `cargo xtask deploy` and review the difference: {}", differ.join(", "));
    Ok(())
}

/// Writes what differs, or answers with the names of it.
fn settle(files: &BTreeMap<PathBuf, String>, check: bool) -> Result<Vec<String>> {
    let mut differ = Vec::new();
    for (path, text) in files {
        if fs::read_to_string(path).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if check {
            differ.push(path.strip_prefix(project::root()).unwrap_or(path).display().to_string());
        } else {
            fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            fs::write(path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
        }
    }
    Ok(differ)
}

/// The definitions, under the names of their files.
fn definitions() -> Result<Vec<(String, String)>> {
    let folder = project::root().join("crds");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("failed to read `{}`", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml")
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            found.push((name.to_owned(), fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// The folders of the guests that are shipped, by what their names begin with; `hello` is an example.
const SHIPPED: &str = "hazelcast-";

/// The documents that say what modules may do and which pipelines there are.
pub(crate) fn shipped() -> Result<Vec<PathBuf>> {
    let guests = project::root().join("guests");
    let mut files = Vec::new();
    for entry in fs::read_dir(&guests).with_context(|| format!("failed to read `{}`", guests.display()))? {
        let folder = entry?.path();
        let is_shipped =
            folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(SHIPPED));
        if !is_shipped || !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The rules for all namespaces, and for one that is watched.
fn rules() -> Result<String> {
    let mut modules: BTreeMap<String, ModuleSpec> = BTreeMap::new();
    let mut pipelines: Vec<PipelineSpec> = Vec::new();
    for path in shipped()? {
        let text = fs::read_to_string(&path)?;
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).with_context(|| format!("`{}` is no YAML", path.display()))?;
        for document in documents {
            let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let spec = document.get("spec").cloned().unwrap_or_default();
            let said = || format!("`{name}` in `{}`", path.display());
            match document.get("kind").and_then(Value::as_str) {
                Some("Module") => drop(modules.insert(name.clone(), serde_json::from_value(spec).with_context(said)?)),
                Some("Pipeline") => pipelines.push(serde_json::from_value(spec).with_context(said)?),
                other => bail!("{} is a {}", said(), other.unwrap_or("document without kind")),
            }
        }
    }
    let served = |pipeline: &'_ PipelineSpec| -> Vec<String> {
        let reviewers = pipeline.defaulting.iter().chain(&pipeline.validation).map(|reviewer| reviewer.module.clone());
        reviewers.chain(pipeline.steps.iter().map(|step| step.module.clone())).collect()
    };
    let of = |scope: &Scope| {
        let pipelines = pipelines.iter().map(|pipeline| Served {
            resource: &pipeline.resource,
            has_steps: !pipeline.steps.is_empty(),
            grants: served(pipeline).iter().filter_map(|name| modules.get(name)).map(|module| &module.grants).collect(),
        });
        rights::needed(pipelines, scope, OPERATOR)
    };
    let everywhere = of(&Scope::Everywhere);
    let mut watched = of(&Scope::Namespace(WATCHED.to_owned()));
    let home = |rules: &BTreeMap<String, Vec<Rule>>| rules.get(OPERATOR.namespace).cloned().unwrap_or_default();
    let value = json!({
        "everywhere": {"cluster": everywhere.cluster, "home": home(&everywhere.namespaces)},
        "watched": {
            "cluster": watched.cluster,
            "home": home(&watched.namespaces),
            "namespace": watched.namespaces.remove(WATCHED).unwrap_or_default(),
            "default": watched.namespaces.remove("default").unwrap_or_default(),
        },
    });
    let yaml = serde_saphyr::to_string(&value).context("failed to write rules as YAML")?;
    Ok(format!("# Made by `cargo xtask deploy` from the grants of our modules.\n{yaml}"))
}

/// The chart with its defaults, without definitions: those are in `crds/`.
fn manifests(chart: &Path) -> Result<String> {
    if !go::programs().join("helm").is_file() {
        go::build(&go::BED)?;
    }
    let mut helm = Command::new(go::programs().join("helm"));
    helm.args(["template", "filbert"]).arg(chart).args(["--namespace", NAMESPACE, "--set", "crds.install=false"]);
    let output = helm.output().context("failed to start `helm`")?;
    ensure!(output.status.success(), "`helm template` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let documents: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(output.stdout)?)?;
    let mut text = "# Made by `cargo xtask deploy` from the chart beside it. Apply `crds/` first:\n\
                    # kubectl apply --server-side -f crds -f host/deploy/filbert.yaml\n"
        .to_owned();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    for mut document in std::iter::once(namespace).chain(documents.into_iter().filter(|document| !document.is_null())) {
        // Nobody manages these with helm.
        for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
            if let Some(labels) = document.pointer_mut(labels).and_then(Value::as_object_mut) {
                labels.remove("app.kubernetes.io/managed-by");
            }
        }
        text.push_str("---\n");
        text.push_str(serde_saphyr::to_string(&document)?.trim_end());
        text.push('\n');
    }
    Ok(text)
}
