//! `filbert run`: replicas at work, and what becomes of the work when one ends.

use std::collections::BTreeMap;

use base64::Engine as _;
use filbert_apiserver::{ApiServer, Serving};
use filbert_kube::Api;
use filbert_plan::definition;
use filbert_plan::object::{self, ObjectKey, ResourceType};
use serde_json::{Value, json};

use crate::dev::until;
use crate::line::Line;
use crate::replica::Replica;
use crate::support::{Place, built};

const SETTLED: &str = "operator_reconciles_total{kind=\"Greeting\",outcome=\"settled\"}";

/// An API server without an operator.
struct Cluster {
    server: ApiServer,
    api: Api,
    serving: Serving,
}

impl Cluster {
    /// Its kubeconfig is `kubeconfig` in the place.
    async fn start(place: &Place) -> Self {
        let server = ApiServer::builder().garbage_collector(true).stand_ins(true).build();
        let serving = server.serve(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        place.write("kubeconfig", serving.kubeconfig().as_bytes());
        Self { api: Api::new(server.client()), server, serving }
    }

    /// With what `filbert crds` prints, as somebody who installs the operator would apply it.
    async fn define(&self, place: &Place) {
        let printed = place.run(&["crds", "--modules", "modules"]);
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let text = String::from_utf8(printed.stdout).expect("text");
        let definitions: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        for definition in definitions {
            self.define_one(&definition).await;
        }
    }

    async fn define_one(&self, definition: &Value) {
        let resource = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        let name = object::name(definition).expect("a name").to_owned();
        let key = ObjectKey { resource, namespace: None, name };
        self.api.apply(&key, definition, "person", true).await.expect("applied");
    }

    /// The resource version of everything that an operator writes, but for its lease.
    async fn versions(&self) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        let types = [
            ResourceType::new("example.dev", "v1", "greetings"),
            ResourceType::new("", "v1", "configmaps"),
            ResourceType::new("", "v1", "events"),
            definition::modules(),
            definition::pipelines(),
        ];
        for resource in types {
            for object in self.api.list(&resource, None).await.expect("a list") {
                let name = format!("{resource} {}", object::name(&object).expect("a name"));
                versions.insert(name, object["metadata"]["resourceVersion"].to_string());
            }
        }
        versions
    }
}

/// The lease that replicas take from each other.
fn lease() -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("coordination.k8s.io", "v1", "leases"), "default", "filbert")
}

/// A replica with the modules of the place.
fn replica(place: &Place) -> Replica {
    Replica::start(place, &["--kubeconfig", "kubeconfig", "--modules", "modules"])
}

fn greeting(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "default", name)
}

fn config_map(name: &str) -> ObjectKey {
    ObjectKey::namespaced(ResourceType::new("", "v1", "configmaps"), "default", name)
}

/// Somebody wants a greeting.
async fn greet(cluster: &Cluster, name: &str, who: &str) {
    let object = json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": name, "namespace": "default"}, "spec": {"who": who}});
    cluster.api.apply(&greeting(name), &object, "person", true).await.expect("applied");
}

async fn until_message(cluster: &Cluster, name: &str, message: &str) -> Value {
    until(&cluster.api, &config_map(name), |it| it["data"]["message"] == message).await
}

async fn until_settled(cluster: &Cluster, name: &str) -> Value {
    let is_settled = |it: &Value| {
        let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
        it["status"]["observedGeneration"] == it["metadata"]["generation"]
            && conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    until(&cluster.api, &greeting(name), is_settled).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_acts_says_how_it_is_and_gives_its_lease_back_when_it_is_asked_to_end() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let mut replica = replica(&place);
    replica.ready().await;
    greet(&cluster, "spring", "Ann").await;
    until_message(&cluster, "spring-greeting", "Hello, Ann!").await;
    until_settled(&cluster, "spring").await;

    assert_eq!(replica.page("/livez"), (200, "alive\n".to_owned()));
    let ready = "[+] modules: 1 in service, 1 pipelines\n[+] watches: the objects of 1 pipelines are known\n[+] lease: this replica acts\n[+] end: not in sight\nready\n";
    assert_eq!(replica.page("/readyz"), (200, ready.to_owned()));
    replica.until_metric(SETTLED, 1).await;
    assert_eq!(replica.metric("operator_leader"), 1);
    let created = "operator_actions_total{kind=\"ConfigMap\",verb=\"apply\",outcome=\"created\"}";
    assert_eq!(replica.metric(created), 1, "{}", replica.page("/metrics").1);
    let called = "operator_guest_calls_total{guest=\"hello\",export=\"run\",outcome=\"answered\"}";
    assert!(replica.metric(called) >= 1);
    assert_eq!(replica.metric("operator_queue_depth{kind=\"Greeting\"}"), 0);

    let held = cluster.api.get(&lease()).await.expect("an answer").expect("a lease");
    assert!(held["spec"]["holderIdentity"].is_string(), "{held:#}");
    assert_eq!(held["spec"]["leaseDurationSeconds"], 4);
    let status = replica.process.terminate();
    assert_eq!(status.code(), Some(0), "{:#?}", replica.process.heard());
    let released = cluster.api.get(&lease()).await.expect("an answer").expect("a lease");
    assert_eq!(released["spec"]["holderIdentity"], Value::Null, "{released:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_is_replaced_and_nothing_is_written_twice() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let mut first = replica(&place);
    first.process.until_said("leading");
    greet(&cluster, "spring", "Ann").await;
    until_settled(&cluster, "spring").await;
    let module = ObjectKey {
        resource: ResourceType::new("filbert.dev", "v1alpha1", "modules"),
        namespace: None,
        name: "hello".into(),
    };
    until(&cluster.api, &module, |it| it["status"]["state"] == "Serving").await;
    let second = replica(&place);
    let looks_on = |code, body: &str| code == 200 && body.contains('_') && body.contains(" acts\n");
    second.until_page("/readyz", looks_on).await;
    // All that the first still had to write, it has written.
    let events = ResourceType::new("", "v1", "events");
    while cluster.api.list(&events, Some("default")).await.expect("events").len() < 3 {
        tokio::task::yield_now().await;
    }
    let before = cluster.versions().await;
    assert_eq!(second.metric(SETTLED), 0, "it has only looked on");

    first.process.kill();
    second.until_metric(SETTLED, 1).await;
    assert_eq!(second.metric("operator_leader"), 1);
    greet(&cluster, "autumn", "Bob").await;
    until_settled(&cluster, "autumn").await;
    until_message(&cluster, "autumn-greeting", "Hello, Bob!").await;
    let mut after = cluster.versions().await;
    after.retain(|name, _| !name.contains("autumn"));
    assert_eq!(after, before, "nothing was written again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_a_server_again_that_was_away_and_forgot_its_history() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let mut line = Line::to(cluster.serving.address).await;
    place.edit("kubeconfig", &cluster.serving.url, &format!("https://{}", line.address));
    let mut replica = replica(&place);
    replica.ready().await;
    greet(&cluster, "spring", "Ann").await;
    let message = until_message(&cluster, "spring-greeting", "Hello, Ann!").await;
    let settled = until_settled(&cluster, "spring").await;
    // The operator knows it too: an answer that is cut off is asked for again.
    replica.until_metric(SETTLED, 1).await;

    line.cut().await;
    replica.process.until_all_said(&["watch failed", "the lease is lost"]);
    assert_eq!(replica.metric("operator_leader"), 0);
    greet(&cluster, "autumn", "Bob").await;
    greet(&cluster, "winter", "Cleo").await;
    cluster.server.compact();
    line.mend().await;
    replica.process.until_said("watch goes on");
    until_message(&cluster, "autumn-greeting", "Hello, Bob!").await;
    until_message(&cluster, "winter-greeting", "Hello, Cleo!").await;
    until_settled(&cluster, "autumn").await;
    until_settled(&cluster, "winter").await;
    let spring = until_settled(&cluster, "spring").await;
    assert_eq!(spring, settled, "not written again: {:#?}", replica.process.heard());
    assert_eq!(until_message(&cluster, "spring-greeting", "Hello, Ann!").await, message);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_definition_is_named_and_taken_up_once_it_has_one() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    let replica = replica(&place);
    let ready = replica.until_page("/readyz", |code, body| code == 200 && body.contains("[!] watches")).await;
    assert!(ready.contains("pipeline greeting: the API server does not serve greetings.example.dev/v1\n"), "{ready}");
    // Only ours: those who look at pipelines see which one has no kind.
    for (_, definition) in definition::all() {
        cluster.define_one(&definition).await;
    }
    let pipeline = ObjectKey { resource: definition::pipelines(), namespace: None, name: "greeting".into() };
    let told = until(&cluster.api, &pipeline, |it| it["status"]["reason"] == "NotWatched").await;
    assert_eq!(told["status"]["message"], "the API server does not serve greetings.example.dev/v1");
    cluster.define(&place).await;
    greet(&cluster, "spring", "Ann").await;
    until_message(&cluster, "spring-greeting", "Hello, Ann!").await;
    replica.until_page("/readyz", |code, body| code == 200 && body.contains("[+] watches")).await;
    until(&cluster.api, &pipeline, |it| {
        it["status"]["conditions"][0]["status"] == "True" && it["status"]["reason"].is_null()
    })
    .await;
}

async fn config_maps(cluster: &Cluster) -> Vec<Value> {
    cluster.api.list(&ResourceType::new("", "v1", "configmaps"), Some("default")).await.expect("a list")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_swaps_a_step_and_what_is_broken_in_it_is_named() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let mut replica = replica(&place);
    replica.ready().await;
    greet(&cluster, "spring", "Ann").await;
    until_message(&cluster, "spring-greeting", "Hello, Ann!").await;
    let holding = |component: &[u8]| {
        let binary = json!({"hello.wasm": base64::engine::general_purpose::STANDARD.encode(component)});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "filbert-modules", "namespace": "default"}, "binaryData": binary})
    };
    let modules = config_map("filbert-modules");
    let mut howdy = built("hello.wasm");
    let start = howdy.windows(7).position(|it| it == b"Hello, ").expect("its greeting is in it");
    howdy[start..start + 7].copy_from_slice(b"Howdy, ");
    cluster.api.apply(&modules, &holding(&howdy), "person", true).await.expect("applied");
    until_message(&cluster, "spring-greeting", "Howdy, Ann!").await;
    cluster.api.apply(&modules, &holding(b"garbage"), "person", true).await.expect("applied");
    replica.process.until_said("module not taken up");
    greet(&cluster, "autumn", "Bob").await;
    until_message(&cluster, "autumn-greeting", "Howdy, Bob!").await;
    let named = replica.until_page("/readyz", |code, body| code == 200 && body.contains("[!] modules")).await;
    assert!(named.contains("it does not begin as WebAssembly does"), "{named}");

    // One that is started anew acts by it from the beginning.
    cluster.api.apply(&modules, &holding(&howdy), "person", true).await.expect("applied");
    until_message(&cluster, "spring-greeting", "Howdy, Ann!").await;
    replica.until_page("/readyz", |code, body| code == 200 && body.contains("[+] modules")).await;
    until_settled(&cluster, "autumn").await;
    let before = config_maps(&cluster).await;
    assert_eq!(replica.process.terminate().code(), Some(0));
    let again = self::replica(&place);
    again.until_metric(SETTLED, 2).await;
    assert_eq!(config_maps(&cluster).await, before, "not even for a moment by those of the folder");
    cluster.api.delete(&modules, None).await.expect("deleted");
    until_message(&cluster, "spring-greeting", "Hello, Ann!").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_namespace_that_is_watched_is_looked_at() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "market"}});
    let key = ObjectKey { resource: ResourceType::new("", "v1", "namespaces"), namespace: None, name: "market".into() };
    cluster.api.apply(&key, &namespace, "person", true).await.expect("applied");
    greet(&cluster, "spring", "Ann").await;
    let replica =
        Replica::start(&place, &["--kubeconfig", "kubeconfig", "--modules", "modules", "--watch-namespace", "market"]);
    replica.ready().await;
    let there = ObjectKey { namespace: Some("market".into()), ..greeting("spring") };
    let object = json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": "spring", "namespace": "market"}, "spec": {"who": "Bob"}});
    cluster.api.apply(&there, &object, "person", true).await.expect("applied");
    let there = ObjectKey { namespace: Some("market".into()), ..config_map("spring-greeting") };
    until(&cluster.api, &there, |it| it["data"]["message"] == "Hello, Bob!").await;
    replica.until_metric(SETTLED, 1).await;
    assert_eq!(cluster.api.get(&config_map("spring-greeting")).await.expect("an answer"), None);
}

#[test]
fn times_with_which_two_replicas_could_act_at_once_are_refused() {
    let place = Place::with_hello();
    let output = place.run(&["run", "--modules", "modules", "--lease-duration", "10s", "--renew-deadline", "10s"]);
    let said = "\
error: `--renew-deadline` must be shorter than `--lease-duration`: a replica must cease to act before another may begin
hint: `--help` says what each is for, and shows what fits together
";
    assert_eq!((place.neutral(&output.stderr), output.status.code()), (said.to_owned(), Some(2)));
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let place = Place::with_hello();
    let run = |more: &[&str]| {
        let arguments = ["run", "--modules", "modules", "--health-listen", "127.0.0.1:0", "--log", "off"];
        let output = place.run(&[&arguments, more].concat());
        (place.neutral(&output.stderr), output.status.code())
    };
    let missing = run(&["--kubeconfig", "nowhere"]);
    assert_eq!(missing.1, Some(1));
    assert!(missing.0.starts_with("error: `nowhere` is no usable kubeconfig\ncaused by: "), "{}", missing.0);
    place.write("kubeconfig", b"apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n");
    let silent = run(&["--kubeconfig", "kubeconfig"]);
    assert_eq!(silent.1, Some(1));
    assert!(
        silent.0.starts_with("error: the API server at https://127.0.0.1:1/ does not answer\ncaused by: "),
        "{}",
        silent.0
    );
    assert!(silent.0.ends_with("hint: is the cluster running, and is this the right kubeconfig?\n"), "{}", silent.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_while_a_replica_answers_and_until_the_operator_is_withdrawn() {
    let place = Place::with_hello();
    let cluster = Cluster::start(&place).await;
    cluster.define(&place).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let (listen, url) = (free.to_string(), format!("https://{free}"));
    // What is in the operator's own namespace is never asked about.
    let namespaces = ResourceType::new("", "v1", "namespaces");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ops"}});
    cluster.api.create(&namespaces, None, &namespace).await.expect("created");
    let arguments =
        ["--kubeconfig", "kubeconfig", "--modules", "modules", "--namespace", "ops", "--webhook-listen", &listen];
    let mut replica = Replica::start(&place, &[&arguments[..], &["--webhook-url", &url]].concat());
    let ready = replica.ready().await;
    assert!(ready.contains("[+] admission: reviews are answered"), "{ready}");
    let resource = ResourceType::new("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations");
    let configuration = ObjectKey { resource, namespace: None, name: "filbert".to_owned() };
    until(&cluster.api, &configuration, |it| it["webhooks"][0]["clientConfig"]["caBundle"].is_string()).await;

    let refused = async |who: &str| {
        let object = json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": "spring", "namespace": "default"}, "spec": {"who": who}});
        cluster.api.apply(&greeting("spring"), &object, "person", true).await.err().map(|error| error.detail())
    };
    let said = refused("").await.expect("nobody is greeted");
    assert!(said.contains("denied the request") && said.contains("spec.who"), "{said}");
    assert_eq!(cluster.api.get(&greeting("spring")).await.expect("an answer"), None);
    assert_eq!(refused("Ann").await, None);
    until_message(&cluster, "spring-greeting", "Hello, Ann!").await;

    assert!(replica.process.terminate().success());
    let said = refused("Bob").await.expect("nobody answers");
    assert!(said.contains("failed calling webhook"), "{said}");
    let withdrawn = place.run(&["withdraw", "--kubeconfig", "kubeconfig"]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    assert_eq!(refused("Bob").await, None);
}
