use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Map, Value};

use super::*;

/// Where the definitions to compare with are; nothing where they are absent.
fn conformance() -> Option<PathBuf> {
    let root = project::root();
    let folder =
        env::var_os("FILBERT_CONFORMANCE").map_or_else(|| PathBuf::from("../shared/conformance"), PathBuf::from);
    let crds = root.join(folder).join("crds");
    crds.is_dir().then_some(crds)
}

/// What a comparison found.
#[derive(Default)]
struct Found {
    /// What they have, and we have not, or otherwise.
    missing: Vec<String>,
    /// What we have on top.
    added: Vec<String>,
}

/// A path as people write it: `.spec.jet`, with `[]` for items and `{}` for values of a map.
fn shown(path: &str) -> String {
    let path = path.replace("/versions/0/schema/openAPIV3Schema", "");
    let path = path.replace("/properties/", ".").replace("/items", "[]").replace("/additionalProperties", "{}");
    path.replacen('.', " .", 1)
}

/// One line for each field of a schema that they do not have.
fn list(path: &str, schema: &Value, added: &mut Vec<String>) {
    let fields = schema.as_object().expect("a schema");
    let mut line = shown(path);
    let of = |key: &str| fields.get(key);
    let kind = of("type").and_then(Value::as_str).unwrap_or("quantity");
    write!(line, " {kind}").expect("memory");
    for (key, value) in fields {
        let is_said = ["type", "description", "properties", "items", "additionalProperties", "anyOf", "pattern"];
        if key == "x-kubernetes-validations" {
            for rule in value.as_array().expect("rules") {
                write!(line, " rule({})", rule["rule"].as_str().expect("a text")).expect("memory");
            }
        } else if !is_said.contains(&key.as_str()) && !key.starts_with("x-kubernetes") {
            write!(line, " {key}={value}").expect("memory");
        } else if key == "pattern" && kind == "string" {
            write!(line, " pattern={value}").expect("memory");
        }
    }
    // What Kubernetes itself says is not ours to review.
    let kubernetes = ["affinity", "resources", "tolerations", "topologySpreadConstraints", "valueFrom"];
    if kubernetes.iter().any(|name| path.ends_with(&format!("/properties/{name}"))) {
        line.push_str(" as in Kubernetes");
        added.push(line);
        return;
    }
    added.push(line);
    for (name, field) in of("properties").and_then(Value::as_object).into_iter().flatten() {
        list(&format!("{path}/properties/{name}"), field, added);
    }
    for key in ["items", "additionalProperties"] {
        let inner = of(key).filter(|inner| inner.get("type").is_some_and(|kind| kind != "string"));
        if let Some(inner) = inner {
            list(&format!("{path}/{key}"), inner, added);
        }
    }
}

fn compare_objects(ours: &Map<String, Value>, theirs: &Map<String, Value>, path: &str, found: &mut Found) {
    let is_fields = path.ends_with("/properties") && !path.ends_with("/properties/properties");
    for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let path = format!("{path}/{key}");
        match (ours.get(key), theirs.get(key)) {
            // A field may be called `description` too; then its value is an object.
            (Some(Value::String(_)) | None, Some(Value::String(_)) | None) if key == "description" => {}
            (Some(ours), Some(theirs)) => compare(ours, theirs, &path, found),
            (Some(ours), None) if is_fields => list(&path, ours, &mut found.added),
            (Some(ours), None) => found.added.push(format!("{}={ours}", shown(&path))),
            (None, _) => found.missing.push(format!("lacks {}", shown(&path))),
        }
    }
}

fn compare(ours: &Value, theirs: &Value, path: &str, found: &mut Found) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => compare_objects(ours, theirs, path, found),
        // The order of what is required says nothing; that of values is the order in which people read them.
        (Value::Array(ours), Value::Array(theirs)) if path.ends_with("/required") => {
            let sorted = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
            if sorted(ours) != sorted(theirs) {
                found.missing.push(format!("differs {}", shown(path)));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if path.ends_with("/enum") && ours.starts_with(theirs) => {
            let more = ours.get(theirs.len()..).unwrap_or_default();
            if !more.is_empty() {
                found.added.push(format!("{}+{}", shown(path), Value::from(more)));
            }
        }
        (Value::Array(ours), Value::Array(theirs))
            if ours.len() == theirs.len() && ours.iter().all(Value::is_object) =>
        {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(ours, theirs, &format!("{path}/{index}"), found);
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.missing.push(format!("differs {}: {ours} instead of {theirs}", shown(path))),
    }
}

/// Where we do not have what they have, and why.
const MEANT: &[(&str, &str)] = &[
    ("lacks hazelcasts .spec.agent/default", "members run without the agent unless people ask for it"),
    (
        "differs hazelcasts .spec.env/x-kubernetes-validations/0/message: \
         \"variables must not begin with 'HZ_'; use customConfigCmName to configure members\" instead of \
         \"Environment variables cannot start with 'HZ_'. Use customConfigCmName to configure Hazelcast.\"",
        "the text is ours",
    ),
    (
        "differs hazelcasts .spec.persistence.clusterDataRecoveryPolicy/default: \
         \"PartialRecoveryMostComplete\" instead of \"FullRecoveryOnly\"",
        "as in newer operators; what is stored has the earlier default in so many words",
    ),
    ("lacks hazelcasts .spec.repository/default", "follows from the edition, which a schema cannot express"),
    ("lacks hazelcasts .spec.version/default", "follows from the edition too"),
    ("lacks hazelcasts .spec/required", "open source members need no licence"),
    ("differs managementcenters .spec.version/default: \"5.11.1\" instead of \"5.4.1\"", "the newest one"),
    ("lacks managementcenters .spec/required", "it works without a licence"),
];

/// Every field, type, default, enumeration, required field and column that people have is there, but for those above. What
/// is there on top stands in `additions.txt`, to be reviewed.
#[test]
fn definitions_have_all_that_people_have_and_what_the_list_of_additions_says() {
    let Some(crds) = conformance() else {
        eprintln!("skipped: no definitions to compare with; set FILBERT_CONFORMANCE");
        return;
    };
    let mut found = Found::default();
    for (name, ours) in hazelcast_api::definition::all() {
        let text = fs::read_to_string(crds.join(&name)).expect("a definition");
        let theirs: Value = serde_saphyr::from_str(&text).expect("YAML");
        let (ours, theirs) = (&ours["spec"], &theirs["spec"]);
        compare(ours, theirs, ours["names"]["plural"].as_str().expect("a plural"), &mut found);
    }
    let meant: Vec<_> = MEANT.iter().map(|(what, _)| *what).collect();
    assert_eq!(found.missing.join("\n"), meant.join("\n"));
    let file = project::root().join("host/xtask/src/crds/additions.txt");
    let added = format!("# What our definitions have on top; written anew with BLESS=1.\n{}\n", found.added.join("\n"));
    if env::var_os("BLESS").is_some() {
        fs::write(&file, &added).expect("the list can be written");
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), added);
}
