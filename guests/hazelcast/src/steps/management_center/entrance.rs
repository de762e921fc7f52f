//! The ways from outside to the Service of a Management Center: an Ingress, and a Route on `OpenShift`.

use filbert_guest::k8s::{Ingress, IngressSpec, Route, RoutePort, RouteSpec, RouteTarget};
use filbert_guest::{Condition, Context, Plan, Status, Step, StepResult};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center;
use serde_json::json;

use super::super::management_center_labels;
use super::context_path;

/// An Ingress, and a Route on `OpenShift`. What is no longer wanted goes by itself.
pub struct CenterEntrance;

impl Step for CenterEntrance {
    type Resource = ManagementCenter;
    const NAME: &'static str = "management-center-entrance";
    const SUMMARY: &'static str = "the Ingress or Route by which people reach the Management Center";

    fn run(cx: &Context<ManagementCenter>) -> StepResult {
        let Some(external) = &cx.object().spec.external_connectivity else { return Ok(Plan::default()) };
        let mut plan = Plan::default();
        if let Some(wanted) = &external.ingress {
            plan = plan.apply(ingress(cx, wanted)).because("people outside reach the Management Center by it");
        }
        let Some(wanted) = &external.route else { return Ok(plan) };
        if !cx.serves(Route::TYPE) {
            let message = "spec.externalConnectivity.route: this cluster knows no Route; use an Ingress";
            return Ok(plan.condition(Condition::new("RouteMade", Status::False, "NotServed", message)));
        }
        let route = route(cx, wanted);
        Ok(plan.apply(route).because("people outside reach the Management Center by it").condition(Condition::new(
            "RouteMade",
            Status::True,
            "Served",
            "",
        )))
    }
}

fn ingress(cx: &Context<ManagementCenter>, wanted: &management_center::Ingress) -> Ingress {
    let rule = json!({
        "host": wanted.hostname,
        "http": {"paths": [{
            "path": context_path(&cx.object().spec),
            "pathType": "Prefix",
            "backend": {"service": {"name": cx.name(), "port": {"name": "http"}}},
        }]},
    });
    let mut spec = IngressSpec::new().rules(vec![rule]);
    // An empty one would be refused; without one the cluster chooses.
    if let Some(class) = wanted.ingress_class_name.as_deref().filter(|class| !class.is_empty()) {
        spec = spec.ingress_class_name(class);
    }
    if let Some(certificate) = wanted.tls_secret_name.as_deref().filter(|name| !name.is_empty()) {
        spec = spec.tls(vec![json!({"hosts": [wanted.hostname], "secretName": certificate})]);
    }
    Ingress::new(cx.name())
        .labels(management_center_labels(cx))
        .annotations(cx.object().spec.annotations.clone())
        .annotations(wanted.annotations.clone())
        .spec(spec)
}

fn route(cx: &Context<ManagementCenter>, wanted: &management_center::Route) -> Route {
    let mut spec = RouteSpec::new()
        .to(RouteTarget::new().kind("Service").name(cx.name()))
        .port(RoutePort::new().target_port("http"));
    // Without one the cluster chooses.
    if !wanted.hostname.is_empty() {
        spec = spec.host(wanted.hostname.as_str());
    }
    if wanted.edge_termination == Some(true) {
        spec = spec.tls(json!({"termination": "edge"}));
    }
    Route::new(cx.name())
        .labels(management_center_labels(cx))
        .annotations(cx.object().spec.annotations.clone())
        .spec(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn center(external: Value) -> Context<ManagementCenter> {
        Context::test("tower", json!({"spec": {"externalConnectivity": external, "annotations": {"site": "north"}}}))
    }

    fn run(cx: &Context<ManagementCenter>) -> Plan {
        CenterEntrance::run(cx).expect("a plan")
    }

    #[test]
    fn there_is_none_unless_people_ask_for_one() {
        assert_eq!(run(&center(json!({}))), Plan::default());
    }

    #[test]
    fn an_ingress_leads_to_the_service_below_a_path() {
        let ingress =
            json!({"hostname": "mc.example", "path": "/mc", "ingressClassName": "nginx", "annotations": {"a": "b"}});
        insta::assert_snapshot!(crate::golden(&run(&center(json!({"ingress": ingress}))).applied()));
    }

    #[test]
    fn an_ingress_without_a_class_leaves_the_choice_to_the_cluster() {
        for class in [Value::Null, "".into()] {
            let plan = run(&center(json!({"ingress": {"hostname": "h", "ingressClassName": class}})));
            let ingress = plan.find("Ingress", "tower").expect("an Ingress");
            assert_eq!(ingress["spec"].get("ingressClassName"), None);
        }
    }

    #[test]
    fn both_answer_encrypted_where_people_want_that() {
        let plan = run(&center(json!({"ingress": {"hostname": "mc.example", "tlsSecretName": "front"}})));
        let ingress = plan.find("Ingress", "tower").expect("an Ingress");
        assert_eq!(ingress["spec"]["tls"], json!([{"hosts": ["mc.example"], "secretName": "front"}]));
        let route = center(json!({"route": {"hostname": "mc.example", "edgeTermination": true}}));
        let plan = run(&route.with_served(Route::TYPE));
        assert_eq!(plan.find("Route", "tower").expect("a Route")["spec"]["tls"], json!({"termination": "edge"}));
    }

    #[test]
    fn a_route_is_made_where_the_cluster_knows_routes() {
        let wanted = || center(json!({"route": {"hostname": ""}}));
        let plan = run(&wanted());
        assert_eq!(plan.applied(), Vec::<Value>::new());
        assert_eq!(plan.conditions(), [("RouteMade", Status::False, "NotServed")]);
        let plan = run(&wanted().with_served(Route::TYPE));
        let route = plan.find("Route", "tower").expect("a Route");
        assert_eq!(route["spec"], json!({"to": {"kind": "Service", "name": "tower"}, "port": {"targetPort": "http"}}));
        let plan = run(&center(json!({"route": {"hostname": "mc.example"}})).with_served(Route::TYPE));
        assert_eq!(plan.find("Route", "tower").expect("a Route")["spec"]["host"], "mc.example");
    }
}
