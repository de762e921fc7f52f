//! Passes for all objects of all pipelines: watches tell what changed, read sets tell whom it concerns, workers take
//! objects from the queue.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use filbert_kube::pause::jittered;
use filbert_kube::{Api, Caches, Change, Discovery, Selection};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use futures::FutureExt as _;
use kube::Client;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, error, info_span, warn};

use crate::apply::{Applier, Mode, resource_version};
use crate::clock::{SharedClock, SystemClock};
use crate::contest::{Contests, Patience};
use crate::journal::{PassOutcome, PassRecord};
use crate::library::{Library, Serving, ServingPipeline, chain};
use crate::observe::World;
use crate::pass::{Kept, Passed, Passes};
use crate::queue::{Depth, Queue};

mod interests;
mod lead;

use interests::Interests;

/// Pause before a resource type that is not served is looked for again; it doubles.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest of these pauses.
const LOOK_SELDOM: Duration = Duration::from_secs(4);
/// Records that a slow listener may lag behind before it misses some.
const JOURNAL: usize = 4096;

/// How a host is set up.
#[derive(Clone)]
pub struct Settings {
    /// Passes at the same time.
    pub workers: usize,
    /// Where the operator itself runs.
    pub operator_namespace: String,
    /// The time.
    pub clock: SharedClock,
    /// Whether pass records hold what steps were called with.
    pub keep_contexts: bool,
    /// How often every object gets a pass although nothing changed; a safety net that should find nothing. Absent: never.
    pub resync: Option<Duration>,
    /// How long what others keep changing is set right at once.
    pub patience: Patience,
    /// The only namespace whose objects are looked at; absent: all.
    pub watch_namespace: Option<String>,
    /// Whether this host may act now; absent: always. One that may not watches all the same, so that it can begin at once.
    pub leading: Option<watch::Receiver<bool>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 16,
            operator_namespace: "filbert".to_owned(),
            clock: Arc::new(SystemClock),
            keep_contexts: false,
            resync: Some(Duration::from_hours(10)),
            patience: Patience::default(),
            watch_namespace: None,
            leading: None,
        }
    }
}

/// The last pass of an object, in short.
#[derive(Debug, Clone, PartialEq)]
pub struct LastPass {
    /// The object's kind.
    pub kind: String,
    /// The generation it saw.
    pub generation: i64,
    /// What came of it.
    pub outcome: PassOutcome,
}

/// How far the watch on a pipeline's objects is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watching {
    /// All objects are known.
    Open,
    /// The API server is asked for them.
    Opening,
    /// They cannot be had, for this reason; it is tried again and again.
    Refused(String),
}

/// Reconciles. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    passes: Passes,
    library: Arc<Library>,
    queue: Queue,
    kept: Mutex<BTreeMap<ObjectKey, Kept>>,
    interests: Mutex<Interests>,
    last: Mutex<BTreeMap<ObjectKey, LastPass>>,
    journal: broadcast::Sender<Arc<PassRecord>>,
    resync: Option<Duration>,
    opening: watch::Sender<Opening>,
}

/// Types whose watch is being opened, each with what has kept it from that so far.
pub type Opening = BTreeMap<ResourceType, Option<String>>;

impl Host {
    /// A host that does nothing until its other half runs: [`Running::run`].
    pub fn new(client: Client, library: Arc<Library>, settings: Settings) -> (Self, Running) {
        let discovery = Discovery::new(client.clone());
        let watched = settings.watch_namespace;
        let (caches, changes) = Caches::within(client.clone(), discovery.clone(), watched.clone());
        let world = World {
            caches: caches.clone(),
            discovery: discovery.clone(),
            clock: settings.clock.clone(),
            operator_namespace: settings.operator_namespace.into(),
            watched: watched.map(Into::into),
        };
        let applier = Applier {
            api: Api::new(client),
            caches,
            discovery,
            applied: Arc::default(),
            contests: Arc::new(Contests::new(settings.patience)),
            clock: settings.clock,
            mode: Mode::Act,
        };
        let passes = Passes { world, applier, keep_contexts: settings.keep_contexts };
        let inner = Arc::new(Inner {
            passes,
            library,
            queue: Queue::default(),
            kept: Mutex::default(),
            interests: Mutex::default(),
            last: Mutex::default(),
            journal: broadcast::channel(JOURNAL).0,
            resync: settings.resync,
            opening: watch::Sender::default(),
        });
        let workers = settings.workers.max(1);
        let running = Running { inner: inner.clone(), changes, workers, leading: settings.leading };
        (Self { inner }, running)
    }

    /// Hears of every pass from now on.
    pub fn journal(&self) -> broadcast::Receiver<Arc<PassRecord>> {
        self.inner.journal.subscribe()
    }

    /// How busy the host is.
    pub fn depth(&self) -> Depth {
        self.inner.queue.depth()
    }

    /// Whether every change that the watches have seen is dealt with: no pass runs or waits for a worker. Passes that
    /// are to come because time passes are not looked at.
    pub fn is_idle(&self) -> bool {
        // In this order: a change is queued before it counts as dealt with.
        self.inner.passes.world.caches.pending() == 0 && {
            let depth = self.depth();
            depth.ready + depth.running == 0
        }
    }

    /// The last pass of every object.
    pub fn last_passes(&self) -> BTreeMap<ObjectKey, LastPass> {
        lock(&self.inner.last).clone()
    }

    /// How far the watch on the objects of each pipeline is, by the pipeline's name.
    pub fn watches(&self) -> BTreeMap<String, Watching> {
        let (serving, opening) = (self.inner.library.serving(), self.inner.opening.borrow().clone());
        let standing = |pipeline: &ServingPipeline| {
            let selection = Selection::all(pipeline.resource.clone());
            match opening.get(&pipeline.resource) {
                Some(Some(reason)) => Watching::Refused(reason.clone()),
                _ if self.inner.passes.world.caches.is_filled(&selection) => Watching::Open,
                _ => Watching::Opening,
            }
        };
        let reconciled = serving.pipelines().filter(|pipeline| pipeline.reconciles());
        reconciled.map(|pipeline| (pipeline.name.clone(), standing(pipeline))).collect()
    }

    /// Which types are not watched yet and why, as it changes.
    pub fn opening(&self) -> watch::Receiver<Opening> {
        self.inner.opening.subscribe()
    }

    /// How many objects of each type wait for a pass or have one.
    pub fn busy_with(&self) -> BTreeMap<ResourceType, usize> {
        self.inner.queue.by_resource()
    }

    /// Begins no pass any more, and waits until those that run have ended.
    pub async fn drain(&self) {
        self.inner.queue.close();
        self.inner.queue.at_rest().await;
    }

    /// Gives every object of every pipeline a pass.
    pub async fn resync(&self) {
        self.inner.resync().await;
    }

    /// The modules and pipelines.
    pub fn library(&self) -> &Arc<Library> {
        &self.inner.library
    }

    /// What guests can read.
    pub fn world(&self) -> &World {
        &self.inner.passes.world
    }
}

/// The running part of a host.
pub struct Running {
    inner: Arc<Inner>,
    changes: mpsc::UnboundedReceiver<Change>,
    workers: usize,
    leading: Option<watch::Receiver<bool>>,
}

impl Running {
    /// Runs until the future is dropped. Cutting it off at any await is safe: the next host starts from what the cluster
    /// says.
    pub async fn run(self) {
        let Self { inner, mut changes, workers, leading } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(lead::lead(inner.clone(), workers, leading));
        tasks.spawn(lead::try_again_when_the_server_is_back(inner.clone()));
        tasks.spawn(follow_library(inner.clone()));
        if let Some(every) = inner.resync {
            let host = Host { inner: inner.clone() };
            tasks.spawn(async move {
                loop {
                    tokio::time::sleep(every).await;
                    host.resync().await;
                }
            });
        }
        // Ends with the last watch, which the host itself holds: never.
        while let Some(change) = changes.recv().await {
            inner.take(&change);
            inner.passes.world.caches.dealt_with();
        }
    }
}

async fn follow_library(inner: Arc<Inner>) {
    let mut serving = inner.library.subscribe();
    let mut before: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    loop {
        let now: Arc<Serving> = serving.borrow_and_update().clone();
        for pipeline in now.pipelines().filter(|pipeline| pipeline.reconciles()) {
            let changed = before.insert(pipeline.name.clone(), pipeline.digest) != Some(pipeline.digest);
            if changed {
                let inner = inner.clone();
                let pipeline = pipeline.clone();
                // Not waited for: one type that is not served keeps no other from being reconciled.
                tokio::spawn(async move { inner.open(&pipeline).await });
            }
        }
        if serving.changed().await.is_err() {
            return;
        }
    }
}

async fn work(inner: Arc<Inner>) {
    while let Some(key) = inner.queue.next().await {
        let span = info_span!("pass", %key);
        // A pass that panics is a bug of the host; it must not take the worker, or the object's place, with it. What it
        // shares with other passes is changed under locks, each of which leaves it whole.
        let pass = AssertUnwindSafe(pass(inner.clone(), key.clone()).instrument(span)).catch_unwind();
        if pass.await.is_err() {
            error!(%key, "the pass panicked");
            inner.queue.add_failed(key.clone());
        }
        inner.queue.done(&key);
    }
}

async fn pass(inner: Arc<Inner>, key: ObjectKey) {
    // One snapshot for the whole pass: it never mixes two versions of a module.
    let serving = inner.library.serving();
    let Some(pipeline) = serving.pipeline(&key.resource).filter(|pipeline| pipeline.reconciles()) else { return };
    let selection = Selection::all(pipeline.resource.clone());
    let cached = match inner.passes.world.caches.get(&selection, &key).await {
        Ok(cached) => cached,
        Err(error) => {
            warn!(%key, error = %error, "object cannot be read, trying again");
            inner.queue.add_failed(key);
            return;
        }
    };
    let Some(cached) = cached else {
        inner.forget(&key);
        return;
    };
    let mut kept = lock(&inner.kept).remove(&key).unwrap_or_default();
    let Passed { record, next, retry } = inner.passes.pass(pipeline, &key, &cached.object, &mut kept).await;
    lock(&inner.interests).replace(&key, &kept);
    lock(&inner.kept).insert(key.clone(), kept);
    match &record.outcome {
        PassOutcome::Failed { step, reason, message, .. } => {
            warn!(step = step.as_deref(), reason, message, "pass failed");
        }
        outcome => debug!(outcome = outcome.summary(), "pass ended"),
    }
    if retry {
        inner.queue.add_failed(key.clone());
    } else {
        inner.queue.forget_failures(&key);
    }
    if let Some(moment) = next {
        let wait = moment.saturating_sub(inner.passes.world.clock.now());
        inner.queue.add_at(key.clone(), Instant::now() + Duration::from_millis(wait));
    }
    let last = LastPass { kind: record.kind.clone(), generation: record.generation, outcome: record.outcome.clone() };
    lock(&inner.last).insert(key, last);
    // Nobody listens: fine.
    let _ = inner.journal.send(Arc::new(record));
}

impl Inner {
    /// Opens the watch on a pipeline's objects, as soon as they are served, and queues them all.
    async fn open(&self, pipeline: &ServingPipeline) {
        let resource = &pipeline.resource;
        let is_first = self.opening.send_if_modified(|opening| {
            let is_first = !opening.contains_key(resource);
            opening.entry(resource.clone()).or_default();
            is_first
        });
        if !is_first {
            // Already under way, and whoever is at it queues them.
            return;
        }
        let mut pause = LOOK_AGAIN;
        loop {
            match self.passes.world.caches.open(&Selection::all(resource.clone())).await {
                Ok(()) => break,
                Err(error) => {
                    let reason = chain(&error);
                    let is_new = self.opening.send_if_modified(|opening| {
                        let before = opening.insert(resource.clone(), Some(reason.clone()));
                        before.flatten().as_ref() != Some(&reason)
                    });
                    if is_new {
                        warn!(pipeline = pipeline.name, error = reason, "waiting for the pipeline's resource");
                    }
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(LOOK_SELDOM);
                }
            }
        }
        self.opening.send_modify(|opening| drop(opening.remove(resource)));
        self.queue_all(pipeline).await;
    }

    async fn resync(&self) {
        let serving = self.library.serving();
        for pipeline in serving.pipelines().filter(|pipeline| pipeline.reconciles()) {
            // The objects of others are queued as soon as they are known.
            if self.passes.world.caches.is_filled(&Selection::all(pipeline.resource.clone())) {
                self.queue_all(pipeline).await;
            }
        }
    }

    async fn queue_all(&self, pipeline: &ServingPipeline) {
        let selection = Selection::all(pipeline.resource.clone());
        let objects = match self.passes.world.caches.list(&selection).await {
            Ok(objects) => objects,
            Err(error) => {
                warn!(pipeline = pipeline.name, error = %error, "objects cannot be listed");
                return;
            }
        };
        for cached in objects {
            let Some(name) = object::name(&cached.object) else { continue };
            let namespace = object::namespace(&cached.object).map(str::to_owned);
            self.queue.add(ObjectKey { resource: pipeline.resource.clone(), namespace, name: name.to_owned() });
        }
    }

    /// Queues whom a change concerns.
    fn take(&self, change: &Change) {
        let Change { key, before, after } = change;
        if after.is_none()
            && let Some(gone) = before
        {
            self.passes.applier.applied.forget(key, resource_version(&gone.object));
        }
        let is_its_own = |pipeline: &Arc<ServingPipeline>| pipeline.reconciles() && pipeline.resource == key.resource;
        if self.library.serving().pipeline(&key.resource).is_some_and(is_its_own) {
            self.queue.add(key.clone());
        }
        for concerned in lock(&self.interests).concerned(change) {
            self.queue.add(concerned);
        }
    }

    fn forget(&self, key: &ObjectKey) {
        if let Some(kept) = lock(&self.kept).remove(key) {
            for child in kept.applied.iter().chain([key]) {
                self.passes.applier.contests.forget(child);
            }
        }
        lock(&self.interests).remove(key);
        self.queue.forget_failures(key);
        if lock(&self.last).remove(key).is_some() {
            let record = PassRecord {
                key: key.clone(),
                kind: String::new(),
                generation: 0,
                pipeline: String::new(),
                took: Duration::ZERO,
                described: Vec::new(),
                reviews: Vec::new(),
                steps: Vec::new(),
                warnings: Vec::new(),
                contests: Vec::new(),
                wrote_status: false,
                outcome: PassOutcome::Gone,
            };
            // Nobody listens: fine.
            let _ = self.journal.send(Arc::new(record));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One pass that changes nothing: what the steps of a pipeline read about an object, what they propose, and what of that
/// is not there yet.
pub async fn describe(
    client: Client,
    pipeline: &ServingPipeline,
    key: &ObjectKey,
    object: &serde_json::Value,
) -> PassRecord {
    let discovery = Discovery::new(client.clone());
    let (caches, _changes) = Caches::new(client.clone(), discovery.clone());
    let world = World {
        caches: caches.clone(),
        discovery: discovery.clone(),
        clock: Arc::new(SystemClock),
        operator_namespace: "filbert".into(),
        watched: None,
    };
    let applier = Applier {
        api: Api::new(client),
        caches,
        discovery,
        applied: Arc::default(),
        contests: Arc::default(),
        clock: Arc::new(SystemClock),
        mode: Mode::Describe,
    };
    let passes = Passes { world, applier, keep_contexts: false };
    passes.pass(pipeline, key, object, &mut Kept::default()).await.record
}
