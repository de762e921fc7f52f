//! The address behind an endpoint: that of a load balancer, or of a node with the port that it was given.

use filbert_guest::k8s::{Map, Service, resources};
use filbert_guest::{Context, Plan, ReadError, Step, StepResult};
use hazelcast_api::HazelcastEndpoint;
use hazelcast_api::endpoint::EndpointType;
use serde::Deserialize;
use serde_json::json;

use super::address;
use super::balancer::BalancedStatus;

/// The address behind an endpoint.
pub struct EndpointAddress;

impl Step for EndpointAddress {
    type Resource = HazelcastEndpoint;
    const NAME: &'static str = "endpoint-address";
    const SUMMARY: &'static str = "what the address is";

    fn run(cx: &Context<HazelcastEndpoint>) -> StepResult {
        let (address, message) = match find(cx)? {
            Ok(address) => (address, String::new()),
            Err(message) => (String::new(), message),
        };
        Ok(Plan::default().status(json!({"address": address, "message": message})))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Live {
    spec: LiveSpec,
    status: BalancedStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LiveSpec {
    #[serde(rename = "type")]
    type_: String,
    selector: Map,
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    port: i64,
    node_port: Option<i64>,
}

/// The address, or why there is none.
fn find(cx: &Context<HazelcastEndpoint>) -> Result<Result<String, String>, ReadError> {
    let port = i64::from(cx.object().spec.port.unwrap_or_default());
    let Some(service) = service(cx, port)? else { return Ok(Err("its Service is not there".to_owned())) };
    match service.spec.type_.as_str() {
        "LoadBalancer" => {
            let host = service.status.hosts().next().ok_or("the load balancer has no address yet");
            Ok(host.map(|host| address(&host, port)).map_err(str::to_owned))
        }
        "NodePort" => {
            let given = service.spec.ports.iter().find(|known| known.port == port).and_then(|port| port.node_port);
            let Some(given) = given else { return Ok(Err("its Service has no port of nodes yet".to_owned())) };
            Ok(node_address(cx, &service.spec.selector)?.map(|host| address(&host, given)))
        }
        _ => Ok(Err("its Service leads in from inside only".to_owned())),
    }
}

/// The Service that is reached: named as the endpoint, but that those for other clusters may have a part behind its name.
fn service(cx: &Context<HazelcastEndpoint>, port: i64) -> Result<Option<Live>, ReadError> {
    let has_port = |service: &Live| service.spec.ports.iter().any(|known| known.port == port);
    let read = |name: &str| {
        let read = cx.read(Service::TYPE, name);
        read.fields(&["spec.type", "spec.selector", "spec.ports", "status.loadBalancer"]).get::<Live>()
    };
    if let Some(service) = read(cx.name())?.filter(has_port) {
        return Ok(Some(service));
    }
    let is_wan = cx.object().spec.type_ == Some(EndpointType::Wan);
    match cx.name().rsplit_once('-').filter(|_| is_wan) {
        Some((service, _)) => Ok(read(service)?.filter(has_port)),
        None => Ok(None),
    }
}

/// The address of the node on which the first of the selected pods runs: its external one where it has one.
fn node_address(cx: &Context<HazelcastEndpoint>, selector: &Map) -> Result<Result<String, String>, ReadError> {
    #[derive(Deserialize)]
    struct Pod {
        #[serde(default)]
        spec: PodSpec,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct PodSpec {
        node_name: String,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Node {
        status: NodeStatus,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct NodeStatus {
        addresses: Vec<NodeAddress>,
    }
    #[derive(Deserialize)]
    struct NodeAddress {
        #[serde(rename = "type")]
        type_: String,
        address: String,
    }
    let list = selector.iter().fold(cx.list(resources::PODS), |list, (key, value)| list.label(key, value));
    let pods: Vec<Pod> = list.fields(&["spec.nodeName"]).get()?;
    let Some(name) = pods.into_iter().map(|pod| pod.spec.node_name).find(|name| !name.is_empty()) else {
        return Ok(Err("no pod is on a node yet".to_owned()));
    };
    let node: Node = cx
        .read_key(resources::NODES.cluster_scoped(name.as_str()))
        .fields(&["status.addresses"])
        .get()?
        .unwrap_or_default();
    let of = |wanted: &str| node.status.addresses.iter().find(|known| known.type_ == wanted);
    let found = of("ExternalIP").or_else(|| of("InternalIP")).map(|found| found.address.clone());
    Ok(found.ok_or_else(|| format!("the node {name} has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn endpoint(name: &str, type_: &str, port: i64) -> Context<HazelcastEndpoint> {
        Context::test(name, json!({"spec": {"type": type_, "port": port, "hazelcastResourceName": "library"}}))
    }

    fn status(cx: &Context<HazelcastEndpoint>) -> (String, String) {
        let status = EndpointAddress::run(cx).expect("a plan").status_fragment().expect("a status");
        let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
        (text("address"), text("message"))
    }

    fn balanced(name: &str, ingress: Value) -> Value {
        let spec = json!({"type": "LoadBalancer", "ports": [{"port": 5701}, {"port": 5710}]});
        json!({"metadata": {"name": name}, "spec": spec, "status": {"loadBalancer": {"ingress": ingress}}})
    }

    #[test]
    fn that_of_a_load_balancer_is_its_address_or_host() {
        for (ingress, address) in [
            (json!([{"ip": "203.0.113.7"}]), "203.0.113.7:5701"),
            (json!([{"ip": "2001:db8::7"}]), "[2001:db8::7]:5701"),
            (json!([{"hostname": "north.example"}]), "north.example:5701"),
            (json!([]), ""),
        ] {
            let cx = endpoint("library", "Discovery", 5701).with(Service::TYPE, balanced("library", ingress));
            assert_eq!(status(&cx).0, address);
        }
    }

    #[test]
    fn one_for_other_clusters_may_be_named_with_a_part_behind_its_service() {
        let service = || balanced("library", json!([{"ip": "203.0.113.7"}]));
        assert_eq!(status(&endpoint("library-wan", "WAN", 5710).with(Service::TYPE, service())).0, "203.0.113.7:5710");
        assert_eq!(
            status(&endpoint("library-wan", "Member", 5710).with(Service::TYPE, service())).1,
            "its Service is not there"
        );
    }

    #[test]
    fn that_of_a_node_is_known_when_a_pod_is_on_it() {
        let labels = json!({"app": "library"});
        let service = json!({
            "metadata": {"name": "library-0"},
            "spec": {"type": "NodePort", "selector": labels, "ports": [{"port": 5701, "nodePort": 31701}]},
        });
        let pod = |node: &str| json!({"metadata": {"name": "library-0", "labels": labels}, "spec": {"nodeName": node}});
        let node = |addresses: Value| json!({"metadata": {"name": "n1"}, "status": {"addresses": addresses}});
        let internal = json!({"type": "InternalIP", "address": "10.0.0.1"});
        let external = json!({"type": "ExternalIP", "address": "203.0.113.1"});
        let of = || endpoint("library-0", "Member", 5701).with(Service::TYPE, service.clone());
        assert_eq!(status(&of()), (String::new(), "no pod is on a node yet".to_owned()));
        assert_eq!(status(&of().with(resources::PODS, pod(""))).1, "no pod is on a node yet");
        let on = |addresses: Value| of().with(resources::PODS, pod("n1")).with(resources::NODES, node(addresses));
        assert_eq!(status(&on(json!([internal, external]))).0, "203.0.113.1:31701");
        assert_eq!(status(&on(json!([internal]))).0, "10.0.0.1:31701");
        assert_eq!(status(&on(json!([]))).1, "the node n1 has no address");
    }
}
