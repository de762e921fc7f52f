//! An operator against an embedded API server, for stories.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use filbert_apiserver::{ApiServer, PodFate};
use filbert_engine::{Cache, Engine, Limits, Settings};
use filbert_kube::{Api, Selection};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_plan::plan::Millis;
use filbert_runtime::clock::SharedClock;
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Clock, Host, Library, PassOutcome, PassRecord, SystemClock};
use kube::core::params::ListParams;
use kube::core::request::Request;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cut::Cut;
use crate::modules::target;

/// Nothing a story waits for takes anywhere near this long; it only keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// One engine for all stories of a process, with compiled code kept between runs.
///
/// # Panics
///
/// Where this machine cannot run one.
pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let make = || {
        let settings = Settings { cache: Cache::Preferred(target().join("test-code")), ..Settings::default() };
        Engine::new(settings).expect("this machine can run an engine")
    };
    ENGINE.get_or_init(make).clone()
}

/// How a world begins.
#[derive(Default)]
pub struct Beginning {
    /// Who runs and compiles the modules; absent: an engine that all stories share.
    pub engine: Option<Engine>,
    /// Where the first operator is cut off, if anywhere.
    pub cut: Option<Cut>,
    /// A folder of modules that goes with the world; absent: all built modules.
    pub modules: Option<tempfile::TempDir>,
    /// Whether pods wait for [`World::let_pods_start`] instead of being ready at once.
    pub pods_wait: bool,
    /// What time the operator takes it to be; absent: what it is.
    pub clock: Option<SharedClock>,
}

/// A clock that can be put forward.
#[derive(Debug, Default)]
pub struct Forward(AtomicU64);

impl Forward {
    /// It is later at once.
    pub fn by(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).expect("not that long"), Ordering::AcqRel);
    }
}

impl Clock for Forward {
    fn now(&self) -> Millis {
        SystemClock.now() + self.0.load(Ordering::Acquire)
    }
}

/// An operator at work.
pub struct World {
    /// The embedded server.
    pub server: ApiServer,
    /// Requests to it, as a person makes them.
    pub api: Api,
    engine: Engine,
    /// Where the operator is cut off, if anywhere.
    pub cut: Option<Cut>,
    /// The operator.
    pub host: Host,
    /// Its modules.
    pub library: Arc<Library>,
    pods_may_start: Arc<AtomicBool>,
    journal: broadcast::Receiver<Arc<PassRecord>>,
    running: JoinHandle<()>,
    clock: SharedClock,
    folder: PathBuf,
    // Removed with the world, where it was made for it.
    temporary: Option<tempfile::TempDir>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// The folder of built modules.
pub fn built_modules() -> PathBuf {
    target().join("modules")
}

/// A folder of its own with some of the built files.
pub fn folder_with(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in files {
        let from = built_modules().join(file);
        std::fs::copy(&from, folder.path().join(file)).unwrap_or_else(|error| {
            panic!("failed to copy `{}`: {error}; `cargo xtask guests` builds it", from.display())
        });
    }
    folder
}

impl World {
    /// With all built modules.
    pub async fn start() -> Self {
        Self::begin(Beginning::default()).await
    }

    /// As the beginning says.
    pub async fn begin(beginning: Beginning) -> Self {
        let Beginning { engine: own, cut, modules, pods_wait, clock } = beginning;
        let clock = clock.unwrap_or_else(|| Arc::new(SystemClock));
        let may_start = Arc::new(AtomicBool::new(!pods_wait));
        let folder = modules.as_ref().map_or_else(built_modules, |folder| folder.path().to_owned());
        let server = new_server(may_start.clone());
        Self::new(server, may_start, own.unwrap_or_else(engine), clock, cut, folder, modules).await
    }

    /// With the modules of a folder, which goes with the world.
    pub async fn with_modules(folder: tempfile::TempDir) -> Self {
        Self::begin(Beginning { modules: Some(folder), ..Beginning::default() }).await
    }

    /// Another operator on the same server, as after a crash: it remembers nothing.
    pub async fn restart(mut self) -> Self {
        let (server, may_start) = (self.server.clone(), self.pods_may_start.clone());
        let (folder, temporary) = (self.folder.clone(), self.temporary.take());
        let (engine, clock) = (self.engine.clone(), self.clock.clone());
        drop(self);
        Self::new(server, may_start, engine, clock, None, folder, temporary).await
    }

    /// The operator is stopped; [`World::restart`] starts one anew.
    pub fn stop(&self) {
        self.running.abort();
    }

    async fn new(
        server: ApiServer,
        pods_may_start: Arc<AtomicBool>,
        engine: Engine,
        clock: SharedClock,
        cut: Option<Cut>,
        folder: PathBuf,
        temporary: Option<tempfile::TempDir>,
    ) -> Self {
        let library =
            Arc::new(Library::new(engine.clone(), folder.clone(), Ungoverned::NothingGranted, Limits::default()));
        library.refresh(&mut |_| {}).await.expect("the modules folder can be read");
        let api = Api::new(server.client());
        let definitions = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        for definition in library.serving().definitions() {
            let name = object::name(&definition).expect("a definition has a name").to_owned();
            let key = ObjectKey { resource: definitions.clone(), namespace: None, name };
            api.apply(&key, &definition, "story", true).await.expect("the server takes the definition");
        }
        let (host, running) = Host::new(
            cut.as_ref().map_or_else(|| server.client(), |cut| cut.client(&server)),
            library.clone(),
            filbert_runtime::Settings {
                keep_contexts: true,
                clock: clock.clone(),
                ..filbert_runtime::Settings::default()
            },
        );
        let journal = host.journal();
        let running = tokio::spawn(running.run());
        Self { server, api, engine, cut, host, library, pods_may_start, journal, running, clock, folder, temporary }
    }

    /// The modules folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Applies an object, as a person would.
    pub async fn apply(&self, key: &ObjectKey, object: &Value) -> Value {
        self.api.apply(key, object, "person", true).await.unwrap_or_else(|error| panic!("{error}: {}", error.detail()))
    }

    /// The object, which must be there.
    pub async fn get(&self, key: &ObjectKey) -> Value {
        self.find(key).await.unwrap_or_else(|| panic!("{key} is not there"))
    }

    /// The object, or nothing.
    pub async fn find(&self, key: &ObjectKey) -> Option<Value> {
        self.api.get(key).await.unwrap_or_else(|error| panic!("{error}: {}", error.detail()))
    }

    /// Waits for a pass over this object that satisfies the predicate, and answers it.
    pub async fn pass_where(&mut self, key: &ObjectKey, is_it: impl Fn(&PassRecord) -> bool) -> Arc<PassRecord> {
        let mut last = None;
        let found = timeout(PATIENCE, async {
            loop {
                let record = match self.journal.recv().await {
                    Ok(record) => record,
                    // Too many at once; later ones are there.
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => panic!("the host runs"),
                };
                if record.key == *key {
                    if is_it(&record) {
                        return record;
                    }
                    last = Some(record);
                }
            }
        })
        .await;
        found.unwrap_or_else(|_| {
            panic!("no such pass of {key}; the last was {:?}", last.map(|record| record.outcome.summary()))
        })
    }

    /// Waits until the operator has nothing left to do for this object as it is now.
    pub async fn settled(&mut self, key: &ObjectKey) -> Arc<PassRecord> {
        let generation = object::generation(&self.get(key).await);
        let settled = |record: &PassRecord| record.outcome == PassOutcome::Settled && record.generation == generation;
        let record = self.pass_where(key, settled).await;
        self.idle().await;
        record
    }

    /// Waits until nothing is left to do but what is to be tried again later: the controllers of the server have dealt with
    /// every change, the watches of the operator have seen every change, and its passes have ended, all at one revision.
    pub async fn idle(&self) {
        let idle = async {
            loop {
                let revision = self.server.revision();
                if self.has_begun()
                    && self.server.controllers_are_idle()
                    && self.host.is_idle()
                    && self.watches_are_up_to_date().await
                    && self.host.is_idle()
                    && self.server.controllers_are_idle()
                    && self.server.revision() == revision
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, idle).await.expect("the host becomes idle");
    }

    /// Whether the operator watches the objects of every pipeline with steps whose definition came with its modules.
    fn has_begun(&self) -> bool {
        let (serving, watched) = (self.library.serving(), self.host.world().caches.selections());
        let definitions = serving.definitions();
        let defined = |resource: &ResourceType| {
            definitions.iter().any(|definition| object::name(definition) == Some(&*resource.definition_name()))
        };
        let reconciled = serving.pipelines().filter(|pipeline| pipeline.reconciles());
        let mut resources = reconciled.map(|pipeline| &pipeline.resource).filter(|resource| defined(resource));
        resources.all(|resource| watched.contains(&Selection::all(resource.clone())))
    }

    /// Whether each watch holds what the server would answer now.
    async fn watches_are_up_to_date(&self) -> bool {
        let caches = &self.host.world().caches;
        for selection in caches.selections() {
            let Selection { resource, namespace, labels, name } = &selection;
            let params = ListParams {
                label_selector: (!labels.is_empty()).then(|| labels.clone()),
                field_selector: name.as_ref().map(|name| format!("metadata.name={name}")),
                ..ListParams::default()
            };
            let request = Request::new(filbert_kube::api::path(resource, namespace.as_deref())).list(&params);
            let list: Value = match self.api.client().request(request.expect("a list has no odd parameters")).await {
                Ok(list) => list,
                // Its definition is gone.
                Err(_) => continue,
            };
            let Ok(held) = caches.list(&selection).await else { return false };
            let version = |object: &Value| {
                let text = |pointer| object::text(object, pointer).map(str::to_owned);
                (text("/metadata/namespace"), text("/metadata/name"), text("/metadata/resourceVersion"))
            };
            let there: BTreeSet<_> = list["items"].as_array().into_iter().flatten().map(version).collect();
            if there != held.iter().map(|held| version(&held.object)).collect() {
                return false;
            }
        }
        true
    }

    /// Pods that wait become ready, and all others when they are made.
    pub fn let_pods_start(&self) {
        self.pods_may_start.store(true, Ordering::Release);
        self.server.reconsider_pods();
    }

    /// Pods that are not ready yet wait.
    pub fn hold_pods_back(&self) {
        self.pods_may_start.store(false, Ordering::Release);
    }

    /// Waits until an object satisfies the predicate.
    pub async fn until(&self, key: &ObjectKey, is_it: impl Fn(Option<&Value>) -> bool) {
        let wait = async {
            while !is_it(self.find(key).await.as_ref()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, wait).await.is_ok(), "{key} never became as expected: {:?}", self.find(key).await);
    }

    /// Records of passes so far that nobody took; of very many the latest.
    pub fn drain(&mut self) -> Vec<Arc<PassRecord>> {
        let mut records = Vec::new();
        loop {
            match self.journal.try_recv() {
                Ok(record) => records.push(record),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return records,
            }
        }
    }
}

fn new_server(pods_may_start: Arc<AtomicBool>) -> ApiServer {
    let is_ready = |pod: &Value| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    let fate = move |pod: &Value| {
        if is_ready(pod) || pods_may_start.load(Ordering::Acquire) { PodFate::Ready } else { PodFate::Running }
    };
    ApiServer::builder().garbage_collector(true).stand_ins(true).pod_fate(fate).build()
}
