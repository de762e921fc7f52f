//! Rules about ports and Services.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{ExposureType, Spec, WanEndpoint};

use super::when;
use crate::names;

/// The endpoints for other clusters that people name.
pub(super) fn wan(spec: &Spec) -> &[WanEndpoint] {
    spec.advanced_network.as_ref().map(|network| network.wan.as_slice()).unwrap_or_default()
}

/// The first port and the one after the last. 0 says as little as nothing.
pub(super) fn range(endpoint: &WanEndpoint) -> (i64, i64) {
    let first = endpoint.port.filter(|port| *port != 0).unwrap_or(names::WAN_PORT);
    (first, first.saturating_add(endpoint.port_count.unwrap_or(1).max(1)))
}

fn range_text((first, end): (i64, i64)) -> String {
    format!("{first}-{}", end.saturating_sub(1))
}

/// Where members listen for clients.
pub(super) fn client_port(spec: &Spec) -> i64 {
    let network = spec.advanced_network.as_ref();
    let endpoint = network.and_then(|network| network.client_server_socket_endpoint_config.as_ref());
    endpoint.and_then(|endpoint| endpoint.port).unwrap_or(names::CLIENT_PORT)
}

fn path(index: usize) -> String {
    format!("spec.advancedNetwork.wan[{index}]")
}

/// HZ-13.
pub(super) fn wan_services_are_of_known_types(spec: &Spec) -> Vec<Violation> {
    let is_wrong = |endpoint: &WanEndpoint| endpoint.service_type.as_deref() == Some("ExternalName");
    let endpoints = wan(spec).iter().enumerate().filter(|(_, endpoint)| is_wrong(endpoint));
    let message = "serviceType must be ClusterIP, NodePort, LoadBalancer or WithExposeExternally";
    endpoints.map(|(index, _)| Violation::forbidden(path(index), message)).collect()
}

/// HZ-14: each range is held against the one with which it begins to overlap.
pub(super) fn wan_ports_do_not_overlap(spec: &Spec) -> Vec<Violation> {
    let mut ranges: Vec<_> = wan(spec).iter().map(range).collect();
    ranges.sort_unstable();
    // The range that reaches furthest so far: a wide one may overlap with others than its neighbour.
    let mut furthest: Option<(i64, i64)> = None;
    let mut violations = Vec::new();
    for range in ranges {
        if let Some(lower) = furthest.filter(|lower| range.0 < lower.1) {
            let message = format!("overlaps with the ports {}", range_text(range));
            violations.push(Violation::invalid("spec.advancedNetwork.wan", range_text(lower), message));
        }
        furthest = Some(furthest.map_or(range, |lower| if lower.1 > range.1 { lower } else { range }));
    }
    violations
}

/// HZ-15.
pub(super) fn wan_ports_are_free(spec: &Spec) -> Vec<Violation> {
    let taken = [client_port(spec), names::MEMBER_PORT, names::REST_PORT];
    let ranges = wan(spec).iter().map(range).enumerate();
    ranges
        .filter(|(_, (first, end))| taken.iter().any(|port| (first..end).contains(&port)))
        .map(|(index, range)| {
            Violation::invalid(path(index), range_text(range), format!("must not contain any of {taken:?}"))
        })
        .collect()
}

/// Ports that a pod has for certain, with what they are for.
fn ports(spec: &Spec) -> Vec<(i64, &'static str)> {
    let mut ports = vec![(names::MEMBER_PORT, "other members"), (names::REST_PORT, "questions about its health")];
    if spec.agent.is_some() {
        ports.extend([(names::AGENT_PORT, "the agent"), (names::AGENT_TLS_PORT, "the agent")]);
    }
    ports
}

/// Ports that people may choose since endpoints for clients and debuggers can be.
pub(super) fn ports_of_a_pod_differ(spec: &Spec) -> Vec<Violation> {
    let client = client_port(spec);
    let mut taken = ports(spec);
    let mut violations = Vec::new();
    let mut check = |path: &str, port: i64, taken: &[(i64, &'static str)]| {
        if let Some((_, whom)) = taken.iter().find(|(other, _)| *other == port) {
            violations.push(Violation::invalid(path, port, format!("this port is for {whom}")));
        }
    };
    if client != names::CLIENT_PORT {
        check("spec.advancedNetwork.clientServerSocketEndpointConfig.port", client, &taken);
    }
    taken.push((client, "clients"));
    let wan_ports = wan(spec).iter().map(range).collect::<Vec<_>>();
    let virtual_machines = [
        ("spec.jvm.debug.port", spec.jvm.as_ref()),
        ("spec.liteMember.jvm.debug.port", spec.lite_member.as_ref().and_then(|lite| lite.jvm.as_ref())),
    ];
    for (path, jvm) in virtual_machines {
        let debug = jvm.and_then(|jvm| jvm.debug.as_ref());
        // A virtual machine that calls the debugger does not listen.
        let Some(debug) = debug.filter(|debug| debug.enabled && debug.attach.is_none()) else { continue };
        let port = i64::from(debug.port);
        check(path, port, &taken);
        let is_wan = |(first, end): &(i64, i64)| (*first..*end).contains(&port);
        if wan_ports.iter().any(is_wan) || (wan_ports.is_empty() && port == names::WAN_PORT) {
            check(path, port, &[(port, "other clusters")]);
        }
    }
    violations
}

/// An endpoint that uses the Services of single members needs them.
pub(super) fn shared_services_are_there(spec: &Spec) -> Vec<Violation> {
    let smart = spec.expose_externally.as_ref().is_some_and(|exposure| exposure.type_ == ExposureType::Smart);
    let shared = |endpoint: &WanEndpoint| endpoint.service_type.as_deref() == Some("WithExposeExternally");
    let endpoints = wan(spec).iter().enumerate().filter(|(_, endpoint)| shared(endpoint));
    endpoints
        .flat_map(|(index, _)| {
            when(!smart, || {
                let message = "WithExposeExternally needs exposeExternally of type Smart";
                Violation::forbidden(format!("{}.serviceType", path(index)), message)
            })
        })
        .collect()
}
