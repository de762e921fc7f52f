//! A running `filbert dev`, and what the other commands say about it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use filbert_kube::Api;
use filbert_plan::object::{ObjectKey, ResourceType};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::support::{Place, built};

/// Nothing that is waited for takes anywhere near this long; it only keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// `filbert dev` at work in a place. Ends with the test.
struct Dev {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(place: &Place) -> Self {
        place.write(
            "resources.yaml",
            b"apiVersion: example.dev/v1\nkind: Greeting\nmetadata: {name: spring}\nspec: {who: Ann}\n",
        );
        let mut command =
            place.filbert(&["dev", "--modules", "modules", "-f", "resources.yaml", "--write-kubeconfig", "kubeconfig"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let (tell, said) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for stream in streams {
            let tell = tell.clone();
            std::thread::spawn(move || {
                // Until the command ends, or the test does.
                BufReader::new(stream).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
            });
        }
        let mut dev = Self { child, said, heard: Vec::new() };
        dev.until_said("changes in modules are taken up at once");
        dev
    }

    /// Waits for a line with this text.
    fn until_said(&mut self, text: &str) -> String {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("`{text}` was never said ({error}), but this: {:#?}", self.heard),
            }
        }
    }

    /// All that was said so far.
    fn heard(&mut self) -> &[String] {
        self.heard.extend(self.said.try_iter());
        &self.heard
    }
}

/// The embedded server, as any client sees it.
async fn api(place: &Place) -> Api {
    let file = Kubeconfig::from_yaml(&place.read("kubeconfig")).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("usable");
    Api::new(kube::Client::try_from(config).expect("a client"))
}

fn greeting(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "default", name)
}

fn config_map(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("", "v1", "configmaps"), "default", name)
}

fn of_module(name: &str) -> ObjectKey {
    ObjectKey { resource: ResourceType::new("filbert.dev", "v1alpha1", "modules"), namespace: None, name: name.into() }
}

/// Asks until the object is as wanted.
async fn until(api: &Api, key: &ObjectKey, is_it: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let object = api.get(key).await.expect("an answer").unwrap_or_default();
        if is_it(&object) {
            return object;
        }
        assert!(begun.elapsed() < PATIENCE, "{key} never became as expected: {object:#}");
        tokio::task::yield_now().await;
    }
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
    let digest = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lines = text.lines().map(|line| line.split(' ').map(|word| if digest(word) { "DIGEST......" } else { word }));
    (lines.map(|words| words.collect::<Vec<_>>().join(" ") + "\n").collect(), output.status.code())
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
        (place.neutral(&said), output.status.code())
    };
    let (text, code) = explain("greeting/spring");
    assert_eq!(code, Some(0));
    assert!(text.contains("done"), "{text}");
    assert_eq!(
        explain("greeting/winter"),
        (
            "error: greetings.example.dev/v1 default/winter does not exist\nhint: `--namespace` says where to look\n"
                .to_owned(),
            Some(1)
        )
    );
    assert_eq!(
        explain("lantern/red"),
        ("error: no pipeline serves `lantern`\nhint: there are pipelines for greetings\n".to_owned(), Some(1))
    );
}
