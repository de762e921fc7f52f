//! What a cluster gives out: addresses of services.

use crate::core::{Core, set, text};
use crate::error::{FieldError, FieldErrors, Status};
use crate::resource::Resource;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::Ipv4Addr;

/// Where cluster addresses begin: `10.96.0.0/16`, as kubeadm has it.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 0, 2]);
const LAST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 255, 254]);
const FIRST_NODE_PORT: i64 = 30_000;
const LAST_NODE_PORT: i64 = 32_767;

/// Fills in what a new object needs from the cluster.
pub(crate) fn on_create(core: &Core, resource: &Resource, object: &mut Value) -> Result<(), Status> {
    if resource.is("", "Service") {
        service(core, resource, object)?;
    }
    Ok(())
}

/// The same for a change.
pub(crate) fn on_update(core: &Core, resource: &Resource, old: &Value, new: &mut Value) -> Result<(), Status> {
    if resource.is("", "Service") {
        crate::builtin::drop_leftovers(&resource.group, &resource.kind, old, new);
        // An update that leaves out what was given keeps it.
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            let kept = old.pointer("/spec").and_then(|spec| spec.get(field)).cloned();
            if let (Some(kept), Some(spec)) = (kept, new.get_mut("spec"))
                && spec.get(field).is_none()
                && spec.get("type").and_then(Value::as_str) != Some("ExternalName")
            {
                set(spec, field, kept);
            }
        }
        service(core, resource, new)?;
    }
    Ok(())
}

fn refused(name: &str, error: FieldError) -> Status {
    FieldErrors(vec![error]).to_status("", "Service", name)
}

fn service(core: &Core, resource: &Resource, object: &mut Value) -> Result<(), Status> {
    let kind = text(object, "/spec/type").to_owned();
    if kind == "ExternalName" {
        return Ok(());
    }
    let name = text(object, "/metadata/name").to_owned();
    let own = text(object, "/metadata/uid").to_owned();
    let others: Vec<Value> = core
        .store
        .list(&resource.collection, None, None)
        .objects
        .iter()
        .map(|stored| stored.value())
        .filter(|service| text(service, "/metadata/uid") != own)
        .collect();
    let used: HashSet<&str> = others.iter().map(|service| text(service, "/spec/clusterIP")).collect();
    let Some(spec) = object.get_mut("spec") else { return Ok(()) };
    let wanted = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    if wanted.is_empty() {
        let free = (FIRST_ADDRESS..=LAST_ADDRESS)
            .map(|address| Ipv4Addr::from(address).to_string())
            .find(|address| !used.contains(address.as_str()));
        let free = free.ok_or_else(|| Status::internal("failed to allocate a serviceIP: range is full"))?;
        set(spec, "clusterIP", free.into());
    } else if wanted != "None" {
        let inside = wanted
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| (FIRST_ADDRESS - 1..=LAST_ADDRESS).contains(&u32::from(address)));
        let why = match (inside, used.contains(wanted.as_str())) {
            (false, _) => Some("the provided network does not match the current range"),
            (true, true) => Some("provided IP is already allocated"),
            (true, false) => None,
        };
        if let Some(why) = why {
            let detail = format!("failed to allocate IP {wanted}: {why}");
            return Err(refused(&name, FieldError::invalid("spec.clusterIPs", json!([wanted]), detail)));
        }
    }
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    for (field, value) in
        [("clusterIPs", json!([address])), ("ipFamilies", json!(["IPv4"])), ("ipFamilyPolicy", "SingleStack".into())]
    {
        if spec.get(field).is_none() {
            set(spec, field, value);
        }
    }
    let gives_ports = kind == "NodePort"
        || (kind == "LoadBalancer" && spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)));
    let port_of = |port: &Value| port.get("nodePort").and_then(Value::as_i64).filter(|port| *port > 0);
    let ports = |service: &Value| -> Vec<i64> {
        service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten().filter_map(port_of).collect()
    };
    let mut used: HashSet<i64> = others.iter().flat_map(ports).collect();
    for (index, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let at = format!("spec.ports[{index}].nodePort");
        match port_of(port) {
            Some(wanted) if !(FIRST_NODE_PORT..=LAST_NODE_PORT).contains(&wanted) => {
                let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                return Err(refused(&name, FieldError::invalid(at, wanted, detail)));
            }
            Some(wanted) if used.contains(&wanted) => {
                return Err(refused(&name, FieldError::invalid(at, wanted, "provided port is already allocated")));
            }
            Some(wanted) => {
                used.insert(wanted);
            }
            None if gives_ports => {
                if let Some(free) = (FIRST_NODE_PORT..=LAST_NODE_PORT).find(|port| !used.contains(port)) {
                    used.insert(free);
                    set(port, "nodePort", free.into());
                }
            }
            None => {}
        }
    }
    Ok(())
}
