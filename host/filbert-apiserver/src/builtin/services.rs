//! Services: ports, addresses and what may not change.

use super::checks::{self, Check, Rule};
use crate::error::{FieldError, FieldErrors};
use serde_json::{Value, json};

const PORT: &[Rule] = &[
    ("name", Check::OptionalLabel),
    ("port", Check::Port),
    ("protocol", Check::OneOf(&["SCTP", "TCP", "UDP"])),
    ("targetPort", Check::PortOrName),
];

const SPEC: &[Rule] = &[
    ("sessionAffinity", Check::OneOf(&["ClientIP", "None"])),
    ("type", Check::OneOf(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])),
];

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn validate(object: &Value, errors: &mut FieldErrors) {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let headless = text(spec, "clusterIP") == "None";
    let ports = spec.get("ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if ports.is_empty() && !headless && text(spec, "type") != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        if ports.len() > 1 && text(port, "name").is_empty() {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        checks::run(PORT, port, &at, errors);
        let name = text(port, "name");
        if !name.is_empty() && ports.iter().take(index).any(|earlier| text(earlier, "name") == name) {
            errors.push(FieldError::duplicate(format!("{at}.name"), name));
        }
    }
    checks::run(SPEC, spec, "spec", errors);
    if text(spec, "type") == "ExternalName" {
        checks::run(&[("externalName", Check::Required(""))], spec, "spec", errors);
    }
}

/// Types of services that need each of these fields; a change of type drops them where they are still as they were.
const NEEDED: [(&str, &[&str]); 7] = [
    ("clusterIP", &["ClusterIP", "NodePort", "LoadBalancer"]),
    ("clusterIPs", &["ClusterIP", "NodePort", "LoadBalancer"]),
    ("ipFamilies", &["ClusterIP", "NodePort", "LoadBalancer"]),
    ("ipFamilyPolicy", &["ClusterIP", "NodePort", "LoadBalancer"]),
    ("internalTrafficPolicy", &["ClusterIP", "NodePort", "LoadBalancer"]),
    ("externalTrafficPolicy", &["NodePort", "LoadBalancer"]),
    ("allocateLoadBalancerNodePorts", &["LoadBalancer"]),
];

/// Drops what only the old type of a service needed.
pub(super) fn drop_leftovers(old: &Value, new: &mut Value) {
    let kind = |service: &Value| service.pointer("/spec/type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (before, after) = (kind(old), kind(new));
    if before == after {
        return;
    }
    let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for (field, types) in NEEDED {
        let kept = old.pointer("/spec").and_then(|spec| spec.get(field));
        if types.contains(&before.as_str()) && !types.contains(&after.as_str()) && spec.get(field) == kept {
            spec.remove(field);
        }
    }
    if !matches!(after.as_str(), "NodePort" | "LoadBalancer") {
        for (index, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            let kept = old.pointer(&format!("/spec/ports/{index}/nodePort"));
            if let Some(port) = port.as_object_mut()
                && port.get("nodePort") == kept
            {
                port.remove("nodePort");
            }
        }
    }
    if after != "LoadBalancer"
        && let Some(status) = new.get_mut("status").and_then(Value::as_object_mut)
    {
        status.insert("loadBalancer".to_owned(), json!({}));
    }
}

/// The address of a service stays, except on the way to and from an external name.
pub(super) fn validate_update(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let of = |service: &Value, name: &str| service.pointer(&format!("/spec/{name}")).cloned().unwrap_or_default();
    let external = |service: &Value| of(service, "type") == "ExternalName";
    let before = of(old, "clusterIP");
    let after = of(new, "clusterIP");
    let had_address = before.as_str().is_some_and(|address| !address.is_empty());
    if had_address && before != after && !external(old) && !external(new) {
        let shown = json!([after]);
        errors.push(FieldError::invalid("spec.clusterIPs[0]", shown, "may not change once set"));
    }
}
