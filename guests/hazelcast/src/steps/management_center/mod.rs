//! The steps of a Management Center.

mod clusters;
mod entrance;
mod ldap;
mod metrics;
mod modules;
mod service;
mod stateful_set;
mod status;

pub use entrance::CenterEntrance;
pub use service::CenterService;
pub use stateful_set::CenterSet;
pub use status::CenterStatus;

use hazelcast_api::management_center::Spec;

/// Below which path all pages are: that of the Ingress where there is one.
fn context_path(spec: &Spec) -> &str {
    let ingress = spec.external_connectivity.as_ref().and_then(|external| external.ingress.as_ref());
    ingress.map_or("/", |ingress| ingress.path.as_str())
}
