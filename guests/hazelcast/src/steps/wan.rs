//! Where members listen for other clusters, as the specification says it: with the names, ports and kinds of Services that
//! are meant where it says nothing.

use hazelcast_api::hazelcast::{Spec, WanEndpoint};

use crate::names;

/// How other clusters reach an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// By a Service of this type.
    Service(&'a str),
    /// By the Services of single members.
    Members,
}

/// An endpoint, with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint<'a> {
    /// Its name, and the end of the name of its Service.
    pub(crate) name: &'a str,
    /// How it is reached.
    pub(crate) reach: Reach<'a>,
    first: i64,
    count: i64,
}

impl<'a> Endpoint<'a> {
    fn of(endpoint: &'a WanEndpoint) -> Self {
        let reach = match endpoint.service_type.as_deref().filter(|kind| !kind.is_empty()) {
            None => Reach::Service("LoadBalancer"),
            Some("WithExposeExternally") => Reach::Members,
            Some(kind) => Reach::Service(kind),
        };
        Self {
            name: endpoint.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default"),
            reach,
            first: endpoint.port.filter(|port| *port != 0).unwrap_or(names::WAN_PORT),
            // The schema allows any number; more ports than exist would only be refused later.
            count: endpoint.port_count.filter(|count| *count != 0).unwrap_or(1).clamp(0, 65_536),
        }
    }

    /// Each port with its name.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (String, i64)> {
        let (name, first) = (self.name, self.first);
        (0..self.count).map(move |index| (format!("wan-{name}-{index}"), first.saturating_add(index)))
    }

    /// First port and how many.
    pub(crate) fn range(&self) -> (i64, i64) {
        (self.first, self.count)
    }
}

/// Those that the specification names. A name is that of one Service and of one section; of several endpoints with one
/// name the last one counts.
pub(crate) fn endpoints(spec: &Spec) -> Vec<Endpoint<'_>> {
    let mut endpoints: Vec<Endpoint<'_>> = Vec::new();
    for endpoint in spec.advanced_network.iter().flat_map(|network| &network.wan).map(Endpoint::of) {
        match endpoints.iter_mut().find(|before| before.name == endpoint.name) {
            Some(before) => *before = endpoint,
            None => endpoints.push(endpoint),
        }
    }
    endpoints
}
