//! Feeds the recorded exchanges of a real API server to the functions of this module: the object before, the request,
//! and what the object and its owners are afterwards.
//!
//! What other parts of a server do (defaults, validation, metadata) is taken from the recorded answer.

use super::*;
use crate::merge::{ScaleOwners, apply, scale_owners, strategic_merge, track_update, with_scale_owners};
use std::{collections::BTreeMap, path::PathBuf};

/// One line of a recording.
struct Exchange {
    case: String,
    step: String,
    method: String,
    path: String,
    query: String,
    media_type: String,
    body: Value,
    status: u64,
    answer: Value,
    /// Whether the whole answer counts.
    full: bool,
}

#[expect(clippy::disallowed_methods, reason = "the recordings can lie elsewhere")]
fn folder() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let own = root.join("tests/api-server/cases");
    let shared =
        std::env::var("FILBERT_CONFORMANCE").map_or_else(|_| root.join("../shared/conformance"), PathBuf::from);
    [own, shared.join("api-server/cases")].into_iter().find(|folder| folder.join("apply.jsonl").is_file())
}

fn exchanges(topic: &str) -> Option<Vec<Exchange>> {
    let Some(folder) = folder() else {
        eprintln!("skipped: there are no recorded exchanges here (set FILBERT_CONFORMANCE)");
        return None;
    };
    let text = std::fs::read_to_string(folder.join(format!("{topic}.jsonl"))).expect("the recording can be read");
    Some(text.lines().map(|line| exchange(&serde_json::from_str(line).expect("a line is JSON"))).collect())
}

fn exchange(line: &Value) -> Exchange {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let request = &line["request"];
    let (path, query) = request["path"]
        .as_str()
        .unwrap_or_default()
        .split_once('?')
        .map_or_else(|| (text(&request["path"]), String::new()), |(path, query)| (path.to_owned(), query.to_owned()));
    let body = match request.get("body") {
        Some(body) => body.clone(),
        // Not every reader of YAML takes what the server takes, such as a key that is there twice: those are left out.
        None => serde_saphyr::from_str(request["raw"].as_str().unwrap_or("null")).unwrap_or(Value::Null),
    };
    Exchange {
        case: text(&line["case"]),
        step: text(&line["step"]),
        method: text(&request["method"]),
        path,
        query,
        media_type: text(&request["headers"]["content-type"]),
        body,
        status: line["response"]["status"].as_u64().unwrap_or_default(),
        answer: line["response"]["body"].clone(),
        full: line.get("compare").is_none_or(|compare| compare == "full"),
    }
}

impl Exchange {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    fn is_apply(&self) -> bool {
        self.method == "PATCH" && self.media_type.starts_with("application/apply-patch")
    }

    /// The path of the object, and the subresource.
    fn object_path(&self) -> (&str, &str) {
        for subresource in ["status", "scale"] {
            if let Some(path) = self.path.strip_suffix(subresource).and_then(|path| path.strip_suffix('/')) {
                return (path, subresource);
            }
        }
        (&self.path, "")
    }
}

/// What an answer does not show, with the reason.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("crd-evolution", "create-as-v1", "a field is owned that the version of the store then drops"),
    ("pod-and-others", "job", "its selector and labels are generated"),
    ("pod-and-others", "create", "its volumes are added on admission"),
    ("pod-and-others", "unscheduled", "its volumes are added on admission"),
    ("pod-and-others", "unscheduled-2", "its volumes are added on admission"),
    ("service", "to-nodeport", "the port of the node is allocated"),
    ("service", "back-to-clusterip", "fields of the former type are dropped after their owners are known"),
    ("service", "to-externalname", "fields of the former type are dropped after their owners are known"),
    ("service", "clusterip-chosen", "the rest of the addresses is allocated"),
    ("pod-and-others", "serviceaccount-token", "its audiences are added, and it is no object"),
];

/// A replay of one topic.
#[derive(Default)]
struct Replay {
    objects: BTreeMap<String, Value>,
    custom: BTreeMap<(String, String), MergeSchema>,
    compared: usize,
    differences: Vec<String>,
}

/// What a recording says about the order of owners is lost with the times; they come sorted by name.
fn sorted_owners(object: &Value) -> Vec<Value> {
    let mut entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    entries.sort_by_key(|entry| {
        ["operation", "manager", "subresource", "apiVersion"]
            .map(|name| entry[name].as_str().unwrap_or_default().to_owned())
    });
    entries
}

/// Whether all that one value says is in the other, which may say more: defaults.
fn says_no_more(less: &Value, more: &Value) -> bool {
    match (less, more) {
        (Value::Object(less), Value::Object(more)) => less.iter().all(|(name, less)| {
            let computed =
                ["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"].contains(&name.as_str());
            // The server leaves out what is empty.
            let empty = less.as_array().is_some_and(Vec::is_empty);
            computed || empty || less.is_null() || more.get(name).is_some_and(|more| says_no_more(less, more))
        }),
        (Value::Array(less), Value::Array(more)) => {
            less.len() == more.len() && less.iter().zip(more).all(|(less, more)| says_no_more(less, more))
        }
        _ => less == more,
    }
}

impl Replay {
    fn of(topic: &str) -> Option<Replay> {
        let mut replay = Replay::default();
        for exchange in exchanges(topic)? {
            replay.learn_definition(&exchange);
            let before = replay.objects.get(exchange.object_path().0).filter(|_| exchange.method != "POST").cloned();
            replay.compare(&exchange, before.as_ref());
            replay.remember(&exchange);
        }
        Some(replay)
    }

    fn learn_definition(&mut self, exchange: &Exchange) {
        let definition = &exchange.answer;
        if definition["kind"] != "CustomResourceDefinition" {
            return;
        }
        let spec = &definition["spec"];
        let (group, kind) =
            (spec["group"].as_str().unwrap_or_default(), spec["names"]["kind"].as_str().unwrap_or_default());
        let versions: Vec<(String, MergeSchema)> = spec["versions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|version| {
                let schema = MergeSchema::from_crd_schema(&version["schema"]["openAPIV3Schema"]).with_kind(kind);
                let has_status = version["subresources"].get("status").is_some();
                let schema = if has_status { schema.with_status_subresource() } else { schema };
                (format!("{group}/{}", version["name"].as_str().unwrap_or_default()), schema)
            })
            .collect();
        for (name, schema) in &versions {
            let others = versions.iter().filter(|(other, _)| other != name);
            let schema = others.fold(schema.clone(), |schema, (other, of)| schema.with_version(other, of.clone()));
            self.custom.insert((name.clone(), kind.to_owned()), schema);
        }
    }

    fn schema(&self, object: &Value) -> Option<MergeSchema> {
        let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        MergeSchema::builtin(group, version, kind)
            .or_else(|| self.custom.get(&(api_version.to_owned(), kind.to_owned())).cloned())
    }

    fn remember(&mut self, exchange: &Exchange) {
        let succeeded = matches!(exchange.status, 200 | 201);
        let (path, subresource) = exchange.object_path();
        if exchange.method == "DELETE" && exchange.answer.pointer("/metadata/deletionTimestamp").is_none() {
            self.objects.remove(path);
        } else if succeeded && subresource != "scale" && !exchange.query.contains("dryRun") {
            let name = exchange.answer.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let path = if exchange.method == "POST" { format!("{path}/{name}") } else { path.to_owned() };
            if exchange.answer.get("metadata").is_some() {
                self.objects.insert(path, exchange.answer.clone());
            }
        }
    }

    fn differs(&mut self, exchange: &Exchange, what: &str, ours: &impl std::fmt::Debug, theirs: &impl std::fmt::Debug) {
        let (case, step) = (&exchange.case, &exchange.step);
        self.differences.push(format!("{case} / {step}: {what}\n    ours:   {ours:?}\n    theirs: {theirs:?}"));
    }

    fn compare(&mut self, exchange: &Exchange, before: Option<&Value>) {
        if !exchange.full {
            return;
        }
        let left_out = |(case, step, _): &&(&str, &str, &str)| *case == exchange.case && (*step == exchange.step);
        if LEFT_OUT.iter().any(|entry| left_out(&entry)) {
            return;
        }
        let (path, subresource) = exchange.object_path();
        let sample = before.unwrap_or(&exchange.answer);
        let Some(schema) = self.schema(if sample["kind"] == "Status" { &exchange.body } else { sample }) else {
            return;
        };
        let api_version = sample["apiVersion"].as_str().unwrap_or_default().to_owned();
        let manager = exchange.parameter("fieldManager").unwrap_or("recorder").to_owned();
        let writer = Writer { manager: &manager, api_version: &api_version, subresource, now: "<time>" };
        match (exchange.method.as_str(), subresource) {
            ("PATCH" | "PUT", "scale") => self.scale(exchange, before, &writer, path),
            ("PATCH", _) if exchange.is_apply() => self.apply(exchange, before, &writer, &schema),
            ("PATCH" | "PUT" | "POST", _) if matches!(exchange.status, 200 | 201) => {
                if exchange.media_type.starts_with("application/strategic") {
                    self.strategic(exchange, before, &schema);
                }
                self.update(exchange, before, &writer, &schema);
            }
            ("PATCH", _) if exchange.media_type.starts_with("application/strategic") => {
                self.strategic(exchange, before, &schema);
            }
            _ => {}
        }
    }

    fn apply(&mut self, exchange: &Exchange, before: Option<&Value>, writer: &Writer<'_>, schema: &MergeSchema) {
        if exchange.body.is_null() {
            return;
        }
        let force = exchange.parameter("force") == Some("true");
        // What is ours to find: conflicts, errors of the server itself, and wrong kinds.
        let message = exchange.answer["message"].as_str().unwrap_or_default();
        let ours_to_refuse = message.starts_with("Apply failed")
            || message.starts_with("failed to")
            || message.starts_with("invalid object type")
            || message.ends_with("field not declared in schema")
            || message.starts_with("metadata.managedFields");
        let succeeded = matches!(exchange.status, 200 | 201);
        if !succeeded && !ours_to_refuse {
            return;
        }
        self.compared += 1;
        match apply(before, &exchange.body, writer, force, schema) {
            Ok(applied) if succeeded => {
                if !says_no_more(&without_status(&applied.object, writer), &exchange.answer) {
                    self.differs(exchange, "object", &applied.object, &exchange.answer);
                }
                let (ours, theirs) = (sorted_owners(&applied.object), sorted_owners(&exchange.answer));
                if ours != theirs {
                    self.differs(exchange, "owners", &ours, &theirs);
                }
            }
            Ok(applied) => self.differs(exchange, "accepted", &applied.object, &message),
            Err(error) => {
                let ours = (u64::from(error.status()), error.to_string());
                if ours != (exchange.status, message.to_owned()) {
                    self.differs(exchange, "refused", &ours, &(exchange.status, message));
                }
                let ours: Vec<Value> = error.conflicts().iter().map(|conflict| {
                    json!({"reason": "FieldManagerConflict", "message": conflict.message(), "field": conflict.field})
                }).collect();
                let theirs =
                    exchange.answer.pointer("/details/causes").and_then(Value::as_array).cloned().unwrap_or_default();
                if ours != theirs {
                    self.differs(exchange, "causes", &ours, &theirs);
                }
            }
        }
    }

    fn update(&mut self, exchange: &Exchange, before: Option<&Value>, writer: &Writer<'_>, schema: &MergeSchema) {
        let mut new = exchange.answer.clone();
        for path in set_later(new["kind"].as_str().unwrap_or_default()) {
            if before.is_none() {
                remove(&mut new, path);
            }
        }
        // A write to the status comes with metadata, which is dropped only after its owners are known.
        if exchange.method == "PUT" && writer.subresource == "status" {
            for name in ["labels", "annotations"] {
                if let Some(given) = exchange.body.pointer(&format!("/metadata/{name}")) {
                    new["metadata"][name] = given.clone();
                }
            }
        }
        let Some(metadata) = new["metadata"].as_object_mut() else { return };
        metadata.remove("managedFields");
        let in_patch = exchange
            .body
            .as_array()
            .into_iter()
            .flatten()
            .find(|operation| operation["path"] == "/metadata/managedFields");
        let given =
            in_patch.map(|operation| &operation["value"]).or_else(|| exchange.body.pointer("/metadata/managedFields"));
        if let Some(given) = given.or_else(|| before?.pointer("/metadata/managedFields")) {
            metadata.insert("managedFields".to_owned(), given.clone());
        }
        self.compared += 1;
        track_update(before, &mut new, writer, schema);
        let (ours, theirs) = (sorted_owners(&new), sorted_owners(&exchange.answer));
        if without_times(&ours) != without_times(&theirs) {
            self.differs(exchange, "owners", &ours, &theirs);
        }
    }

    fn strategic(&mut self, exchange: &Exchange, before: Option<&Value>, schema: &MergeSchema) {
        let Some(before) = before else { return };
        match strategic_merge(before, &exchange.body, schema) {
            Ok(merged) if matches!(exchange.status, 200) => {
                self.compared += 1;
                if !says_no_more(&merged, &exchange.answer) {
                    self.differs(exchange, "object", &merged, &exchange.answer);
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.compared += 1;
                let message = exchange.answer["message"].as_str().unwrap_or_default();
                if (u64::from(error.status()), error.to_string().as_str()) != (exchange.status, message) {
                    self.differs(exchange, "refused", &error, &message);
                }
            }
        }
    }

    /// A write to the scale: who owns the replicas afterwards is seen in later answers.
    fn scale(&mut self, exchange: &Exchange, before: Option<&Value>, writer: &Writer<'_>, path: &str) {
        let (Some(before), 200) = (before, exchange.status) else { return };
        let field = if before["kind"] == "Widget" { "size" } else { "replicas" };
        let paths: ScaleOwners<'_> = [(writer.api_version.to_owned(), Some(vec!["spec", field]))].into();
        let scale = |replicas: &Value, entries: Vec<Value>| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "managedFields": entries}, "spec": {"replicas": replicas}});
        let replicas = &exchange.answer["spec"]["replicas"];
        let old = scale(&before["spec"][field], scale_owners(before, &paths));
        let schema = MergeSchema::builtin("autoscaling", "v1", "Scale").expect("scales are known");
        let of_scale = Writer { api_version: "autoscaling/v1", ..*writer };
        let new = if exchange.is_apply() {
            let force = exchange.parameter("force") == Some("true");
            apply(Some(&old), &exchange.body, &of_scale, force, &schema)
                .expect("the recorded apply went through")
                .object
        } else {
            let mut new = scale(replicas, scale_owners(before, &paths));
            track_update(Some(&old), &mut new, &of_scale, &schema);
            new
        };
        let mut object = before.clone();
        object["spec"][field] = replicas.clone();
        let entries = new.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
        with_scale_owners(&mut object, &entries, writer.api_version, &paths);
        self.objects.insert(path.to_owned(), object);
    }
}

/// What the server adds to a new object of a kind when its owners are known already.
fn set_later(kind: &str) -> &'static [&'static str] {
    match kind {
        "Namespace" => &["/spec/finalizers"],
        "PersistentVolumeClaim" => &["/metadata/finalizers"],
        "Service" => &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"],
        _ => &[],
    }
}

fn remove(object: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').expect("a path has a parent");
    if let Some(Value::Object(parent)) = object.pointer_mut(parent) {
        parent.remove(name);
    }
}

/// The server restores what a subresource may not write; that is not done here.
fn without_status(object: &Value, writer: &Writer<'_>) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        if writer.subresource.is_empty() {
            fields.remove("status");
        } else {
            fields.remove("spec");
            fields.remove("metadata");
        }
        // Write-only: it becomes `data`.
        fields.remove("stringData");
    }
    object
}

fn without_times(entries: &[Value]) -> Vec<Value> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        entry.as_object_mut().map(|entry| entry.remove("time"));
    }
    entries
}

fn assert_replays(topic: &str, at_least: usize) {
    let Some(replay) = Replay::of(topic) else { return };
    assert!(
        replay.differences.is_empty(),
        "{} of {} differ\n{}",
        replay.differences.len(),
        replay.compared,
        replay.differences.join("\n")
    );
    assert!(replay.compared >= at_least, "only {} were compared", replay.compared);
}

#[test]
fn recorded_applies_have_the_same_owners_and_conflicts() {
    assert_replays("apply", 100);
}

#[test]
fn recorded_patches_have_the_same_owners() {
    assert_replays("patch", 20);
}

#[test]
fn recorded_writes_of_custom_resources_have_the_same_owners() {
    assert_replays("crd", 20);
}

#[test]
fn recorded_writes_of_built_in_kinds_have_the_same_owners() {
    assert_replays("crud", 20);
}
