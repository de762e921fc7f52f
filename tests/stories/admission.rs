//! Admission reviews over HTTPS, answered by the built components, as an API server would ask for them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_tests::modules::fixture;
use filbert_tests::world::{World, folder_with};
use filbert_webhook::router::{LARGEST_REQUEST, router};
use filbert_webhook::{Credentials, Judge, Server};
use kube::client::Body;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

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

    /// Certificate and key for loopback, in PEM.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
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
        let (chain, key) = authority.issue();
        let credentials = Arc::new(Credentials::from_pem(chain.as_bytes(), key.as_bytes()).expect("they fit"));
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
        let address = format!("https://{}", self.address).parse().expect("an address");
        let mut config = kube::Config::new(address);
        config.root_cert = Some(vec![AsRef::<rcgen::Certificate>::as_ref(&self.authority.0).der().to_vec()]);
        Caller(kube::Client::try_from(config).expect("a client"))
    }
}

struct Caller(kube::Client);

impl Caller {
    /// Status and body of the answer.
    async fn post(&self, path: &str, body: Vec<u8>) -> (u16, String) {
        let request = http::Request::post(path).header("content-type", "application/json").body(Body::from(body));
        let response = self.0.send(request.expect("a request")).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect_bytes().await.expect("a whole answer");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// The `response` of the answer to a review.
    async fn ask(&self, path: &str, request: &Value) -> Value {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let (status, body) = self.post(path, review.to_string().into_bytes()).await;
        assert_eq!(status, 200, "{body}");
        let mut answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&review["apiVersion"], &review["kind"]));
        assert_eq!(answer["response"]["uid"], request["uid"]);
        answer["response"].take()
    }
}

fn request(group: &str, kind: &str, object: &Value) -> Value {
    json!({
        "uid": "0a1b", "operation": "CREATE", "name": "library", "namespace": "default",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": format!("{}s", kind.to_lowercase())},
        "userInfo": {"username": "ann"}, "object": object, "dryRun": false,
    })
}

fn greeting(who: &str) -> Value {
    request("example.dev", "Greeting", &json!({"metadata": {"name": "library"}, "spec": {"who": who}}))
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
            let (chain, key) = webhooks.authority.issue();
            webhooks.credentials.replace(chain.as_bytes(), key.as_bytes()).expect("they fit");
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
    assert!(webhooks.credentials.replace(b"garbage", b"garbage").is_err(), "a bad certificate is refused");
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
