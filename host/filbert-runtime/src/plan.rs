//! Guests are called here, or their kept answers used: the same module with the same inputs, reads included, gives the
//! same answer, so it is not called again. Nothing here touches the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use filbert_engine::{CallError, Called, LogLine};
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::plan::{Millis, StepContext, StepError, StepPlan};
use filbert_plan::review::{Operation, Review, User, Verdict, Violation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::library::{ServingModule, ServingPipeline, ServingStep};
use crate::observe::{Observer, Question, ReadEntry, SubjectName, World};

type Hash = [u8; 32];

/// An answer with all that it depends on.
#[derive(Debug)]
struct Kept<T> {
    input: Hash,
    reads: Vec<(Question, Hash)>,
    answer: T,
}

/// What guests answered about one object, kept between its passes.
#[derive(Debug, Default)]
pub struct Memo {
    review: Option<Kept<Arc<Reviewed>>>,
    steps: BTreeMap<String, Kept<Answered>>,
}

type Answered = Result<Arc<StepPlan>, StepError>;

impl Memo {
    /// What the step of this name proposed last, whether or not it still holds.
    pub fn last(&self, step: &str) -> Option<&Arc<StepPlan>> {
        self.steps.get(step)?.answer.as_ref().ok()
    }

    /// All questions that kept answers depend on.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        let review = self.review.iter().flat_map(|kept| &kept.reads);
        review.chain(self.steps.values().flat_map(|kept| &kept.reads)).map(|(question, _)| question)
    }
}

/// An object after defaulting and validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// Defaulted; without status, managed fields and resource version.
    pub object: Value,
    /// Empty where it is valid.
    pub violations: Vec<Violation>,
    /// For people.
    pub warnings: Vec<String>,
}

/// What came of asking for an answer.
#[derive(Debug)]
pub struct Planned<T> {
    /// The answer, or why there is none.
    pub answer: Result<T, CallError>,
    /// Whether a guest was called.
    pub called: bool,
    /// What the answer depends on.
    pub reads: Vec<ReadEntry>,
    /// What the guest logged.
    pub log: Vec<LogLine>,
}

/// Whether all reads would be answered as they were. Answers them again, so that whoever asks sees what is read.
async fn still_holds<T>(
    kept: &Kept<T>,
    input: Hash,
    world: &World,
    module: &ServingModule,
    subject: &SubjectName,
) -> Option<Vec<ReadEntry>> {
    if kept.input != input {
        return None;
    }
    let mut entries = Vec::with_capacity(kept.reads.len());
    for (question, hash) in &kept.reads {
        let answer = world.answer(question, &module.grants, subject).await;
        if answer.hash() != *hash {
            return None;
        }
        entries.push(ReadEntry { question: question.clone(), answer });
    }
    Some(entries)
}

fn keep<T>(input: Hash, entries: &[ReadEntry], answer: T) -> Kept<T> {
    let reads = entries.iter().map(|entry| (entry.question.clone(), entry.answer.hash())).collect();
    Kept { input, reads, answer }
}

/// The object as guests see it: without status, and without what changes when only the status does.
pub fn as_input(object: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "status" => {}
            "metadata" => {
                let mut metadata = value.clone();
                if let Some(metadata) = metadata.as_object_mut() {
                    metadata.remove("managedFields");
                    metadata.remove("resourceVersion");
                }
                fields.insert(name.clone(), metadata);
            }
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(fields)
}

/// Defaults and validates a stored object, as admission would.
pub async fn review(
    memo: &mut Memo,
    world: &World,
    pipeline: &ServingPipeline,
    key: &ObjectKey,
    object: &Value,
    subject: &SubjectName,
) -> Planned<Arc<Reviewed>> {
    let mut hash = Sha256::new();
    hash.update(pipeline.digest);
    hash.update(object.to_string());
    let input: Hash = hash.finalize().into();
    // Reviewers read little or nothing; where they do, the first module's grant stands for all in asking again.
    if let (Some(kept), Some(reviewer)) = (&memo.review, pipeline.validation.first().or(pipeline.defaulting.first()))
        && let Some(reads) = still_holds(kept, input, world, &reviewer.module, subject).await
    {
        return Planned { answer: Ok(kept.answer.clone()), called: false, reads, log: Vec::new() };
    }
    let mut planned = Planned { answer: Ok(()), called: false, reads: Vec::new(), log: Vec::new() };
    let reviewed = call_reviewers(&mut planned, world, pipeline, key, object, subject).await;
    let Planned { called, reads, log, .. } = planned;
    let answer = reviewed.map(Arc::new);
    memo.review = answer.as_ref().ok().map(|answer| keep(input, &reads, answer.clone()));
    Planned { answer, called, reads, log }
}

async fn call_reviewers(
    planned: &mut Planned<()>,
    world: &World,
    pipeline: &ServingPipeline,
    key: &ObjectKey,
    object: &Value,
    subject: &SubjectName,
) -> Result<Reviewed, CallError> {
    let mut reviewed = Reviewed { object: object.clone(), violations: Vec::new(), warnings: Vec::new() };
    let mut take = |called: bool, reads: Vec<ReadEntry>, log: Vec<LogLine>| {
        planned.called |= called;
        planned.reads.extend(reads);
        planned.log.extend(log);
    };
    let review = |object: &Value, parameters: &Value| Review {
        operation: Operation::Update,
        key: key.clone(),
        sub_resource: None,
        object: Some(object.clone()),
        // Nothing changes, so rules that compare find nothing.
        old_object: Some(object.clone()),
        user: User { name: "filbert".to_owned(), groups: Vec::new() },
        dry_run: true,
        parameters: parameters.clone(),
    };
    for reviewer in &pipeline.defaulting {
        let observer = Observer::new(world.clone(), reviewer.module.grants.clone(), subject.clone());
        let request = review(&reviewed.object, &reviewer.parameters);
        let Called { answer, reads, spent } = reviewer.module.module.default(&request, observer).await;
        take(true, reads.into_entries(), spent.log);
        match answer? {
            Ok(None) => {}
            Ok(Some(defaulted)) => reviewed.object = defaulted,
            Err(violations) => {
                reviewed.violations = violations;
                return Ok(reviewed);
            }
        }
    }
    for reviewer in &pipeline.validation {
        let observer = Observer::new(world.clone(), reviewer.module.grants.clone(), subject.clone());
        let request = review(&reviewed.object, &reviewer.parameters);
        let Called { answer, reads, spent } = reviewer.module.module.validate(&request, observer).await;
        take(true, reads.into_entries(), spent.log);
        let Verdict { violations, warnings } = answer?;
        reviewed.violations.extend(violations);
        reviewed.warnings.extend(warnings);
    }
    Ok(reviewed)
}

/// Which of the two functions of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// The object is there to stay.
    Run,
    /// It is being deleted.
    Finalize,
}

/// Takes one round of a step.
pub async fn step(
    memo: &mut Memo,
    world: &World,
    step: &ServingStep,
    function: Function,
    context: &StepContext,
    subject: &SubjectName,
) -> Planned<Answered> {
    let mut hash = Sha256::new();
    hash.update(step.module.module.digest());
    hash.update([u8::from(function == Function::Finalize)]);
    // Every field of the context, in a fixed order.
    hash.update(serde_json::to_vec(context).unwrap_or_default());
    let input: Hash = hash.finalize().into();
    if let Some(kept) = memo.steps.get(&step.name)
        && let Some(reads) = still_holds(kept, input, world, &step.module, subject).await
    {
        return Planned { answer: Ok(kept.answer.clone()), called: false, reads, log: Vec::new() };
    }
    let observer = Observer::new(world.clone(), step.module.grants.clone(), subject.clone());
    let Called { answer, reads, spent } = match function {
        Function::Run => step.module.module.run(context, observer).await,
        Function::Finalize => step.module.module.finalize(context, observer).await,
    };
    let reads = reads.into_entries();
    let answer = answer.map(|answer| answer.map(Arc::new));
    match &answer {
        Ok(answered) => {
            memo.steps.insert(step.name.clone(), keep(input, &reads, answered.clone()));
        }
        // A call that broke has no answer to keep.
        Err(_) => {
            memo.steps.remove(&step.name);
        }
    }
    Planned { answer, called: true, reads, log: spent.log }
}

/// The moment at which the earliest of these answers will differ by itself.
pub fn next_change(reads: &[ReadEntry], now: Millis) -> Option<Millis> {
    reads.iter().filter_map(|entry| entry.question.next_change(&entry.answer, now)).min()
}

/// The status as steps see it: without the host's own bookkeeping, which would make them run again for nothing.
pub fn status_as_input(object: &Value) -> Option<Value> {
    let mut status = object.get("status")?.clone();
    if let Some(fields) = status.as_object_mut() {
        fields.remove("conditions");
        fields.remove("observedGeneration");
        if fields.is_empty() {
            return None;
        }
    }
    Some(status)
}

/// Name and namespace of an object.
pub fn subject_of(object: &Value) -> SubjectName {
    SubjectName {
        namespace: object::namespace(object).map(str::to_owned),
        name: object::name(object).unwrap_or_default().to_owned(),
    }
}
