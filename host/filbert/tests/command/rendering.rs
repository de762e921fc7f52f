//! `filbert render`: what it prints is what the operator applies.

use std::collections::BTreeSet;

use filbert_kube::Discovery;
use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::{ObjectKey, ResourceType, TypeMeta};
use serde_json::Value;

use crate::dev::{self, Dev};
use crate::samples;
use crate::support::{Place, modules, target};

/// Types of which steps of ours make objects: group, version, plural.
const TYPES: [(&str, &str, &str); 11] = [
    ("", "v1", "configmaps"),
    ("", "v1", "secrets"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "services"),
    ("apps", "v1", "statefulsets"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "v1", "clusterroles"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
    ("rbac.authorization.k8s.io", "v1", "roles"),
    ("hazelcast.com", "v1alpha1", "hazelcastendpoints"),
];

fn title(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().expect("a kind"), object["metadata"]["name"].as_str().expect("a name"))
}

/// Whether everything of one value is in another, which may have more fields.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            // A server leaves out texts that are empty.
            part.iter().all(|(name, part)| whole.get(name).map_or(part == "", |whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rendered_of_each_sample_is_what_the_operator_applies() {
    for sample in samples::own() {
        let place = Place::new();
        let (modules, file) = (modules().display().to_string(), sample.display().to_string());
        let output = place.run(&["render", "--modules", &modules, "-f", &file]);
        assert_eq!(output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let rendered: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        assert!(!rendered.is_empty(), "{file}: something is rendered");
        let _dev = Dev::with(&place, &modules, &file);
        let client = dev::client(&place).await;
        let (api, discovery) = (filbert_kube::Api::new(client.clone()), Discovery::new(client));
        let mut expected = BTreeSet::new();
        for object in &rendered {
            let meta = TypeMeta::of(object).expect("an object has a type");
            let served = discovery.of_type(&meta).await.expect("an answer").expect("it is served");
            let namespace = served.namespaced.then(|| "default".to_owned());
            let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
            let key = ObjectKey { resource: served.resource, namespace, name };
            // A namespace on an object that has none means nothing.
            let mut wanted = object.clone();
            if key.namespace.is_none() {
                wanted["metadata"].as_object_mut().expect("metadata").remove("namespace");
            }
            dev::until(&api, &key, |live| holds(live, &wanted)).await;
            expected.insert((key.resource.plural, key.name));
        }
        let mut owned = BTreeSet::new();
        for (group, version, plural) in TYPES {
            let resource = ResourceType::new(group, version, plural);
            for object in api.list(&resource, None).await.expect("an answer") {
                if object["metadata"]["labels"].get(OWNED_BY).is_some() {
                    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
                    owned.insert((plural.to_owned(), name));
                }
            }
        }
        assert_eq!(owned, expected, "{file}: what the operator owns is what is rendered");
    }
}

#[test]
fn a_resource_is_rendered_with_what_it_refers_to() {
    let place = Place::new();
    let modules = target().join("modules").display().to_string();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: licence}\nstringData: {license-key: xyz}\n";
    let cluster = "apiVersion: hazelcast.com/v1alpha1\nkind: Hazelcast\nmetadata: {name: library}\nspec: {clusterSize: 2, licenseKeySecretName: licence}\n";
    place.write("resources.yaml", format!("{cluster}---\n{secret}").as_bytes());
    let output = place.run(&["render", "--modules", &modules, "-f", "resources.yaml"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let titles: Vec<_> = objects.iter().map(title).collect();
    let expected = [
        "ServiceAccount library",
        "Role library",
        "RoleBinding library",
        "Service library",
        "Secret library",
        "ConfigMap library-init",
        "StatefulSet library",
    ];
    assert_eq!(titles, expected);
    assert!(objects.iter().all(|it| it["metadata"]["namespace"] == "default"));
    assert!(
        objects[6].to_string().contains(r#""secretKeyRef":{"key":"license-key","name":"licence"}"#),
        "{}",
        objects[6]
    );
}
