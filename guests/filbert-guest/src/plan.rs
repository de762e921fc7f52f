//! What a step proposes.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::bindings::reads::filbert::operator::types as raw_types;
use crate::bindings::step::exports::filbert::operator::step as raw;
use crate::k8s::Object;
use crate::read::ReadError;
use crate::resource::ObjectKey;

/// What a step answers.
pub type StepResult = Result<Plan, StepError>;

/// Everything a step wants to be there. What it stops proposing is pruned.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan does nothing until it is returned"]
pub struct Plan {
    raw: raw::Plan,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            raw: raw::Plan {
                apply: Vec::new(),
                delete: Vec::new(),
                calls: Vec::new(),
                status: None,
                conditions: Vec::new(),
                events: Vec::new(),
                facts: Vec::new(),
                outcome: raw::Outcome::Done,
            },
        }
    }
}

impl Plan {
    /// Wants this object; it is deleted when no longer proposed, and with the reconciled object. The host adds the owner
    /// reference, and the namespace where it is missing.
    pub fn apply(self, object: impl Object) -> Self {
        self.desire(object.into_text(), raw::Ownership::Owned)
    }

    /// Wants these fields of an object that others write too; when no longer proposed, only the fields are given up.
    pub fn share(self, object: impl Object) -> Self {
        self.desire(object.into_text(), raw::Ownership::Shared)
    }

    /// Wants this object, which stays when no longer proposed, and when the reconciled object goes.
    pub fn keep(self, object: impl Object) -> Self {
        self.desire(object.into_text(), raw::Ownership::Kept)
    }

    fn desire(mut self, object: String, ownership: raw::Ownership) -> Self {
        self.raw.apply.push(raw::Desired { object, ownership, reason: String::new() });
        self
    }

    /// Says why the object named last is wanted. Shown to people who ask what would be done.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        if let Some(last) = self.raw.apply.last_mut() {
            last.reason = reason.into();
        }
        self
    }

    /// Deletes an object that this step did not propose itself: what it no longer proposes goes anyway.
    pub fn delete(mut self, key: &ObjectKey, reason: impl Into<String>) -> Self {
        self.raw.delete.push(raw::Deletion { key: key.raw(), uid: None, reason: reason.into() });
        self
    }

    /// The part of `status` that this step owns.
    ///
    /// # Panics
    /// Where the value does not serialise to JSON, as a map with keys that are no strings: a mistake in the guest.
    #[expect(clippy::expect_used, reason = "a mistake in the guest, which the host reports as a trap")]
    pub fn status(mut self, status: impl Serialize) -> Self {
        self.raw.status = Some(serde_json::to_string(&status).expect("a status serialises"));
        self
    }

    /// A condition that this step owns.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.raw.conditions.push(raw::Condition {
            type_: condition.type_,
            status: match condition.status {
                Status::True => raw::ConditionStatus::True,
                Status::False => raw::ConditionStatus::False,
                Status::Unknown => raw::ConditionStatus::Unknown,
            },
            reason: condition.reason,
            message: condition.message,
        });
        self
    }

    /// A Kubernetes event of type `Warning` about the reconciled object. Written once for as long as it stays the same.
    pub fn warn(self, reason: &str, message: impl Into<String>) -> Self {
        self.event(raw::Severity::Warning, reason, message.into())
    }

    /// A Kubernetes event of type `Normal` about the reconciled object. Written once for as long as it stays the same.
    pub fn note(self, reason: &str, message: impl Into<String>) -> Self {
        self.event(raw::Severity::Normal, reason, message.into())
    }

    fn event(mut self, severity: raw::Severity, reason: &str, message: String) -> Self {
        self.raw.events.push(raw::Event { severity, reason: reason.to_owned(), message, about: None });
        self
    }

    /// Leaves a value for later steps of this pass, which read it as `step/name`.
    ///
    /// # Panics
    /// As [`Plan::status`].
    #[expect(clippy::expect_used, reason = "a mistake in the guest, which the host reports as a trap")]
    pub fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_string(&value).expect("a fact serialises");
        self.raw.facts.push(raw_types::Fact { name: name.to_owned(), value });
        self
    }

    /// Keeps later steps from running until something that was read changes.
    pub fn wait(mut self, reason: &str, message: impl Into<String>) -> Self {
        self.raw.outcome = raw::Outcome::Wait(raw::Waiting {
            reason: reason.to_owned(),
            message: message.into(),
            recheck_after: None,
        });
        self
    }

    /// Runs a waiting step again also after this long: for what no read can tell.
    pub fn recheck_after(mut self, after: Duration) -> Self {
        if let raw::Outcome::Wait(waiting) = &mut self.raw.outcome {
            waiting.recheck_after = Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        }
        self
    }

    /// The objects this plan wants, for tests.
    pub fn applied(&self) -> Vec<Value> {
        self.raw.apply.iter().map(|desired| serde_json::from_str(&desired.object).unwrap_or_default()).collect()
    }

    /// The object of this kind and name that this plan wants, for tests.
    pub fn find(&self, kind: &str, name: &str) -> Option<Value> {
        self.applied().into_iter().find(|object| {
            object.get("kind").and_then(Value::as_str) == Some(kind)
                && object.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
        })
    }

    /// Plural and name of the objects that this plan deletes, for tests.
    pub fn deleted(&self) -> Vec<(String, String)> {
        let deleted = self.raw.delete.iter();
        deleted.map(|deletion| (deletion.key.resource.plural.clone(), deletion.key.name.clone())).collect()
    }

    /// Type, status and reason of the conditions, for tests.
    pub fn conditions(&self) -> Vec<(&str, Status, &str)> {
        let status = |status| match status {
            raw::ConditionStatus::True => Status::True,
            raw::ConditionStatus::False => Status::False,
            raw::ConditionStatus::Unknown => Status::Unknown,
        };
        let conditions = self.raw.conditions.iter();
        conditions.map(|it| (it.type_.as_str(), status(it.status), it.reason.as_str())).collect()
    }

    /// The status fragment, for tests.
    pub fn status_fragment(&self) -> Option<Value> {
        self.raw.status.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    /// The facts that this plan leaves, for tests.
    pub fn facts(&self) -> Vec<(&str, Value)> {
        let facts = self.raw.facts.iter();
        facts.map(|fact| (fact.name.as_str(), serde_json::from_str(&fact.value).unwrap_or_default())).collect()
    }

    /// Reason and message for which this plan waits, for tests.
    pub fn waits_for(&self) -> Option<(&str, &str)> {
        match &self.raw.outcome {
            raw::Outcome::Wait(waiting) => Some((&waiting.reason, &waiting.message)),
            raw::Outcome::Done => None,
        }
    }

    pub(crate) fn into_raw(self) -> raw::Plan {
        self.raw
    }
}

/// A condition of the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    type_: String,
    status: Status,
    reason: String,
    message: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Status {
    True,
    False,
    Unknown,
}

impl Condition {
    /// A condition: CamelCase type and reason, a sentence as message.
    pub fn new(type_: &str, status: Status, reason: &str, message: impl Into<String>) -> Self {
        Self { type_: type_.to_owned(), status, reason: reason.to_owned(), message: message.into() }
    }
}

/// Something a person should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// One CamelCase word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The field at fault: `spec.persistence.pvc`.
    pub path: Option<String>,
}

impl Problem {
    /// A problem that is about no field in particular.
    pub fn new(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), path: None }
    }

    /// Says which field is at fault.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// Why a step could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepError {
    /// The object cannot be reconciled as it stands. Not retried until something that was read changes.
    Invalid(Problem),
    /// Something is missing for now. Retried with back-off.
    Unavailable(Problem),
    /// Anything else. Retried with back-off.
    Other(Problem),
}

impl From<ReadError> for StepError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(text) => Self::Invalid(Problem::new("ReadDenied", text)),
            ReadError::Invalid(text) => Self::Invalid(Problem::new("ReadInvalid", text)),
            ReadError::Unavailable(text) => Self::Unavailable(Problem::new("ReadUnavailable", text)),
            ReadError::Other(text) => Self::Other(Problem::new("ReadFailed", text)),
        }
    }
}

impl StepError {
    pub(crate) fn into_raw(self) -> raw::StepError {
        let problem = |problem: Problem| {
            let Problem { reason, message, path } = problem;
            raw_types::Problem { reason, message, path }
        };
        match self {
            Self::Invalid(it) => raw::StepError::Invalid(problem(it)),
            Self::Unavailable(it) => raw::StepError::Unavailable(problem(it)),
            Self::Other(it) => raw::StepError::Other(problem(it)),
        }
    }
}
