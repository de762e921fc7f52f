//! The addresses that load balancers give to Services.

use serde::Deserialize;

/// The status of a Service, as far as it tells of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BalancedStatus {
    load_balancer: LoadBalancer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Vec<Ingress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ingress {
    ip: String,
    hostname: String,
}

impl BalancedStatus {
    /// The addresses, or the names of hosts where there are none, in their order.
    pub(super) fn hosts(self) -> impl Iterator<Item = String> {
        let hosts = self.load_balancer.ingress.into_iter().map(|at| if at.ip.is_empty() { at.hostname } else { at.ip });
        hosts.filter(|host| !host.is_empty())
    }
}
