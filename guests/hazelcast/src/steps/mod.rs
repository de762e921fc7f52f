//! The steps, a file each, in the order in which the pipelines run them.

mod adoption;
mod agent;
mod balancer;
mod claims;
mod configuration;
mod discovery_service;
mod endpoint_address;
mod endpoints;
pub mod management_center;
mod member_services;
mod observed;
mod rbac;
mod scaling;
mod secrets;
mod stateful_set;
mod status;
pub(crate) mod wan;
mod wan_services;

pub use agent::BACKUPS;
pub use configuration::Configuration;
pub use discovery_service::DiscoveryService;
pub use endpoint_address::EndpointAddress;
pub use endpoints::Endpoints;
pub use member_services::MemberServices;
pub use rbac::Rbac;
pub use stateful_set::{LiteMembers, MemberSet};
pub use status::MemberStatus;
pub use wan_services::WanServices;

use filbert_guest::Context;
use filbert_guest::k8s::{Map, Service, ServicePort, ServiceSpec};
use hazelcast_api::hazelcast::{ExposureType, ExternalTrafficPolicy, IpFamily, MemberAccess, Spec};
use hazelcast_api::{Hazelcast, ManagementCenter};

use crate::names::{self, Application};

/// What an object of the cluster is labelled with.
fn labels(cx: &Context<Hazelcast>) -> Map {
    Application::Hazelcast.labels(cx.name(), &cx.object().spec.labels)
}

/// What an object of the Management Center is labelled with.
fn management_center_labels(cx: &Context<ManagementCenter>) -> Map {
    Application::ManagementCenter.labels(cx.name(), &cx.object().spec.labels)
}

/// How many members are wanted. The schema refuses fewer than none.
fn size(spec: &Spec) -> i32 {
    spec.cluster_size.max(0)
}

/// How each member is reached from outside, where each is.
pub(crate) fn member_access(spec: &Spec) -> Option<MemberAccess> {
    let exposure = spec.expose_externally.as_ref()?;
    (exposure.type_ == ExposureType::Smart).then(|| exposure.member_access.unwrap_or(MemberAccess::NodePortExternalIp))
}

/// Where members listen for clients.
pub(crate) fn client_port(spec: &Spec) -> i64 {
    let network = spec.advanced_network.as_ref();
    let endpoint = network.and_then(|network| network.client_server_socket_endpoint_config.as_ref());
    endpoint.and_then(|endpoint| endpoint.port).filter(|port| *port != 0).unwrap_or(names::CLIENT_PORT)
}

/// A port that service meshes leave alone.
fn tcp(name: &str, port: i64) -> ServicePort {
    ServicePort::new().name(name).protocol("TCP").app_protocol("tcp").port(port).target_port(port)
}

/// Of the internet protocol that members use.
fn of_family(service: ServiceSpec, spec: &Spec) -> ServiceSpec {
    match spec.ip_family {
        Some(IpFamily::Ipv6) => service.ip_families(vec!["IPv6".to_owned()]).ip_family_policy("SingleStack"),
        Some(IpFamily::Ipv4) | None => service,
    }
}

/// A Service of this type that leads in from outside, as people want those.
fn from_outside(service: ServiceSpec, kind: &str, spec: &Spec) -> ServiceSpec {
    let Some(exposure) = &spec.expose_externally else { return service };
    let service = match exposure.external_traffic_policy {
        None => service,
        Some(ExternalTrafficPolicy::Cluster) => service.external_traffic_policy("Cluster"),
        Some(ExternalTrafficPolicy::Local) => service.external_traffic_policy("Local"),
    };
    let ranges = &exposure.load_balancer_source_ranges;
    // Kubernetes takes them of load balancers alone.
    if ranges.is_empty() || kind != "LoadBalancer" {
        service
    } else {
        service.load_balancer_source_ranges(ranges.clone())
    }
}

/// Annotations of Services that lead in from outside.
fn annotations_from_outside(spec: &Spec) -> Map {
    let mut annotations = spec.annotations.clone();
    annotations.extend(spec.expose_externally.iter().flat_map(|exposure| exposure.annotations.clone()));
    annotations
}

/// Host and port; the colons of an IPv6 address need brackets.
fn address(host: &str, port: i64) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// A Service with its labels.
fn service(name: &str, labels: &Map, annotations: &Map) -> Service {
    Service::new(name).labels(labels.clone()).annotations(annotations.clone())
}
