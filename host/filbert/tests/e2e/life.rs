//! What the operator does for a resource from its first day to its last.

use filbert_plan::object::ResourceType;
use serde_json::{Value, json};

use crate::site::{Site, documents, repository};
use crate::support::built;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_comes_up_is_kept_as_it_should_be_and_goes_with_all_that_belongs_to_it() {
    let site = Site::new("e2e-life").await;
    let operator = site.operator_with_all_modules();
    operator.ready().await;
    let sample = std::fs::read_to_string(repository().join("crds/samples/hazelcast.yaml")).expect("a sample");
    for document in documents(&sample) {
        site.apply(&document).await.expect("applied");
    }
    let cluster = site.of("hazelcast.com", "v1alpha1", "hazelcasts", "library");
    let members = site.of("apps", "v1", "statefulsets", "library");
    let service = site.of("", "v1", "services", "library");
    let configuration = site.of("", "v1", "secrets", "library");
    site.until_ready(&cluster).await;
    let pods = site.api.list(&ResourceType::new("", "v1", "pods"), Some(&site.namespace)).await.expect("pods");
    let phases: Vec<_> = pods.iter().map(|pod| pod["status"]["phase"].as_str().unwrap_or_default()).collect();
    assert_eq!(phases, ["Running"; 3]);

    let before = site.until(&service, |it| !it.is_null()).await;
    site.api.delete(&service, None).await.expect("deleted");
    let is_new = |it: &Value| it["metadata"]["uid"].is_string() && it["metadata"]["uid"] != before["metadata"]["uid"];
    site.until(&service, is_new).await;
    let drift = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "library"}, "spec": {"replicas": 1}});
    let drifted = site.apply(&drift).await.expect("applied");
    assert_eq!(drifted["spec"]["replicas"], 1);
    site.until(&members, |it| it["spec"]["replicas"] == 3).await;
    site.until_ready(&cluster).await;

    site.api.delete(&cluster, None).await.expect("deleted");
    for key in [&cluster, &members, &service, &configuration] {
        site.until(key, Value::is_null).await;
    }
    drop(operator);
    site.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_module_is_at_work_without_a_restart_and_a_broken_one_is_not() {
    let site = Site::new("e2e-swap").await;
    let mut operator = site.operator("modules");
    operator.ready().await;
    let spring = site.greet("spring", "Ann").await;
    site.until_greeted("spring", "Hello, Ann!").await;
    let mut wasm = built("hello.wasm");
    let start = wasm.windows(7).position(|it| it == b"Hello, ").expect("its greeting is in it");
    wasm[start..start + 7].copy_from_slice(b"Howdy, ");
    site.place.write("hello.part", &wasm);
    std::fs::rename(site.place.path("hello.part"), site.place.path("modules/hello.wasm")).expect("renamed");
    site.until_greeted("spring", "Howdy, Ann!").await;
    site.place.write("modules/hello.wasm", b"garbage");
    operator.process.until_said("module not taken up");
    site.greet("autumn", "Bob").await;
    site.until_greeted("autumn", "Howdy, Bob!").await;
    site.until_ready(&spring).await;
    assert_eq!(operator.page("/readyz").0, 200);
    drop(operator);
    site.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_not_valid_says_why_and_keeps_what_runs_for_it() {
    let site = Site::new("e2e-invalid").await;
    let operator = site.operator("modules");
    operator.ready().await;
    let spring = site.greet("spring", "Ann").await;
    let greeted = site.until_greeted("spring", "Hello, Ann!").await;
    site.until_ready(&spring).await;
    site.greet("spring", "").await;
    let is_refused = |it: &Value| {
        let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|it| it["type"] == "Valid" && it["status"] == "False")
    };
    let refused = site.until(&spring, is_refused).await;
    assert!(refused.to_string().contains("somebody must be greeted"), "{refused:#}");
    assert_eq!(site.until_greeted("spring", "Hello, Ann!").await, greeted);
    drop(operator);
    site.leave().await;
}
