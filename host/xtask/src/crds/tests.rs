use std::env;
use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// Where the definitions to compare with are; nothing where they are absent.
fn conformance() -> Option<PathBuf> {
    let root = project::root();
    let folder =
        env::var_os("FILBERT_CONFORMANCE").map_or_else(|| PathBuf::from("../shared/conformance"), PathBuf::from);
    let crds = root.join(folder).join("crds");
    crds.is_dir().then_some(crds)
}

/// Differences from the definitions that people have, other than texts.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let path = format!("{path}/{key}");
                match (ours.get(key), theirs.get(key)) {
                    // A field may be called `description` too; then its value is an object.
                    (Some(Value::String(_)) | None, Some(Value::String(_)) | None) if key == "description" => {}
                    (Some(ours), Some(theirs)) => differences(ours, theirs, &path, found),
                    (Some(_), None) => found.push(format!("only ours: {path}")),
                    (None, _) => found.push(format!("only theirs: {path}")),
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if path.ends_with("/required") => {
            let sorted = |list: &[Value]| {
                let mut list: Vec<_> = list.iter().map(Value::to_string).collect();
                list.sort();
                list
            };
            if sorted(ours) != sorted(theirs) {
                found.push(format!("differs: {path}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs))
            if ours.len() == theirs.len() && ours.iter().all(Value::is_object) =>
        {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(ours, theirs, &format!("{path}/{index}"), found);
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.push(format!("differs: {path}: {ours} instead of {theirs}")),
    }
}

/// Every field, type, default and enumeration is as people have it, but for these.
#[test]
fn definitions_differ_from_those_that_people_have_only_where_meant() {
    let Some(crds) = conformance() else {
        eprintln!("skipped: no definitions to compare with; set FILBERT_CONFORMANCE");
        return;
    };
    let mut found = Vec::new();
    for (name, ours) in hazelcast_api::definition::all() {
        let text = std::fs::read_to_string(crds.join(&name)).expect("a definition");
        let theirs: Value = serde_saphyr::from_str(&text).expect("YAML");
        let (ours, theirs) = (&ours["spec"], &theirs["spec"]);
        differences(ours, theirs, ours["names"]["plural"].as_str().expect("a plural"), &mut found);
    }
    let schema = "versions/0/schema/openAPIV3Schema/properties";
    let meant = [
        // `kubectl get hazelcast-resources`, as newer operators have it.
        "only ours: hazelcasts/names/categories".to_owned(),
        // Members run without the agent unless people ask for it.
        format!("only theirs: hazelcasts/{schema}/spec/properties/agent/default"),
        // The text is ours.
        format!(
            "differs: hazelcasts/{schema}/spec/properties/env/x-kubernetes-validations/0/message: \
             \"variables must not begin with 'HZ_'; use customConfigCmName to configure members\" instead of \
             \"Environment variables cannot start with 'HZ_'. Use customConfigCmName to configure Hazelcast.\""
        ),
        // These two follow from the edition, which a schema cannot express.
        format!("only theirs: hazelcasts/{schema}/spec/properties/repository/default"),
        format!("only theirs: hazelcasts/{schema}/spec/properties/version/default"),
        // Open source members need no licence.
        format!("only theirs: hazelcasts/{schema}/spec/required"),
        format!("only ours: hazelcasts/{schema}/status/properties/conditions"),
        format!("only ours: hazelcasts/{schema}/status/properties/observedGeneration"),
        "only ours: managementcenters/names/categories".to_owned(),
        format!("differs: managementcenters/{schema}/spec/properties/version/default: \"5.11.1\" instead of \"5.4.1\""),
        format!("only theirs: managementcenters/{schema}/spec/required"),
        format!("only ours: managementcenters/{schema}/status/properties/conditions"),
        format!("only ours: managementcenters/{schema}/status/properties/observedGeneration"),
    ];
    assert_eq!(found.join("\n"), meant.join("\n"));
}
