//! `EndpointSlices` of Services, and addresses of load balancers.

use super::{create, is_ready, is_terminating, living, owner_reference, resource};
use crate::background::change;
use crate::core::{Core, set, text};
use crate::selector::LabelSelector;
use crate::store::{Key, Stored};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// Addresses for documentation, which nothing routes.
const BALANCERS: u32 = u32::from_be_bytes([198, 51, 100, 1]);

/// The selector of each service, as of a revision of it.
#[derive(Default)]
pub(super) struct Selectors(HashMap<Key, (u64, Option<LabelSelector>)>);

impl Selectors {
    /// The services that select a pod, or selected it before it changed.
    pub(super) fn of_pod(&mut self, core: &Core, pod: &Stored, before: Option<&Stored>) -> Vec<Key> {
        let Some(services) = resource(core, "", "Service") else { return Vec::new() };
        let there = core.store.list(&services.collection, Some(&pod.key.namespace), None).objects;
        let selecting = there.into_iter().filter(|service| {
            let selector = self.of_service(service);
            selector.is_some_and(|it| it.matches(pod) || before.is_some_and(|before| it.matches(before)))
        });
        selecting.map(|service| service.key.clone()).collect()
    }

    pub(super) fn forget(&mut self, service: &Key) {
        self.0.remove(service);
    }

    fn of_service(&mut self, service: &Stored) -> Option<&LabelSelector> {
        let (known, found) = self.0.entry(service.key.clone()).or_insert((0, None));
        if *known != service.revision {
            *known = service.revision;
            *found = selector(&service.value());
        }
        found.as_ref()
    }
}

fn selector(service: &Value) -> Option<LabelSelector> {
    let labels =
        service.pointer("/spec/selector").filter(|labels| labels.as_object().is_some_and(|map| !map.is_empty()))?;
    Some(LabelSelector::from_object(&json!({ "matchLabels": labels })))
}

pub(super) fn reconcile(core: &Core, key: &Key) {
    let (Some(services), Some(slices), Some(pods)) =
        (resource(core, "", "Service"), resource(core, "discovery.k8s.io", "EndpointSlice"), resource(core, "", "Pod"))
    else {
        return;
    };
    let Some(service) = living(core, &services, key) else { return };
    if text(&service, "/spec/type") == "LoadBalancer" {
        let uid = text(&service, "/metadata/uid");
        let number = uid.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 254;
        let address = Ipv4Addr::from(BALANCERS + number).to_string();
        change(core, &services, key, |service| {
            set(service, "status", json!({ "loadBalancer": { "ingress": [{ "ip": address, "ipMode": "VIP" }] } }));
        });
    }
    let Some(selector) = selector(&service) else { return };
    let publish_all = service.pointer("/spec/publishNotReadyAddresses") == Some(&Value::Bool(true));
    let selected: Vec<Value> = core
        .store
        .list(&pods.collection, Some(&key.namespace), None)
        .objects
        .iter()
        .filter(|pod| selector.matches(pod))
        .map(|pod| pod.value())
        .filter(|pod| !text(pod, "/status/podIP").is_empty() && text(pod, "/status/phase") == "Running")
        .collect();
    let endpoints: Vec<Value> = selected
        .iter()
        .map(|pod| {
            let (ready, terminating) = (is_ready(pod), is_terminating(pod));
            let mut endpoint = json!({
                "addresses": [text(pod, "/status/podIP")],
                "conditions": { "ready": publish_all || (ready && !terminating), "serving": ready, "terminating": terminating },
                "nodeName": text(pod, "/spec/nodeName"),
                "targetRef": { "kind": "Pod", "namespace": &*key.namespace, "name": text(pod, "/metadata/name"), "uid": text(pod, "/metadata/uid") },
            });
            if *text(pod, "/spec/subdomain") == *key.name {
                set(&mut endpoint, "hostname", text(pod, "/spec/hostname").into());
            }
            endpoint
        })
        .collect();
    let ports: Vec<Value> = service
        .pointer("/spec/ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|port| {
            json!({ "name": text(port, "/name"), "protocol": text(port, "/protocol"), "port": target_port(port, selected.first()) })
        })
        .collect();
    let mut labels = service.pointer("/metadata/labels").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    set(&mut labels, "kubernetes.io/service-name", (*key.name).into());
    set(&mut labels, "endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io".into());
    if text(&service, "/spec/clusterIP") == "None" {
        set(&mut labels, "service.kubernetes.io/headless", "".into());
    }
    let suffix: String = super::template_hash(&text(&service, "/metadata/uid").into()).chars().take(5).collect();
    let own = Key::new(&key.namespace, &format!("{}-{suffix}", key.name));
    if core.store.get(&slices.collection, &own).is_none() {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": { "name": &*own.name, "generateName": format!("{}-", key.name), "labels": labels, "ownerReferences": owner_reference(&service) },
            "endpoints": endpoints, "ports": ports,
        });
        create(core, &slices, &key.namespace, slice);
        return;
    }
    change(core, &slices, &own, |slice| {
        let before = slice.clone();
        set(slice, "endpoints", endpoints.clone().into());
        set(slice, "ports", ports.clone().into());
        if let Some(metadata) = slice.get_mut("metadata") {
            set(metadata, "labels", labels.clone());
            if before.get("endpoints") != Some(&json!(endpoints)) || before.get("ports") != Some(&json!(ports)) {
                let generation = before.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
                set(metadata, "generation", (generation + 1).into());
            }
        }
    });
}

/// The number behind a port's target, looked up in a pod where it is a name.
fn target_port(port: &Value, pod: Option<&Value>) -> Value {
    let own = port.get("port").cloned().unwrap_or_default();
    match port.get("targetPort") {
        Some(Value::String(name)) => {
            let containers = pod.and_then(|pod| pod.pointer("/spec/containers")).and_then(Value::as_array);
            containers
                .into_iter()
                .flatten()
                .filter_map(|container| container.get("ports").and_then(Value::as_array))
                .flatten()
                .find(|port| text(port, "/name") == name)
                .and_then(|port| port.get("containerPort").cloned())
                .unwrap_or(own)
        }
        Some(number) if number.as_i64().is_some_and(|number| number > 0) => number.clone(),
        _ => own,
    }
}
