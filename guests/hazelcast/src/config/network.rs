//! Where members listen and how they find each other. The classic `network` section is never used.

use hazelcast_api::hazelcast::{Discovery, DiscoveryMode, MemberAccess, Spec};

use super::{Inputs, Node, tls};
use crate::names;
use crate::steps::{client_port, wan};

pub(super) fn section(of: &Inputs<'_>) -> Node {
    let spec = of.spec;
    let network = spec.advanced_network.clone().unwrap_or_default();
    let members = network.member_server_socket_endpoint_config.unwrap_or_default();
    let clients = network.client_server_socket_endpoint_config.unwrap_or_default();
    Node::new()
        .with("enabled", true)
        .with("join", Node::new().with("kubernetes", join(of)))
        .with(
            "member-server-socket-endpoint-config",
            endpoint(names::MEMBER_PORT, &members.interfaces).with_any("ssl", tls::of_members(spec)),
        )
        .with(
            "client-server-socket-endpoint-config",
            endpoint(client_port(spec), &clients.interfaces).with_any("ssl", tls::of_clients(spec)),
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

/// How members find each other.
fn join(of: &Inputs<'_>) -> Node {
    let discovery = of.spec.discovery.clone().unwrap_or_default();
    let port = discovery.service_port.map_or(names::MEMBER_PORT, i64::from);
    let node = Node::new().with("enabled", true);
    match discovery.mode {
        DiscoveryMode::Dns => {
            let own = || format!("{}.{}.svc.cluster.local", of.name, of.namespace);
            node.with("service-dns", given(discovery.service_dns).unwrap_or_else(own))
                .with_some("service-dns-timeout", discovery.service_dns_timeout_seconds)
        }
        DiscoveryMode::Api => by_api(node, of, discovery),
    }
    .with("service-port", port)
}

/// By asking the Kubernetes API: which pods, and how they are reached from outside.
fn by_api(node: Node, of: &Inputs<'_>, discovery: Discovery) -> Node {
    let access = of.spec.expose_externally.as_ref().and_then(|exposure| exposure.member_access);
    let by_node_name = (access == Some(MemberAccess::NodePortNodeName)).then_some(true);
    let master = given(discovery.kubernetes_master).or_else(|| given(of.spec.kubernetes_master.clone()));
    let node = node.with_some("namespace", given(discovery.namespace));
    let node = if let Some(label) = given(discovery.service_label_name) {
        let value = given(discovery.service_label_value).unwrap_or_else(|| "true".to_owned());
        node.with("service-label-name", label).with("service-label-value", value)
    } else if let Some(label) = given(discovery.pod_label_name) {
        node.with("pod-label-name", label).with_some("pod-label-value", given(discovery.pod_label_value))
    } else if discovery.whole_namespace == Some(true) {
        node
    } else {
        node.with("service-name", given(discovery.service_name).unwrap_or_else(|| of.name.to_owned()))
    };
    let label = given(discovery.service_per_pod_label_name);
    node.with_some("resolve-not-ready-addresses", discovery.resolve_not_ready_addresses)
        .with_some("expose-externally", discovery.expose_externally)
        .with_some("use-node-name-as-external-address", discovery.use_node_name_as_external_address.or(by_node_name))
        .with("service-per-pod-label-name", label.unwrap_or_else(|| names::LABEL_SERVICE_PER_POD.to_owned()))
        .with(
            "service-per-pod-label-value",
            given(discovery.service_per_pod_label_value).unwrap_or_else(|| "true".to_owned()),
        )
        .with_some("kubernetes-api-retries", discovery.kubernetes_api_retries)
        .with_some("kubernetes-master", master)
        .with_some("api-token", of.api_token)
        .with_some("ca-certificate", given(discovery.ca_certificate))
}

/// What somebody said; nothing where it is empty.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
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
