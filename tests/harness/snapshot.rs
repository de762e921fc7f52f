//! What is in the cluster, as a story shows it: without what differs from run to run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::object::{self, ResourceType};
use serde_json::{Map, Value, json};

use crate::world::World;

/// What steps of this project may make, and what the simulated controllers make of that.
const TYPES: [(&str, &str, &str); 12] = [
    ("", "v1", "configmaps"),
    ("", "v1", "persistentvolumeclaims"),
    ("", "v1", "pods"),
    ("", "v1", "secrets"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "services"),
    ("apps", "v1", "statefulsets"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("rbac.authorization.k8s.io", "v1", "roles"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
    ("rbac.authorization.k8s.io", "v1", "clusterroles"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
];

/// Types of [`TYPES`] that belong to no namespace.
const CLUSTER_SCOPED: [&str; 2] = ["clusterroles", "clusterrolebindings"];

/// Fields whose values the server or a controller chooses.
const ASSIGNED: [&str; 7] =
    ["clusterIP", "clusterIPs", "externalAddresses", "healthCheckNodePort", "ip", "nodePort", "podIP"];

/// Names by which uids are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uids(BTreeMap<String, String>);

/// Objects by `Kind namespace/name`, normalised.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The objects.
    pub objects: BTreeMap<String, Value>,
}

/// `Kind namespace/name`.
pub fn title(object: &Value) -> String {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or("?");
    let name = object::name(object).unwrap_or("?");
    match object::namespace(object) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

impl Snapshot {
    /// Everything of the types that stories are about, in the namespace `default` or in none. Uids join those known.
    pub async fn take(world: &World, uids: &mut Uids) -> Self {
        let types = TYPES.into_iter().map(|(group, version, plural)| ResourceType::new(group, version, plural));
        let own: Vec<_> = world.library.serving().pipelines().map(|pipeline| pipeline.resource.clone()).collect();
        let mut objects = Vec::new();
        for resource in types.chain(own.iter().cloned()) {
            let is_own = own.contains(&resource);
            let namespace = (!CLUSTER_SCOPED.contains(&&*resource.plural)).then_some("default");
            let list = match world.api.list(&resource, namespace).await {
                Ok(list) => list,
                // A pipeline may be there before its definition.
                Err(error) if error.is_not_found() => continue,
                Err(error) => unreachable!("{error}: {}", error.detail()),
            };
            for mut object in list {
                let kind = world.host.world().discovery.of_resource(&resource).await.ok().flatten();
                if let (Some(fields), Some(served)) = (object.as_object_mut(), kind) {
                    fields.insert("apiVersion".to_owned(), resource.api_version().into());
                    fields.insert("kind".to_owned(), served.kind.into());
                }
                if let Some(uid) = object::uid(&object) {
                    uids.0.insert(uid.to_owned(), format!("<uid of {}>", title(&object)));
                }
                objects.push((object, is_own));
            }
        }
        let shown = |(object, is_own): (Value, bool)| (title(&object), uids.normal(&essence(object, is_own)));
        Self { objects: objects.into_iter().map(shown).collect() }
    }
}

impl Snapshot {
    /// Configuration documents, of members and of clients: every file of a Secret that one of them reads, with its name.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        let secrets = self.objects.values().filter(|object| object.get("kind") == Some(&json!("Secret")));
        let files = secrets.filter_map(|secret| secret.get("data")?.as_object()).flatten();
        files
            .filter_map(|(file, text)| Some((file.as_str(), text.as_str()?)))
            .filter(|(file, _)| Path::new(file).extension().is_some_and(|it| it == "yaml"))
    }

    /// How this differs from a later one, by object.
    pub fn differences(&self, later: &Self) -> String {
        let of = |snapshot: &Self| Value::Object(snapshot.objects.clone().into_iter().collect());
        differences(&of(self), &of(later))
    }
}

/// What of an object a story is about.
fn essence(mut object: Value, is_own: bool) -> Value {
    let at = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
    match object.get("kind").and_then(Value::as_str) {
        Some("Pod") => {
            let conditions = at("/status/conditions");
            let is_ready =
                |it: &Value| it.get("type") == Some(&json!("Ready")) && it.get("status") == Some(&json!("True"));
            let ready = conditions.as_array().is_some_and(|conditions| conditions.iter().any(is_ready));
            json!({"image": at("/spec/containers/0/image"), "ready": ready})
        }
        Some("HazelcastEndpoint") => {
            if let Some(address) = object.pointer_mut("/status/address").filter(|address| **address != json!("")) {
                *address = "<assigned>".into();
            }
            object
        }
        Some("PersistentVolumeClaim") => {
            json!({"storage": at("/spec/resources/requests/storage"), "phase": at("/status/phase")})
        }
        _ => {
            if let (false, Some(fields)) = (is_own, object.as_object_mut()) {
                // That of a controller.
                fields.remove("status");
            }
            object
        }
    }
}

impl Uids {
    /// The value without what differs from run to run.
    pub fn normal(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match self.0.get(text) {
                Some(name) => name.as_str().into(),
                None if is_time(text) => "<time>".into(),
                None => value.clone(),
            },
            Value::Array(values) => values.iter().map(|value| self.normal(value)).collect(),
            Value::Object(fields) => {
                let is_secret = fields.get("kind") == Some(&json!("Secret"));
                let field = |(name, value): (&String, &Value)| match (name.as_str(), value) {
                    ("managedFields" | "uid" | "resourceVersion" | "creationTimestamp" | "generation", _)
                        if !fields.contains_key("controller") =>
                    {
                        None
                    }
                    // Of each wanted state there is another digest, and what is wanted is told.
                    ("annotations", Value::Object(annotations)) => {
                        let told = annotations.iter().filter(|(name, _)| !name.starts_with("applied.filbert.dev/"));
                        let told: Map<_, _> = told.map(|(name, value)| (name.clone(), self.normal(value))).collect();
                        (!told.is_empty()).then(|| (name.clone(), told.into()))
                    }
                    ("conditions", Value::Array(conditions)) => {
                        Some((name.clone(), by_type(conditions, fields.get("observedGeneration"))))
                    }
                    ("data", Value::Object(data)) if is_secret => Some((name.clone(), decoded(data))),
                    (name, value) if ASSIGNED.contains(&name) && *value != json!("None") => {
                        Some((name.to_owned(), "<assigned>".into()))
                    }
                    (_, value) => Some((name.clone(), self.normal(value))),
                };
                Value::Object(fields.iter().filter_map(field).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// Conditions as a line each; those of another generation than the status say so.
fn by_type(conditions: &[Value], observed: Option<&Value>) -> Value {
    let line = |condition: &Value| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        let line = format!("{}, {}: {}", text("status"), text("reason"), text("message"));
        let generation = condition.get("observedGeneration").filter(|generation| Some(*generation) != observed);
        let seen = generation.map(|it| format!(" (generation {it})")).unwrap_or_default();
        (text("type").to_owned(), Value::from(line + &seen))
    };
    Value::Object(conditions.iter().map(line).collect())
}

/// The data of a Secret as people wrote it; of what is no text, how long it is.
pub fn decoded(data: &Map<String, Value>) -> Value {
    let text = |value: &Value| {
        let bytes = STANDARD.decode(value.as_str()?).ok()?;
        let length = bytes.len();
        Some(Value::from(String::from_utf8(bytes).unwrap_or_else(|_| format!("<{length} bytes>"))))
    };
    Value::Object(data.iter().map(|(key, value)| (key.clone(), text(value).unwrap_or_else(|| value.clone()))).collect())
}

/// `2026-01-31T09:00:00Z`, also with fractions of a second.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.ends_with('Z')
        && bytes.len() >= 20
        && bytes.get(4) == Some(&b'-')
        && bytes.get(10) == Some(&b'T')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:TZ.".contains(&byte))
}

/// How two values differ: a line a field, `+` for what is new, `-` for what is gone.
pub fn differences(before: &Value, after: &Value) -> String {
    let mut text = String::new();
    compare("", Some(before), Some(after), &mut text);
    text
}

/// As [`differences`], below a path.
pub fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, text: &mut String) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                compare(&below(name), before.get(name), after.get(name), text);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                compare(&format!("{path}[{index}]"), before.get(index), after.get(index), text);
            }
        }
        (Some(Value::String(before)), Some(Value::String(after))) if before.contains('\n') => {
            writeln!(text, "~ {path}:").expect("memory");
            for line in before.lines().filter(|line| !after.lines().any(|other| other == *line)) {
                writeln!(text, "    - {line}").expect("memory");
            }
            for line in after.lines().filter(|line| !before.lines().any(|other| other == *line)) {
                writeln!(text, "    + {line}").expect("memory");
            }
        }
        (Some(before), Some(after)) => writeln!(text, "~ {path}: {before} -> {after}").expect("memory"),
        (None, Some(after)) => writeln!(text, "+ {path}: {after}").expect("memory"),
        (Some(before), None) => writeln!(text, "- {path}: {before}").expect("memory"),
        (None, None) => {}
    }
}
