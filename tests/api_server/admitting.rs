//! Webhooks where a recording says nothing: behind services, for writes of controllers, and how calls are made.

use crate::reflecting::soon;
use crate::webhook::Webhooks;
use filbert_apiserver::ApiServer;
use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{Condition, await_condition};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn parsed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object of the kind")
}

fn config_map(name: &str) -> ConfigMap {
    parsed(json!({ "metadata": { "name": name } }))
}

/// A configuration with one webhook that is asked about these resources.
fn configuration(name: &str, client: &Value, resources: &[&str]) -> Value {
    json!({
        "metadata": { "name": name },
        "webhooks": [{
            "name": format!("{name}.harbor.example"), "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": client,
            "rules": [{ "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources }],
        }],
    })
}

async fn validate(server: &ApiServer, configuration: Value) {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(server.client());
    api.create(&PostParams::default(), &parsed(configuration)).await.expect("a valid configuration");
}

fn at(webhooks: &Webhooks, path: &str) -> Value {
    json!({ "url": format!("https://{}{path}", webhooks.address), "caBundle": webhooks.authority })
}

fn behind(webhooks: &Webhooks, port: u16) -> Value {
    json!({
        "service": { "namespace": "harbor", "name": "pilot", "path": "/judge", "port": port },
        "caBundle": webhooks.authority,
    })
}

fn denying(path: &str, why: &str) -> Value {
    json!({ path: { "response": { "allowed": false, "status": { "code": 403, "message": why } } } })
}

/// Why a write was refused.
async fn refusal(api: &Api<ConfigMap>, name: &str) -> String {
    match api.create(&PostParams::default(), &config_map(name)).await {
        Err(kube::Error::Api(status)) => status.message,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_webhook_behind_a_service_is_reached_by_a_route_or_an_endpoint() {
    let webhooks = Webhooks::start(&["pilot.harbor.svc"]).await;
    webhooks.answer(denying("/judge", "no berth"));
    let server = ApiServer::builder().build();
    let client = server.client();
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    validate(&server, configuration("pilot", &behind(&webhooks, 8443), &["configmaps"])).await;
    let failed = "Internal error occurred: failed calling webhook \"pilot.harbor.example\": failed to call webhook: \
                  Post \"https://pilot.harbor.svc:8443/judge?timeout=10s\": ";
    assert_eq!(refusal(&api, "tide").await, format!("{failed}service \"pilot\" not found"));

    server.route_service("harbor", "pilot", Some(webhooks.address));
    let denied = "admission webhook \"pilot.harbor.example\" denied the request: no berth";
    assert_eq!(refusal(&api, "tide").await, denied);
    server.route_service("harbor", "pilot", None);

    let harbor: Namespace = parsed(json!({ "metadata": { "name": "harbor" } }));
    Api::all(client.clone()).create(&PostParams::default(), &harbor).await.unwrap();
    let service: Service = parsed(json!({
        "metadata": { "name": "pilot" }, "spec": { "ports": [{ "name": "https", "port": 8443, "targetPort": 9443 }] } }));
    Api::namespaced(client.clone(), "harbor").create(&PostParams::default(), &service).await.unwrap();
    assert_eq!(refusal(&api, "tide").await, format!("{failed}no endpoints available for service \"pilot\""));

    let slice: EndpointSlice = parsed(json!({
        "metadata": { "name": "pilot-1", "labels": { "kubernetes.io/service-name": "pilot" } },
        "addressType": "IPv4", "ports": [{ "name": "https", "port": webhooks.address.port() }],
        "endpoints": [
            { "addresses": ["127.0.0.2"], "conditions": { "ready": false } },
            { "addresses": ["127.0.0.1"], "conditions": { "ready": true } },
        ] }));
    Api::namespaced(client, "harbor").create(&PostParams::default(), &slice).await.unwrap();
    assert_eq!(refusal(&api, "tide").await, denied);
}

#[tokio::test]
async fn the_certificate_must_be_for_the_service() {
    let webhooks = Webhooks::start(&["somebody.else.svc"]).await;
    let server = ApiServer::builder().build();
    server.route_service("harbor", "pilot", Some(webhooks.address));
    validate(&server, configuration("pilot", &behind(&webhooks, 443), &["configmaps"])).await;
    let why = refusal(&Api::namespaced(server.client(), "default"), "tide").await;
    let end = "tls: failed to verify certificate: x509: certificate is not valid for pilot.harbor.svc";
    assert!(why.ends_with(end), "{why}");
    assert_eq!(webhooks.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn calls_share_connections() {
    let webhooks = Webhooks::start(&[]).await;
    let server = ApiServer::builder().build();
    validate(&server, configuration("pilot", &at(&webhooks, "/judge"), &["configmaps"])).await;
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    for index in 0..20 {
        api.create(&PostParams::default(), &config_map(&format!("tide-{index}"))).await.unwrap();
    }
    assert_eq!((webhooks.take().len(), webhooks.connections()), (20, 1));
}

#[tokio::test]
async fn validating_webhooks_are_asked_at_the_same_time_and_the_first_refusal_counts() {
    let webhooks = Webhooks::start(&[]).await;
    webhooks.answer(json!({ "/a": { "response": { "allowed": false, "status": { "message": "too early" } } },
        "/b": { "response": { "allowed": false, "status": { "message": "too late" } } } }));
    let server = ApiServer::builder().build();
    let client = server.client();
    // Made in the other order than that of the names.
    for path in ["/b", "/a"] {
        let name = path.trim_start_matches('/');
        validate(&server, configuration(name, &at(&webhooks, path), &["configmaps"])).await;
    }
    let api: Api<ConfigMap> = Api::namespaced(client, "default");
    let refusals = join_all((0..5).map(|index| {
        let (api, name) = (api.clone(), format!("tide-{index}"));
        async move { refusal(&api, &name).await }
    }))
    .await;
    assert_eq!(refusals, ["admission webhook \"a.harbor.example\" denied the request: too early"; 5]);
    assert_eq!(webhooks.take().len(), 10);
}

#[tokio::test]
async fn mutating_webhooks_are_asked_in_the_order_of_their_names_and_before_checks() {
    let webhooks = Webhooks::start(&[]).await;
    let patch = |path: &str, value: &str| {
        json!({ "response": { "allowed": true, "patchType": "JSONPatch",
            "patch": [{ "op": "test", "path": "/data/first", "value": path }, { "op": "add", "path": "/data/first", "value": value }] } })
    };
    webhooks.answer(json!({ "/a": patch("nobody", "a"), "/b": patch("a", "b") }));
    let server = ApiServer::builder().build();
    let api: Api<MutatingWebhookConfiguration> = Api::all(server.client());
    for path in ["/b", "/a"] {
        let configured = configuration(path.trim_start_matches('/'), &at(&webhooks, path), &["configmaps"]);
        api.create(&PostParams::default(), &parsed(configured)).await.unwrap();
    }
    let tide: ConfigMap = parsed(json!({ "metadata": { "name": "tide" }, "data": { "first": "nobody" } }));
    let maps: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let made = maps.create(&PostParams::default(), &tide).await.unwrap();
    assert_eq!(made.data.unwrap()["first"], "b");
    webhooks.answer(json!({ "/a": { "response": { "allowed": true, "patchType": "JSONPatch",
        "patch": [{ "op": "add", "path": "/data/not a key", "value": "x" }] } } }));
    let change = Patch::Merge(json!({ "data": { "second": "c" } }));
    let refused = maps.patch("tide", &PatchParams::default(), &change).await.unwrap_err();
    assert!(refused.to_string().contains("data[not a key]: Invalid value"), "{refused}");
}

#[tokio::test]
async fn a_configuration_counts_from_the_moment_it_is_written() {
    let webhooks = Webhooks::start(&[]).await;
    webhooks.answer(denying("/judge", "closed"));
    let server = ApiServer::builder().build();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(server.client());
    for round in 0..10 {
        validate(&server, configuration("pilot", &at(&webhooks, "/judge"), &["configmaps"])).await;
        assert!(refusal(&api, "tide").await.ends_with("closed"));
        configurations.delete("pilot", &DeleteParams::default()).await.unwrap();
        api.create(&PostParams::default(), &config_map(&format!("tide-{round}"))).await.unwrap();
    }
}

#[tokio::test]
async fn annotations_for_the_audit_log_can_be_asked_for() {
    let webhooks = Webhooks::start(&[]).await;
    webhooks.answer(json!({ "/judge": { "response": { "allowed": true, "auditAnnotations": { "berth": "7" } } } }));
    let server = ApiServer::builder().build();
    validate(&server, configuration("pilot", &at(&webhooks, "/judge"), &["configmaps"])).await;
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    api.create(&PostParams::default(), &config_map("tide")).await.unwrap();
    assert_eq!(server.audit_annotations(), [("pilot.harbor.example/berth".to_owned(), "7".to_owned())]);
}

#[tokio::test]
async fn an_older_review_is_spoken_to_webhooks_that_know_no_other() {
    let webhooks = Webhooks::start(&[]).await;
    webhooks.answer(json!({ "/judge": { "apiVersion": "admission.k8s.io/v1beta1",
        "response": { "uid": "", "allowed": true, "patch": [{ "op": "add", "path": "/data", "value": { "tide": "low" } }] } } }));
    let server = ApiServer::builder().build();
    let mut configured = configuration("pilot", &at(&webhooks, "/judge"), &["configmaps"]);
    configured["webhooks"][0]["admissionReviewVersions"] = json!(["v1beta1"]);
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(server.client());
    configurations.create(&PostParams::default(), &parsed(configured)).await.unwrap();
    let api: Api<ConfigMap> = Api::namespaced(server.client(), "default");
    let made = api.create(&PostParams::default(), &config_map("tide")).await.unwrap();
    assert_eq!(made.data.unwrap()["tide"], "low");
    assert_eq!(webhooks.take()[0]["body"]["apiVersion"], "admission.k8s.io/v1beta1");
}

fn ready() -> impl Condition<StatefulSet> {
    |set: Option<&StatefulSet>| {
        set.and_then(|set| set.status.as_ref()).is_some_and(|status| status.ready_replicas == Some(1))
    }
}

#[tokio::test]
async fn what_controllers_write_is_reviewed_as_well() {
    let webhooks = Webhooks::start(&[]).await;
    let server = ApiServer::builder().stand_ins(true).garbage_collector(true).build();
    let client = server.client();
    validate(&server, configuration("pilot", &at(&webhooks, "/judge"), &["pods"])).await;
    webhooks.answer(denying("/judge", "not yet"));
    let harbor: Namespace = parsed(json!({ "metadata": { "name": "harbor" } }));
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &harbor).await.unwrap();
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), "harbor");
    let set = parsed(json!({ "metadata": { "name": "tugs" }, "spec": {
        "serviceName": "tugs", "selector": { "matchLabels": { "app": "tug" } },
        "template": { "metadata": { "labels": { "app": "tug" } }, "spec": { "containers": [{ "name": "tug", "image": "tug" }] } } } }));
    sets.create(&PostParams::default(), &set).await.unwrap();
    soon(webhooks.asked()).await;
    // What was refused is tried again.
    webhooks.answer(json!({}));
    soon(await_condition(sets, "tugs", ready())).await.unwrap();
    namespaces.delete("harbor", &DeleteParams::default()).await.unwrap();
    let gone = |namespace: Option<&Namespace>| namespace.is_none();
    soon(await_condition(namespaces, "harbor", gone)).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(client, "harbor");
    assert!(pods.get_opt("tugs-0").await.unwrap().is_none());
    let asked: Vec<(String, String)> = webhooks
        .take()
        .iter()
        .map(|asked| {
            let text = |pointer: &str| asked.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("/body/request/operation"), text("/body/request/userInfo/username"))
        })
        .collect();
    let first = ("CREATE".to_owned(), "system:serviceaccount:kube-system:simulated-controller".to_owned());
    assert_eq!(asked.first(), Some(&first));
    assert!(asked.iter().any(|(operation, _)| operation == "DELETE"), "{asked:?}");
}
