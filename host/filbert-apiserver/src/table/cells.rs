//! What stands in the cells.

use super::columns::{Column, Source};
use crate::core::text;
use jiff::Timestamp;
use serde_json::Value;

const NONE: &str = "<none>";

pub(super) fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    match &column.source {
        Source::Name => text(object, "/metadata/name").into(),
        Source::Age => age(text(object, "/metadata/creationTimestamp"), now).into(),
        Source::Path(path) if path == "*images" => join(object, "/spec/template/spec/containers", "/image"),
        Source::Path(path) => {
            if let Some(pointer) = path.strip_prefix('#') {
                object.pointer(pointer).cloned().unwrap_or_else(|| 0.into())
            } else {
                let value = at(object, path).cloned().unwrap_or_default();
                match value.as_str() {
                    Some(moment) if column.is_date() => age(moment, now).into(),
                    _ => value,
                }
            }
        }
        Source::PathOrNone(path) => match at(object, path) {
            Some(Value::String(text)) if !text.is_empty() => text.as_str().into(),
            Some(Value::Null | Value::String(_)) | None => NONE.into(),
            Some(other) => other.clone(),
        },
        Source::Count(pointers) => pointers
            .iter()
            .map(|pointer| object.pointer(pointer).and_then(Value::as_object).map_or(0, serde_json::Map::len))
            .sum::<usize>()
            .into(),
        Source::Share(part, whole) => {
            let number = |pointer| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
            format!("{}/{}", number(part), number(whole)).into()
        }
        Source::PodReady => {
            let statuses = object.pointer("/status/containerStatuses").and_then(Value::as_array);
            let ready =
                statuses.into_iter().flatten().filter(|status| status.get("ready") == Some(&Value::Bool(true))).count();
            let all = object.pointer("/spec/containers").and_then(Value::as_array).map_or(0, Vec::len);
            format!("{ready}/{all}").into()
        }
        Source::PodStatus => pod_status(object).into(),
        Source::PodRestarts => {
            let statuses = object.pointer("/status/containerStatuses").and_then(Value::as_array);
            let count = |status: &Value| status.get("restartCount").and_then(Value::as_i64).unwrap_or(0);
            statuses.into_iter().flatten().map(count).sum::<i64>().to_string().into()
        }
        Source::Ports => ports(object).into(),
        Source::ExternalAddress => external(object).into(),
        Source::Labels(pointer) => {
            let labels = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
            let texts: Vec<_> =
                labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
            if texts.is_empty() { NONE.into() } else { texts.join(",").into() }
        }
        Source::Containers(pointer) => join(object, pointer, "/name"),
        Source::Since(pointers) => {
            let moment = pointers.iter().map(|pointer| text(object, pointer)).find(|moment| !moment.is_empty());
            moment.map_or_else(|| "<unknown>".to_owned(), |moment| age(moment, now)).into()
        }
        Source::Text(pointers) => pointers
            .iter()
            .map(|pointer| text(object, pointer))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .into(),
        Source::Involved => {
            let kind = text(object, "/involvedObject/kind").to_lowercase();
            let name = text(object, "/involvedObject/name");
            if kind.is_empty() { name.into() } else { format!("{kind}/{name}").into() }
        }
    }
}

fn join(object: &Value, list: &str, field: &str) -> Value {
    let items = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| text(item, field)).collect::<Vec<_>>().join(",").into()
}

fn pod_status(pod: &Value) -> String {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let states = pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
    let reason = states
        .filter_map(|status| {
            ["/state/waiting/reason", "/state/terminated/reason"].iter().find_map(|at| status.pointer(at))
        })
        .find_map(Value::as_str);
    reason.unwrap_or_else(|| text(pod, "/status/phase")).to_owned()
}

fn ports(service: &Value) -> String {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<String> = ports
        .map(|port| {
            let number = |name: &str| port.get(name).and_then(Value::as_i64).unwrap_or(0);
            let node = match number("nodePort") {
                0 => String::new(),
                node => format!(":{node}"),
            };
            format!("{}{node}/{}", number("port"), text(port, "/protocol"))
        })
        .collect();
    if texts.is_empty() { NONE.to_owned() } else { texts.join(",") }
}

fn external(service: &Value) -> String {
    let ingress = service.pointer("/status/loadBalancer/ingress").and_then(Value::as_array).into_iter().flatten();
    let balancers: Vec<&str> = ingress.map(|entry| text(entry, "/ip")).filter(|address| !address.is_empty()).collect();
    match text(service, "/spec/type") {
        "ExternalName" => text(service, "/spec/externalName").to_owned(),
        "LoadBalancer" if balancers.is_empty() => "<pending>".to_owned(),
        "LoadBalancer" => balancers.join(","),
        _ => NONE.to_owned(),
    }
}

/// The first value at a path of a definition's column: fields, `[0]`, `[?(@.field=="value")]`.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = object;
    let mut rest = path.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']')?;
            rest = after.trim_start_matches('.');
            let filter = inside.strip_prefix("?(@.").and_then(|filter| filter.strip_suffix(')'));
            value = if let Some((field, wanted)) = filter.and_then(|filter| filter.split_once("==")) {
                let wanted = wanted.trim().trim_matches(['"', '\'']);
                value.as_array()?.iter().find(|item| item.get(field.trim()).and_then(Value::as_str) == Some(wanted))?
            } else if let Ok(index) = inside.parse::<usize>() {
                value.get(index)?
            } else {
                value.get(inside.trim_matches(['"', '\'']))?
            };
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after.strip_prefix('.').unwrap_or(after);
            value = value.get(name)?;
        }
    }
    Some(value)
}

/// How long ago, in at most two units.
fn age(moment: &str, now: Timestamp) -> String {
    let Ok(then) = moment.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = (now.as_second() - then.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..28_800 if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        10_800..172_800 => format!("{hours}h"),
        172_800..691_200 if hours % 24 != 0 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_of_columns_select_by_field() {
        let object = json!({ "status": { "conditions": [{ "type": "Other", "status": "False" }, { "type": "Ready", "status": "True" }] } });
        assert_eq!(at(&object, ".status.conditions[?(@.type==\"Ready\")].status"), Some(&json!("True")));
        assert_eq!(at(&object, ".status.conditions[0].type"), Some(&json!("Other")));
        assert_eq!(at(&object, ".status.none"), None);
    }

    #[test]
    fn ages_have_two_units_at_most() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        assert_eq!(age("2026-01-09T23:59:01Z", now), "59s");
        assert_eq!(age("2026-01-09T23:54:30Z", now), "5m30s");
        assert_eq!(age("2026-01-01T00:00:00Z", now), "9d");
    }
}
