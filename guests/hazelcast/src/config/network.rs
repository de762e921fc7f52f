//! Where members listen and how they find each other. The classic `network` section is never used.

use hazelcast_api::hazelcast::{MemberAccess, Spec};

use super::{Node, tls};
use crate::names;
use crate::steps::wan;

pub(super) fn section(name: &str, spec: &Spec) -> Node {
    let network = spec.advanced_network.clone().unwrap_or_default();
    let members = network.member_server_socket_endpoint_config.unwrap_or_default();
    let clients = network.client_server_socket_endpoint_config.unwrap_or_default();
    Node::new()
        .with("enabled", true)
        .with("join", Node::new().with("kubernetes", join(name, spec)))
        .with(
            "member-server-socket-endpoint-config",
            endpoint(names::MEMBER_PORT, &members.interfaces).with_any("ssl", tls::of_members(spec)),
        )
        .with(
            "client-server-socket-endpoint-config",
            endpoint(names::CLIENT_PORT, &clients.interfaces).with_any("ssl", tls::of_clients(spec)),
        )
        .with("rest-server-socket-endpoint-config", rest())
        .with("wan-server-socket-endpoint-config", wan_endpoints(spec))
}

/// What of it encrypts connections: members take that up only when they start.
pub(super) fn encryption(spec: &Spec) -> Node {
    let endpoint = |ssl: Node| Node::new().with_any("ssl", ssl);
    Node::new()
        .with_any("member-server-socket-endpoint-config", endpoint(tls::of_members(spec)))
        .with_any("client-server-socket-endpoint-config", endpoint(tls::of_clients(spec)))
}

fn join(name: &str, spec: &Spec) -> Node {
    let access = spec.expose_externally.as_ref().and_then(|exposure| exposure.member_access);
    let by_node_name = (access == Some(MemberAccess::NodePortNodeName)).then_some(true);
    Node::new()
        .with("enabled", true)
        .with("service-name", name)
        .with_some("use-node-name-as-external-address", by_node_name)
        .with("service-per-pod-label-name", names::LABEL_SERVICE_PER_POD)
        .with("service-per-pod-label-value", "true")
        .with("service-port", names::MEMBER_PORT)
}

fn port(port: i64, count: i64) -> Node {
    Node::new().with("port", port).with("port-count", count)
}

fn endpoint(number: i64, patterns: &[String]) -> Node {
    let interfaces =
        if patterns.is_empty() { Node::new() } else { Node::new().with("enabled", true).with("interfaces", patterns) };
    Node::new().with("port", port(number, 1)).with_any("interfaces", interfaces)
}

fn rest() -> Node {
    let enabled = || Node::new().with("enabled", true);
    let groups = ["HEALTH_CHECK", "CLUSTER_WRITE", "PERSISTENCE"]
        .into_iter()
        .fold(Node::new(), |node, group| node.with(group, enabled()));
    Node::new().with("port", port(names::REST_PORT, 1)).with("endpoint-groups", groups)
}

fn wan_endpoints(spec: &Spec) -> Node {
    let endpoints = wan::endpoints(spec);
    if endpoints.is_empty() {
        return Node::new().with("default", Node::new().with("port", port(names::WAN_PORT, 1)));
    }
    let one = |endpoint: &wan::Endpoint<'_>| {
        let (first, count) = endpoint.range();
        (endpoint.name.to_owned(), Node::new().with("port", port(first, count)))
    };
    endpoints.iter().map(one).collect()
}
