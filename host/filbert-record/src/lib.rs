//! Recordings of passes, and their replay.
//!
//! A guest is a pure function of what it is called with and what it reads, so a recording of these is enough to call it
//! again. The same version of a module must then give the same bytes, for ever; another version shows what it would do
//! differently. A call that broke has no answer and so is not recorded.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use filbert_engine::{Aborted, Module, Query, Read, ReadError, Reads, Scope};
use filbert_plan::diff;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::{Millis, Problem, StepContext, StepPlan};
use filbert_runtime::observe::{Answer, Question, ReadEntry};
use filbert_runtime::plan::Function;
use filbert_runtime::{PassRecord, StepOutcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What this library writes, and the only thing that it reads.
const FORMAT: u32 = 1;

/// One pass, as far as guests were asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    format: u32,
    /// The object.
    pub key: ObjectKey,
    /// The pipeline that served it.
    pub pipeline: String,
    /// Steps in their order.
    pub steps: Vec<RecordedStep>,
}

/// One call of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedStep {
    /// Its name in the pipeline.
    pub step: String,
    /// Which module took it.
    pub module: String,
    /// SHA-256 of the module.
    pub digest: String,
    /// Which function of the step.
    pub function: Function,
    /// What it was called with.
    pub context: StepContext,
    /// What it read, each question once.
    pub reads: Vec<ReadEntry>,
    /// What it answered.
    pub answer: RecordedAnswer,
}

/// What a step answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordedAnswer {
    /// A plan.
    Plan(StepPlan),
    /// It works, but says no.
    Refused(Problem),
}

/// Text that is no recording.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Not JSON, or not as recordings are.
    #[error("the text is no recording")]
    Json(#[from] serde_json::Error),
    /// Written by another version.
    #[error("the recording is of format {found}, but this version reads format {FORMAT}")]
    Format {
        /// What it says.
        found: u32,
    },
}

impl Recording {
    /// The recording of a pass. Nothing where no guest answered, or where the host was not asked to keep contexts.
    pub fn of(record: &PassRecord) -> Option<Self> {
        let step = |step: &filbert_runtime::StepRecord| {
            let answer = match (&step.plan, &step.outcome) {
                (Some(plan), _) => RecordedAnswer::Plan((**plan).clone()),
                (None, StepOutcome::Refused { problem, .. }) => RecordedAnswer::Refused(problem.clone()),
                (None, _) => return None,
            };
            Some(RecordedStep {
                step: step.step.clone(),
                module: step.module.clone(),
                digest: step.digest.clone(),
                function: step.function,
                context: (**step.context.as_ref()?).clone(),
                reads: step.reads.clone(),
                answer,
            })
        };
        let steps: Vec<_> = record.steps.iter().filter_map(step).collect();
        let (key, pipeline) = (record.key.clone(), record.pipeline.clone());
        (!steps.is_empty()).then_some(Self { format: FORMAT, key, pipeline, steps })
    }

    /// As text, the same for the same pass.
    pub fn to_json(&self) -> String {
        // Keys are strings and numbers finite: nothing that could fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// From text.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn from_json(text: &str) -> Result<Self, FormatError> {
        let recording: Self = serde_json::from_str(text)?;
        if recording.format == FORMAT { Ok(recording) } else { Err(FormatError::Format { found: recording.format }) }
    }
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes.
    Same,
    /// Another answer.
    Different {
        /// Whether the module is the one that was recorded. If so, the guest or the host is not deterministic.
        same_module: bool,
        /// What differs.
        changes: String,
    },
    /// The same answer, without asking all that was asked before.
    ReadsLess {
        /// What it no longer reads.
        unread: Vec<String>,
    },
    /// No answer: the guest broke, or asked what is not in the recording.
    NoAnswer(String),
    /// There is no module of this name.
    NoModule,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Different { same_module, changes } => {
                let which = if *same_module { "the recorded module" } else { "another version of the module" };
                write!(f, "different, by {which}:\n{}", changes.trim_end())
            }
            Self::ReadsLess { unread } => write!(f, "same answer, but no longer reads {}", unread.join(", ")),
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
            Self::NoModule => f.write_str("no such module is loaded"),
        }
    }
}

/// Calls a step again, with reads answered from the recording.
pub async fn replay(module: &Module, step: &RecordedStep) -> Verdict {
    let tape = Tape { entries: step.reads.clone(), asked: BTreeSet::new() };
    let called = match step.function {
        Function::Run => module.run(&step.context, tape).await,
        Function::Finalize => module.finalize(&step.context, tape).await,
    };
    let answer = match called.answer {
        Ok(Ok(plan)) => RecordedAnswer::Plan(plan),
        Ok(Err(refusal)) => RecordedAnswer::Refused(refusal.problem().clone()),
        Err(error) => return Verdict::NoAnswer(filbert_runtime::library::chain(&error)),
    };
    let (then, now) = (text(&step.answer), text(&answer));
    if then != now {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let changes = diff::render(&diff::changes(&value(&then), &value(&now)));
        return Verdict::Different { same_module: module.digest() == step.digest, changes };
    }
    let unread: Vec<_> = called.reads.unasked().map(Question::describe).collect();
    if unread.is_empty() { Verdict::Same } else { Verdict::ReadsLess { unread } }
}

fn text(answer: &RecordedAnswer) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

/// Reads answered from a recording.
struct Tape {
    entries: Vec<ReadEntry>,
    asked: BTreeSet<Question>,
}

impl Tape {
    fn unasked(&self) -> impl Iterator<Item = &Question> {
        self.entries.iter().map(|entry| &entry.question).filter(|question| !self.asked.contains(question))
    }

    fn answer(&mut self, question: Question) -> Read<Answer> {
        let found = self.entries.iter().find(|entry| entry.question == question).map(|entry| entry.answer.clone());
        let answer = found.ok_or_else(|| Aborted(format!("not in the recording: {}", question.describe())))?;
        self.asked.insert(question);
        Ok(answer)
    }
}

macro_rules! taped {
    ($($read:ident($($argument:ident: $type:ty),*) -> $answer:ty:
        $question:expr => $variant:ident as |$found:ident| $value:expr;)*) => {
        impl Reads for Tape {
            $(async fn $read(&mut self, $($argument: $type),*) -> Read<$answer> {
                match self.answer($question)? {
                    Answer::$variant($found) => Ok($value),
                    _ => Err(Aborted("the recording answers another question than was asked".to_owned())),
                }
            })*
        }
    };
}

taped! {
    get(key: ObjectKey, scope: Scope) -> Result<Option<Arc<str>>, ReadError>:
        Question::Get(key, scope) => Object as |found| found.map(|found| found.map(|json| json.0));
    list(query: Query, scope: Scope) -> Result<Vec<Arc<str>>, ReadError>:
        Question::List(query, scope) => Objects as |found| found.map(|found| found.into_iter().map(|json| json.0).collect());
    reached(moment: Millis) -> bool: Question::Reached(moment) => Flag as |flag| flag;
    now(tick: Millis) -> Millis: Question::Now(tick) => Moment as |moment| moment;
    kubernetes_version() -> String: Question::KubernetesVersion => Text as |text| text;
    serves(resource: ResourceType) -> bool: Question::Serves(resource) => Flag as |flag| flag;
    operator_namespace() -> String: Question::OperatorNamespace => Text as |text| text;
    watches(namespace: String) -> bool: Question::Watches(namespace) => Flag as |flag| flag;
}
