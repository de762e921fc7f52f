//! One pass over one object: observe, plan and apply step by step, report.
//!
//! A pass may be cut off at any await: every effect is idempotent, so the next pass starts from what the cluster says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use filbert_kube::ApiError;
use filbert_plan::Document;
use filbert_plan::managed::{self, Taken};
use filbert_plan::object::{self, ObjectKey, TypeMeta};
use filbert_plan::pipeline::OnFailure;
use filbert_plan::plan::{Fact, Millis, Outcome, StepContext, StepError, StepPlan, Waiting};
use serde_json::Value;

use crate::apply::{Applier, Mode, OWNER_GONE, Owner, UNREACHABLE, Writer};
use crate::contest::Contest;
use crate::journal::{Described, Effect, EffectKind, PassOutcome, PassRecord, ReviewRecord, StepOutcome, StepRecord};
use crate::library::{ServingPipeline, ServingStep};
use crate::observe::{SubjectName, World};
use crate::plan::{self, Function, Memo, Planned, Reviewing};
use crate::report::{self, Reported};

mod failure;
mod reporting;

use failure::{apply_failure, broken, failed, host_failure, review_failure};

/// How often a change of the finalizers is tried where others change the object at the same time.
const ATTEMPTS: u32 = 5;

/// What is kept of an object between its passes.
#[derive(Debug, Default)]
pub struct Kept {
    /// A new object of an old name starts afresh.
    pub uid: String,
    /// Answers of guests.
    pub memo: Memo,
    /// Status and events.
    pub reported: Reported,
    /// Objects applied last.
    pub applied: Vec<ObjectKey>,
}

/// What passes share.
pub struct Passes {
    /// What guests can read.
    pub world: World,
    /// What acts.
    pub applier: Applier,
    /// Whether records hold the contexts that steps were called with.
    pub keep_contexts: bool,
}

/// A pass that has ended.
pub struct Passed {
    /// What it did.
    pub record: PassRecord,
    /// When time alone makes another pass necessary.
    pub next: Option<Millis>,
    /// Whether to try again after a pause.
    pub retry: bool,
}

struct Running<'a> {
    passes: &'a Passes,
    pipeline: &'a ServingPipeline,
    key: &'a ObjectKey,
    stored: &'a Value,
    /// Of the stored object, as steps see it.
    status: Option<Document>,
    subject: SubjectName,
    owner: Owner,
    reviews: Vec<ReviewRecord>,
    steps: Vec<StepRecord>,
    facts: Vec<Fact>,
    next: Option<Millis>,
    applied: Vec<ObjectKey>,
}

impl Passes {
    /// Runs one pass. `stored` is the object as the API server has it.
    pub async fn pass(&self, pipeline: &ServingPipeline, key: &ObjectKey, stored: &Value, kept: &mut Kept) -> Passed {
        let started = Instant::now();
        let uid = object::uid(stored).unwrap_or_default();
        if kept.uid != uid {
            *kept = Kept { uid: uid.to_owned(), ..Kept::default() };
        }
        let TypeMeta { api_version, kind } = TypeMeta::of(stored)
            .unwrap_or_else(|| TypeMeta { api_version: key.resource.api_version(), kind: String::new() });
        let adoption = pipeline.adoption.clone();
        let owner = Owner { key: key.clone(), api_version, kind: kind.clone(), uid: uid.to_owned(), adoption };
        let subject = plan::subject_of(stored);
        let status = plan::status_as_input(stored).map(Document::from);
        let (reviews, steps, facts, applied) = Default::default();
        let mut running = Running {
            passes: self,
            pipeline,
            key,
            stored,
            status,
            subject,
            owner,
            reviews,
            steps,
            facts,
            next: None,
            applied,
        };
        let mut warnings = Vec::new();
        let outcome = if object::is_being_deleted(stored) {
            running.finalize(kept).await
        } else {
            running.reconcile(kept, &mut warnings).await
        };
        let Running { reviews, steps, next, mut applied, owner, .. } = running;
        let mut record = PassRecord {
            key: key.clone(),
            kind,
            generation: object::generation(stored),
            pipeline: pipeline.name.clone(),
            took: started.elapsed(),
            described: if self.keep_contexts { described(pipeline) } else { Vec::new() },
            reviews,
            steps,
            warnings,
            contests: Vec::new(),
            wrote_status: false,
            outcome,
        };
        record.contests =
            record.steps.iter().flat_map(|step| &step.effects).filter_map(|it| it.contest.clone()).collect();
        if self.applier.mode == Mode::Describe {
            let later = managed::later(stored, owner.predecessors(), report::MANAGER, "status");
            record.contests.extend(later.map(|by| {
                let status = Taken { field: "status".to_owned(), by: Some(by.to_owned()) };
                Contest::seen(owner.title(), vec![status], owner.predecessors())
            }));
        }
        if matches!(&record.outcome, PassOutcome::Failed { reason, .. } if reason == OWNER_GONE) {
            record.outcome = PassOutcome::Gone;
        }
        let is_unreachable =
            matches!(&record.outcome, PassOutcome::Failed { reason, .. } if reason.as_str() == UNREACHABLE);
        if self.applier.mode == Mode::Act
            && !is_unreachable
            && !matches!(record.outcome, PassOutcome::Finalized | PassOutcome::Gone)
            && let Err(error) = self.report(&mut record, &owner, stored, kept).await
        {
            record.outcome = host_failure("StatusNotWritten", &error);
        }
        // Objects of steps that did not run this time still wake the object.
        applied.append(&mut kept.applied);
        let gone: BTreeSet<_> = record
            .steps
            .iter()
            .flat_map(|step| &step.effects)
            .filter(|effect| matches!(effect.kind, EffectKind::Deleted | EffectKind::Pruned))
            .map(|effect| &effect.key)
            .collect();
        applied.retain(|key| !gone.contains(key));
        applied.sort();
        applied.dedup();
        kept.applied = applied;
        record.took = started.elapsed();
        let next = record.contests.iter().filter_map(Contest::next_look).chain(next).min();
        let retry = matches!(&record.outcome, PassOutcome::Failed { retried: true, .. });
        Passed { record, next, retry }
    }
}

impl Running<'_> {
    async fn reconcile(&mut self, kept: &mut Kept, warnings: &mut Vec<String>) -> PassOutcome {
        if let Some(finalizer) = &self.pipeline.finalizer
            && let Err(error) = self.hold(finalizer).await
        {
            return host_failure("FinalizerNotSet", &error);
        }
        let input = plan::as_input(self.stored).into();
        let world = self.passes.world.clone();
        let reviewing = Reviewing {
            world: &world,
            key: self.key,
            subject: &self.subject,
            keeps_requests: self.passes.keep_contexts,
        };
        let (reviewed, reviews) = reviewing.ask_all(&mut kept.memo, self.pipeline, input).await;
        for review in &reviews {
            self.note_time(&review.reads);
        }
        self.reviews = reviews;
        let reviewed = match reviewed {
            Ok(reviewed) => reviewed,
            Err(error) => return review_failure(&error),
        };
        warnings.clone_from(&reviewed.warnings);
        if !reviewed.violations.is_empty() {
            return PassOutcome::Invalid { violations: reviewed.violations };
        }
        let mut worst = PassOutcome::Settled;
        for step in &self.pipeline.steps {
            let outcome = self.take(step, Function::Run, &reviewed.object, kept).await;
            if let Some(problem) = Self::problem(step, &outcome) {
                // The first problem is the one that people should read.
                if worst == PassOutcome::Settled {
                    worst = problem;
                }
                let is_failure = matches!(outcome, StepOutcome::Failed { .. } | StepOutcome::Refused { .. });
                if !is_failure || step.on_failure == OnFailure::Stop {
                    break;
                }
            }
        }
        if worst == PassOutcome::Settled { self.withheld().unwrap_or(worst) } else { worst }
    }

    /// Later steps do not wait for an object that somebody else keeps changing; but nothing is settled until it is.
    fn withheld(&self) -> Option<PassOutcome> {
        self.steps.iter().find_map(|step| {
            let effect = step.effects.iter().find(|effect| effect.kind == EffectKind::Withheld)?;
            let contest = effect.contest.as_ref()?;
            let (reason, message) = (contest.reason().to_owned(), contest.message());
            Some(PassOutcome::Waiting { step: step.step.clone(), reason, message })
        })
    }

    async fn finalize(&mut self, kept: &mut Kept) -> PassOutcome {
        let Some(finalizer) = &self.pipeline.finalizer else { return PassOutcome::Finalized };
        if !finalizers(self.stored).iter().any(|held| held == finalizer) {
            return PassOutcome::Finalized;
        }
        let input = plan::as_input(self.stored).into();
        for step in self.pipeline.steps.iter().rev() {
            if step.finalizes {
                let outcome = self.take(step, Function::Finalize, &input, kept).await;
                if let Some(problem) = Self::problem(step, &outcome) {
                    return problem;
                }
            }
            let mut effects = Vec::new();
            let released = self.passes.applier.release(&step.module.grants, &self.owner, &mut effects).await;
            if !effects.is_empty() {
                self.steps.push(StepRecord {
                    step: step.name.clone(),
                    module: step.module.module.name().to_owned(),
                    digest: step.module.module.digest().to_owned(),
                    function: Function::Finalize,
                    called: false,
                    took: std::time::Duration::ZERO,
                    context: None,
                    reads: Vec::new(),
                    plan: None,
                    effects,
                    log: Vec::new(),
                    cost: None,
                    outcome: StepOutcome::Done,
                });
            }
            if let Err(error) = released {
                let (reason, message, retried) = (error.reason().to_owned(), error.message(), error.is_retried());
                return PassOutcome::Failed { step: Some(step.name.clone()), reason, message, retried };
            }
        }
        match self.set_finalizers(|held| held.retain(|held| held != finalizer)).await {
            Ok(()) => PassOutcome::Finalized,
            Err(error) if error.is_not_found() => PassOutcome::Finalized,
            Err(error) => host_failure("FinalizerNotRemoved", &error),
        }
    }

    /// Puts the finalizer on the object before anything is done for it.
    async fn hold(&self, finalizer: &str) -> Result<(), ApiError> {
        if finalizers(self.stored).iter().any(|name| name == finalizer) {
            return Ok(());
        }
        self.set_finalizers(|held| {
            if !held.iter().any(|name| name == finalizer) {
                held.push(finalizer.to_owned());
            }
        })
        .await
    }

    /// Changes the finalizers of the object. Where somebody else changed the object since the watch saw it, the change is
    /// made on what is there now: it concerns one entry of a list and nothing else.
    async fn set_finalizers(&self, change: impl Fn(&mut Vec<String>)) -> Result<(), ApiError> {
        if self.passes.applier.mode == Mode::Describe {
            return Ok(());
        }
        let api = &self.passes.applier.api;
        let mut live = self.stored.clone();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut wanted = finalizers(&live);
            change(&mut wanted);
            if wanted == finalizers(&live) {
                return Ok(());
            }
            let version = object::text(&live, "/metadata/resourceVersion").unwrap_or_default();
            match api.set_finalizers(self.key, &wanted, version).await {
                Ok(written) => {
                    self.passes.applier.caches.note(self.key, &written);
                    return Ok(());
                }
                Err(error) if error.is_conflict() && attempts < ATTEMPTS => match api.get(self.key).await? {
                    Some(now) if object::uid(&now) == object::uid(self.stored) => live = now,
                    // Gone, or another object of the name: its own pass comes.
                    _ => return Ok(()),
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes one step: its guest is asked, and what it proposes is carried out.
    async fn take(
        &mut self,
        step: &ServingStep,
        function: Function,
        object: &Document,
        kept: &mut Kept,
    ) -> StepOutcome {
        let started = Instant::now();
        let context = StepContext {
            step: step.step.clone(),
            object: object.clone(),
            status: self.status.clone(),
            parameters: step.parameters.clone(),
            facts: self.facts.clone(),
            round: 0,
            answers: Vec::new(),
        };
        let world = self.passes.world.clone();
        let Planned { answer, called, reads, log, cost } =
            plan::step(&mut kept.memo, &world, step, function, &context, &self.subject).await;
        self.note_time(&reads);
        let mut effects: Vec<Effect> = Vec::new();
        let (plan, outcome) = match answer {
            Ok(Ok(plan)) => {
                let outcome = self.carry_out(step, function, &plan, &kept.applied, &mut effects).await;
                (Some(plan), outcome)
            }
            Ok(Err(refusal)) => {
                let retried = !matches!(refusal, StepError::Invalid(_));
                (None, StepOutcome::Refused { problem: refusal.problem().clone(), retried })
            }
            Err(error) => (None, broken(&error)),
        };
        if let Some(plan) = &plan {
            let named = plan
                .facts
                .iter()
                .map(|fact| Fact { name: format!("{}/{}", step.name, fact.name), value: fact.value.clone() });
            self.facts.extend(named);
            self.facts.sort_by(|a, b| a.name.cmp(&b.name));
        }
        self.applied.extend(effects.iter().map(|effect| effect.key.clone()));
        self.steps.push(StepRecord {
            step: step.name.clone(),
            module: step.module.module.name().to_owned(),
            digest: step.module.module.digest().to_owned(),
            function,
            called,
            took: started.elapsed(),
            context: self.passes.keep_contexts.then(|| Arc::new(context)),
            reads,
            plan,
            effects,
            log,
            cost,
            outcome: outcome.clone(),
        });
        outcome
    }

    async fn carry_out(
        &mut self,
        step: &ServingStep,
        function: Function,
        plan: &StepPlan,
        known: &[ObjectKey],
        effects: &mut Vec<Effect>,
    ) -> StepOutcome {
        if function == Function::Finalize && !plan.apply.is_empty() {
            return failed("BadPlan", "`finalize` must apply nothing".to_owned(), false);
        }
        if !plan.calls.is_empty() {
            return failed(
                "CallsNotAvailable",
                "the step proposes calls, which this host cannot make yet".to_owned(),
                false,
            );
        }
        let applier = &self.passes.applier;
        let done = match function {
            // What the step applied goes with the object, not by pruning.
            Function::Finalize if plan.delete.is_empty() => Ok(()),
            Function::Run | Function::Finalize => {
                let writer = Writer { grants: &step.module.grants, manager: &step.manager, owner: &self.owner, known };
                applier.carry_out(plan, &writer, effects).await
            }
        };
        match (done, &plan.outcome) {
            (Err(error), _) => apply_failure(&error),
            (Ok(()), Outcome::Done) => StepOutcome::Done,
            (Ok(()), Outcome::Wait(waiting)) => {
                if let Some(after) = waiting.recheck_after {
                    self.note_moment(self.passes.world.clock.now().saturating_add(after));
                }
                StepOutcome::Waiting(waiting.clone())
            }
        }
    }

    fn problem(step: &ServingStep, outcome: &StepOutcome) -> Option<PassOutcome> {
        let name = step.name.clone();
        match outcome {
            StepOutcome::Done => None,
            StepOutcome::Waiting(Waiting { reason, message, .. }) => {
                Some(PassOutcome::Waiting { step: name, reason: reason.clone(), message: message.clone() })
            }
            StepOutcome::Refused { problem, retried } => {
                let message = match &problem.path {
                    Some(path) => format!("{path}: {}", problem.message),
                    None => problem.message.clone(),
                };
                Some(PassOutcome::Failed {
                    step: Some(name),
                    reason: problem.reason.clone(),
                    message,
                    retried: *retried,
                })
            }
            StepOutcome::Failed { reason, message, retried } => Some(PassOutcome::Failed {
                step: Some(name),
                reason: reason.clone(),
                message: message.clone(),
                retried: *retried,
            }),
        }
    }

    fn note_time(&mut self, reads: &[crate::observe::ReadEntry]) {
        if let Some(moment) = plan::next_change(reads, self.passes.world.clock.now()) {
            self.note_moment(moment);
        }
    }

    fn note_moment(&mut self, moment: Millis) {
        self.next = Some(self.next.map_or(moment, |next| next.min(moment)));
    }
}

/// What each module of the pipeline says of itself, by name.
fn described(pipeline: &ServingPipeline) -> Vec<Described> {
    let reviewers = pipeline.defaulting.iter().chain(&pipeline.validation).map(|reviewer| &reviewer.module);
    let modules: BTreeMap<_, _> = reviewers
        .chain(pipeline.steps.iter().map(|step| &step.module))
        .map(|serving| (serving.module.name(), &serving.module))
        .collect();
    let described = modules.into_values().map(|module| Described {
        module: module.name().to_owned(),
        digest: module.digest().to_owned(),
        description: Arc::new(module.description().clone()),
    });
    described.collect()
}

fn finalizers(object: &Value) -> Vec<String> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
