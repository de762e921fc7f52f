//! A running `filbert dev`, and what the other commands say about it.

use filbert_kube::Api;
use filbert_plan::object::{ObjectKey, ResourceType};
use serde_json::{Value, json};

use crate::dev::{Dev, api, until};
use crate::support::{Place, built};

fn greeting(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "default", name)
}

fn config_map(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("", "v1", "configmaps"), "default", name)
}

fn of_module(name: &str) -> ObjectKey {
    ObjectKey { resource: ResourceType::new("filbert.dev", "v1alpha1", "modules"), namespace: None, name: name.into() }
}

async fn until_message(api: &Api, name: &str, message: &str) {
    until(api, &config_map(name), |it| it["data"]["message"] == message).await;
}

async fn until_state(api: &Api, state: &str) -> Value {
    until(api, &of_module("hello"), |it| it["status"]["state"] == state).await
}

/// What `filbert modules` says of the running operator, and its exit code.
fn modules(place: &Place, url: &str) -> (String, Option<i32>) {
    let output = place.run(&["modules", "--kubeconfig", "kubeconfig"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = place.neutral(&output.stdout).replace(url, "URL/");
    (plain(&text), output.status.code())
}

fn url(place: &Place) -> String {
    let text = place.read("kubeconfig");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("server: ")).expect("a server");
    format!("{line}/")
}

const IN_SERVICE: &str = "\
The operator that runs at URL/:

MODULE  STATE    VERSION  DIGEST        SERVES
hello   Serving  0.1.0    DIGEST......  validation, step greet

PIPELINE  STATE    RESOURCE                  STEPS
greeting  Serving  greetings.example.dev/v1  greet (hello)
";

const LAST_GOOD: &str = "\
The operator that runs at URL/:

MODULE  STATE     VERSION  DIGEST        SERVES
hello   LastGood  0.1.0    DIGEST......  validation, step greet

PIPELINE  STATE    RESOURCE                  STEPS
greeting  Serving  greetings.example.dev/v1  greet (hello)

module hello: failed to load module `hello` from `modules/hello.wasm`: `hello` is no module: it does not begin as WebAssembly does
";

#[tokio::test]
async fn garbage_in_the_folder_is_told_and_the_last_good_version_goes_on() {
    let place = Place::with_hello();
    let mut dev = Dev::start(&place);
    let (api, url) = (api(&place).await, url(&place));
    let first = until_state(&api, "Serving").await;
    until_message(&api, "spring-greeting", "Hello, Ann!").await;
    assert_eq!(modules(&place, &url), (IN_SERVICE.to_owned(), Some(0)));

    place.write("modules/hello.wasm", b"garbage");
    let line = dev.until_said("module not taken up");
    assert!(line.contains("it does not begin as WebAssembly does"), "{line}");
    let state = until_state(&api, "LastGood").await;
    assert_eq!(state["status"]["digest"], first["status"]["digest"]);
    assert_eq!(state["status"]["reason"], "NotLoaded");
    assert_eq!(modules(&place, &url), (LAST_GOOD.to_owned(), Some(1)));
    let events = api.list(&ResourceType::new("", "v1", "events"), Some("default")).await.expect("events");
    let told = |event: &&Value| event["involvedObject"]["kind"] == "Module" && event["reason"] == "NotLoaded";
    assert_eq!(events.iter().filter(told).count(), 1, "an event says so");
    let autumn = json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": "autumn", "namespace": "default"}, "spec": {"who": "Bob"}});
    api.apply(&greeting("autumn"), &autumn, "person", true).await.expect("applied");
    until_message(&api, "autumn-greeting", "Hello, Bob!").await;

    place.write("modules/hello.wasm", &built("hello.wasm"));
    until_state(&api, "Serving").await;
    assert_eq!(modules(&place, &url), (IN_SERVICE.to_owned(), Some(0)));
}

#[tokio::test]
async fn a_changed_guest_is_at_work_without_a_restart_and_without_a_failed_call() {
    let place = Place::with_hello();
    let mut dev = Dev::start(&place);
    let api = api(&place).await;
    until_message(&api, "spring-greeting", "Hello, Ann!").await;
    let mut wasm = built("hello.wasm");
    let start = wasm.windows(7).position(|it| it == b"Hello, ").expect("its greeting is in it");
    wasm[start..start + 7].copy_from_slice(b"Howdy, ");
    place.write("hello.part", &wasm);
    std::fs::rename(place.path("hello.part"), place.path("modules/hello.wasm")).expect("renamed");
    dev.until_said("module swapped");
    until_message(&api, "spring-greeting", "Howdy, Ann!").await;
    let failed: Vec<_> = dev.heard().iter().filter(|line| line.contains("failed")).collect();
    assert_eq!(failed, [] as [&String; 0]);
}

#[tokio::test]
async fn a_pipeline_that_goes_takes_its_object_along_and_a_new_module_brings_one() {
    let place = Place::with_hello();
    let _dev = Dev::start(&place);
    let api = api(&place).await;
    let first = until_state(&api, "Serving").await;
    assert_eq!(first["spec"]["grants"][0]["objects"]["names"], json!(["{name}-greeting"]));
    assert_eq!(first["status"]["observedGeneration"], first["metadata"]["generation"]);
    place.write("modules/lamp.wasm", &built("hello.wasm"));
    let lamp = until(&api, &of_module("lamp"), |it| it["status"]["state"] == "Serving").await;
    assert_eq!(lamp["status"]["contract"], "0.1.0");
    let pipeline = ObjectKey {
        resource: ResourceType::new("filbert.dev", "v1alpha1", "pipelines"),
        namespace: None,
        name: "greeting".into(),
    };
    until(&api, &pipeline, |it| it["status"]["stepCount"] == 1).await;
    let text = place.read("modules/hello.yaml");
    place.write("modules/hello.yaml", text.split("---").next().expect("a part").as_bytes());
    until(&api, &pipeline, Value::is_null).await;
}

#[tokio::test]
async fn an_object_explains_itself() {
    let place = Place::with_hello();
    let _dev = Dev::start(&place);
    let api = api(&place).await;
    until_message(&api, "spring-greeting", "Hello, Ann!").await;
    let explain = |resource: &str| {
        let output = place.run(&["explain", resource, "--modules", "modules", "--kubeconfig", "kubeconfig"]);
        let said = [output.stdout, output.stderr].concat();
        (plain(&place.neutral(&said)), output.status.code())
    };
    assert_eq!(explain("greeting/spring"), (SETTLED.to_owned(), Some(0)));
    for (name, who) in [("autumn", ""), ("winter", "Bob")] {
        let foreign = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "winter-greeting", "namespace": "default"}});
        api.apply(&config_map("winter-greeting"), &foreign, "person", true).await.expect("applied");
        let object = json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": name, "namespace": "default"}, "spec": {"who": who}});
        api.apply(&greeting(name), &object, "person", true).await.expect("applied");
    }
    assert_eq!(explain("greeting/autumn"), (INVALID.to_owned(), Some(0)));
    assert_eq!(explain("Greeting/winter"), (KEPT_FROM_IT.to_owned(), Some(0)));
    assert_eq!(explain("greeting/summer"), (MISSING.to_owned(), Some(1)));
    assert_eq!(explain("lantern/red"), (UNKNOWN.to_owned(), Some(1)));
}

const SETTLED: &str = "\
Greeting default/spring (generation 1) N ms: settled
  greet  hello@DIGEST  N ms  done
    keep ConfigMap spring-greeting (it is what was asked for)
";
const INVALID: &str = "\
Greeting default/autumn (generation 1) N ms: invalid: spec.who: Required value: somebody must be greeted
  no step runs until the object is valid; what runs for it is left as it is
";
const KEPT_FROM_IT: &str = "\
Greeting default/winter (generation 1) N ms: failed in `greet`: ForeignObject: configmaps/v1 default/winter-greeting is there already and belongs to nobody that this operator knows; it stays as it is. Remove or rename it, or give this resource another name
  greet  hello@DIGEST  N ms  failed: ForeignObject: configmaps/v1 default/winter-greeting is there already and belongs to nobody that this operator knows; it stays as it is. Remove or rename it, or give this resource another name
    proposes ConfigMap winter-greeting (it is what was asked for)
";
const MISSING: &str = "\
error: greetings.example.dev/v1 default/summer does not exist
hint: `--namespace` says where to look
";
const UNKNOWN: &str = "\
error: no pipeline serves `lantern`
hint: there are pipelines for greetings
";

/// Text in which what differs from run to run is called by what it is.
fn plain(text: &str) -> String {
    let digest = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for index in 0..words.len() {
            if let Some((module, _)) = words[index].clone().split_once('@').filter(|(_, it)| digest(it)) {
                words[index] = format!("{module}@DIGEST");
            } else if digest(&words[index]) {
                "DIGEST......".clone_into(&mut words[index]);
            } else if words.get(index + 1).is_some_and(|next| next.starts_with("ms"))
                && words[index].parse::<f64>().is_ok()
            {
                "N".clone_into(&mut words[index]);
            }
        }
        lines.push(words.join(" ") + "\n");
    }
    lines.concat()
}
