//! What is counted, in the text format of Prometheus. Labels come from closed sets: what the cluster serves, and what modules and
//! pipelines are called.

use std::sync::{Mutex, OnceLock, PoisonError};

use filbert_kube::Discovery;
use filbert_plan::object::ResourceType;
use filbert_runtime::plan::{Function, ReviewRole};
use filbert_runtime::{Cost, EffectKind, Host, PassOutcome, PassRecord};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;

/// All that is counted.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    /// Of passes.
    pub(crate) passes: PassMetrics,
    queue: Family<OfKind, Gauge>,
    leader: Gauge,
    sources: OnceLock<(Host, watch::Receiver<bool>)>,
}

/// What passes do.
#[derive(Clone)]
pub(crate) struct PassMetrics {
    reconciles: Family<Reconcile, Counter>,
    reconcile_durations: Family<Reconcile, Histogram, fn() -> Histogram>,
    calls: Family<GuestCall, Counter>,
    call_durations: Family<GuestCall, Histogram, fn() -> Histogram>,
    call_memory: Family<GuestCall, Histogram, fn() -> Histogram>,
    actions: Family<Action, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    kind: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GuestCall {
    guest: String,
    export: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Action {
    kind: String,
    verb: &'static str,
    outcome: &'static str,
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("operator");
        let (passes, queue, leader) = (PassMetrics::new(), Family::default(), Gauge::default());
        passes.register(&mut registry);
        registry.register("queue_depth", "Objects that wait for a pass or have one", queue.clone());
        registry.register("leader", "Whether this replica acts", leader.clone());
        let build = Info::new([
            ("version", env!("CARGO_PKG_VERSION")),
            ("revision", option_env!("FILBERT_REVISION").unwrap_or("unknown")),
        ]);
        registry.register("build", "The program", build);
        Self { registry: Mutex::new(registry), passes, queue, leader, sources: OnceLock::new() }
    }

    /// Lets another subsystem count.
    #[expect(dead_code, reason = "admission will count its requests")]
    pub(crate) fn register(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where what is looked up when somebody asks comes from.
    pub(crate) fn look_at(&self, host: Host, leading: watch::Receiver<bool>) {
        // Said once, when the host is made.
        let _ = self.sources.set((host, leading));
    }

    /// All, as Prometheus reads it.
    pub(crate) async fn text(&self) -> String {
        if let Some((host, leading)) = self.sources.get() {
            self.leader.set(i64::from(*leading.borrow()));
            let mut depths = Vec::new();
            for (resource, count) in host.busy_with() {
                depths.push((kind_of(&resource, &host.world().discovery).await, count));
            }
            self.queue.clear();
            for (kind, count) in depths {
                self.queue.get_or_create(&OfKind { kind }).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        text
    }
}

/// As the API server calls it. Whoever counts objects of a type has asked for it before, so nothing is requested.
async fn kind_of(resource: &ResourceType, discovery: &Discovery) -> String {
    let served = discovery.of_resource(resource).await.ok().flatten();
    served.map_or_else(|| resource.plural.clone(), |served| served.kind)
}

impl PassMetrics {
    fn new() -> Self {
        // From 100 us to 15 s.
        let passes: fn() -> Histogram = || Histogram::new(exponential_buckets(100e-6, 2.5, 14));
        // From 10 us to 1.3 s.
        let calls: fn() -> Histogram = || Histogram::new(exponential_buckets(10e-6, 2.0, 18));
        // From 1 to 256 MiB.
        let memory: fn() -> Histogram = || Histogram::new(exponential_buckets(f64::from(1 << 20), 2.0, 9));
        Self {
            reconciles: Family::default(),
            reconcile_durations: Family::new_with_constructor(passes),
            calls: Family::default(),
            call_durations: Family::new_with_constructor(calls),
            call_memory: Family::new_with_constructor(memory),
            actions: Family::default(),
        }
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("reconciles", "Passes, by what came of them", self.reconciles.clone());
        let durations = self.reconcile_durations.clone();
        registry.register_with_unit("reconcile_duration", "From begin to end of a pass", Unit::Seconds, durations);
        registry.register("guest_calls", "Calls of guests, by how they ended", self.calls.clone());
        let durations = self.call_durations.clone();
        registry.register_with_unit("guest_call_duration", "From instantiation to answer", Unit::Seconds, durations);
        let memory = self.call_memory.clone();
        registry.register_with_unit("guest_memory", "Linear memory at the end of a call", Unit::Bytes, memory);
        registry.register("actions", "What was done to objects", self.actions.clone());
    }

    /// Counts one pass.
    pub(crate) async fn count(&self, record: &PassRecord, discovery: &Discovery) {
        let outcome = match record.outcome {
            PassOutcome::Settled => "settled",
            PassOutcome::Waiting { .. } => "waiting",
            PassOutcome::Invalid { .. } => "invalid",
            PassOutcome::Failed { .. } => "failed",
            PassOutcome::Finalized => "finalized",
            // No pass was made.
            PassOutcome::Gone => return,
        };
        let pass = Reconcile { kind: record.kind.clone(), outcome };
        self.reconciles.get_or_create(&pass).inc();
        self.reconcile_durations.get_or_create(&pass).observe(record.took.as_secs_f64());
        for review in &record.reviews {
            let export = match review.role {
                ReviewRole::Defaulting => "defaulting",
                ReviewRole::Validation => "validation",
            };
            self.called(&review.module, export, review.cost);
        }
        for step in &record.steps {
            let export = match step.function {
                Function::Run => "run",
                Function::Finalize => "finalize",
            };
            self.called(&step.module, export, step.cost);
            for effect in &step.effects {
                let (verb, outcome) = match effect.kind {
                    EffectKind::Created => ("apply", "created"),
                    EffectKind::Changed => ("apply", "changed"),
                    EffectKind::Adopted => ("apply", "adopted"),
                    EffectKind::Withheld => ("apply", "withheld"),
                    EffectKind::Deleted => ("delete", "deleted"),
                    EffectKind::Pruned => ("delete", "pruned"),
                    // Nothing was done.
                    EffectKind::Unchanged => continue,
                };
                let kind = kind_of(&effect.key.resource, discovery).await;
                self.actions.get_or_create(&Action { kind, verb, outcome }).inc();
            }
        }
    }

    /// Counts a call of a guest; not an answer that was kept.
    fn called(&self, guest: &str, export: &'static str, cost: Option<Cost>) {
        let Some(Cost { duration, memory, outcome }) = cost else { return };
        let call = GuestCall { guest: guest.to_owned(), export, outcome };
        self.calls.get_or_create(&call).inc();
        self.call_durations.get_or_create(&call).observe(duration.as_secs_f64());
        let memory = u32::try_from(memory).map_or(f64::MAX, f64::from);
        self.call_memory.get_or_create(&call).observe(memory);
    }
}
