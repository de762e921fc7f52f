//! A Service for each endpoint at which members listen for other clusters.

use filbert_guest::k8s::{Map, ServiceSpec};
use filbert_guest::{Context, Plan, Step, StepResult};
use hazelcast_api::Hazelcast;

use super::wan::{self, Reach};
use super::{labels, of_family, service, tcp};
use crate::names::{Application, LABEL_ENDPOINT_TYPE};

/// A Service for each endpoint for other clusters. Those of endpoints that are no longer wanted go by themselves.
pub struct WanServices;

impl Step for WanServices {
    type Resource = Hazelcast;
    const NAME: &'static str = "wan-services";
    const SUMMARY: &'static str = "a Service for each endpoint that other clusters reach";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let services = wan::endpoints(spec).into_iter().filter_map(|endpoint| match endpoint.reach {
            Reach::Service(kind) => Some((endpoint, kind)),
            Reach::Members => None,
        });
        Ok(services.fold(Plan::default(), |plan, (endpoint, kind)| {
            let mut labels = labels(cx);
            if kind != "ClusterIP" {
                labels.insert(LABEL_ENDPOINT_TYPE.to_owned(), "wan".to_owned());
            }
            let service_spec = ServiceSpec::new()
                .type_(kind)
                .selector(Application::Hazelcast.selector(cx.name()).into_iter().collect::<Map>())
                .ports(endpoint.ports().map(|(name, port)| tcp(&name, port)).collect::<Vec<_>>());
            let name = cx.child_name(endpoint.name);
            let service = service(&name, &labels, &spec.annotations).spec(of_family(service_spec, spec));
            plan.apply(service).because(format!("other clusters reach endpoint {} by it", endpoint.name))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn services(wan: Value) -> Vec<Value> {
        let spec = json!({"advancedNetwork": {"wan": wan}});
        WanServices::run(&Context::test("library", json!({"spec": spec}))).expect("a plan").applied()
    }

    #[test]
    fn there_are_none_unless_endpoints_are_named() {
        assert_eq!(services(json!([])), Vec::<Value>::new());
    }

    #[test]
    fn there_is_one_for_each_endpoint_with_all_its_ports() {
        let services = services(json!([
            {"name": "florida", "port": 5710, "portCount": 2, "serviceType": "LoadBalancer"},
            {"name": "oslo", "port": 5730, "portCount": 1, "serviceType": "ClusterIP"},
        ]));
        insta::assert_snapshot!(crate::golden(&services));
    }

    #[test]
    fn what_is_left_open_is_one_load_balancer_at_the_default_port() {
        let services = services(json!([{}]));
        assert_eq!(services[0]["metadata"]["name"], "library-default");
        assert_eq!(services[0]["metadata"]["labels"]["hazelcast.com/hazelcast-service-endpoint-type"], "wan");
        assert_eq!(services[0]["spec"]["type"], "LoadBalancer");
        assert_eq!(services[0]["spec"]["ports"][0]["port"], 5710);
    }

    #[test]
    fn of_endpoints_with_one_name_the_last_counts() {
        let services = services(json!([{"port": 5720}, {"name": "default", "port": 5730}]));
        assert_eq!(services.len(), 1);
        assert_eq!(services[0]["spec"]["ports"][0]["port"], 5730);
    }

    #[test]
    fn one_that_is_reached_by_the_services_of_members_has_none_of_its_own() {
        assert_eq!(services(json!([{"serviceType": "WithExposeExternally"}])), Vec::<Value>::new());
    }
}
