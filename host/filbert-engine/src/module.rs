//! A loaded module and its calls.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use filbert_plan::description::Description;
use filbert_plan::plan::{StepContext, StepError, StepPlan};
use filbert_plan::review::{Review, Verdict, Violation};
use serde_json::Value;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};

use crate::breaker::{Breaker, Use};
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
use crate::turns::{Lane, Lanes, NoTurn, Places};

/// A version of a module, ready to be called. Cloning shares it.
///
/// # Assumptions
///
/// Calls are made on a tokio runtime with timers.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
    /// Which lane its defaulting and validation calls take.
    reviews: Lane,
}

struct Inner {
    loaded: Loaded,
    description: Description,
    places: Lanes<Places>,
    /// What is burnt in reviews is the same for passes and admission.
    steps: Breaker,
    reviews: Breaker,
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
    /// Loads every role from an instance; hands back the one that is asked at load.
    fn load(&self, store: &mut Store<Host>, instance: &Instance) -> wasmtime::Result<Option<module::Guest>> {
        let Self { module, defaulting, validation, step } = self;
        defaulting.as_ref().map(|entry| entry.load(&mut *store, instance)).transpose()?;
        validation.as_ref().map(|entry| entry.load(&mut *store, instance)).transpose()?;
        step.as_ref().map(|entry| entry.load(&mut *store, instance)).transpose()?;
        module.as_ref().map(|entry| entry.load(&mut *store, instance)).transpose()
    }

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

impl Module {
    pub(crate) fn new(loaded: Loaded, description: Description) -> Self {
        let Limits { concurrency, admission_concurrency, admission_queue, admission_patience, .. } = loaded.limits;
        let bounds = Some((admission_queue, admission_patience));
        let places = Lanes {
            steps: Places::new(concurrency, None),
            reviews: Places::new(concurrency, None),
            admission: Places::new(admission_concurrency, bounds),
        };
        let shared = &loaded.engine.shared;
        let breaker = || Breaker::new(shared.settings.patience, shared.pauses.clone());
        let (steps, reviews) = (breaker(), breaker());
        Self { inner: Arc::new(Inner { loaded, description, places, steps, reviews }), reviews: Lane::Reviews }
    }

    /// The same for requests for which people wait: its defaulting and validation calls have places of their own, and are turned
    /// away rather than wait for long.
    #[must_use]
    pub fn for_admission(&self) -> Self {
        Self { inner: self.inner.clone(), reviews: Lane::Admission }
    }

    /// Why it is left alone for a while, where it is.
    pub fn paused(&self) -> Option<String> {
        let Inner { steps, reviews, .. } = &*self.inner;
        let said = |what: &str, breaker: &Breaker| breaker.paused().map(|why| format!("{what} are {why}"));
        said("its steps", steps).or_else(|| said("its defaulting and validation", reviews))
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

    /// Makes an instance and drops it, so that the first call finds a slot of the pool that fits.
    pub async fn warm(&self) -> Result<(), CallError> {
        self.call(Lane::Reviews, "instantiation", NoReads, async |_, _| Ok(Ok(()))).await.answer
    }

    /// Asks it again what it says of itself: the same as [`Module::description`], unless it depends on more than it may.
    pub async fn describe(&self) -> Result<Description, CallError> {
        let Some(entry) = &self.inner.loaded.entries.module else { return Ok(Description::default()) };
        let described = self.call(Lane::Reviews, "module.describe", NoReads, async |store, instance| {
            let answer = entry.load(&mut *store, instance)?.call_describe(&mut *store).await?;
            Ok(convert::description(answer))
        });
        described.await.answer
    }

    /// Takes one round of one step. A step error is an answer.
    pub async fn run<R: Reads>(&self, context: &StepContext, reads: R) -> Called<Result<StepPlan, StepError>, R> {
        let Some(entry) = &self.inner.loaded.entries.step else { return self.no_role(Role::Step, reads) };
        self.call(Lane::Steps, "step.run", reads, async |store, instance| {
            let input = step::Context::from(context);
            let answer = entry.load(&mut *store, instance)?.call_run(&mut *store, &input).await?;
            Ok(convert::step_answer(answer))
        })
        .await
    }

    /// Undoes a step before its object goes. A step error is an answer.
    pub async fn finalize<R: Reads>(&self, context: &StepContext, reads: R) -> Called<Result<StepPlan, StepError>, R> {
        let Some(entry) = &self.inner.loaded.entries.step else { return self.no_role(Role::Step, reads) };
        self.call(Lane::Steps, "step.finalize", reads, async |store, instance| {
            let input = step::Context::from(context);
            let answer = entry.load(&mut *store, instance)?.call_finalize(&mut *store, &input).await?;
            Ok(convert::step_answer(answer))
        })
        .await
    }

    /// The defaulted object, nothing where there is nothing to default, or why the object cannot be defaulted.
    pub async fn default<R: Reads>(
        &self,
        review: &Review,
        reads: R,
    ) -> Called<Result<Option<Value>, Vec<Violation>>, R> {
        let Some(entry) = &self.inner.loaded.entries.defaulting else { return self.no_role(Role::Defaulting, reads) };
        self.call(self.reviews, "defaulting.default", reads, async |store, instance| {
            let input = reviews::Review::from(review);
            let answer = entry.load(&mut *store, instance)?.call_default(&mut *store, &input).await?;
            Ok(convert::defaulted(answer))
        })
        .await
    }

    /// Whether the object may be stored.
    pub async fn validate<R: Reads>(&self, review: &Review, reads: R) -> Called<Verdict, R> {
        let Some(entry) = &self.inner.loaded.entries.validation else { return self.no_role(Role::Validation, reads) };
        self.call(self.reviews, "validation.validate", reads, async |store, instance| {
            let input = reviews::Review::from(review);
            let answer = entry.load(&mut *store, instance)?.call_validate(&mut *store, &input).await?;
            Ok(convert::verdict(answer))
        })
        .await
    }

    /// One call in its turn.
    async fn call<T, R: Reads>(
        &self,
        lane: Lane,
        export: &'static str,
        reads: R,
        go: impl AsyncFnOnce(&mut Store<Host>, &Instance) -> wasmtime::Result<Result<T, NotJson>>,
    ) -> Called<T, R> {
        let Inner { loaded, places, steps, reviews: of_reviews, description: _ } = &*self.inner;
        let module = || self.name().to_owned();
        let not_called = |error, reads| Called { answer: Err(error), reads, spent: Spent::default() };
        let breaker = if lane == Lane::Steps { steps } else { of_reviews };
        let paused = |detail| CallError::Paused { module: module(), export, detail };
        // Before it takes anybody's place in a queue, and again when its turn has come.
        if let Err(detail) = breaker.would_call(Instant::now()) {
            return not_called(paused(detail), reads);
        }
        let turn = match places.of(lane).turn(loaded.engine.shared.places.of(lane)).await {
            Ok(turn) => turn,
            Err(why) => {
                let error = match why {
                    NoTurn::Crowded(waiting) => CallError::Crowded { module: module(), export, waiting },
                    NoTurn::Late(waited) => CallError::Late { module: module(), export, waited },
                    NoTurn::Closing => {
                        CallError::Host { module: module(), export, detail: "the engine is closing".to_owned() }
                    }
                };
                return not_called(error, reads);
            }
        };
        let leave = match breaker.enter(Instant::now()) {
            Ok(leave) => leave,
            Err(detail) => return not_called(paused(detail), reads),
        };
        // Given back when the store has gone, and its place in the pool with it.
        let called = loaded.call(lane, export, reads, go).await;
        drop(turn);
        let broken = called.answer.as_ref().err().and_then(CallError::broken);
        let outcome = match broken.filter(|broken| broken.kind.burns()) {
            Some(broken) => Use::Burnt(broken.detail.clone()),
            None => Use::Within,
        };
        breaker.used(leave, Instant::now(), called.spent.duration, outcome);
        called
    }

    fn no_role<T, R>(&self, role: Role, reads: R) -> Called<T, R> {
        let error = CallError::NoRole { module: self.name().to_owned(), role: role.name() };
        Called { answer: Err(error), reads, spent: Spent::default() }
    }
}

impl Loaded {
    /// Instantiates once, loads every role from the instance, and asks what the module is.
    ///
    /// `GuestIndices` are found by name; that a function has the right type shows only when it is loaded.
    pub(crate) async fn probe(&self) -> Result<Description, LoadError> {
        let probed = self.call(Lane::Reviews, "module.describe", NoReads, async |store, instance| {
            match self.entries.load(store, instance) {
                Err(shape) => Ok(Ok(Err(shape))),
                Ok(None) => Ok(Ok(Ok(Description::default()))),
                Ok(Some(describe)) => Ok(convert::description(describe.call_describe(&mut *store).await?).map(Ok)),
            }
        });
        let name = || self.name.to_string();
        match probed.await.answer {
            Ok(Ok(description)) => Ok(description),
            Ok(Err(shape)) => Err(LoadError::Shape { module: name(), source: Text::of(&shape) }),
            Err(source) => Err(LoadError::Probe { module: name(), source }),
        }
    }

    /// A call with a store and an instance of its own.
    async fn call<T, R: Reads>(
        &self,
        lane: Lane,
        export: &'static str,
        reads: R,
        go: impl AsyncFnOnce(&mut Store<Host>, &Instance) -> wasmtime::Result<Result<T, NotJson>>,
    ) -> Called<T, R> {
        let _running = self.engine.shared.ticker.run();
        let (component, limit) = match lane {
            Lane::Steps => (&self.steps, self.limits.step_deadline),
            Lane::Reviews | Lane::Admission => (&self.reviews, self.limits.review_deadline),
        };
        let started = Instant::now();
        let mut store = self.store(Box::new(reads), started + limit);
        let call = async {
            let instance = component.instantiate_async(&mut store).await?;
            go(&mut store, &instance).await
        };
        // The epoch ends a guest that computes for too long, the timeout one that waits in a read.
        let outcome = tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(DeadlinePassed.into()));
        self.ended(export, started, limit, store, outcome)
    }

    fn store(&self, reads: Box<dyn Erased>, end: Instant) -> Store<Host> {
        let host = Host { reads, limits: self.limits, log: Log::new(Arc::clone(&self.name)), memory: 0 };
        let mut store = Store::new(&self.engine.shared.wasmtime, host);
        store.limiter(|host| host);
        store.set_hostcall_fuel(self.limits.answer);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            // Other tasks of the thread first: a guest that computes costs its share of a core and no more.
            if Instant::now() >= end { Err(DeadlinePassed.into()) } else { Ok(UpdateDeadline::Yield(1)) }
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
}
