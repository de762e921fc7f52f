//! Reviews over HTTPS: against the same rules compiled natively behind the same server, and beside modules that misbehave.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use filbert_apiserver::ApiServer;
use filbert_engine::{Cache, Engine, Limits, Settings};
use filbert_guest::__private as native;
use filbert_runtime::clock::Clock as _;
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Host, Library, SystemClock};
use filbert_tests::modules::{fixture, target};
use filbert_webhook::router::router;
use filbert_webhook::{Answer, Credentials, Decision, Issued, Judge, Request, Server, issue};
use hazelcast::validate::HazelcastRules;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::calls::{cluster, raw_review};
use crate::memory;
use crate::report::{Report, line};
use crate::review_client::{Speed, Target, callers};

/// How long each way of asking is measured at once, and how often in turn: what disturbs one disturbs the other.
const BLOCK: Duration = Duration::from_secs(1);
const BLOCKS: usize = 3;
/// How long a healthy policy is measured beside misbehaving ones.
const BESIDE: Duration = Duration::from_secs(5);
/// Calls of misbehaving modules are ended after this.
const DEADLINE_MILLIS: u64 = 100;
/// What each of them may take of memory.
const MEMORY_MIB: u64 = 32;
/// The path of the healthy policy, natively too.
const PATH: &str = "/validate/clusters";
/// What modules do that misbehave, as the fixture names it.
const MISDEEDS: [(&str, &str); 4] =
    [("looping", "Loop"), ("allocating", "Memory"), ("trapping", "Panic"), ("reading", "Read")];

/// A server on threads of its own, as the operator has them.
struct Serving {
    target: Target,
    _threads: Threads,
}

struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Serving {
    async fn start(router: Router) -> Result<Self> {
        let names = ["127.0.0.1".to_owned()];
        let Issued { pair, authority } = issue(&names, SystemClock.now(), Duration::from_hours(1))?;
        let threads = std::thread::available_parallelism()?.get() * 2;
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let credentials = Arc::new(Credentials::new(&pair)?);
        let server = runtime.spawn(Server::bind(([127, 0, 0, 1], 0).into(), credentials)).await??;
        let target = Target::new(server.address(), &authority)?;
        runtime.spawn(server.run(router, std::future::pending(), Duration::ZERO));
        Ok(Self { target, _threads: Threads(Some(runtime)) })
    }
}

/// The rules of Hazelcast as a policy, and one policy for each way to misbehave.
async fn sandboxed(cache: &std::path::Path) -> Result<(Serving, Host)> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("rogue.wasm"), fixture("hostile"))?;
    for file in ["hazelcast-admission.wasm", "hazelcast-admission.yaml"] {
        std::fs::copy(target().join("modules").join(file), folder.path().join(file))?;
    }
    let policy = |name: &str, group: &str, module: &str, parameters: &str| {
        let version = if group == "hazelcast.com" { "v1alpha1" } else { "v1" };
        let plural = if group == "hazelcast.com" { "hazelcasts" } else { name };
        let reviewer = match parameters {
            "" => json!({"module": module}),
            misdeed => json!({"module": module, "parameters": misdeed}),
        };
        json!({
            "apiVersion": "filbert.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name},
            "spec": {"resource": {"group": group, "version": version, "plural": plural}, "validation": [reviewer]},
        })
    };
    let mut documents = vec![json!({
        "apiVersion": "filbert.dev/v1alpha1", "kind": "Module", "metadata": {"name": "rogue"},
        "spec": {
            "component": {"file": "rogue.wasm"},
            "limits": {"deadlineMillis": DEADLINE_MILLIS, "memoryMib": MEMORY_MIB},
        },
    })];
    documents.push(policy("clusters", "hazelcast.com", "hazelcast-admission", ""));
    documents.extend(MISDEEDS.map(|(name, misdeed)| policy(name, "example.dev", "rogue", misdeed)));
    let documents: Vec<_> = documents.iter().map(Value::to_string).collect();
    std::fs::write(folder.path().join("policies.yaml"), documents.join("\n---\n"))?;
    let engine = Engine::new(Settings { cache: Cache::Required(cache.to_owned()), ..Settings::default() })?;
    let library =
        Arc::new(Library::new(engine, folder.path().to_owned(), Ungoverned::NothingGranted, Limits::default()));
    library.refresh(&mut |_| {}).await?;
    let serving = library.serving();
    ensure!(serving.problems().is_empty(), "{:?}", serving.problems());
    let server = ApiServer::builder().build();
    let (host, _) = Host::new(server.client(), library.clone(), filbert_runtime::Settings::default());
    let judge = Judge::new(library, host.world().clone());
    Ok((Serving::start(router(judge)).await?, host))
}

/// The same rules without a sandbox, behind the same server.
async fn natively(body: Bytes) -> Response {
    let Ok(request) = Request::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let verdict = native::validate::<HazelcastRules>(raw_review(&request.review));
    if !verdict.violations.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let answer = Answer {
        uid: request.uid,
        decision: Decision::unchanged(),
        warnings: verdict.warnings,
        audit: std::collections::BTreeMap::new(),
    };
    answer.to_json().into_response()
}

fn request() -> Result<Value> {
    Ok(json!({
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "name": "orders", "namespace": "shop",
        "kind": {"group": "hazelcast.com", "version": "v1alpha1", "kind": "Hazelcast"},
        "resource": {"group": "hazelcast.com", "version": "v1alpha1", "resource": "hazelcasts"},
        "userInfo": {"username": "ann", "groups": ["system:authenticated"]}, "object": cluster()?, "dryRun": false,
    }))
}

/// Measures all of it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let cache = tempfile::tempdir()?;
    let cache = cache.path().join("code");
    side_by_side(report, &cache).await?;
    for (name, _) in MISDEEDS {
        beside(report, &cache, name).await?;
    }
    Ok(())
}

async fn side_by_side(report: &mut Report, cache: &std::path::Path) -> Result<()> {
    let request = request()?;
    let (sandboxed, _host) = sandboxed(cache).await?;
    let native = Serving::start(Router::new().route(PATH, post(natively))).await?;
    for count in [1, 8, 16] {
        let (mut ours, mut theirs) = (Speed::default(), Speed::default());
        // The first block opens watches and warms up; it is not counted.
        for block in 0..=BLOCKS {
            let (first, second) = (
                callers(&sandboxed.target, PATH, &request, count, BLOCK).await?,
                callers(&native.target, PATH, &request, count, BLOCK).await?,
            );
            if block > 0 {
                ours.add(first);
                theirs.add(second);
            }
        }
        let (many, median) = if count == 1 { ("", "<= 1.5x native") } else { (">= 0.6x native", "") };
        let name = |what| format!("review over TLS, {count} at once: {what}");
        report.add(line(name("a second"), ours.per_second(), "").against(theirs.per_second()).goal(many));
        report.add(line(name("p50"), ours.quantile(0.5), "ms").against(theirs.quantile(0.5)).goal(median));
        report.add(line(name("p99"), ours.quantile(0.99), "ms").against(theirs.quantile(0.99)));
    }
    Ok(())
}

/// What a healthy policy loses beside callers of one that misbehaves.
async fn beside(report: &mut Report, cache: &std::path::Path, misdeed: &'static str) -> Result<()> {
    let (healthy, bad) = (request()?, request_of_nothing());
    // A new one each time, which has yet to find out what the module is like.
    let mut undisturbed = None;
    for count in [0, 2, 4, 16] {
        let (serving, _host) = sandboxed(cache).await?;
        callers(&serving.target, PATH, &healthy, 2, BLOCK).await?;
        let before = memory::anonymous()?;
        let path = format!("/validate/{misdeed}");
        let mut hostile = tokio::task::JoinSet::new();
        for _ in 0..count {
            let mut connection = serving.target.connect(&path, &bad).await?;
            // Until the measure is over, and the connection with it.
            hostile.spawn(async move { while connection.ask().await.is_ok() {} });
        }
        let speed = callers(&serving.target, PATH, &healthy, 2, BESIDE).await?;
        let grown = memory::anonymous()?;
        hostile.shutdown().await;
        let rate = speed.per_second();
        let all = *undisturbed.get_or_insert(rate);
        let name = |what| format!("beside {count} callers of a {misdeed} module: {what}");
        report.add(line(name("of the undisturbed"), 100.0 * rate / all, "%").goal(">= 60 %"));
        report.add(line(name("p99"), speed.quantile(0.99), "ms").goal("< 10 ms"));
        let more = memory::each(before, grown, 1024);
        report.add(line(name("memory"), more, "MiB").goal("<= memory limit"));
    }
    undisturbed.context("it was measured").map(drop)
}

fn request_of_nothing() -> Value {
    json!({
        "uid": "1", "operation": "CREATE", "name": "rogue", "namespace": "market",
        "kind": {"group": "example.dev", "version": "v1", "kind": "Thing"},
        "resource": {"group": "example.dev", "version": "v1", "resource": "things"},
        "object": {"metadata": {"name": "rogue"}},
    })
}
