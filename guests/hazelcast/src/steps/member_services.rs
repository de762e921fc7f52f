//! A Service for each member, for clients that talk to each of them from outside.

use filbert_guest::k8s::{Map, Service, ServicePort, ServiceSpec, StatefulSet};
use filbert_guest::{Context, Plan, ReadError, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{MemberAccess, Spec};
use serde::Deserialize;

use super::balancer::BalancedStatus;
use super::wan::{self, Reach};
use super::{
    annotations_from_outside, client_port, from_outside, labels, member_access, of_family, scaling, service, size, tcp,
};
use crate::names::{self, Application, LABEL_ENDPOINT_TYPE, LABEL_POD_NAME, LABEL_SERVICE_PER_POD};

/// A Service for each member. Those of members that are no longer wanted go by themselves.
pub struct MemberServices;

impl Step for MemberServices {
    type Resource = Hazelcast;
    const NAME: &'static str = "member-services";
    const SUMMARY: &'static str = "a Service for each member that clients reach from outside";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let Some(access) = member_access(spec) else { return Ok(Plan::default()) };
        let kind = if access == MemberAccess::LoadBalancer { "LoadBalancer" } else { "NodePort" };
        let mut labels = labels(cx);
        labels.insert(LABEL_SERVICE_PER_POD.to_owned(), "true".to_owned());
        labels.insert(LABEL_ENDPOINT_TYPE.to_owned(), "member".to_owned());
        let annotations = annotations_from_outside(spec);
        // A member that is to go has an address until it has handed its data over.
        let plan = (0..scaling::reached(cx)?).fold(Plan::default(), |plan, index| {
            let name = names::member(cx.name(), index);
            let mut selector: Map = Application::Hazelcast.selector(cx.name()).into_iter().collect();
            selector.insert(LABEL_POD_NAME.to_owned(), name.clone());
            let service_spec = ServiceSpec::new()
                .type_(kind)
                // A member must be reachable before it is ready: it looks its own address up when it starts.
                .publish_not_ready_addresses(true)
                .selector(selector)
                .ports(ports(spec, index));
            let service_spec = of_family(from_outside(service_spec, kind, spec), spec);
            let service = service(&name, &labels, &annotations).spec(service_spec);
            plan.apply(service).because(format!("clients outside reach member {index} by it"))
        });
        if access != MemberAccess::LoadBalancer {
            return Ok(plan);
        }
        Ok(match without_address(cx)? {
            None => plan,
            Some(index) => plan.wait(
                "MemberAddressesPending",
                format!(
                    "the load balancer of member {index} has no address yet, and members look theirs up when they start"
                ),
            ),
        })
    }
}

/// What clients, and other clusters where they come this way, reach of a member.
fn ports(spec: &Spec, index: i32) -> Vec<ServicePort> {
    let mut clients = tcp("hazelcast", client_port(spec)).target_port("hazelcast");
    let of_nodes = spec.expose_externally.as_ref().map(|exposure| exposure.member_node_ports.as_slice());
    if let Some(port) = usize::try_from(index).ok().and_then(|index| of_nodes?.get(index)) {
        clients = clients.node_port(i64::from(*port));
    }
    let endpoints = wan::endpoints(spec);
    let wan = endpoints.iter().filter(|endpoint| endpoint.reach == Reach::Members).flat_map(wan::Endpoint::ports);
    [clients].into_iter().chain(wan.map(|(name, port)| tcp(&name, port))).collect()
}

/// The first member whose load balancer has no address yet, as long as no member has started. Later nobody waits for it: one
/// address that never comes would keep everything else of a running cluster from being looked after.
fn without_address(cx: &Context<Hazelcast>) -> Result<Option<i32>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Live {
        status: BalancedStatus,
    }
    if cx.read(StatefulSet::TYPE, cx.name()).exists()? {
        return Ok(None);
    }
    for index in 0..size(&cx.object().spec) {
        let service = cx.read(Service::TYPE, names::member(cx.name(), index)).fields(&["status.loadBalancer"]);
        let live: Live = service.get()?.unwrap_or_default();
        if live.status.hosts().next().is_none() {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn services(spec: Value) -> Vec<Value> {
        MemberServices::run(&Context::test("library", json!({"spec": spec}))).expect("a plan").applied()
    }

    #[test]
    fn there_are_none_unless_each_member_is_exposed() {
        assert_eq!(services(json!({})), Vec::<Value>::new());
        assert_eq!(services(json!({"exposeExternally": {"type": "Unisocket"}})), Vec::<Value>::new());
    }

    #[test]
    fn there_is_one_for_each_member() {
        let services = services(json!({"clusterSize": 2, "exposeExternally": {}}));
        insta::assert_snapshot!(crate::golden(&services));
    }

    #[test]
    fn there_are_none_while_paused() {
        assert_eq!(services(json!({"clusterSize": 0, "exposeExternally": {}})), Vec::<Value>::new());
    }

    #[test]
    fn other_clusters_may_come_this_way_too() {
        let wan = json!([{"name": "north", "port": 5720, "serviceType": "WithExposeExternally"}]);
        let services = services(json!({"clusterSize": 1, "exposeExternally": {}, "advancedNetwork": {"wan": wan}}));
        let ports: Vec<_> =
            services[0]["spec"]["ports"].as_array().expect("ports").iter().map(|port| port["port"].clone()).collect();
        assert_eq!(ports, [5701, 5720]);
    }

    #[test]
    fn members_start_when_their_load_balancers_have_addresses_and_run_on_without() {
        let spec = json!({"clusterSize": 2, "exposeExternally": {"memberAccess": "LoadBalancer"}});
        let of = |count: usize| {
            (0..count).fold(Context::<Hazelcast>::test("library", json!({"spec": spec})), |cx, index| {
                let status = json!({"loadBalancer": {"ingress": [{"hostname": "north.example"}]}});
                cx.with(Service::TYPE, json!({"metadata": {"name": format!("library-{index}")}, "status": status}))
            })
        };
        let waits = |cx: Context<Hazelcast>| {
            let plan = MemberServices::run(&cx).expect("a plan");
            assert_eq!(plan.applied().len(), 2);
            plan.waits_for().map(|(reason, message)| (reason.to_owned(), message.contains("member 1")))
        };
        assert_eq!(waits(of(1)), Some(("MemberAddressesPending".to_owned(), true)));
        assert_eq!(waits(of(2)), None);
        assert_eq!(waits(of(1).with(StatefulSet::TYPE, json!({"metadata": {"name": "library"}}))), None);
    }

    #[test]
    fn ports_of_nodes_can_be_chosen_for_as_many_members_as_people_say() {
        let services = services(json!({"clusterSize": 2, "exposeExternally": {"memberNodePorts": [30_700]}}));
        assert_eq!(services[0]["spec"]["ports"][0]["nodePort"], 30_700);
        assert_eq!(services[1]["spec"]["ports"][0].get("nodePort"), None);
    }

    #[test]
    fn can_be_load_balancers() {
        let services = services(json!({"clusterSize": 1, "exposeExternally": {"memberAccess": "LoadBalancer"}}));
        assert_eq!(services[0]["spec"]["type"], "LoadBalancer");
    }
}
