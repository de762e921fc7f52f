//! What the commands say before and while an installation of an earlier operator is taken over, and of others who write.

use filbert_kube::Api;
use filbert_plan::object::{ObjectKey, ResourceType};
use kube::core::params::{Patch, PatchParams, PostParams};
use kube::core::request::Request;
use serde_json::{Value, json};

use crate::dev::{Dev, api, until};
use crate::support::{Place, modules};

fn key(group: &str, version: &str, plural: &str, name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new(group, version, plural), "default", name)
}

/// Creates an object as the earlier operator did.
async fn create(api: &Api, key: &ObjectKey, object: &Value) -> Value {
    let params = PostParams { field_manager: Some("manager".to_owned()), ..PostParams::default() };
    let request = Request::new(filbert_kube::api::path(&key.resource, key.namespace.as_deref()));
    let request = request.create(&params, object.to_string().into_bytes()).expect("a request");
    api.client().request(request).await.unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// What the command says, line by line.
fn lines(place: &Place, arguments: &[&str]) -> Vec<String> {
    let output = place.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    place.neutral(&output.stdout).lines().map(|line| line.trim().to_owned()).collect()
}

#[tokio::test]
async fn a_plan_says_what_is_taken_over_and_which_pods_would_restart() {
    let place = Place::with_hello();
    let _dev = Dev::start(&place);
    let api = api(&place).await;
    let crds = place.run(&["crds", "--modules", modules().to_str().expect("a path")]);
    place.write("crds.yaml", &crds.stdout);
    for text in place.read("crds.yaml").split("\n---\n") {
        let definition: Value = serde_saphyr::from_str(text).expect("YAML");
        let name = definition["metadata"]["name"].as_str().expect("a name").to_owned();
        let resource = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        api.apply(&ObjectKey { resource, namespace: None, name }, &definition, "person", true).await.expect("applied");
    }
    let owner = key("hazelcast.com", "v1alpha1", "hazelcasts", "library");
    let resource = "apiVersion: hazelcast.com/v1alpha1\nkind: Hazelcast\nmetadata: {name: library, namespace: default}\nspec: {clusterSize: 1}\n";
    place.write("library.yaml", resource.as_bytes());
    let object: Value = serde_saphyr::from_str(resource).expect("YAML");
    let stored = api.apply(&owner, &object, "person", true).await.expect("applied");
    let labels = json!({
        "app.kubernetes.io/instance": "library", "app.kubernetes.io/managed-by": "hazelcast-platform-operator",
        "app.kubernetes.io/name": "hazelcast",
    });
    let reference = json!({
        "apiVersion": "hazelcast.com/v1alpha1", "kind": "Hazelcast", "name": "library", "uid": stored["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "library", "namespace": "default", "labels": labels, "ownerReferences": [reference]},
        "spec": {
            "replicas": 1, "serviceName": "library", "podManagementPolicy": "Parallel", "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "hazelcast", "image": "old"}]}},
        },
    });
    let set_key = key("apps", "v1", "statefulsets", "library");
    let before = create(&api, &set_key, &set).await["spec"].clone();
    let folder = modules();
    let folder = folder.to_str().expect("a path");
    let plan = ["plan", "-f", "library.yaml", "--modules", folder, "--kubeconfig", "kubeconfig"];
    let said = lines(&place, &plan);
    assert!(said.contains(&"take over StatefulSet library (one member is wanted)".to_owned()), "{said:#?}");
    let condition = said.iter().find(|line| line.starts_with("condition AdoptionConsented=False PodsWouldRestart: "));
    let condition = condition.unwrap_or_else(|| panic!("{said:#?}"));
    assert!(condition.contains("containers[hazelcast].image"), "{condition}");
    assert!(condition.contains("hazelcast.com/adoption-consent=restart"), "{condition}");
    assert_eq!(api.get(&set_key).await.expect("an answer").expect("it is there")["spec"], before, "nothing was done");

    place.edit("library.yaml", "metadata: {", "metadata: {annotations: {hazelcast.com/adoption-consent: restart}, ");
    let said = lines(&place, &plan);
    assert!(said.iter().any(|line| line.starts_with("condition AdoptionConsented=True Consented")), "{said:#?}");
    assert!(
        said.iter().any(|line| line.starts_with("~ spec.template.spec.containers[0].image: \"old\" ->")),
        "{said:#?}"
    );
}

#[tokio::test]
async fn an_object_explains_who_keeps_changing_what_belongs_to_it() {
    let place = Place::with_hello();
    let _dev = Dev::start(&place);
    let api = api(&place).await;
    let (owner, child) =
        (key("example.dev", "v1", "greetings", "spring"), key("", "v1", "configmaps", "spring-greeting"));
    let is_contested = |owner: &Value| {
        let conditions = owner["status"]["conditions"].as_array();
        conditions.is_some_and(|all| all.iter().any(|condition| condition["type"] == "Contested"))
    };
    loop {
        // Somebody else's controller.
        let live = until(&api, &child, |it| !it.is_null()).await;
        if live["data"]["message"] != "mine" {
            let params = PatchParams { field_manager: Some("other-controller".to_owned()), ..PatchParams::default() };
            let request = Request::new(filbert_kube::api::path(&child.resource, child.namespace.as_deref()));
            let request = request.patch(&child.name, &params, &Patch::Merge(json!({"data": {"message": "mine"}})));
            let _: Value = api.client().request(request.expect("a patch")).await.expect("patched");
        }
        let owner = api.get(&owner).await.expect("an answer").expect("it is there");
        if is_contested(&owner) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let said = lines(&place, &["explain", "greeting/spring", "--modules", "modules", "--kubeconfig", "kubeconfig"]);
    assert!(said.contains(&"data.message was changed by other-controller".to_owned()), "{said:#?}");
    let reported = said.iter().find(|line| line.starts_with("the operator reports since "));
    let reported = reported.unwrap_or_else(|| panic!("{said:#?}"));
    let wanted = "FieldsSetBack: of ConfigMap spring-greeting, other-controller changes data.message; make it stop, or say the same in the resource. Until then this operator sets it right less and less often";
    assert!(reported.ends_with(wanted), "{reported}");
}
