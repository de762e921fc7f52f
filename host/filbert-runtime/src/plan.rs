//! Guests are called here, or their kept answers used: the same module with the same inputs, reads included, gives the
//! same answer, so it is not called again. Nothing here touches the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use filbert_engine::{CallError, Called, LogLine, Spent};
use filbert_plan::Document;
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::plan::{Millis, StepContext, StepError, StepPlan};
use filbert_plan::review::{Operation, Review, User, Verdict, Violation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::journal::ReviewRecord;
use crate::library::{ServingModule, ServingPipeline, ServingReviewer, ServingStep};
use crate::observe::{Observer, Question, ReadEntry, SubjectName, World};

/// How many watches are opened for the reads of one review.
const MOST_OPENINGS: usize = 32;

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
    reviews: BTreeMap<Place, Kept<Arc<ReviewAnswer>>>,
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
        let reviews = self.reviews.values().flat_map(|kept| &kept.reads);
        reviews.chain(self.steps.values().flat_map(|kept| &kept.reads)).map(|(question, _)| question)
    }
}

/// An object after defaulting and validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// Defaulted; without status, managed fields and resource version.
    pub object: Document,
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
    /// What the call cost, where there was one.
    pub cost: Option<Cost>,
}

/// What one call of a guest cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// From instantiation to answer.
    pub duration: Duration,
    /// Bytes of linear memory at the end.
    pub memory: usize,
    /// `answered`, or how it broke: a word from a closed set.
    pub outcome: &'static str,
}

impl Cost {
    fn of<T>(answer: &Result<T, CallError>, spent: &Spent) -> Self {
        let outcome = answer.as_ref().err().map_or("answered", CallError::category);
        Self { duration: spent.duration, memory: spent.memory, outcome }
    }
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

/// What a module is asked for in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewRole {
    /// The object with what people left out.
    Defaulting,
    /// Whether the object may be as it is.
    Validation,
}

/// What a module answered in a review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReviewAnswer {
    /// The object with what people left out, or nothing where they left out nothing.
    Defaulted(Option<Document>),
    /// Why it cannot be defaulted.
    NotDefaulted(Vec<Violation>),
    /// What validation says.
    Judged(Verdict),
}

/// Which reviewer of a pipeline.
type Place = (ReviewRole, usize);

/// One stored object that is defaulted and validated, as admission would.
#[derive(Clone, Copy)]
pub struct Reviewing<'a> {
    /// What guests can read.
    pub world: &'a World,
    /// The object.
    pub key: &'a ObjectKey,
    /// The same, for grants.
    pub subject: &'a SubjectName,
    /// Whether records hold what guests were asked.
    pub keeps_requests: bool,
}

impl Reviewing<'_> {
    /// Asks all reviewers of the pipeline in their order. Each answer is kept for itself, and holds for as long as its own
    /// module, with its own grant, would be given the same to read.
    pub async fn ask_all(
        self,
        memo: &mut Memo,
        pipeline: &ServingPipeline,
        object: Document,
    ) -> (Result<Reviewed, CallError>, Vec<ReviewRecord>) {
        let mut reviewed = Reviewed { object, violations: Vec::new(), warnings: Vec::new() };
        let mut records = Vec::new();
        let mut asked = BTreeSet::new();
        let mut places: Vec<(Place, &ServingReviewer)> = Vec::new();
        for (index, reviewer) in pipeline.defaulting.iter().enumerate() {
            places.push(((ReviewRole::Defaulting, index), reviewer));
        }
        for (index, reviewer) in pipeline.validation.iter().enumerate() {
            places.push(((ReviewRole::Validation, index), reviewer));
        }
        let mut outcome = Ok(());
        for (place, reviewer) in places {
            asked.insert(place);
            let (answer, record) = self.ask(memo, place, reviewer, &reviewed.object).await;
            records.push(record);
            match answer.as_deref() {
                Ok(ReviewAnswer::Defaulted(None)) => {}
                Ok(ReviewAnswer::Defaulted(Some(defaulted))) => {
                    reviewed.object = defaulted.clone();
                }
                Ok(ReviewAnswer::NotDefaulted(violations)) => {
                    reviewed.violations.clone_from(violations);
                    break;
                }
                Ok(ReviewAnswer::Judged(Verdict { violations, warnings })) => {
                    reviewed.violations.extend(violations.iter().cloned());
                    reviewed.warnings.extend(warnings.iter().cloned());
                }
                Err(_) => {
                    outcome = answer.map(|_| ());
                    break;
                }
            }
        }
        memo.reviews.retain(|place, _| asked.contains(place));
        (outcome.map(|()| reviewed), records)
    }

    fn request(self, reviewer: &ServingReviewer, object: &Document) -> Review {
        Review {
            operation: Operation::Update,
            key: self.key.clone(),
            sub_resource: None,
            object: Some(object.clone()),
            // Nothing changes, so rules that compare find nothing.
            old_object: Some(object.clone()),
            user: User { name: "filbert".to_owned(), groups: Vec::new() },
            dry_run: true,
            parameters: reviewer.parameters.clone(),
        }
    }

    async fn call(
        self,
        role: ReviewRole,
        reviewer: &ServingReviewer,
        object: &Document,
    ) -> (Result<ReviewAnswer, CallError>, Observer, Spent) {
        let ServingModule { module, grants } = &reviewer.module;
        let observer = Observer::new(self.world.clone(), grants.clone(), self.subject.clone());
        let request = self.request(reviewer, object);
        match role {
            ReviewRole::Defaulting => {
                let Called { answer, reads, spent } = module.default(&request, observer).await;
                let answer = answer.map(|answer| match answer {
                    Ok(defaulted) => ReviewAnswer::Defaulted(defaulted.map(Document::from)),
                    Err(violations) => ReviewAnswer::NotDefaulted(violations),
                });
                (answer, reads, spent)
            }
            ReviewRole::Validation => {
                let Called { answer, reads, spent } = module.validate(&request, observer).await;
                (answer.map(ReviewAnswer::Judged), reads, spent)
            }
        }
    }

    async fn ask(
        self,
        memo: &mut Memo,
        place: Place,
        reviewer: &ServingReviewer,
        object: &Document,
    ) -> (Result<Arc<ReviewAnswer>, CallError>, ReviewRecord) {
        let Self { world, subject, keeps_requests, key: _ } = self;
        let (role, _) = place;
        let module = &reviewer.module.module;
        let mut hash = Sha256::new();
        hash.update(module.digest());
        hash.update([u8::from(role == ReviewRole::Validation)]);
        hash.update(reviewer.parameters.text());
        hash.update([0]);
        hash.update(object.text());
        let input: Hash = hash.finalize().into();
        let mut record = ReviewRecord {
            module: module.name().to_owned(),
            digest: module.digest().to_owned(),
            role,
            called: false,
            review: keeps_requests.then(|| Arc::new(self.request(reviewer, object))),
            reads: Vec::new(),
            answer: None,
            log: Vec::new(),
            cost: None,
        };
        if let Some(kept) = memo.reviews.get(&place)
            && let Some(reads) = still_holds(kept, input, world, &reviewer.module, subject).await
        {
            record.reads = reads;
            record.answer = Some(kept.answer.clone());
            return (Ok(kept.answer.clone()), record);
        }
        let mut openings = 0;
        let (answer, reads, spent) = loop {
            let (answer, reads, spent) = self.call(role, reviewer, object).await;
            match (&answer, reads.open_question()) {
                // Reviews do not wait, because admission must not. A pass has the time: it waits until the watch is open
                // that the read needs, and asks again.
                (Err(CallError::Aborted { .. }), Some(question)) if openings < MOST_OPENINGS => {
                    openings += 1;
                    // Kept by the cache that it comes from; asked for again.
                    let _ = world.answer(question, &reviewer.module.grants, subject).await;
                }
                _ => break (answer, reads, spent),
            }
        };
        record.called = true;
        record.reads = reads.into_entries();
        record.cost = Some(Cost::of(&answer, &spent));
        record.log = spent.log;
        let answer = answer.map(Arc::new);
        match &answer {
            Ok(answered) => {
                record.answer = Some(answered.clone());
                memo.reviews.insert(place, keep(input, &record.reads, answered.clone()));
            }
            // A call that broke has no answer to keep.
            Err(_) => {
                memo.reviews.remove(&place);
            }
        }
        (answer, record)
    }
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

/// All that a context says, so that two contexts that differ never look the same.
fn feed(hash: &mut Sha256, context: &StepContext) {
    // Every field is named, so that a new one must be thought about.
    let StepContext { step, object, status, parameters, facts, round, answers } = context;
    let rest = serde_json::to_vec(&(step, facts, round, answers)).unwrap_or_default();
    let texts = [object.text(), status.as_ref().map_or("", Document::text), parameters.text()];
    for part in texts.map(str::as_bytes).into_iter().chain([rest.as_slice()]) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
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
    feed(&mut hash, context);
    let input: Hash = hash.finalize().into();
    if let Some(kept) = memo.steps.get(&step.name)
        && let Some(reads) = still_holds(kept, input, world, &step.module, subject).await
    {
        return Planned { answer: Ok(kept.answer.clone()), called: false, reads, log: Vec::new(), cost: None };
    }
    let observer = Observer::new(world.clone(), step.module.grants.clone(), subject.clone());
    let Called { answer, reads, spent } = match function {
        Function::Run => step.module.module.run(context, observer).await,
        Function::Finalize => step.module.module.finalize(context, observer).await,
    };
    let reads = reads.into_entries();
    let cost = Some(Cost::of(&answer, &spent));
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
    Planned { answer, called: true, reads, log: spent.log, cost }
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
