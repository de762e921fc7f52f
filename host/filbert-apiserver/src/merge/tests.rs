//! Facts about merging, and the recorded exchanges of a real API server.

mod applying;
mod recorded;
mod strategic;
mod updating;

use super::{Applied, ApplyError, MergeSchema, Writer};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:00:00Z";

fn writer<'a>(manager: &'a str, api_version: &'a str) -> Writer<'a> {
    Writer { manager, api_version, subresource: "", now: NOW }
}

fn config_map(data: Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "poem"}});
    object["data"] = data;
    object
}

fn config_maps() -> MergeSchema {
    MergeSchema::builtin("", "v1", "ConfigMap").expect("config maps are known")
}

fn apply_as(manager: &str, live: Option<&Value>, applied: &Value, force: bool) -> Result<Applied, ApplyError> {
    super::apply(live, applied, &writer(manager, "v1"), force, &config_maps())
}

/// Who owns what, one line each: `Apply/manager/subresource: paths`.
fn owners(object: &Value) -> Vec<String> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let set = super::FieldSet::decode(&entry["fieldsV1"]).expect("the fields can be read");
        format!("{}/{}: {}", text("operation"), text("manager"), set.paths().join(" "))
    };
    entries.iter().map(line).collect()
}
