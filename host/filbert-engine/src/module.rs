//! A loaded module and its calls.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use filbert_plan::description::Description;
use filbert_plan::plan::{StepContext, StepError, StepPlan};
use filbert_plan::review::{Review, Verdict, Violation};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use crate::broken::{Broken, CallError, DeadlinePassed, Ended, read_trap};
use crate::contract::{defaulting, module, reviews, step, validation};
use crate::convert::{self, NotJson};
use crate::engine::Engine;
use crate::host::Host;
use crate::load::{LoadError, Text};
use crate::log::{Log, LogLine};
use crate::reads::{Erased, NoReads, Reads};
use crate::settings::Limits;
use crate::surface::{Role, Surface};

/// A version of a module, ready to be called. Cloning shares it.
///
/// # Assumptions
///
/// Calls are made on a tokio runtime with timers.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    loaded: Loaded,
    description: Description,
    step_calls: Semaphore,
    review_calls: Semaphore,
}

/// All of a module but what it says of itself.
pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) name: Arc<str>,
    pub(crate) digest: String,
    pub(crate) size: usize,
    pub(crate) limits: Limits,
    pub(crate) surface: Surface,
    pub(crate) roles: Vec<Role>,
    pub(crate) entries: Entries,
    pub(crate) steps: InstancePre<Host>,
    pub(crate) reviews: InstancePre<Host>,
}

/// Where the exported functions of each role are. Indices of one linker's instances serve those of the other.
pub(crate) struct Entries {
    module: Option<module::GuestIndices>,
    defaulting: Option<defaulting::GuestIndices>,
    validation: Option<validation::GuestIndices>,
    step: Option<step::GuestIndices>,
}

impl Entries {
    /// # Errors
    ///
    /// A role lacks a function. That the functions have the right types is seen when they are loaded from an instance.
    pub(crate) fn new(component: &InstancePre<Host>, roles: &[Role]) -> wasmtime::Result<Self> {
        let has = |role| roles.contains(&role);
        Ok(Self {
            module: has(Role::Module).then(|| module::GuestIndices::new(component)).transpose()?,
            defaulting: has(Role::Defaulting).then(|| defaulting::GuestIndices::new(component)).transpose()?,
            validation: has(Role::Validation).then(|| validation::GuestIndices::new(component)).transpose()?,
            step: has(Role::Step).then(|| step::GuestIndices::new(component)).transpose()?,
        })
    }
}

/// One call: what came of it, the reads that served it, and what it took. All of it is there whatever came of it.
#[derive(Debug)]
pub struct Called<T, R> {
    /// What the guest answered, or why there is no answer.
    pub answer: Result<T, CallError>,
    /// As they were handed in.
    pub reads: R,
    /// What the call took.
    pub spent: Spent,
}

/// What one call took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    /// From instantiation to answer, without the time in which the call waited for its turn.
    pub duration: Duration,
    /// Bytes of linear memory at the end.
    pub memory: usize,
    /// What the guest logged, as far as it was kept.
    pub log: Vec<LogLine>,
    /// Lines that were not kept.
    pub log_dropped: usize,
}

/// Which of the two functions of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepFunction {
    Run,
    Finalize,
}

impl StepFunction {
    fn name(self) -> &'static str {
        match self {
            Self::Run => "step.run",
            Self::Finalize => "step.finalize",
        }
    }
}

impl Module {
    pub(crate) fn new(loaded: Loaded, description: Description) -> Self {
        let calls = || Semaphore::new(loaded.limits.concurrency);
        Self { inner: Arc::new(Inner { step_calls: calls(), review_calls: calls(), description, loaded }) }
    }

    /// What the administrator calls it.
    pub fn name(&self) -> &str {
        &self.inner.loaded.name
    }

    /// SHA-256 of its bytes, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.inner.loaded.digest
    }

    /// Bytes of the component.
    pub fn size(&self) -> usize {
        self.inner.loaded.size
    }

    /// What it says of itself. Empty for a component without the role `module`.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// What it imports and exports.
    pub fn surface(&self) -> &Surface {
        &self.inner.loaded.surface
    }

    /// What it can be called for.
    pub fn roles(&self) -> &[Role] {
        &self.inner.loaded.roles
    }

    /// The limits of its calls.
    pub fn limits(&self) -> &Limits {
        &self.inner.loaded.limits
    }

    /// Takes one round of one step. A step error is an answer.
    pub async fn run<R: Reads>(&self, context: &StepContext, reads: R) -> Called<Result<StepPlan, StepError>, R> {
        self.step(StepFunction::Run, context, reads).await
    }

    /// Undoes a step before its object goes. A step error is an answer.
    pub async fn finalize<R: Reads>(&self, context: &StepContext, reads: R) -> Called<Result<StepPlan, StepError>, R> {
        self.step(StepFunction::Finalize, context, reads).await
    }

    /// The defaulted object, nothing where there is nothing to default, or why the object cannot be defaulted.
    pub async fn default<R: Reads>(
        &self,
        review: &Review,
        reads: R,
    ) -> Called<Result<Option<Value>, Vec<Violation>>, R> {
        let Loaded { entries, .. } = &self.inner.loaded;
        self.review(
            Role::Defaulting,
            "defaulting.default",
            entries.defaulting.as_ref(),
            reads,
            |entry, store, instance| {
                let answer =
                    entry.load(&mut *store, instance)?.call_default(&mut *store, &reviews::Review::from(review))?;
                Ok(convert::defaulted(answer))
            },
        )
        .await
    }

    /// Whether the object may be stored.
    pub async fn validate<R: Reads>(&self, review: &Review, reads: R) -> Called<Verdict, R> {
        let Loaded { entries, .. } = &self.inner.loaded;
        self.review(
            Role::Validation,
            "validation.validate",
            entries.validation.as_ref(),
            reads,
            |entry, store, instance| {
                let answer =
                    entry.load(&mut *store, instance)?.call_validate(&mut *store, &reviews::Review::from(review))?;
                Ok(convert::verdict(answer))
            },
        )
        .await
    }

    async fn step<R: Reads>(
        &self,
        function: StepFunction,
        context: &StepContext,
        reads: R,
    ) -> Called<Result<StepPlan, StepError>, R> {
        let Inner { loaded, step_calls, .. } = &*self.inner;
        let export = function.name();
        let shared = &loaded.engine.shared;
        let Some(entry) = &loaded.entries.step else { return loaded.no_role(Role::Step, reads) };
        let Some(_turn) = turn(step_calls, &shared.steps).await else { return loaded.closing(export, reads) };
        let _running = shared.ticker.run();
        let input = step::Context::from(context);
        let limit = loaded.limits.step_deadline;
        let started = Instant::now();
        let mut store = loaded.store(Box::new(reads), started + limit, WhenBusy::Yield);
        let call = async {
            let instance = loaded.steps.instantiate_async(&mut store).await?;
            let guest = entry.load(&mut store, &instance)?;
            match function {
                StepFunction::Run => guest.call_run(&mut store, &input).await,
                StepFunction::Finalize => guest.call_finalize(&mut store, &input).await,
            }
        };
        // The epoch ends a guest that computes for too long, the timeout one that waits in a read.
        let outcome = match tokio::time::timeout(limit, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DeadlinePassed.into()),
        };
        let outcome = outcome.map(|answer| match answer {
            Ok(plan) => convert::step_plan(plan).map(Ok),
            Err(error) => Ok(Err(error.into())),
        });
        loaded.ended(export, started, limit, store, outcome)
    }

    async fn review<E, T, R: Reads>(
        &self,
        role: Role,
        export: &'static str,
        entry: Option<&E>,
        reads: R,
        call: impl FnOnce(&E, &mut Store<Host>, &wasmtime::component::Instance) -> wasmtime::Result<Result<T, NotJson>>,
    ) -> Called<T, R> {
        let Inner { loaded, review_calls, .. } = &*self.inner;
        let shared = &loaded.engine.shared;
        let Some(entry) = entry else { return loaded.no_role(role, reads) };
        let Some(_turn) = turn(review_calls, &shared.reviews).await else { return loaded.closing(export, reads) };
        let _running = shared.ticker.run();
        let limit = loaded.limits.review_deadline;
        let started = Instant::now();
        let mut store = loaded.store(Box::new(reads), started + limit, WhenBusy::Hold);
        let outcome = loaded.reviews.instantiate(&mut store).and_then(|instance| call(entry, &mut store, &instance));
        loaded.ended(export, started, limit, store, outcome)
    }
}

/// What a call does when it has computed for a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenBusy {
    /// It lets other tasks of its thread go first.
    Yield,
    /// It keeps the thread: calls without a fiber cannot give it up.
    Hold,
}

/// Waits until the module, then the engine has a place. A module's own waiting calls take no place of others.
async fn turn<'a>(module: &'a Semaphore, engine: &'a Semaphore) -> Option<(SemaphorePermit<'a>, SemaphorePermit<'a>)> {
    Some((module.acquire().await.ok()?, engine.acquire().await.ok()?))
}

impl Loaded {
    /// Instantiates once, loads every role from the instance, and asks what the module is.
    ///
    /// `GuestIndices` are found by name; that a function has the right type shows only when it is loaded.
    pub(crate) fn probe(&self) -> Result<Description, LoadError> {
        const EXPORT: &str = "module.describe";
        let name = || self.name.to_string();
        let _running = self.engine.shared.ticker.run();
        let limit = self.limits.review_deadline;
        let started = Instant::now();
        let mut store = self.store(Box::new(NoReads), started + limit, WhenBusy::Hold);
        let instance = match self.reviews.instantiate(&mut store) {
            Ok(instance) => instance,
            Err(error) => {
                let called = self.ended::<_, NoReads>(EXPORT, started, limit, store, Err(error));
                return called.answer.map_err(|source| LoadError::Probe { module: name(), source });
            }
        };
        let Entries { module, defaulting, validation, step } = &self.entries;
        let shape = |error: wasmtime::Error| LoadError::Shape { module: name(), source: Text::of(&error) };
        let describe = module.as_ref().map(|entry| entry.load(&mut store, &instance)).transpose().map_err(shape)?;
        defaulting.as_ref().map(|entry| entry.load(&mut store, &instance)).transpose().map_err(shape)?;
        validation.as_ref().map(|entry| entry.load(&mut store, &instance)).transpose().map_err(shape)?;
        step.as_ref().map(|entry| entry.load(&mut store, &instance)).transpose().map_err(shape)?;
        let Some(describe) = describe else { return Ok(Description::default()) };
        let outcome = describe.call_describe(&mut store).map(convert::description);
        let called = self.ended::<_, NoReads>(EXPORT, started, limit, store, outcome);
        called.answer.map_err(|source| LoadError::Probe { module: name(), source })
    }

    fn store(&self, reads: Box<dyn Erased>, end: Instant, when_busy: WhenBusy) -> Store<Host> {
        let host = Host { reads, limits: self.limits, log: Log::new(Arc::clone(&self.name)), memory: 0 };
        let mut store = Store::new(&self.engine.shared.wasmtime, host);
        store.limiter(|host| host);
        store.set_hostcall_fuel(self.limits.answer);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if Instant::now() >= end {
                return Err(DeadlinePassed.into());
            }
            Ok(match when_busy {
                WhenBusy::Yield => UpdateDeadline::Yield(1),
                WhenBusy::Hold => UpdateDeadline::Continue(1),
            })
        });
        store
    }

    /// Takes the store apart once the call has ended. The instance goes back to the pool here.
    fn ended<T, R: Reads>(
        &self,
        export: &'static str,
        started: Instant,
        limit: Duration,
        store: Store<Host>,
        outcome: wasmtime::Result<Result<T, NotJson>>,
    ) -> Called<T, R> {
        let module = || self.name.to_string();
        let duration = started.elapsed();
        let answer = match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(not_json)) => {
                let source = Broken::bad_answer(not_json.to_string());
                Err(CallError::Broken { module: module(), export, source })
            }
            Err(error) => Err(match read_trap(&error, store.data(), limit) {
                Ended::Broken(source) => CallError::Broken { module: module(), export, source },
                Ended::Aborted(source) => CallError::Aborted { module: module(), export, source },
                Ended::Host(detail) => CallError::Host { module: module(), export, detail },
            }),
        };
        let Host { reads, log, memory, limits: _ } = store.into_data();
        let spent = Spent { duration, memory, log_dropped: log.dropped(), log: log.lines };
        let reads: Box<dyn Any> = reads;
        let reads = *reads.downcast().expect("the reads that went in come out");
        Called { answer, reads, spent }
    }

    fn no_role<T, R>(&self, role: Role, reads: R) -> Called<T, R> {
        let error = CallError::NoRole { module: self.name.to_string(), role: role.name() };
        Called { answer: Err(error), reads, spent: Spent::default() }
    }

    fn closing<T, R>(&self, export: &'static str, reads: R) -> Called<T, R> {
        let error =
            CallError::Host { module: self.name.to_string(), export, detail: "the engine is closing".to_owned() };
        Called { answer: Err(error), reads, spent: Spent::default() }
    }
}
