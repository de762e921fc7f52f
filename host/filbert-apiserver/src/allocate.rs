//! What a cluster gives out: addresses of services.

use crate::core::{Core, set, text};
use crate::error::Status;
use crate::resource::Resource;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::Ipv4Addr;

/// Where cluster addresses begin: `10.96.0.0/16`, as kubeadm has it.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 0, 2]);
const LAST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 255, 254]);
const FIRST_NODE_PORT: i64 = 30_000;

/// Fills in what a new object needs from the cluster.
#[expect(clippy::unnecessary_wraps, reason = "an exhausted or taken address is refused here")]
pub(crate) fn on_create(core: &Core, resource: &Resource, object: &mut Value) -> Result<(), Status> {
    if resource.is("", "Service") {
        service(core, resource, object);
    }
    Ok(())
}

/// The same for a change.
#[expect(clippy::unnecessary_wraps, reason = "as for creation")]
pub(crate) fn on_update(core: &Core, resource: &Resource, old: &Value, new: &mut Value) -> Result<(), Status> {
    if resource.is("", "Service") {
        // An update that leaves the address out keeps it.
        for field in ["clusterIP", "clusterIPs"] {
            let kept = old.pointer("/spec").and_then(|spec| spec.get(field)).cloned();
            if let (Some(kept), Some(spec)) = (kept, new.get_mut("spec"))
                && spec.get(field).is_none()
                && spec.get("type").and_then(Value::as_str) != Some("ExternalName")
            {
                set(spec, field, kept);
            }
        }
        service(core, resource, new);
    }
    Ok(())
}

fn service(core: &Core, resource: &Resource, object: &mut Value) {
    let kind = text(object, "/spec/type").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let services = core.store.list(&resource.collection, None, None).objects;
    let taken = || services.iter().map(|stored| stored.value());
    let Some(spec) = object.get_mut("spec") else { return };
    if spec.get("clusterIP").and_then(Value::as_str).is_none_or(str::is_empty) {
        let used: HashSet<String> = taken().map(|service| text(&service, "/spec/clusterIP").to_owned()).collect();
        let free = (FIRST_ADDRESS..=LAST_ADDRESS)
            .map(|address| Ipv4Addr::from(address).to_string())
            .find(|address| !used.contains(address));
        if let Some(address) = free {
            set(spec, "clusterIP", address.into());
        }
    }
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    if spec.get("clusterIPs").is_none() {
        set(spec, "clusterIPs", json!([address]));
    }
    if spec.get("ipFamilies").is_none() {
        set(spec, "ipFamilies", json!(["IPv4"]));
    }
    if spec.get("ipFamilyPolicy").is_none() {
        set(spec, "ipFamilyPolicy", "SingleStack".into());
    }
    let wants_ports = kind == "NodePort"
        || (kind == "LoadBalancer" && spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)));
    if !wants_ports {
        return;
    }
    let port_of = |port: &Value| port.get("nodePort").and_then(Value::as_i64).filter(|port| *port > 0);
    let ports = |service: &Value| -> Vec<i64> {
        service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten().filter_map(port_of).collect()
    };
    let mut used: HashSet<i64> = taken().flat_map(|service| ports(&service)).collect();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if port_of(port).is_none()
            && let Some(free) = (FIRST_NODE_PORT..32_768).find(|port| !used.contains(port))
        {
            used.insert(free);
            set(port, "nodePort", free.into());
        }
    }
}
