//! A Service for each member, for clients that talk to each of them from outside.

use filbert_guest::k8s::{Map, ServiceSpec};
use filbert_guest::{Context, Plan, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::MemberAccess;

use super::{labels, member_access, service, size, tcp};
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
        Ok((0..size(spec)).fold(Plan::default(), |plan, index| {
            let name = names::member(cx.name(), index);
            let mut selector: Map = Application::Hazelcast.selector(cx.name()).into_iter().collect();
            selector.insert(LABEL_POD_NAME.to_owned(), name.clone());
            let spec = ServiceSpec::new()
                .type_(kind)
                // A member must be reachable before it is ready: it looks its own address up when it starts.
                .publish_not_ready_addresses(true)
                .selector(selector)
                .ports(vec![tcp("hazelcast", names::CLIENT_PORT).target_port("hazelcast")]);
            let service = service(&name, &labels, &cx.object().spec.annotations).spec(spec);
            plan.apply(service).because(format!("clients outside reach member {index} by it"))
        }))
    }
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
    fn can_be_load_balancers() {
        let services = services(json!({"clusterSize": 1, "exposeExternally": {"memberAccess": "LoadBalancer"}}));
        assert_eq!(services[0]["spec"]["type"], "LoadBalancer");
    }
}
