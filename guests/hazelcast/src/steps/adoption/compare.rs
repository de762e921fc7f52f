//! Whether two pod templates say the same: one as an API server has it, with defaults, one as it is proposed.
//!
//! Where this is not certain, they are taken to differ: people are then asked once too often, but no pod is restarted
//! unasked.

use serde_json::{Map, Value};

/// What the API server puts into templates that leave it out, wherever in them it stands. Only what it would put in again.
const DEFAULTS: [(&str, &str); 16] = [
    ("apiVersion", r#""v1""#),
    ("creationTimestamp", "null"),
    ("defaultMode", "420"),
    ("divisor", r#""0""#),
    ("dnsPolicy", r#""ClusterFirst""#),
    ("failureThreshold", "3"),
    ("periodSeconds", "10"),
    ("protocol", r#""TCP""#),
    ("restartPolicy", r#""Always""#),
    ("schedulerName", r#""default-scheduler""#),
    ("scheme", r#""HTTP""#),
    ("successThreshold", "1"),
    ("terminationGracePeriodSeconds", "30"),
    ("terminationMessagePath", r#""/dev/termination-log""#),
    ("terminationMessagePolicy", r#""File""#),
    ("timeoutSeconds", "1"),
];

/// Annotations of templates that people set to restart pods; they are nobody's but theirs, and stay.
const OF_PEOPLE: [&str; 1] = ["kubectl.kubernetes.io/restartedAt"];

/// The fields in which they differ, as people would name them: `containers[hazelcast].image`.
pub(super) fn differences(live: &Value, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", Some(live), Some(wanted), &mut found);
    found
}

fn compare(path: &str, live: Option<&Value>, wanted: Option<&Value>, found: &mut Vec<String>) {
    match (live, wanted) {
        (Some(Value::Object(live)), Some(Value::Object(wanted))) => objects(path, live, wanted, found),
        (Some(Value::Array(live)), Some(Value::Array(wanted))) => {
            for index in 0..live.len().max(wanted.len()) {
                let (live, wanted) = (live.get(index), wanted.get(index));
                let name = [wanted, live].into_iter().flatten().find_map(name);
                let name = name.map_or_else(|| index.to_string(), str::to_owned);
                compare(&format!("{path}[{name}]"), live, wanted, found);
            }
        }
        (Some(live), Some(wanted)) if same(path, live, wanted) => {}
        (live, wanted) if [live, wanted].into_iter().flatten().all(is_empty) => {}
        _ => found.push(path.to_owned()),
    }
}

fn objects(path: &str, live: &Map<String, Value>, wanted: &Map<String, Value>, found: &mut Vec<String>) {
    let mut names: Vec<_> = live.keys().chain(wanted.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (here, there) = (live.get(name), wanted.get(name));
        let is_default = |value: &Value| {
            DEFAULTS.iter().any(|(field, default)| field == name && serde_json::from_str(default).ok().as_ref() == Some(value))
                || (name == "imagePullPolicy" && value == pull_policy(wanted.get("image")))
                // The old name of the field, which the API server keeps in step.
                || (name == "serviceAccount" && wanted.get("serviceAccountName") == Some(value))
                || (path.ends_with("annotations") && OF_PEOPLE.contains(&name.as_str()))
        };
        if there.is_none() && here.is_some_and(is_default) {
            continue;
        }
        // What everybody knows needs not be said.
        let name = if path.is_empty() && name == "spec" { String::new() } else { name.clone() };
        let path = match (path.is_empty(), name.is_empty()) {
            (_, true) => path.to_owned(),
            (true, false) => name,
            (false, false) => format!("{path}.{name}"),
        };
        compare(&path, here, there, found);
    }
}

/// What the API server puts in for an image.
fn pull_policy(image: Option<&Value>) -> &'static str {
    let image = image.and_then(Value::as_str).unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    if image.contains('@') || tag.is_some_and(|tag| tag != "latest") { "IfNotPresent" } else { "Always" }
}

/// By which items of lists are told apart.
fn name(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.get("key")).and_then(Value::as_str)
}

/// What is empty is as good as not there.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The API server writes quantities in its own way.
fn same(path: &str, live: &Value, wanted: &Value) -> bool {
    let is_quantity = path.contains(".resources.") || path.ends_with("sizeLimit");
    live == wanted || is_quantity && thousandths(live).is_some_and(|live| thousandths(wanted) == Some(live))
}

/// A quantity in thousandths of its unit: `500m`, `1.5Gi`.
fn thousandths(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match text.strip_suffix('m') {
        Some(number) => number.parse().ok(),
        None => crate::quantity::bytes(&Value::String(text.clone())).and_then(|whole| {
            // Rounded up: what has a fraction is compared as it is written.
            let is_whole = !text.contains('.');
            is_whole.then(|| i128::from(whole) * 1000)
        }),
    }
}
