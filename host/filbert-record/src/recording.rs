//! What a recording holds, and how it is written.

use std::sync::Arc;

use filbert_plan::description::Description;
use filbert_plan::object::ObjectKey;
use filbert_plan::plan::{Problem, StepContext, StepPlan};
use filbert_plan::review::Review;
use filbert_runtime::observe::ReadEntry;
use filbert_runtime::plan::{Function, ReviewAnswer, ReviewRole};
use filbert_runtime::{Described, PassRecord, ReviewRecord, StepOutcome, StepRecord};
use serde::{Deserialize, Serialize};

/// What this library writes, and the only thing that it reads.
const FORMAT: u32 = 2;

/// One pass, as far as guests were asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    format: u32,
    /// The object.
    pub key: ObjectKey,
    /// The pipeline that served it.
    pub pipeline: String,
    /// What each module says of itself, by name.
    pub modules: Vec<RecordedModule>,
    /// Defaulting and validation in their order.
    pub reviews: Vec<RecordedReview>,
    /// Steps in their order.
    pub steps: Vec<RecordedStep>,
}

/// What a module says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedModule {
    /// Which module.
    pub module: String,
    /// SHA-256 of it.
    pub digest: String,
    /// What it answered.
    pub description: Description,
}

/// One call of defaulting or validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedReview {
    /// Which module was asked.
    pub module: String,
    /// SHA-256 of it.
    pub digest: String,
    /// What for.
    pub role: ReviewRole,
    /// What it was asked.
    pub review: Review,
    /// What it read, each question once.
    pub reads: Vec<ReadEntry>,
    /// What it answered.
    pub answer: ReviewAnswer,
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

/// One call of a guest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RecordedCall<'a> {
    /// It was asked what it is.
    Describe(&'a RecordedModule),
    /// It defaulted or validated.
    Review(&'a RecordedReview),
    /// It took a step.
    Step(&'a RecordedStep),
}

impl RecordedCall<'_> {
    /// Which module was called.
    pub fn module(&self) -> &str {
        match self {
            Self::Describe(described) => &described.module,
            Self::Review(review) => &review.module,
            Self::Step(step) => &step.module,
        }
    }

    /// SHA-256 of it.
    pub fn digest(&self) -> &str {
        match self {
            Self::Describe(described) => &described.digest,
            Self::Review(review) => &review.digest,
            Self::Step(step) => &step.digest,
        }
    }

    /// For people: the step's name, or what else the module did.
    pub fn title(&self) -> String {
        match self {
            Self::Describe(described) => format!("describe {}", described.module),
            Self::Review(RecordedReview { role: ReviewRole::Defaulting, module, .. }) => format!("default {module}"),
            Self::Review(RecordedReview { role: ReviewRole::Validation, module, .. }) => format!("validate {module}"),
            Self::Step(step) => step.step.clone(),
        }
    }
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
        let modules: Vec<_> = record.described.iter().map(RecordedModule::of).collect();
        let reviews: Vec<_> = record.reviews.iter().filter_map(RecordedReview::of).collect();
        let steps: Vec<_> = record.steps.iter().filter_map(RecordedStep::of).collect();
        let (key, pipeline) = (record.key.clone(), record.pipeline.clone());
        let is_worth_it = !steps.is_empty() || !reviews.is_empty();
        is_worth_it.then_some(Self { format: FORMAT, key, pipeline, modules, reviews, steps })
    }

    /// Every call of a guest, in the order in which a pass makes them.
    pub fn calls(&self) -> impl Iterator<Item = RecordedCall<'_>> {
        let modules = self.modules.iter().map(RecordedCall::Describe);
        modules.chain(self.reviews.iter().map(RecordedCall::Review)).chain(self.steps.iter().map(RecordedCall::Step))
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
        // The format first: another one need not have the same fields.
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let Head { format } = serde_json::from_str(text)?;
        if format == FORMAT { Ok(serde_json::from_str(text)?) } else { Err(FormatError::Format { found: format }) }
    }
}

impl RecordedModule {
    fn of(described: &Described) -> Self {
        let Described { module, digest, description } = described;
        Self { module: module.clone(), digest: digest.clone(), description: (**description).clone() }
    }
}

impl RecordedReview {
    fn of(record: &ReviewRecord) -> Option<Self> {
        Some(Self {
            module: record.module.clone(),
            digest: record.digest.clone(),
            role: record.role,
            review: Review::clone(record.review.as_deref()?),
            reads: record.reads.clone(),
            answer: ReviewAnswer::clone(record.answer.as_deref()?),
        })
    }
}

impl RecordedStep {
    fn of(record: &StepRecord) -> Option<Self> {
        let answer = match (&record.plan, &record.outcome) {
            (Some(plan), _) => RecordedAnswer::Plan(StepPlan::clone(plan)),
            (None, StepOutcome::Refused { problem, .. }) => RecordedAnswer::Refused(problem.clone()),
            (None, _) => return None,
        };
        Some(Self {
            step: record.step.clone(),
            module: record.module.clone(),
            digest: record.digest.clone(),
            function: record.function,
            context: StepContext::clone(record.context.as_ref().map(Arc::as_ref)?),
            reads: record.reads.clone(),
            answer,
        })
    }
}
