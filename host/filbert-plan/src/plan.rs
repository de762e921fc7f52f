//! What a step is asked and what it proposes. Mirrors interface `step` of the contract (`wit/step.wit`), where each
//! field is explained; JSON texts are parsed here, once, at the edge.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Document;
use crate::object::{ObjectKey, TypeMeta, name, namespace};

/// Milliseconds.
pub type Millis = u64;

/// What one round of one step is called with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepContext {
    /// Which step of the module.
    pub step: String,
    /// The reconciled object: defaulted, without managed fields and `status`.
    pub object: Document,
    /// `status` as the last pass left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Document>,
    /// From the pipeline.
    pub parameters: Document,
    /// What earlier steps of this pass left, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// 0 for the first call of a pass.
    #[serde(default)]
    pub round: u32,
    /// One for each call that the previous round proposed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<CallAnswer>,
}

/// A named value that one step leaves for later steps of the same pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// `step/name` once the host has handed it on.
    pub name: String,
    /// Any JSON.
    pub value: Value,
}

/// What a step proposes: all of it, so what is no longer proposed is pruned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepPlan {
    /// Objects to apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apply: Vec<Desired>,
    /// Objects to delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<Deletion>,
    /// Calls to make after applies and deletes; the step runs again with their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// The part of `status` that this step owns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// Conditions that this step owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Kubernetes events to write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// For later steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Whether later steps may run.
    pub outcome: Outcome,
}

/// An object to be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The fields this step wants to own.
    pub object: Value,
    /// What becomes of it when it is no longer proposed.
    pub ownership: Ownership,
    /// Why, for people.
    pub reason: String,
}

impl Desired {
    /// API version and kind; nothing where the guest left them out.
    pub fn type_meta(&self) -> Option<TypeMeta> {
        TypeMeta::of(&self.object)
    }

    /// `Kind namespace/name`, for people.
    pub fn title(&self) -> String {
        let kind = self.object.get("kind").and_then(Value::as_str).unwrap_or("?");
        let name = name(&self.object).unwrap_or("?");
        match namespace(&self.object) {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    }
}

/// What becomes of an applied object when it is no longer proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// Has an owner reference; deleted when no longer proposed.
    Owned,
    /// Other writers are expected: only the fields are given up.
    Shared,
    /// Stays, also when the owner goes.
    Kept,
}

/// An object to be deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// Which.
    pub key: ObjectKey,
    /// Where given, only this very object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// A call to make to something outside the API server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Unique within the step and pass.
    pub idempotency_key: String,
    /// What to send, and where.
    pub request: CallRequest,
    /// Why, for people.
    pub reason: String,
}

/// What to send, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallRequest {
    /// An encoded client message to a member.
    Message(MessageCall),
    /// A request to a member agent.
    Agent(HttpCall),
    /// A request to a Management Center.
    ManagementCenter(HttpCall),
}

/// An encoded client message to a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageCall {
    /// The resource that describes the cluster, as (namespace, name).
    pub cluster: (String, String),
    /// The member's uuid; absent for any member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The frames.
    pub frames: Vec<u8>,
    /// For the whole call.
    pub time_limit: Millis,
}

/// A request to a pod or a Service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCall {
    /// The pod or Service.
    pub target: ObjectKey,
    /// `POST`.
    pub method: String,
    /// With query.
    pub path: String,
    /// JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// For the whole call.
    pub time_limit: Millis,
}

/// The answer to a call of the previous round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallAnswer {
    /// That of the call.
    pub idempotency_key: String,
    /// What came back.
    pub response: Result<CallResponse, CallFailure>,
}

/// What came back from a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallResponse {
    /// The encoded response.
    Message(Vec<u8>),
    /// Status and body.
    Http {
        /// 200.
        status: u16,
        /// As it came.
        body: String,
    },
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallFailure {
    /// Outside the grant.
    Denied(String),
    /// Certainly not carried out.
    NotSent(String),
    /// Perhaps carried out.
    Uncertain(String),
    /// Anything else.
    Other(String),
}

/// A condition, without the bookkeeping that the host adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// CamelCase: `Ready`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// CamelCase word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

/// A Kubernetes event to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Normal or warning.
    pub severity: Severity,
    /// CamelCase word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Absent: the reconciled object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<ObjectKey>,
}

/// How loud an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Something was done.
    Normal,
    /// Somebody should look.
    Warning,
}

/// Whether later steps may run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// They may.
    #[default]
    Done,
    /// They may not, until something that was read changes.
    Wait(Waiting),
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// CamelCase word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The pass also runs again after this long. For what no read can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck_after: Option<Millis>,
}

/// Something a person should read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// CamelCase word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The field at fault: `spec.persistence.pvc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {path}: {}", self.reason, self.message),
            None => write!(f, "{}: {}", self.reason, self.message),
        }
    }
}

/// Why a step that works did not answer with a plan. A step that broke is an error of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepError {
    /// Not retried until something that was read changes.
    Invalid(Problem),
    /// Retried with back-off.
    Unavailable(Problem),
    /// Treated as unavailable.
    Other(Problem),
}

impl StepError {
    /// What to tell people.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Invalid(problem) | Self::Unavailable(problem) | Self::Other(problem) => problem,
        }
    }
}
