//! Admission reviews over HTTPS, answered by the built components, as an API server would ask for them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_engine::{Cache, Engine, Settings};
use filbert_plan::definition;
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_runtime::SystemClock;
use filbert_runtime::publish::Publisher;
use filbert_tests::modules::{fixture, target};
use filbert_tests::world::{Beginning, World, folder_with};
use filbert_webhook::router::{LARGEST_REQUEST, router};
use filbert_webhook::{Credentials, Judge, Pair, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::caller::{Caller, greeting, request};

/// Much longer than anything here waits: a server that needs it to end has not let go of its connections.
const DRAIN: Duration = Duration::from_hours(1);
/// Only keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// An authority, and the certificates that it issued.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// Certificate and key for loopback.
    fn issue(&self) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Pair { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

/// The webhooks of an operator.
struct Webhooks {
    authority: Authority,
    credentials: Arc<Credentials>,
    address: SocketAddr,
    end: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Webhooks {
    async fn of(world: &World) -> Self {
        let authority = Authority::new();
        let credentials = Arc::new(Credentials::new(&authority.issue()).expect("they fit"));
        let server = Server::bind(([127, 0, 0, 1], 0).into(), credentials.clone()).await.expect("a free port");
        let address = server.address();
        let router = router(Judge::new(world.library.clone(), world.host.world().clone()));
        let (end, ended) = oneshot::channel::<()>();
        let ended = async { drop(ended.await) };
        let serving = tokio::spawn(server.run(router, ended, DRAIN));
        Self { authority, credentials, address, end, serving }
    }

    /// A client with connections of its own, that trusts the authority.
    fn client(&self) -> Caller {
        let authority = AsRef::<rcgen::Certificate>::as_ref(&self.authority.0).der().to_vec();
        Caller::new(self.address, vec![authority], None)
    }
}

fn cluster(spec: &Value) -> Value {
    let mut request = request("hazelcast.com", "Hazelcast", &json!({"metadata": {"name": "library"}, "spec": spec}));
    for field in ["kind", "resource"] {
        request[field]["version"] = "v1alpha1".into();
    }
    request
}

fn patch(response: &Value) -> Value {
    let patch = STANDARD.decode(response["patch"].as_str().expect("a patch")).expect("base64");
    serde_json::from_slice(&patch).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_defaulted_by_a_patch_and_judged_with_all_causes() {
    let world = World::start().await;
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    let defaulted = caller.ask("/default/hazelcasts", &cluster(&json!({"clusterSize": 3}))).await;
    assert_eq!((&defaulted["allowed"], &defaulted["patchType"]), (&json!(true), &json!("JSONPatch")));
    assert_eq!(
        patch(&defaulted),
        json!([
            {"op": "add", "path": "/spec/repository", "value": "docker.io/hazelcast/hazelcast"},
            {"op": "add", "path": "/spec/version", "value": "5.7.0"},
        ])
    );
    let whole = json!({"repository": "docker.io/hazelcast/hazelcast", "version": "5.7.0"});
    let again = caller.ask("/default/hazelcasts", &cluster(&whole)).await;
    assert_eq!(again, json!({"uid": "0a1b", "allowed": true}), "nothing is left to be filled in");
    let wrong = json!({"jet": {"instance": {"losslessRestartEnabled": true}}, "exposeExternally": {"type": "Unisocket", "memberAccess": "NodePortExternalIP"}});
    let refused = caller.ask("/validate/hazelcasts", &cluster(&wrong)).await;
    assert_eq!((&refused["allowed"], &refused["status"]["code"]), (&json!(false), &json!(422)));
    let causes = refused["status"]["details"]["causes"].as_array().expect("causes");
    let fields: BTreeSet<_> = causes.iter().filter_map(|cause| cause["field"].as_str()).collect();
    assert_eq!(
        fields,
        BTreeSet::from(["spec.exposeExternally.memberAccess", "spec.jet.instance.losslessRestartEnabled"]),
        "{refused:#}"
    );
    let message = refused["status"]["message"].as_str().expect("a text");
    assert!(message.starts_with("Hazelcast.hazelcast.com \"library\" is invalid: ["), "{message}");
    let exposed = caller.ask("/validate/hazelcasts", &cluster(&json!({"exposeExternally": {}}))).await;
    assert_eq!(exposed["allowed"], true);
    assert!(exposed["warnings"][0].as_str().is_some_and(|text| text.contains("default name")), "{exposed:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_review_of_a_pipeline_gets_a_clear_answer() {
    let world = World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await;
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    let review = |request: &Value| {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string()
    };
    let whole = review(&greeting("Ann"));
    let beta = whole.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let cases = [
        ("/validate/greeting", "hello".to_owned(), 400, "the body is no AdmissionReview"),
        ("/validate/greeting", whole[..whole.len() / 2].to_owned(), 400, "the body is no AdmissionReview: EOF"),
        ("/validate/greeting", beta, 400, "v1beta1 AdmissionReview; expected admission.k8s.io/v1"),
        ("/validate/greeting", review(&json!({"uid": "1"})), 400, "missing field"),
        ("/validate/greeting", "x".repeat(LARGEST_REQUEST + 1), 413, "larger than 8388608 bytes"),
        ("/validate/lamps", whole.clone(), 404, "no pipeline `lamps` is in service; there are: greeting"),
        ("/elsewhere", whole.clone(), 404, "/validate/PIPELINE"),
    ];
    for (path, body, status, words) in cases {
        let (found, text) = caller.post(path, body.into_bytes()).await;
        assert_eq!(found, status, "{text}");
        assert!(text.contains(words), "`{text}` does not say `{words}`");
    }
    // The connection is none the worse for it.
    assert_eq!(caller.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    assert_eq!(caller.ask("/validate/greeting", &greeting("")).await["allowed"], false);
}

/// A folder with the hostile fixture as module `rogue`, and pipelines that have it judge by a misdeed: name, what else it says of
/// admission, and the misdeed.
fn rogue(deadline_millis: u64, pipelines: &[(&str, Value, &str)]) -> tempfile::TempDir {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    std::fs::write(folder.path().join("rogue.wasm"), fixture("hostile")).expect("written");
    let services = json!({
        "resource": {"group": "", "version": "v1", "plural": "services"}, "verbs": ["read"],
        "names": ["blue"], "within": {"named": ["market"]},
    });
    let mut documents = vec![json!({
        "apiVersion": "filbert.dev/v1alpha1", "kind": "Module", "metadata": {"name": "rogue"},
        "spec": {
            "component": {"file": "rogue.wasm"}, "limits": {"deadlineMillis": deadline_millis},
            "grants": [{"objects": services}],
        },
    })];
    for (name, admission, misdeed) in pipelines {
        documents.push(json!({
            "apiVersion": "filbert.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name},
            "spec": {
                "resource": {"group": "example.dev", "version": "v1", "plural": name}, "admission": admission,
                "validation": [{"module": "rogue", "parameters": misdeed}],
            },
        }));
    }
    let documents: Vec<_> = documents.iter().map(Value::to_string).collect();
    std::fs::write(folder.path().join("rogue.yaml"), documents.join("\n---\n")).expect("written");
    folder
}

fn own_engine() -> Engine {
    let cache = Cache::Preferred(target().join("test-code"));
    Engine::new(Settings { cache, ..Settings::default() }).expect("an engine")
}

fn thing() -> Value {
    request("example.dev", "Thing", &json!({"metadata": {"name": "rogue"}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_burns_its_budget_costs_its_own_objects_and_says_so() {
    let pipelines = [("loops", json!({}), "Loop"), ("shrugs", json!({"failurePolicy": "Ignore"}), "Loop")];
    let modules = Some(rogue(50, &pipelines));
    let world = World::begin(Beginning { engine: Some(own_engine()), modules, ..Beginning::default() }).await;
    assert_eq!(world.library.serving().problems(), [] as [String; 0]);
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    // Each call costs its deadline, until it has done so five times.
    for _ in 0..5 {
        let refused = caller.ask("/validate/loops", &thing()).await;
        let message = refused["status"]["message"].as_str().expect("a text");
        assert!(message.ends_with("deadline: no answer within 50ms"), "{message}");
    }
    let refused = caller.ask("/validate/loops", &thing()).await;
    assert_eq!((&refused["status"]["code"], &refused["status"]["reason"]), (&json!(503), &json!("ServiceUnavailable")));
    let why = "module `rogue` is not called for 10s, because 5 calls burnt their budget in short order";
    let message = refused["status"]["message"].as_str().expect("a text");
    assert!(message.starts_with(why), "{message}");
    // Who would rather have unjudged objects than none gets them, and reads why.
    let ignored = caller.ask("/validate/shrugs", &thing()).await;
    assert_eq!(ignored["allowed"], true, "{ignored:#}");
    let warning = ignored["warnings"][0].as_str().expect("a text");
    assert!(warning.starts_with(&format!("pipeline shrugs could not review this: {why}")), "{warning}");
    assert_eq!(caller.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true, "others are judged");
    // What kubectl shows of the module says it, too.
    for (_, definition) in definition::all() {
        let resource = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        let name = object::name(&definition).expect("it has one").to_owned();
        world.apply(&ObjectKey { resource, namespace: None, name }, &definition).await;
    }
    let publisher = Publisher::new(world.api.clone(), &world.host, Arc::new(SystemClock));
    let publisher = tokio::spawn(publisher.run());
    let module = ObjectKey { resource: definition::modules(), namespace: None, name: "rogue".to_owned() };
    let is_told = |module: Option<&Value>| {
        let Some(module) = module else { return false };
        let conditions = module["status"]["conditions"].as_array().into_iter().flatten();
        let mut told = conditions.filter(|condition| condition["type"] == "Called");
        told.any(|told| (&told["status"], &told["reason"]) == (&json!("False"), &json!("BudgetBurnt")))
            && module["status"]["state"] == "Serving"
    };
    world.until(&module, is_told).await;
    publisher.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_reads_is_answered_although_nobody_has_read_that_before() {
    let world = World::with_modules(rogue(60_000, &[("reads", json!({}), "Read")])).await;
    let webhooks = Webhooks::of(&world).await;
    let read = webhooks.client().ask("/validate/reads", &thing()).await;
    // The guest refuses everything, and tells what it found: there is no such Service.
    assert_eq!(read["status"]["details"]["causes"][0]["message"], "Invalid value: null", "{read:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_deleted_is_judged_no_more() {
    let world = World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await;
    let webhooks = Webhooks::of(&world).await;
    let mut going = greeting("");
    going["object"]["metadata"]["deletionTimestamp"] = "2026-01-31T09:00:00Z".into();
    assert_eq!(webhooks.client().ask("/validate/greeting", &going).await["allowed"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_instead_of_tls_disturbs_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await;
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    assert_eq!(caller.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    let plain = b"POST /validate/greeting HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    for garbage in [plain, vec![0; 4096], vec![0x16, 3, 1, 0xff, 0xff, 1], Vec::new()] {
        let mut connection = tokio::net::TcpStream::connect(webhooks.address).await.expect("it listens");
        // Somebody who hangs up at once is no bug.
        let _ = connection.write_all(&garbage).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer)).await.expect("it is closed");
        assert!(!answer.starts_with(b"HTTP"), "nothing is answered in the clear");
    }
    assert_eq!(caller.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    assert_eq!(webhooks.client().ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_has_begun_is_answered_while_the_server_ends() {
    let engine = own_engine();
    let modules = Some(rogue(500, &[("loops", json!({}), "Loop")]));
    let world = World::begin(Beginning { engine: Some(engine.clone()), modules, ..Beginning::default() }).await;
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    let begun = tokio::spawn(async move { caller.ask("/validate/loops", &thing()).await });
    while engine.running() == 0 {
        tokio::task::yield_now().await;
    }
    webhooks.end.send(()).expect("it runs");
    let refused = begun.await.expect("it is answered");
    assert_eq!(refused["status"]["code"], 500, "{refused:#}");
    let ended = tokio::time::timeout(PATIENCE, webhooks.serving).await;
    ended.expect("it waits for nobody else").expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_breaks_refuses_and_says_which_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("rogue.wasm"), fixture("hostile")).expect("written");
    let documents = json!({
        "apiVersion": "filbert.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": "loops"},
        "spec": {"resource": {"group": "example.dev", "version": "v1", "plural": "loops"}, "validation": [{"module": "rogue"}]},
    });
    std::fs::write(folder.path().join("rogue.yaml"), documents.to_string()).expect("written");
    let world = World::with_modules(folder).await;
    let webhooks = Webhooks::of(&world).await;
    let caller = webhooks.client();
    let refused =
        caller.ask("/validate/loops", &request("example.dev", "Loop", &json!({"metadata": {"name": "rogue"}}))).await;
    assert_eq!((&refused["allowed"], &refused["status"]["code"]), (&json!(false), &json!(500)), "{refused:#}");
    let message = refused["status"]["message"].as_str().expect("a text");
    assert!(message.contains("module `rogue` broke in `validation.validate`"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_of_a_module_and_of_the_certificate_lose_no_request() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let file = folder.path().join("hello.wasm");
    let good = std::fs::read(&file).expect("read");
    // The same component with another digest: an empty custom section at its end.
    let mut other = good.clone();
    other.extend([0, 2, 1, b'x']);
    let world = World::with_modules(folder).await;
    let webhooks = Webhooks::of(&world).await;
    let are_swapped = AtomicBool::new(false);
    let swaps = async {
        for round in 0..100 {
            std::fs::write(&file, if round % 2 == 0 { &other } else { &good }).expect("written");
            world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
            webhooks.credentials.replace(&webhooks.authority.issue()).expect("they fit");
        }
        are_swapped.store(true, Ordering::Release);
    };
    let keeping = webhooks.client();
    let load = async {
        let (mut asked, mut versions) = (0, BTreeSet::new());
        while !are_swapped.load(Ordering::Acquire) {
            // One caller keeps its connection, the other makes a new one each time.
            assert_eq!(keeping.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
            let refused = webhooks.client().ask("/validate/greeting", &greeting("")).await;
            assert_eq!(refused["allowed"], false);
            versions.insert(refused["auditAnnotations"]["hello"].as_str().expect("a version").to_owned());
            asked += 2;
        }
        (asked, versions)
    };
    let ((), (asked, versions)) = tokio::join!(swaps, load);
    assert!(asked >= 2, "there was load");
    assert!((1..=2).contains(&versions.len()), "{versions:?}");
    let garbage = Pair { chain: "garbage".to_owned(), key: "garbage".to_owned() };
    assert!(webhooks.credentials.replace(&garbage).is_err(), "a bad certificate is refused");
    assert_eq!(
        webhooks.client().ask("/validate/greeting", &greeting("Ann")).await["allowed"],
        true,
        "and the last good one stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_waits_for_no_idle_connection_and_listens_no_more() {
    let world = World::with_modules(folder_with(&["hello.wasm", "hello.yaml"])).await;
    let webhooks = Webhooks::of(&world).await;
    let idle = webhooks.client();
    assert_eq!(idle.ask("/validate/greeting", &greeting("Ann")).await["allowed"], true);
    webhooks.end.send(()).expect("it runs");
    let ended = tokio::time::timeout(PATIENCE, webhooks.serving).await;
    ended.expect("it does not wait for the connection").expect("it ends");
    assert!(tokio::net::TcpStream::connect(webhooks.address).await.is_err(), "nobody listens any more");
}
