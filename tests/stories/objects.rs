//! Every object that is rendered from a valid resource is one that the API server takes: its schema holds, and lists that are
//! merged by keys have each key once.

use std::collections::BTreeSet;

use filbert_apiserver::ApiServer;
use filbert_guest::{Context, Defaulting, Defaults, Resource, Review, Validation};
use filbert_kube::{Api, Discovery};
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::pipelines::{self, Run};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use serde_json::{Value, json};

use crate::specifications::likely_specifications;

/// How many specifications are tried, the same ones each time; and how many of them have to be valid.
const TRIES: u64 = 1_500;
const VALID: usize = 300;

fn definition(plural: &str) -> Value {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let file = root.join(format!("crds/hazelcast.com_{plural}.yaml"));
    serde_saphyr::from_str(&std::fs::read_to_string(file).expect("a definition")).expect("YAML")
}

/// Objects from valid resources, each with the specification that it comes from.
fn rendered<V, D, R>(plural: &str, steps: &[(&str, Run<R>)]) -> Vec<(Value, Value)>
where
    R: Resource,
    V: Validation<Resource = R>,
    D: Defaulting,
{
    let mut objects = Vec::new();
    let mut valid = 0;
    for spec in likely_specifications(&definition(plural), TRIES) {
        let object = Defaults::test::<D>("library", &json!({"spec": spec}));
        if !V::validate(&Review::test("library", &object)).violations.is_empty() {
            continue;
        }
        valid += 1;
        for (_, step) in steps {
            // What a specification refers to is not there: some steps cannot do without.
            let Ok(plan) = step(&Context::test("library", object.clone())) else { continue };
            objects.extend(plan.applied().into_iter().map(|rendered| (rendered, spec.clone())));
        }
    }
    assert!(valid > VALID, "only {valid} of {TRIES} {plural} are valid");
    objects
}

/// What the server says against the objects, each sort of complaint once.
async fn complaints(objects: Vec<(Value, Value)>) -> Vec<String> {
    let server = ApiServer::builder().build();
    let api = Api::new(server.client());
    let definitions = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let endpoints = definition("hazelcastendpoints");
    let name = object::name(&endpoints).expect("a name").to_owned();
    let key = ObjectKey { resource: definitions, namespace: None, name };
    api.apply(&key, &endpoints, "story", true).await.expect("the server takes the definition");
    let discovery = Discovery::new(server.client());
    let mut complaints = BTreeSet::new();
    for (rendered, spec) in objects {
        let kind = TypeMeta::of(&rendered).expect("an object has a type");
        let known = discovery.of_type(&kind).await.expect("an answer").expect("it is served");
        let namespace = known.namespaced.then(|| "default".to_owned());
        let name = object::name(&rendered).expect("a name").to_owned();
        let key = ObjectKey { resource: known.resource, namespace, name };
        if let Err(error) = api.apply(&key, &rendered, "story", true).await {
            complaints.insert(format!("{error}: {}: of {spec}", error.detail()));
        }
        // Each is made from nothing: what cannot be changed later is not the matter here.
        if api.get(&key).await.expect("an answer").is_some() {
            api.delete(&key, None).await.unwrap_or_else(|error| panic!("{error}: {}", error.detail()));
        }
    }
    complaints.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_rendered_from_a_valid_resource_is_taken_by_the_server() {
    let mut objects = rendered::<HazelcastRules, HazelcastDefaults, _>("hazelcasts", &pipelines::CLUSTER);
    objects.extend(rendered::<ManagementCenterRules, ManagementCenterDefaults, _>(
        "managementcenters",
        &pipelines::MANAGEMENT_CENTER,
    ));
    let complaints = complaints(objects).await;
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
