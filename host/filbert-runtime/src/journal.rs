//! What a pass did, for people and for tests: every step with its module, what it read, what it proposed, what was
//! applied, what waits and why, how long it took.

use std::sync::Arc;
use std::time::Duration;

use filbert_engine::LogLine;
use filbert_plan::description::Description;
use filbert_plan::diff::Change;
use filbert_plan::object::ObjectKey;
use filbert_plan::plan::{Problem, StepContext, StepPlan, Waiting};
use filbert_plan::review::{Review, Violation};
use serde::Serialize;

use crate::contest::Contest;
use crate::observe::ReadEntry;
use crate::plan::{Cost, Function, ReviewAnswer, ReviewRole};

/// One pass over one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassRecord {
    /// The object.
    pub key: ObjectKey,
    /// Its kind.
    pub kind: String,
    /// Its generation, as the pass saw it.
    pub generation: i64,
    /// The pipeline that served it.
    pub pipeline: String,
    /// Seconds from begin to end.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// What the modules say of themselves that took part; only where the host was asked to keep it.
    #[serde(skip)]
    pub described: Vec<Described>,
    /// Calls of defaulting and validation, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<ReviewRecord>,
    /// Steps in the order in which they ran; steps that did not run are not there.
    pub steps: Vec<StepRecord>,
    /// Warnings of validation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What others keep changing; told to people where it says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contests: Vec<Contest>,
    /// Whether the status was written.
    pub wrote_status: bool,
    /// What came of it.
    pub outcome: PassOutcome,
}

/// What a module says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The module.
    pub module: String,
    /// SHA-256 of it.
    pub digest: String,
    /// What it said.
    pub description: Arc<Description>,
}

/// One call of defaulting or validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRecord {
    /// The module that was asked.
    pub module: String,
    /// SHA-256 of it.
    pub digest: String,
    /// What for.
    pub role: ReviewRole,
    /// Whether the guest was called, or its kept answer used.
    pub called: bool,
    /// What it was asked; only where the host was asked to keep it.
    #[serde(skip)]
    pub review: Option<Arc<Review>>,
    /// What it read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadEntry>,
    /// What it answered; absent where it broke.
    #[serde(skip)]
    pub answer: Option<Arc<ReviewAnswer>>,
    /// What it logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// What the call cost, where there was one.
    #[serde(skip)]
    pub cost: Option<Cost>,
}

/// One step of a pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Its name in the pipeline.
    pub step: String,
    /// The module that took it.
    pub module: String,
    /// SHA-256 of the module.
    pub digest: String,
    /// Which function of the step.
    pub function: Function,
    /// Whether the guest was called, or its kept answer used.
    pub called: bool,
    /// Seconds that the step took, effects included.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// What it was called with; only where the host was asked to keep it.
    #[serde(skip)]
    pub context: Option<Arc<StepContext>>,
    /// What it read.
    pub reads: Vec<ReadEntry>,
    /// What it proposed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub plan: Option<Arc<StepPlan>>,
    /// What was done about it.
    pub effects: Vec<Effect>,
    /// What it logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// What the call cost, where there was one.
    #[serde(skip)]
    pub cost: Option<Cost>,
    /// What came of it.
    pub outcome: StepOutcome,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum StepOutcome {
    /// All it wants is there.
    Done,
    /// It waits, and later steps with it.
    Waiting(Waiting),
    /// It works, but says no.
    Refused {
        /// What it said.
        problem: Problem,
        /// Whether the host tries again by itself.
        retried: bool,
    },
    /// It broke, or its plan is not to be carried out, or the API server refused.
    Failed {
        /// CamelCase word: `Trap`, `OutsideGrant`, `ForeignObject`, `ApiRefused`.
        reason: String,
        /// For people.
        message: String,
        /// Whether the host tries again by itself.
        retried: bool,
    },
}

/// What was done to one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// What.
    pub kind: EffectKind,
    /// To which object.
    pub key: ObjectKey,
    /// `Service market/blue`.
    pub title: String,
    /// Why, in the words of the step.
    pub reason: String,
    /// What differs from what was there.
    #[serde(skip)]
    pub changes: Vec<Change>,
    /// Who else changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contest: Option<Contest>,
}

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EffectKind {
    /// It was not there.
    Created,
    /// It was different.
    Changed,
    /// It was as wanted; nothing was sent.
    Unchanged,
    /// Deleted, because the step asked for it.
    Deleted,
    /// Deleted, because the step no longer proposes it.
    Pruned,
    /// It was an earlier operator's, and is the step's now.
    Adopted,
    /// It is different, and left as it is for a while, because somebody else keeps changing it.
    Withheld,
}

/// What came of a pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum PassOutcome {
    /// Every step is done.
    Settled,
    /// A step waits.
    Waiting {
        /// Which.
        step: String,
        /// CamelCase word.
        reason: String,
        /// For people.
        message: String,
    },
    /// The object is not valid; no step ran.
    Invalid {
        /// All that is wrong.
        violations: Vec<Violation>,
    },
    /// A step or the host failed.
    Failed {
        /// Which, where it was a step.
        step: Option<String>,
        /// CamelCase word.
        reason: String,
        /// For people.
        message: String,
        /// Whether the host tries again by itself.
        retried: bool,
    },
    /// The object was being deleted, and every step let it go.
    Finalized,
    /// The object is gone.
    Gone,
}

impl PassOutcome {
    /// One line for people.
    pub fn summary(&self) -> String {
        match self {
            Self::Settled => "settled".to_owned(),
            Self::Waiting { step, reason, message } => format!("waits in `{step}`: {reason}: {message}"),
            Self::Invalid { violations } => {
                let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
                format!("invalid: {}", texts.join("; "))
            }
            Self::Failed { step: Some(step), reason, message, .. } => {
                format!("failed in `{step}`: {reason}: {message}")
            }
            Self::Failed { step: None, reason, message, .. } => format!("failed: {reason}: {message}"),
            Self::Finalized => "finalized".to_owned(),
            Self::Gone => "gone".to_owned(),
        }
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn shared<S: serde::Serializer>(plan: &Option<Arc<StepPlan>>, serializer: S) -> Result<S::Ok, S::Error> {
    plan.as_deref().serialize(serializer)
}
