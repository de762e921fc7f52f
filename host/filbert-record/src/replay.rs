//! Recorded calls made again.

use std::fmt;

use filbert_engine::Module;
use filbert_plan::{Document, diff};
use filbert_runtime::library::chain;
use filbert_runtime::plan::{Function, ReviewAnswer, ReviewRole};
use serde::Serialize;
use serde_json::Value;

use crate::recording::{RecordedAnswer, RecordedCall, RecordedReview, RecordedStep};
use crate::tape::Tape;

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

/// Makes a call again, with reads answered from the recording.
pub async fn replay(module: &Module, call: RecordedCall<'_>) -> Verdict {
    let same_module = module.digest() == call.digest();
    match call {
        RecordedCall::Describe(described) => match module.describe().await {
            Ok(description) => judge(&described.description, &description, same_module, Vec::new()),
            Err(error) => Verdict::NoAnswer(chain(&error)),
        },
        RecordedCall::Review(review) => {
            let (answer, tape) = review_again(module, review).await;
            match answer {
                Ok(answer) => judge(&review.answer, &answer, same_module, tape.unread()),
                Err(error) => Verdict::NoAnswer(chain(&error)),
            }
        }
        RecordedCall::Step(step) => {
            let (answer, tape) = step_again(module, step).await;
            match answer {
                Ok(answer) => judge(&step.answer, &answer, same_module, tape.unread()),
                Err(error) => Verdict::NoAnswer(chain(&error)),
            }
        }
    }
}

type Again<T> = (Result<T, filbert_engine::CallError>, Tape);

async fn review_again(module: &Module, review: &RecordedReview) -> Again<ReviewAnswer> {
    let tape = Tape::new(&review.reads);
    match review.role {
        ReviewRole::Defaulting => {
            let called = module.default(&review.review, tape).await;
            let answer = called.answer.map(|answer| match answer {
                Ok(defaulted) => ReviewAnswer::Defaulted(defaulted.map(Document::from)),
                Err(violations) => ReviewAnswer::NotDefaulted(violations),
            });
            (answer, called.reads)
        }
        ReviewRole::Validation => {
            let called = module.validate(&review.review, tape).await;
            (called.answer.map(ReviewAnswer::Judged), called.reads)
        }
    }
}

async fn step_again(module: &Module, step: &RecordedStep) -> Again<RecordedAnswer> {
    let tape = Tape::new(&step.reads);
    let called = match step.function {
        Function::Run => module.run(&step.context, tape).await,
        Function::Finalize => module.finalize(&step.context, tape).await,
    };
    let answer = called.answer.map(|answer| match answer {
        Ok(plan) => RecordedAnswer::Plan(plan),
        Err(refusal) => RecordedAnswer::Refused(refusal.problem().clone()),
    });
    (answer, called.reads)
}

/// Compares the texts, byte by byte.
fn judge<T: Serialize>(then: &T, now: &T, same_module: bool, unread: Vec<String>) -> Verdict {
    // Keys are strings and numbers finite: nothing that could fail.
    let text = |answer: &T| serde_json::to_string(answer).unwrap_or_default();
    let (then, now) = (text(then), text(now));
    if then != now {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let changes = diff::render(&diff::changes(&value(&then), &value(&now)));
        return Verdict::Different { same_module, changes };
    }
    if unread.is_empty() { Verdict::Same } else { Verdict::ReadsLess { unread } }
}
