//! Where services are that webhooks stand behind.

use crate::core::{Core, text};
use crate::resource::CollectionId;
use crate::store::Key;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Services that are reached at an address of this process's world, whatever objects say: there is no network of a cluster.
#[derive(Default)]
pub(crate) struct Routes(Mutex<BTreeMap<Key, SocketAddr>>);

impl Routes {
    /// Sends calls of a service to `address`, or no longer.
    pub(crate) fn set(&self, namespace: &str, name: &str, address: Option<SocketAddr>) {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key::new(namespace, name);
        match address {
            Some(address) => routes.insert(key, address),
            None => routes.remove(&key),
        };
    }

    /// `host:port` of a port of a service; without a route one of its ready endpoints.
    pub(super) fn resolve(&self, core: &Core, namespace: &str, name: &str, port: u16) -> Result<String, String> {
        let key = Key::new(namespace, name);
        if let Some(address) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(address.to_string());
        }
        let service = core.store.get(&CollectionId::new("", "services"), &key);
        let service = service.ok_or_else(|| format!("service {name:?} not found"))?.value();
        if text(&service, "/spec/type") == "ExternalName" {
            return Ok(format!("{}:{port}", text(&service, "/spec/externalName")));
        }
        let mut ports = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
        let found = ports.find(|found| found.get("port").and_then(Value::as_u64) == Some(port.into()));
        let found = found.ok_or_else(|| format!("no service port {port} found for service {name:?}"))?;
        let slices = CollectionId::new("discovery.k8s.io", "endpointslices");
        let slices = core.store.list(&slices, Some(namespace), None).objects;
        let mut own = slices.iter().filter(|slice| slice.label("kubernetes.io/service-name") == Some(name));
        own.find_map(|slice| endpoint(&slice.value(), text(found, "/name")))
            .ok_or_else(|| format!("no endpoints available for service {name:?}"))
    }
}

/// The first ready endpoint of a slice, with its port of this name.
fn endpoint(slice: &Value, port: &str) -> Option<String> {
    let list = |name: &str| slice.get(name).and_then(Value::as_array).into_iter().flatten();
    let number = list("ports").find(|found| text(found, "/name") == port)?.get("port")?.as_u64()?;
    let ready =
        list("endpoints").find(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false)))?;
    let address = ready.pointer("/addresses/0")?.as_str()?;
    Some(if address.contains(':') { format!("[{address}]:{number}") } else { format!("{address}:{number}") })
}
