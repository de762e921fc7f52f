//! Admission as a part of the operator: its webhook configurations, and certificates that are made, renewed and repaired
//! without anybody noticing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::Millis;
use filbert_runtime::{Clock, SystemClock};
use filbert_tests::world::{Beginning, World, folder_with};
use filbert_webhook::{Admission, Installation, Options, Reach, withdraw};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::caller::{Caller, ders, greeting};
use crate::support::{greet, greeting as greeting_key};

/// By which an API server would call.
const NAME: &str = "nutshell.operators.svc";
const DAY: i64 = 24 * 3600 * 1000;
const SECOND: i64 = 1000;
/// Only keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// A clock that is wrong by as much as is wanted.
#[derive(Debug, Default)]
struct Wrong(AtomicI64);

impl Wrong {
    fn by(millis: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(millis)))
    }

    fn forward(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::AcqRel);
    }
}

impl Clock for Wrong {
    fn now(&self) -> Millis {
        SystemClock.now().saturating_add_signed(self.0.load(Ordering::Acquire))
    }
}

async fn world(clock: Arc<Wrong>) -> World {
    let modules = Some(folder_with(&["hello.wasm", "hello.yaml"]));
    let world = World::begin(Beginning { modules, clock: Some(clock), ..Beginning::default() }).await;
    let key = ObjectKey { resource: core("namespaces"), namespace: None, name: "operators".to_owned() };
    world.apply(&key, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operators"}})).await;
    world
}

fn core(plural: &str) -> ResourceType {
    ResourceType::new("", "v1", plural)
}

fn secret() -> ObjectKey {
    ObjectKey::namespaced(core("secrets"), "operators", "filbert-webhook-certificates")
}

fn configuration(plural: &str) -> ObjectKey {
    let resource = ResourceType::new("admissionregistration.k8s.io", "v1", plural);
    ObjectKey { resource, namespace: None, name: "nutshell".to_owned() }
}

fn validating() -> ObjectKey {
    configuration("validatingwebhookconfigurations")
}

/// One of several.
struct Replica {
    address: SocketAddr,
    leads: watch::Sender<bool>,
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Replica {
    async fn start(world: &World, leads: bool) -> Self {
        let installation =
            Installation { name: "nutshell".into(), namespace: "operators".into(), watched: None, owner: None };
        let reach = Reach::Service { namespace: "operators".into(), name: "nutshell".into(), port: 443 };
        let options = Options {
            look: Duration::from_millis(20),
            linger: Duration::ZERO,
            threads: 2,
            ..Options::new(([127, 0, 0, 1], 0).into(), reach, installation)
        };
        let (leads, leading) = watch::channel(leads);
        let admission =
            Admission::start(&world.host, world.server.client(), leading, options).await.expect("it starts");
        let (address, mut trust) = (admission.address(), admission.trust());
        let (end, ended) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            admission.run(async { drop(ended.await) }).await.expect("it ends well");
        });
        let has_certificate = tokio::time::timeout(PATIENCE, trust.wait_for(Option::is_some)).await;
        drop(has_certificate.expect("there is a certificate soon").expect("it runs"));
        Self { address, leads, end, running }
    }

    /// As an API server that trusts these.
    fn caller(&self, pem: &str) -> Caller {
        Caller::new(self.address, ders(pem), Some(NAME))
    }

    async fn end(self) {
        self.end.send(()).expect("it runs");
        tokio::time::timeout(PATIENCE, self.running).await.expect("it ends soon").expect("it ends well");
    }
}

fn entry(secret: &Value, name: &str) -> String {
    let text = secret["data"][name].as_str().unwrap_or_else(|| panic!("there is no {name}"));
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text")
}

/// What the API server trusts, where it is told so.
fn trusted(configuration: Option<&Value>) -> Option<String> {
    let bundle = configuration?["webhooks"][0]["clientConfig"]["caBundle"].as_str()?;
    Some(String::from_utf8(STANDARD.decode(bundle).expect("base64")).expect("text"))
}

/// Waits until API servers trust what the Secret says; answers that.
async fn agreed(world: &World) -> String {
    let agree = async {
        loop {
            let (secret, configuration) = (world.find(&secret()).await, world.find(&validating()).await);
            if let (Some(secret), Some(trusted)) = (secret, trusted(configuration.as_ref()))
                && secret["data"]["ca.crt"].is_string()
                && entry(&secret, "ca.crt") == trusted
            {
                return trusted;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, agree).await.expect("they agree soon")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurations_follow_the_pipelines_and_only_the_leader_writes_them() {
    let world = world(Arc::default()).await;
    let replica = Replica::start(&world, false).await;
    world.until(&secret(), |secret| secret.is_some()).await;
    assert_eq!(world.find(&validating()).await, None, "this replica does not lead");
    replica.leads.send_replace(true);
    let trust = agreed(&world).await;
    let webhooks = |it: Option<&Value>| -> Vec<String> {
        let webhooks = it.and_then(|it| it["webhooks"].as_array()).cloned().unwrap_or_default();
        webhooks.iter().map(|webhook| webhook["name"].as_str().expect("a name").to_owned()).collect()
    };
    let live = world.get(&validating()).await;
    assert_eq!(webhooks(Some(&live)), ["greeting.validation.filbert.dev"]);
    assert_eq!(world.find(&configuration("mutatingwebhookconfigurations")).await, None, "nothing is filled in");
    let path = live["webhooks"][0]["clientConfig"]["service"]["path"].as_str().expect("a path");
    assert_eq!(replica.caller(&trust).ask(path, &greeting("")).await["allowed"], false);
    // Another pipeline for the same kind.
    let policy = json!({
        "apiVersion": "filbert.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "policy"},
        "spec": {
            "resource": {"group": "example.dev", "version": "v1", "plural": "greetings"},
            "admission": {"failurePolicy": "Ignore"}, "validation": [{"module": "hello"}],
        },
    });
    let file = world.folder().join("policy.yaml");
    std::fs::write(&file, policy.to_string()).expect("written");
    world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
    // It is not in service as long as the first is, and nothing is asked of it.
    assert_eq!(webhooks(world.find(&validating()).await.as_ref()), ["greeting.validation.filbert.dev"]);
    let hello = world.folder().join("hello.yaml");
    let documents = std::fs::read_to_string(&hello).expect("read");
    std::fs::write(&hello, documents.split("---").next().expect("a document")).expect("written");
    world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
    world.until(&validating(), |it| webhooks(it) == ["policy.validation.filbert.dev"]).await;
    assert_eq!(world.get(&validating()).await["webhooks"][0]["failurePolicy"], "Ignore");
    // What somebody else does to it is put right.
    world.api.delete(&validating(), None).await.expect("it can be deleted");
    world.until(&validating(), |it| webhooks(it) == ["policy.validation.filbert.dev"]).await;
    let mut spoilt = world.get(&validating()).await;
    spoilt["webhooks"][0]["failurePolicy"] = "Fail".into();
    world.api.replace(&validating(), &spoilt).await.expect("it can be replaced");
    world.until(&validating(), |it| it.is_some_and(|it| it["webhooks"][0]["failurePolicy"] == "Ignore")).await;
    // Without pipelines that review there is nothing to be asked.
    std::fs::remove_file(&file).expect("removed");
    world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
    world.until(&validating(), |it| it.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_is_judged_before_it_is_stored() {
    let world = world(Arc::default()).await;
    let replica = Replica::start(&world, true).await;
    world.server.route_service("operators", "nutshell", Some(replica.address));
    agreed(&world).await;
    let refused = world.api.apply(&greeting_key("rude"), &greet("rude", ""), "person", true).await;
    let detail = refused.expect_err("nobody is greeted").detail();
    let words = "admission webhook \"greeting.validation.filbert.dev\" denied the request";
    assert!(detail.contains(words) && detail.contains("somebody must be greeted"), "{detail}");
    assert_eq!(world.find(&greeting_key("rude")).await, None);
    world.apply(&greeting_key("polite"), &greet("polite", "Ann")).await;
    replica.end().await;
    // The policy of a custom resource is `Fail`: without an operator nobody changes one unjudged.
    let unjudged = world.api.apply(&greeting_key("polite"), &greet("polite", "Bob"), "person", true).await;
    assert!(unjudged.expect_err("nobody answers").detail().contains("failed calling webhook"));
    withdraw(&world.api, "nutshell").await.expect("it can be withdrawn");
    world.apply(&greeting_key("polite"), &greet("polite", "Bob")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withdrawn_leaves_no_webhook() {
    let world = world(Arc::default()).await;
    let replica = Replica::start(&world, true).await;
    agreed(&world).await;
    replica.end().await;
    assert!(world.find(&validating()).await.is_some(), "an operator that ends may come back");
    for _ in 0..2 {
        withdraw(&world.api, "nutshell").await.expect("it can be withdrawn");
        assert_eq!(world.find(&validating()).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_one_certificate_and_all_of_them_answer() {
    let world = world(Arc::default()).await;
    let (one, other) = tokio::join!(Replica::start(&world, true), Replica::start(&world, false));
    let trust = agreed(&world).await;
    assert_eq!(ders(&trust).len(), 1);
    for replica in [&one, &other] {
        assert_eq!(replica.caller(&trust).ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    }
    one.end().await;
    assert_eq!(other.caller(&trust).ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
}

/// Asks as an API server would that hears at once of every change: each time on a new connection, and on one that it keeps.
/// Answers how often, when `is_over` is set.
async fn load(world: &World, replicas: &[&Replica], is_over: &AtomicBool) -> usize {
    let trust = trusted(world.find(&validating()).await.as_ref()).expect("it is told");
    let keeping: Vec<_> = replicas.iter().map(|replica| replica.caller(&trust)).collect();
    let mut asked = 0;
    while !is_over.load(Ordering::Acquire) {
        let trust = trusted(world.find(&validating()).await.as_ref()).expect("it is told");
        for (replica, kept) in replicas.iter().zip(&keeping) {
            let path = "/validate/greeting";
            assert_eq!(replica.caller(&trust).ask(path, &greeting("Ann")).await["allowed"], true);
            assert_eq!(kept.ask(path, &greeting("")).await["allowed"], false);
            asked += 2;
        }
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_and_no_call_fails() {
    // Certificates are made for ninety days, and clients go by the real time.
    let clock = Wrong::by(-61 * DAY);
    let world = world(clock.clone()).await;
    let (one, other) = tokio::join!(Replica::start(&world, true), Replica::start(&world, false));
    let old = agreed(&world).await;
    let before = world.get(&secret()).await;
    let is_over = AtomicBool::new(false);
    let renewal = async {
        clock.forward(61 * DAY);
        let waits = |secret: Option<&Value>| secret.is_some_and(|it| it["data"]["next-tls.crt"].is_string());
        world.until(&secret(), waits).await;
        let both = agreed(&world).await;
        assert_eq!(ders(&both).len(), 2);
        assert_eq!(entry(&world.get(&secret()).await, "tls.crt"), entry(&before, "tls.crt"), "it is not used yet");
        clock.forward(31 * SECOND);
        let is_used = |secret: Option<&Value>| secret.is_some_and(|it| !waits(Some(it)));
        world.until(&secret(), is_used).await;
        let now = world.get(&secret()).await;
        assert_ne!(entry(&now, "tls.crt"), entry(&before, "tls.crt"));
        // Both replicas show it: who trusts the old authority alone is not satisfied any more.
        for replica in [&one, &other] {
            while replica.caller(&old).is_answered("/validate/greeting", &greeting("Ann")).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        is_over.store(true, Ordering::Release);
    };
    let replicas = [&one, &other];
    let ((), asked) = tokio::join!(renewal, load(&world, &replicas, &is_over));
    assert!(asked > 0, "there was load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_lost_or_spoilt_is_repaired_and_no_call_fails() {
    let clock = Arc::new(Wrong::default());
    let world = world(clock.clone()).await;
    let replica = Replica::start(&world, true).await;
    let first = agreed(&world).await;
    let is_over = AtomicBool::new(false);
    let repairs = async {
        let mut trust = first;
        for name in ["", "ca.crt", "tls.key"] {
            let before = world.get(&secret()).await;
            if name.is_empty() {
                world.api.delete(&secret(), None).await.expect("it can be deleted");
            } else {
                let mut spoilt = before.clone();
                spoilt["data"][name] = STANDARD.encode("garbage").into();
                world.api.replace(&secret(), &spoilt).await.expect("it can be replaced");
            }
            // What was shown goes on until API servers trust its successor.
            let waits = |secret: Option<&Value>| secret.is_some_and(|it| it["data"]["next-tls.crt"].is_string());
            world.until(&secret(), waits).await;
            let both = agreed(&world).await;
            assert!(ders(&both).contains(&ders(&trust)[0]), "after {name} was lost");
            clock.forward(31 * SECOND);
            world.until(&secret(), |secret| secret.is_some_and(|it| !waits(Some(it)))).await;
            assert_ne!(entry(&world.get(&secret()).await, "tls.crt"), entry(&before, "tls.crt"));
            trust = agreed(&world).await;
        }
        is_over.store(true, Ordering::Release);
    };
    let replicas = [&replica];
    let ((), asked) = tokio::join!(repairs, load(&world, &replicas, &is_over));
    assert!(asked > 0, "there was load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expired_or_was_lost_while_nobody_ran_is_replaced_at_start() {
    let clock = Wrong::by(-100 * DAY);
    let world = world(clock.clone()).await;
    let replica = Replica::start(&world, true).await;
    let expired = agreed(&world).await;
    replica.end().await;
    clock.forward(100 * DAY);
    let replica = Replica::start(&world, true).await;
    let is_new = async |trust: String| {
        let it = |configuration: Option<&Value>| trusted(configuration).is_some_and(|now| now != trust);
        world.until(&validating(), it).await;
        agreed(&world).await
    };
    let trust = is_new(expired).await;
    assert_eq!(replica.caller(&trust).ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    replica.end().await;
    let mut secret_without = world.get(&secret()).await;
    secret_without["data"].as_object_mut().expect("entries").remove("ca.crt");
    world.api.replace(&secret(), &secret_without).await.expect("it can be replaced");
    let replica = Replica::start(&world, true).await;
    let trust = is_new(trust).await;
    assert_eq!(replica.caller(&trust).ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
}
