//! Samples that people have, and our own: those of kinds that are served settle, all others are refused in clear words.
//!
//! Samples of other people are read where they lie (`FILBERT_CONFORMANCE`, by default `../shared/conformance` beside the
//! workspace); without them the tests say that they were skipped.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Place, modules};

/// Kinds that have a definition and a pipeline.
const SERVED: [&str; 3] = ["Greeting", "Hazelcast", "ManagementCenter"];
/// What a sample may bring along for its resources to refer to.
const BROUGHT: [&str; 2] = ["ConfigMap", "Secret"];
/// Made by its authors to be refused.
const INVALID: &str = "_v1alpha1_hazelcast_invalid.yaml";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two levels below the root").to_owned()
}

fn samples(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are samples in {}", folder.display());
    files
}

/// Samples of other people; none where they are absent.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn known_samples() -> Vec<PathBuf> {
    let folder =
        std::env::var_os("FILBERT_CONFORMANCE").map_or_else(|| root().join("../shared/conformance"), PathBuf::from);
    let folder = folder.join("samples");
    if folder.is_dir() {
        return samples(&folder);
    }
    eprintln!("skipped: no samples in {}; set FILBERT_CONFORMANCE", folder.display());
    Vec::new()
}

/// Kind and name of each document.
fn documents(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("the file is YAML");
    let text = |value: &Value| value.as_str().expect("a sample is an object").to_owned();
    documents.iter().map(|object| (text(&object["kind"]), text(&object["metadata"]["name"]))).collect()
}

fn is_served(kind: &str) -> bool {
    SERVED.contains(&kind)
}

fn file_name(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).expect("file names are text")
}

/// Exit code, standard output, standard error of the operator that is given a file and its own defaults.
fn settle(file: &Path) -> (Option<i32>, String, String) {
    let place = Place::new();
    let (modules, file) = (modules(), file.display().to_string());
    let modules = modules.display().to_string();
    let arguments = ["dev", "--once", "--modules", &modules, "-f", &file, "--write-kubeconfig", "kubeconfig"];
    let output = place.run(&arguments);
    (output.status.code(), place.neutral(&output.stdout), place.neutral(&output.stderr))
}

/// Our own.
pub(crate) fn own() -> Vec<PathBuf> {
    samples(&root().join("crds/samples"))
}

#[test]
fn every_sample_of_a_served_kind_settles_with_nothing_but_its_defaults() {
    let own = own();
    let mut unsettled = Vec::new();
    for file in own.iter().chain(&known_samples()).filter(|file| file_name(file) != INVALID) {
        let mut documents = documents(file);
        documents.retain(|(kind, _)| !BROUGHT.contains(&&**kind));
        if !documents.iter().all(|(kind, _)| is_served(kind)) {
            continue;
        }
        let (code, out, told) = settle(file);
        let settled = |(kind, name): &(String, String)| {
            let key = format!("{kind} default/{name}");
            out.lines().any(|line| line.starts_with(&key) && line.contains("settled"))
        };
        if code != Some(0) || !documents.iter().all(settled) {
            unsettled.push(format!("{}: {code:?}\n{out}{told}", file.display()));
        }
    }
    assert!(unsettled.is_empty(), "{}", unsettled.join("\n"));
}

#[test]
fn samples_of_other_kinds_are_refused_by_kind_file_and_what_to_do() {
    for file in known_samples() {
        let documents = documents(&file);
        let Some(place) = documents.iter().position(|(kind, _)| !is_served(kind)) else { continue };
        let (kind, name) = &documents[place];
        let (code, _, told) = settle(&file);
        let place = format!("`{name}` ({}, document {})", file.display(), place + 1);
        let cause = format!("the API server knows no kind `{kind}` of `hazelcast.com/v1alpha1`");
        assert_eq!(code, Some(1), "{}: {told}", file.display());
        for words in [&place, &cause, "\nhint: "] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}

#[test]
fn the_sample_that_is_wrong_is_refused_for_each_of_its_mistakes() {
    let Some(file) = known_samples().into_iter().find(|file| file_name(file) == INVALID) else { return };
    let (code, out, told) = settle(&file);
    assert_eq!(code, Some(1), "{out}{told}");
    for path in [
        "spec.clusterSize",
        "spec.exposeExternally.memberAccess",
        "spec.persistence.pvc",
        "spec.persistence.startupAction",
        "spec.advancedNetwork.wan",
    ] {
        assert!(out.contains(&format!("{path}: ")), "{path}: {out}{told}");
    }
}
