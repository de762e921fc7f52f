//! Rules about ports and Services.

use std::net::IpAddr;

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{ExposureType, MemberAccess, Spec, WanEndpoint};

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

/// Ports of nodes lead to Services that have some, and to one each.
pub(super) fn ports_of_nodes_lead_somewhere(spec: &Spec) -> Vec<Violation> {
    let Some(exposure) = &spec.expose_externally else { return Vec::new() };
    let mut violations = Vec::new();
    if exposure.discovery_node_port.is_some() && exposure.discovery_service_type != "NodePort" {
        let (path, message) = ("spec.exposeExternally.discoveryNodePort", "needs discoveryServiceType NodePort");
        violations.push(Violation::forbidden(path, message));
    }
    let path = "spec.exposeExternally.memberNodePorts";
    let balanced = exposure.member_access == Some(MemberAccess::LoadBalancer);
    if !exposure.member_node_ports.is_empty() && (balanced || exposure.type_ != ExposureType::Smart) {
        let message = "needs type Smart with memberAccess NodePortExternalIP or NodePortNodeName";
        violations.push(Violation::forbidden(path, message));
    }
    let mut taken: Vec<i32> = exposure.discovery_node_port.into_iter().collect();
    for (index, port) in exposure.member_node_ports.iter().enumerate() {
        if taken.contains(port) {
            let message = "a port of nodes leads to one Service";
            violations.push(Violation::duplicate(format!("{path}[{index}]"), *port, message));
        }
        taken.push(*port);
    }
    violations
}

/// Load balancers are told ranges of addresses.
pub(super) fn ranges_are_of_addresses(spec: &Spec) -> Vec<Violation> {
    let is_range = |text: &str| {
        let (address, length) = text.split_once('/')?;
        let longest = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
        length.parse::<u8>().ok().filter(|length| *length <= longest)
    };
    let ranges = spec.expose_externally.iter().flat_map(|exposure| &exposure.load_balancer_source_ranges).enumerate();
    ranges
        .filter(|(_, range)| is_range(range).is_none())
        .map(|(index, range)| {
            let path = format!("spec.exposeExternally.loadBalancerSourceRanges[{index}]");
            Violation::invalid(
                path,
                range.as_str(),
                "must be an address and how much of it counts, such as 203.0.113.0/24",
            )
        })
        .collect()
}

/// The longest name of a port, and that of a Service.
const LONGEST_PORT: usize = 15;
const LONGEST_SERVICE: usize = 63;

/// An endpoint gives its name to a Service, behind that of the cluster, and to ports.
pub(in crate::validate) fn wan_names_name_services(cluster: &str, spec: &Spec) -> Vec<Violation> {
    let wrong = |endpoint: &WanEndpoint| {
        let name = endpoint.name.as_deref().filter(|name| !name.is_empty())?;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let ends_well = !name.starts_with('-') && !name.ends_with('-') && !name.contains("--");
        let last = endpoint.port_count.unwrap_or(1).max(1).saturating_sub(1);
        let message = if !name.chars().all(is_plain) || !ends_well {
            "must consist of lower case letters and digits, with single dashes between them: Services and ports are named after it"
                .to_owned()
        } else if format!("wan-{name}-{last}").len() > LONGEST_PORT {
            format!(
                "too long: a port is named wan-{name}-{last}, and names of ports have at most {LONGEST_PORT} letters"
            )
        } else if cluster.len() + 1 + name.len() > LONGEST_SERVICE {
            format!(
                "too long: a Service is named {cluster}-{name}, and names of Services have at most {LONGEST_SERVICE} letters"
            )
        } else {
            return None;
        };
        Some((name.to_owned(), message))
    };
    let endpoints = wan(spec).iter().enumerate();
    endpoints
        .filter_map(|(index, endpoint)| {
            let (name, message) = wrong(endpoint)?;
            Some(Violation::invalid(format!("{}.name", path(index)), name, message))
        })
        .collect()
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
