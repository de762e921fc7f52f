//! The operator on an embedded API server in the same process: how fast it follows, how much it carries.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use filbert_apiserver::ApiServer;
use filbert_engine::{Cache, Engine, Limits};
use filbert_kube::Api;
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Host, Library, PassOutcome, Settings};
use filbert_tests::modules::target;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject, WatchEvent, WatchParams};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::memory;
use crate::report::{Report, line, quantile};

/// No measure takes anywhere near this long; it only ends a run in which something is stuck.
const PATIENCE: Duration = Duration::from_mins(15);
const NAMESPACE: &str = "default";
/// Objects in each namespace where there are many. The stand-ins of the embedded server look at all pods of a namespace
/// whenever one changes; what they take is not to be measured.
const TOGETHER: usize = 10;

/// An operator at work on a server of its own.
struct Operator {
    server: ApiServer,
    api: Api,
    host: Host,
    running: JoinHandle<()>,
}

impl Operator {
    async fn start(cache: &Path) -> Result<Self> {
        let server = ApiServer::builder().garbage_collector(true).stand_ins(true).build();
        let engine =
            Engine::new(filbert_engine::Settings { cache: Cache::Required(cache.to_owned()), ..Default::default() })?;
        let library =
            Arc::new(Library::new(engine, target().join("modules"), Ungoverned::NothingGranted, Limits::default()));
        library.refresh(&mut |_| {}).await?;
        let api = Api::new(server.client());
        let definitions = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        for definition in library.serving().definitions() {
            let name = object::name(&definition).context("a definition has a name")?.to_owned();
            let key = ObjectKey { resource: definitions.clone(), namespace: None, name };
            api.apply(&key, &definition, "bench", true).await?;
        }
        let (host, running) = Host::new(server.client(), library, Settings::default());
        let running = tokio::spawn(running.run());
        Ok(Self { server, api, host, running })
    }

    /// Waits until this many objects are settled and nothing is left to do.
    async fn settled(&self, count: usize) -> Result<()> {
        let settled = async {
            // Several looks in a row: what a pass wrote comes back through a watch.
            let mut quiet = 0;
            while quiet < 5 {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let depth = self.host.depth();
                quiet = if depth.ready + depth.running == 0 { quiet + 1 } else { 0 };
                if quiet == 5 {
                    let last = self.host.last_passes();
                    let settled = last.values().filter(|last| last.outcome == PassOutcome::Settled).count();
                    quiet = if settled >= count { quiet } else { 0 };
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.context("the operator never settled")
    }

    /// Ends the operator and leaves the server.
    async fn stop(self) -> ApiServer {
        self.running.abort();
        let _ended = self.running.await;
        drop(self.host);
        self.server
    }
}

fn greetings() -> ResourceType {
    ResourceType::new("example.dev", "v1", "greetings")
}

fn hazelcasts() -> ResourceType {
    ResourceType::new("hazelcast.com", "v1alpha1", "hazelcasts")
}

fn object(key: &ObjectKey, kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": key.resource.api_version(), "kind": kind,
        "metadata": {"name": key.name, "namespace": key.namespace}, "spec": spec,
    })
}

/// Values of a field of all objects of a type, each with the moment at which a watch told it.
fn follow(
    server: &ApiServer,
    resource: &ResourceType,
    kind: &str,
    pointer: &'static str,
) -> mpsc::UnboundedReceiver<(Value, Instant)> {
    let (told, hears) = mpsc::unbounded_channel();
    let resource = ApiResource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        api_version: if resource.group.is_empty() {
            resource.version.clone()
        } else {
            format!("{}/{}", resource.group, resource.version)
        },
        kind: kind.to_owned(),
        plural: resource.plural.clone(),
    };
    let api: kube::Api<DynamicObject> = kube::Api::namespaced_with(server.client(), NAMESPACE, &resource);
    tokio::spawn(async move {
        let Ok(events) = api.watch(&WatchParams::default(), "0").await else { return };
        let mut events = std::pin::pin!(events);
        while let Some(Ok(event)) = events.next().await {
            let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else { continue };
            let value = object.data.pointer(pointer).cloned().unwrap_or_default();
            if told.send((value, Instant::now())).is_err() {
                return;
            }
        }
    });
    hears
}

async fn hear(hears: &mut mpsc::UnboundedReceiver<(Value, Instant)>, wanted: &Value) -> Result<Instant> {
    let waiting = async {
        while let Some((value, moment)) = hears.recv().await {
            if value == *wanted {
                return Some(moment);
            }
        }
        None
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.ok().flatten().context("the change was never seen")
}

/// One kind of change whose way through the operator is timed.
struct Chase {
    key: ObjectKey,
    parent: (&'static str, &'static str),
    child: (ResourceType, &'static str, &'static str),
    /// The n-th specification, and what parent and child then have.
    change: fn(u32) -> (Value, Value, Value),
    rounds: u32,
}

/// Milliseconds from the event that tells a change of the parent to the event that tells the change of its child, sorted.
async fn chase(operator: &Operator, chase: Chase) -> Result<Vec<f64>> {
    let Chase { key, parent: (kind, field), child: (child, child_kind, child_field), change, rounds } = chase;
    let mut parents = follow(&operator.server, &key.resource, kind, field);
    let mut children = follow(&operator.server, &child, child_kind, child_field);
    let mut millis = Vec::new();
    for round in 0..rounds {
        let (spec, wanted, child_wanted) = change(round);
        operator.api.apply(&key, &object(&key, kind, &spec), "bench", true).await?;
        let (asked, done) = tokio::try_join!(hear(&mut parents, &wanted), hear(&mut children, &child_wanted))?;
        millis.push(done.saturating_duration_since(asked).as_secs_f64() * 1e3);
        operator.settled(1).await?;
    }
    millis.sort_by(f64::total_cmp);
    Ok(millis)
}

/// Creates this many at once; seconds until all are settled, and KiB that the operator keeps for each.
async fn many(cache: &Path, resource: &ResourceType, kind: &str, spec: &Value, count: usize) -> Result<(f64, f64)> {
    let operator = Operator::start(cache).await?;
    let namespaces = ResourceType::new("", "v1", "namespaces");
    for number in 0..count.div_ceil(TOGETHER) {
        let key = ObjectKey { resource: namespaces.clone(), namespace: None, name: format!("shop-{number}") };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.name}});
        operator.api.apply(&key, &namespace, "bench", true).await?;
    }
    let started = Instant::now();
    let created = futures::stream::iter(0..count)
        .map(|number| {
            let namespace = format!("shop-{}", number / TOGETHER);
            let key = ObjectKey::namespaced(resource.clone(), &namespace, format!("number-{number}"));
            let (api, object) = (operator.api.clone(), object(&key, kind, spec));
            async move { api.apply(&key, &object, "bench", true).await.map(drop) }
        })
        .buffer_unordered(64)
        .collect::<Vec<_>>()
        .await;
    created.into_iter().collect::<Result<Vec<()>, _>>()?;
    operator.settled(count).await?;
    let took = started.elapsed().as_secs_f64();
    let with = memory::heap_at_rest().await;
    let server = operator.stop().await;
    let without = memory::heap_at_rest().await;
    let kept = Api::new(server.client()).list(resource, None).await?.len();
    ensure!(kept == count, "{kept} of {count} objects are there");
    Ok((took, memory::each(without, with, count)))
}

/// Measures all of it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("code");
    eprintln!("  how fast it follows");
    let operator = Operator::start(&cache).await?;
    let config_maps = ResourceType::new("", "v1", "configmaps");
    let stateful_sets = ResourceType::new("apps", "v1", "statefulsets");
    let greeting = Chase {
        key: ObjectKey::namespaced(greetings(), NAMESPACE, "spring"),
        parent: ("Greeting", "/spec/who"),
        child: (config_maps, "ConfigMap", "/data/message"),
        change: |round| {
            let who = format!("Ann the {round}th");
            (json!({"who": who}), json!(who), json!(format!("Hello, {who}!")))
        },
        rounds: 1000,
    };
    let millis = chase(&operator, greeting).await?;
    report.add(line("hello: watch event to applied object, p50", quantile(&millis, 0.5), "ms").goal("<= 1 ms"));
    report.add(line("hello: watch event to applied object, p99", quantile(&millis, 0.99), "ms"));
    let cluster = Chase {
        key: ObjectKey::namespaced(hazelcasts(), NAMESPACE, "orders"),
        parent: ("Hazelcast", "/spec/loggingLevel"),
        child: (stateful_sets, "StatefulSet", "/spec/replicas"),
        change: |round| {
            let size = 3 + round % 2;
            let level = if round % 2 == 0 { "INFO" } else { "WARN" };
            (json!({"clusterSize": size, "loggingLevel": level}), json!(level), json!(size))
        },
        rounds: 200,
    };
    let millis = chase(&operator, cluster).await?;
    report
        .add(line("Hazelcast: watch event to applied StatefulSet, p50", quantile(&millis, 0.5), "ms").goal("<= 1 ms"));
    report.add(line("Hazelcast: watch event to applied StatefulSet, p99", quantile(&millis, 0.99), "ms"));
    drop(operator.stop().await);
    eprintln!("  10,000 resources");
    let (seconds, kept) = many(&cache, &greetings(), "Greeting", &json!({"who": "Ann"}), 10_000).await?;
    report.add(line("hello: 10,000 resources created at once, settled after", seconds, "s"));
    report.add(line("hello: memory of the operator for an idle resource", kept, "KiB"));
    eprintln!("  1,000 clusters");
    let (seconds, kept) = many(&cache, &hazelcasts(), "Hazelcast", &json!({"clusterSize": 3}), 1_000).await?;
    report.add(line("Hazelcast: 1,000 clusters created at once, settled after", seconds, "s"));
    report.add(line("Hazelcast: memory of the operator for an idle cluster", kept, "KiB"));
    Ok(())
}
