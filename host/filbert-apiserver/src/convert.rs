//! Between versions of built-in kinds that differ in more than their name.

use serde_json::{Value, json};

/// What one field of an Event is called in the core group, and in `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("source", "deprecatedSource"),
    ("reportingComponent", "reportingController"),
];
/// Texts that the core group writes when they are empty, and `events.k8s.io` leaves out.
const EVENT_TEXTS: [&str; 2] = ["reportingComponent", "reportingInstance"];

/// Kinds that are kept in another version than each of theirs: group, kind, and the version in which they are stored.
const STORED_AS: [(&str, &str, &str); 2] =
    [("events.k8s.io", "Event", "v1"), ("autoscaling", "HorizontalPodAutoscaler", "autoscaling/v2")];

/// The version in which objects of a built-in kind are stored, where it is not the one that is asked for.
pub(crate) fn storage(group: &str, kind: &str) -> Option<&'static str> {
    STORED_AS.iter().find(|(known, name, _)| *known == group && *name == kind).map(|(_, _, version)| *version)
}

/// The name that a selectable field has in the stored version.
pub(crate) fn stored_field(group: &str, kind: &str, field: &str) -> Option<String> {
    match (group, kind, field) {
        ("", "Event", "source") => return Some("source.component".to_owned()),
        ("events.k8s.io", "Event", _) => {}
        _ => return None,
    }
    let (first, rest) = field.split_once('.').map_or((field, None), |(first, rest)| (first, Some(rest)));
    let (core, _) = EVENT_FIELDS.iter().find(|(_, events)| *events == first)?;
    Some(rest.map_or_else(|| (*core).to_owned(), |rest| format!("{core}.{rest}")))
}

/// Rewrites `object` from the version that its `apiVersion` names to another one.
pub(crate) fn between(object: &mut Value, api_version: &str) {
    let from = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_event = object.get("kind").and_then(Value::as_str) == Some("Event");
    let Some(fields) = object.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), api_version.into());
    match (from.as_str(), api_version) {
        (from, to) if from == to => {}
        ("v1", _) if is_event => {
            for name in EVENT_TEXTS {
                if fields.get(name).is_some_and(|text| text == "") {
                    fields.remove(name);
                }
            }
            for (core, events) in EVENT_FIELDS {
                if let Some(value) = fields.remove(core) {
                    fields.insert(events.to_owned(), value);
                }
            }
        }
        (_, "v1") if is_event => {
            for (core, events) in EVENT_FIELDS {
                if let Some(value) = fields.remove(events) {
                    fields.insert(core.to_owned(), value);
                }
            }
            for name in EVENT_TEXTS {
                fields.entry(name).or_insert_with(|| "".into());
            }
            fields.entry("involvedObject").or_insert_with(|| json!({}));
        }
        ("autoscaling/v1", "autoscaling/v2") => {
            let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
            if let Some(percentage) = spec.remove("targetCPUUtilizationPercentage") {
                spec.insert(
                    "metrics".to_owned(),
                    json!([{ "type": "Resource", "resource": {
                        "name": "cpu", "target": { "type": "Utilization", "averageUtilization": percentage } } }]),
                );
            }
        }
        ("autoscaling/v2", "autoscaling/v1") => {
            let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
            let metrics = spec.remove("metrics");
            let cpu = metrics.as_ref().and_then(Value::as_array).into_iter().flatten().find_map(|metric| {
                (metric.pointer("/resource/name")? == "cpu")
                    .then(|| metric.pointer("/resource/target/averageUtilization").cloned())?
            });
            if let Some(percentage) = cpu {
                spec.insert("targetCPUUtilizationPercentage".to_owned(), percentage);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_keeps_its_meaning_in_the_other_group() {
        let mut event = json!({
            "kind": "Event", "apiVersion": "v1", "message": "ebb", "involvedObject": { "name": "tug" }, "count": 3,
            "reportingComponent": "", "reportingInstance": "", "source": { "component": "pier" },
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": null,
        });
        let before = event.clone();
        between(&mut event, "events.k8s.io/v1");
        let there = json!({
            "kind": "Event", "apiVersion": "events.k8s.io/v1", "note": "ebb", "regarding": { "name": "tug" },
            "deprecatedCount": 3, "deprecatedSource": { "component": "pier" },
            "deprecatedFirstTimestamp": "2026-01-01T00:00:00Z", "deprecatedLastTimestamp": null,
        });
        assert_eq!(event, there);
        between(&mut event, "v1");
        assert_eq!(event, before);
    }

    #[test]
    fn a_selected_field_is_looked_up_under_its_stored_name() {
        let stored = |field| stored_field("events.k8s.io", "Event", field);
        assert_eq!(stored("regarding.name").as_deref(), Some("involvedObject.name"));
        assert_eq!(stored("reportingController").as_deref(), Some("reportingComponent"));
        assert_eq!(stored("reason"), None);
        assert_eq!(stored_field("", "Event", "regarding.name"), None);
    }
}
