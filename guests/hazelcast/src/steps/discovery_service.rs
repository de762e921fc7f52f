//! The Service by which members and clients find the cluster.

use filbert_guest::k8s::{Map, Service, ServicePort};
use filbert_guest::{Context, Plan, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{DiscoveryMode, Spec};
use serde::Deserialize;

use super::{annotations_from_outside, client_port, from_outside, labels, of_family, service, tcp};
use crate::names::{self, Application, LABEL_ENDPOINT_TYPE};

/// The Service by which members and clients find the cluster.
pub struct DiscoveryService;

impl Step for DiscoveryService {
    type Resource = Hazelcast;
    const NAME: &'static str = "discovery-service";
    const SUMMARY: &'static str = "the Service by which members and clients find the cluster";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let kind = service_type(spec);
        if is_headless(cx)?.is_some_and(|headless| headless == kind.is_some()) {
            // Whether a Service has an address of its own cannot be changed. Members stay connected meanwhile.
            return Ok(Plan::default()
                .delete(&Service::TYPE.named(cx.namespace(), cx.name()), "its kind of address cannot be changed")
                .wait("ServiceReplaced", "the discovery Service is made anew, because its kind of address changed"));
        }
        let mut labels = labels(cx);
        if kind.is_some() {
            labels.insert(LABEL_ENDPOINT_TYPE.to_owned(), "discovery".to_owned());
        }
        let mut service_spec = filbert_guest::k8s::ServiceSpec::new()
            .type_(kind.unwrap_or("ClusterIP"))
            .selector(Application::Hazelcast.selector(cx.name()).into_iter().collect::<Map>())
            .ports(ports(spec, kind.is_some()));
        if kind.is_none() {
            service_spec = service_spec.cluster_ip("None");
        }
        if spec.discovery.as_ref().is_some_and(|discovery| discovery.mode == DiscoveryMode::Dns) {
            // The name service knows of no others, and members must find each other before they are ready.
            service_spec = service_spec.publish_not_ready_addresses(true);
        }
        let annotations = if kind.is_some() { annotations_from_outside(spec) } else { spec.annotations.clone() };
        let service_spec = match kind {
            Some(kind) => from_outside(service_spec, kind, spec),
            None => service_spec,
        };
        let service = service(cx.name(), &labels, &annotations).spec(of_family(service_spec, spec));
        Ok(Plan::default().apply(service).because(match kind {
            None => "members and clients find the cluster by it",
            Some(_) => "clients outside find the cluster by it",
        }))
    }
}

/// The type of a Service that is reachable from outside; nothing where it need not be.
fn service_type(spec: &Spec) -> Option<&'static str> {
    let exposure = spec.expose_externally.as_ref()?;
    Some(if exposure.discovery_service_type == "NodePort" { "NodePort" } else { "LoadBalancer" })
}

/// Whether the Service that is there has no address of its own; nothing where there is none.
fn is_headless(cx: &Context<Hazelcast>) -> Result<Option<bool>, filbert_guest::ReadError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        spec: LiveSpec,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct LiveSpec {
        #[serde(rename = "clusterIP")]
        cluster_ip: String,
    }
    let live: Option<Live> = cx.read(Service::TYPE, cx.name()).fields(&["spec.clusterIP"]).get()?;
    // An address is given in the moment in which a Service is made.
    Ok(live.map(|live| live.spec.cluster_ip).filter(|address| !address.is_empty()).map(|address| address == "None"))
}

/// What members answer at. From outside only clients and other clusters are let in: the other ports ask nobody who they are.
fn ports(spec: &Spec, exposed: bool) -> Vec<ServicePort> {
    let mut clients = tcp("hazelcast", client_port(spec)).target_port("hazelcast");
    if let Some(port) = spec.expose_externally.as_ref().and_then(|exposure| exposure.discovery_node_port) {
        clients = clients.node_port(i64::from(port));
    }
    let mut ports = vec![clients];
    if !exposed {
        ports.push(tcp("member-port", names::MEMBER_PORT));
        ports.push(tcp("rest-port", names::REST_PORT));
    }
    if spec.advanced_network.as_ref().is_none_or(|network| network.wan.is_empty()) {
        ports.push(tcp("wan-port", names::WAN_PORT));
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(spec: Value) -> Value {
        let plan = DiscoveryService::run(&Context::test("library", json!({"spec": spec}))).expect("a plan");
        plan.find("Service", "library").expect("a Service")
    }

    #[test]
    fn has_no_address_of_its_own_unless_exposed() {
        insta::assert_snapshot!(crate::golden(&run(json!({}))));
    }

    #[test]
    fn exposed_lets_in_clients_and_other_clusters_only() {
        insta::assert_snapshot!(crate::golden(&run(json!({"exposeExternally": {}}))));
    }

    #[test]
    fn can_be_a_port_of_nodes() {
        let service = run(json!({"exposeExternally": {"discoveryServiceType": "NodePort"}}));
        assert_eq!(service["spec"]["type"], "NodePort");
    }

    #[test]
    fn people_say_how_it_leads_in_from_outside() {
        let exposure = json!({
            "annotations": {"cloud": "yes"}, "externalTrafficPolicy": "Local",
            "loadBalancerSourceRanges": ["203.0.113.0/24"],
        });
        let service = run(json!({"exposeExternally": exposure, "annotations": {"site": "north"}}));
        assert_eq!(service["metadata"]["annotations"], json!({"cloud": "yes", "site": "north"}));
        assert_eq!(service["spec"]["externalTrafficPolicy"], "Local");
        assert_eq!(service["spec"]["loadBalancerSourceRanges"], json!(["203.0.113.0/24"]));
        let mut nodes = exposure;
        nodes["discoveryServiceType"] = "NodePort".into();
        nodes["discoveryNodePort"] = 30_701.into();
        let service = run(json!({"exposeExternally": nodes}));
        assert_eq!(service["spec"]["ports"][0]["nodePort"], 30_701);
        assert_eq!(service["spec"].get("loadBalancerSourceRanges"), None);
    }

    #[test]
    fn the_name_service_tells_of_members_that_are_not_ready_yet() {
        assert_eq!(run(json!({"discovery": {"mode": "DNS"}}))["spec"]["publishNotReadyAddresses"], true);
        assert_eq!(run(json!({"discovery": {}}))["spec"].get("publishNotReadyAddresses"), None);
    }

    #[test]
    fn clients_come_in_at_the_port_that_people_choose() {
        let port = json!({"clientServerSocketEndpointConfig": {"port": 5801}});
        assert_eq!(run(json!({"advancedNetwork": port}))["spec"]["ports"][0]["port"], 5801);
    }

    #[test]
    fn ports_for_other_clusters_of_ones_own_replace_the_default_one() {
        let service = run(json!({"advancedNetwork": {"wan": [{"name": "north", "port": 5720, "portCount": 1}]}}));
        assert!(!service.to_string().contains("wan-port"));
    }

    #[test]
    fn is_made_anew_where_its_kind_of_address_changes() {
        let run = |spec, address| {
            let live = json!({"metadata": {"name": "library"}, "spec": {"clusterIP": address}});
            let cx = Context::test("library", json!({"spec": spec})).with(Service::TYPE, live);
            DiscoveryService::run(&cx).expect("a plan")
        };
        let exposed = || json!({"exposeExternally": {}});
        for plan in [run(exposed(), "None"), run(json!({}), "10.0.0.7")] {
            assert_eq!(plan.deleted(), [("services".to_owned(), "library".to_owned())]);
            assert_eq!(plan.waits_for().map(|(reason, _)| reason), Some("ServiceReplaced"));
            assert_eq!(plan.applied(), Vec::<Value>::new());
        }
        for plan in [run(exposed(), "10.0.0.7"), run(json!({}), "None")] {
            assert_eq!(plan.deleted(), []);
            assert_eq!(plan.applied().len(), 1);
        }
    }
}
