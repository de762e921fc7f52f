//! Between versions of built-in kinds that differ in more than their name.

use serde_json::Value;

/// Fields of a core `Event` and of an `events.k8s.io` one.
const EVENT_FIELDS: [(&str, &str); 5] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];
const EVENT_MORE: [(&str, &str); 3] = [
    ("source", "deprecatedSource"),
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

/// Rewrites the fields of `object`, whose `apiVersion` still names the version it comes from.
pub(crate) fn between(object: &mut Value, api_version: &str) {
    let from = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_event = object.get("kind").and_then(Value::as_str) == Some("Event");
    let Some(fields) = object.as_object_mut() else { return };
    if is_event {
        for (core, events) in EVENT_FIELDS.into_iter().chain(EVENT_MORE) {
            let (old, new) = if from == "v1" { (core, events) } else { (events, core) };
            if let Some(value) = fields.remove(old) {
                fields.insert(new.to_owned(), value);
            }
        }
        return;
    }
    match (from.as_str(), api_version) {
        ("autoscaling/v1", "autoscaling/v2") => {
            let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
            if let Some(percentage) = spec.remove("targetCPUUtilizationPercentage") {
                spec.insert(
                    "metrics".to_owned(),
                    serde_json::json!([{ "type": "Resource", "resource": {
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
    use serde_json::json;

    #[test]
    fn an_event_keeps_its_meaning_in_the_other_group() {
        let mut event =
            json!({ "kind": "Event", "apiVersion": "v1", "message": "ebb", "involvedObject": { "name": "tug" } });
        let before = event.clone();
        between(&mut event, "events.k8s.io/v1");
        assert_eq!(event["note"], "ebb");
        assert_eq!(event["regarding"]["name"], "tug");
        event["apiVersion"] = json!("events.k8s.io/v1");
        between(&mut event, "v1");
        event["apiVersion"] = json!("v1");
        assert_eq!(event, before);
    }
}
