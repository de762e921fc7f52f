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
