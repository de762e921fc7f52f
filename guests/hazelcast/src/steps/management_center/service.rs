//! The Service by which people reach a Management Center.

use filbert_guest::k8s::{Map, Service, ServicePort, ServiceSpec};
use filbert_guest::{Context, Plan, Step, StepResult};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::{ConnectivityType, ExternalConnectivity};

use super::super::management_center_labels;
use crate::names::{self, Application};

/// The Service by which people reach a Management Center.
pub struct CenterService;

impl Step for CenterService {
    type Resource = ManagementCenter;
    const NAME: &'static str = "management-center-service";
    const SUMMARY: &'static str = "the Service by which people reach the Management Center";

    fn run(cx: &Context<ManagementCenter>) -> StepResult {
        let spec = &cx.object().spec;
        let kind = match spec.external_connectivity.as_ref().map(ExternalConnectivity::service) {
            None | Some(ConnectivityType::ClusterIp) => "ClusterIP",
            Some(ConnectivityType::NodePort) => "NodePort",
            Some(ConnectivityType::LoadBalancer) => "LoadBalancer",
        };
        let port = |name, port| ServicePort::new().name(name).protocol("TCP").port(port).target_port("mancenter-port");
        let service =
            Service::new(cx.name()).labels(management_center_labels(cx)).annotations(spec.annotations.clone()).spec(
                ServiceSpec::new()
                    .type_(kind)
                    .selector(Application::ManagementCenter.selector(cx.name()).into_iter().collect::<Map>())
                    .ports(vec![port("http", names::MANAGEMENT_CENTER_PORT), port("https", 443)]),
            );
        Ok(Plan::default().apply(service).because("people reach the Management Center by it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(spec: Value) -> Value {
        let plan = CenterService::run(&Context::test("tower", json!({"spec": spec}))).expect("a plan");
        plan.find("Service", "tower").expect("a Service")
    }

    #[test]
    fn is_a_load_balancer_unless_people_say_otherwise() {
        insta::assert_snapshot!(crate::golden(&run(json!({}))));
    }

    #[test]
    fn has_the_type_that_people_ask_for() {
        for kind in ["ClusterIP", "NodePort", "LoadBalancer"] {
            assert_eq!(run(json!({"externalConnectivity": {"type": kind}}))["spec"]["type"], kind);
        }
    }
}
