//! An object for each address by which the cluster, or one of its members, is reached from outside. People look there; what
//! the address is, another step finds out.

use filbert_guest::{Context, Plan, ReadError, Resource, Step, StepResult};
use hazelcast_api::endpoint::EndpointType;
use hazelcast_api::{Hazelcast, HazelcastEndpoint};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wan::{self, Reach};
use super::{client_port, labels, member_access, scaling};
use crate::names;

/// An object for each address. Those of addresses that are no longer there go by themselves.
pub struct Endpoints;

/// An endpoint that is wanted.
struct Wanted {
    name: String,
    type_: EndpointType,
    port: i64,
}

impl Step for Endpoints {
    type Resource = Hazelcast;
    const NAME: &'static str = "endpoints";
    const SUMMARY: &'static str = "where the cluster and its members are reached from outside";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        #[derive(Deserialize)]
        struct Live {
            #[serde(default)]
            spec: LiveSpec,
        }
        #[derive(Default, Deserialize)]
        struct LiveSpec {
            port: Option<i64>,
        }
        let mut plan = Plan::default();
        for Wanted { name, type_, port } in wanted(cx)? {
            let live: Option<Live> = cx.read(HazelcastEndpoint::TYPE, name.as_str()).fields(&["spec.port"]).get()?;
            if live.is_some_and(|live| live.spec.port != Some(port)) {
                // It is made anew when it is gone.
                let key = HazelcastEndpoint::TYPE.named(cx.namespace(), name);
                plan = plan.delete(&key, "its port cannot be changed");
                continue;
            }
            plan = plan.apply(object(cx, &name, type_, port));
            plan = plan.because("people see there where it is reached");
        }
        Ok(plan)
    }
}

fn object(cx: &Context<Hazelcast>, name: &str, type_: EndpointType, port: i64) -> Value {
    let mut metadata = json!({"name": name, "labels": labels(cx)});
    let annotations = &cx.object().spec.annotations;
    if let (false, Some(fields)) = (annotations.is_empty(), metadata.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(annotations));
    }
    json!({
        "apiVersion": format!("{}/{}", HazelcastEndpoint::TYPE.group, HazelcastEndpoint::TYPE.version),
        "kind": HazelcastEndpoint::KIND,
        "metadata": metadata,
        "spec": {"type": type_, "port": port, "hazelcastResourceName": cx.name()},
    })
}

/// One for each port of each Service that leads in from outside.
fn wanted(cx: &Context<Hazelcast>) -> Result<Vec<Wanted>, ReadError> {
    let spec = &cx.object().spec;
    let endpoint = |name: String, type_, port| Wanted { name, type_, port };
    let wan = wan::endpoints(spec);
    let mut all = Vec::new();
    if spec.expose_externally.is_some() {
        all.push(endpoint(cx.name().to_owned(), EndpointType::Discovery, client_port(spec)));
        if wan.is_empty() {
            all.push(endpoint(cx.child_name("wan"), EndpointType::Wan, names::WAN_PORT));
        }
    }
    if member_access(spec).is_some() {
        let member = |index| endpoint(names::member(cx.name(), index), EndpointType::Member, client_port(spec));
        all.extend((0..scaling::reached(cx)?).map(member));
    }
    for wan in wan.iter().filter(|wan| matches!(wan.reach, Reach::Service(kind) if kind != "ClusterIP")) {
        let service = cx.child_name(wan.name);
        let ports: Vec<_> = wan.ports().map(|(_, port)| port).collect();
        all.extend(ports.iter().enumerate().map(|(index, port)| {
            let name = if ports.len() == 1 { service.clone() } else { format!("{service}-{index}") };
            endpoint(name, EndpointType::Wan, *port)
        }));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(spec: Value) -> Context<Hazelcast> {
        Context::test("library", json!({"spec": spec}))
    }

    fn names(spec: Value) -> Vec<String> {
        let applied = Endpoints::run(&cluster(spec)).expect("a plan").applied();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        applied
            .iter()
            .map(|object| {
                format!(
                    "{} {}:{}",
                    text(&object["spec"]["type"]),
                    text(&object["metadata"]["name"]),
                    object["spec"]["port"]
                )
            })
            .collect()
    }

    #[test]
    fn there_are_none_inside() {
        assert_eq!(names(json!({})), Vec::<String>::new());
        assert_eq!(names(json!({"advancedNetwork": {"wan": [{"serviceType": "ClusterIP"}]}})), Vec::<String>::new());
    }

    #[test]
    fn there_is_one_for_each_way_in() {
        assert_eq!(
            names(json!({"exposeExternally": {"type": "Unisocket"}})),
            ["Discovery library:5701", "WAN library-wan:5710"]
        );
        assert_eq!(
            names(json!({"clusterSize": 2, "exposeExternally": {}})),
            ["Discovery library:5701", "WAN library-wan:5710", "Member library-0:5701", "Member library-1:5701"]
        );
        let wan = json!([{"name": "north", "port": 5720, "portCount": 2}, {"name": "south", "port": 5730, "serviceType": "NodePort"}]);
        assert_eq!(
            names(json!({"advancedNetwork": {"wan": wan}})),
            ["WAN library-north-0:5720", "WAN library-north-1:5721", "WAN library-south:5730"]
        );
    }

    #[test]
    fn one_whose_port_changes_is_made_anew() {
        let live = |port: i64| {
            let live = json!({"metadata": {"name": "library"}, "spec": {"port": port}});
            let cx = cluster(json!({"exposeExternally": {"type": "Unisocket"}})).with(HazelcastEndpoint::TYPE, live);
            Endpoints::run(&cx).expect("a plan")
        };
        assert_eq!(live(5801).deleted(), [("hazelcastendpoints".to_owned(), "library".to_owned())]);
        assert_eq!(live(5701).applied().len(), 2);
    }
}
