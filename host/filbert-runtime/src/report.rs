//! What a pass tells the cluster about itself: status fragments merged, conditions with their bookkeeping, events with
//! the same reasons. The status is written only when something changed.

use std::collections::BTreeSet;

use filbert_kube::{Api, ApiError};
use filbert_plan::diff;
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use filbert_plan::plan::{Condition, ConditionStatus, Event, Severity};
use filbert_plan::status::{self, CONTESTED, Fragment, HEALTHY, READY, VALID};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::contest::Contest;
use crate::journal::{PassOutcome, StepOutcome, StepRecord};
use crate::library::hex;

/// Field manager of the status.
pub const MANAGER: &str = "filbert/status";
/// Who reports, as events name it.
const REPORTER: &str = "filbert";

/// The host's own conditions for what came of a pass.
pub fn summary(outcome: &PassOutcome, steps: &[StepRecord]) -> Vec<Condition> {
    let condition = |type_: &str, status, reason: &str, message: &str| Condition {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let (yes, no, unknown) = (ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown);
    let valid = match outcome {
        PassOutcome::Invalid { violations } => {
            let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
            condition(VALID, no, "Invalid", &texts.join("; "))
        }
        PassOutcome::Failed { step: None, reason, message, .. } => condition(VALID, unknown, reason, message),
        _ => condition(VALID, yes, "Valid", "validation admits the object as it is stored"),
    };
    let ready = match outcome {
        PassOutcome::Settled => condition(READY, yes, "Settled", "every step is done"),
        PassOutcome::Waiting { step, reason, message } => {
            condition(READY, no, reason, &format!("step {step}: {message}"))
        }
        PassOutcome::Invalid { .. } => {
            condition(READY, no, "Invalid", "the object is not valid; what runs is left as it is")
        }
        PassOutcome::Failed { step, reason, message, .. } => {
            let place = step.as_ref().map(|step| format!("step {step}: ")).unwrap_or_default();
            condition(READY, no, reason, &format!("{place}{message}"))
        }
        PassOutcome::Finalized | PassOutcome::Gone => condition(READY, no, "Deleting", "the object is being deleted"),
    };
    let broken = steps.iter().find_map(|step| match &step.outcome {
        StepOutcome::Failed { reason, message, .. } => Some((reason, format!("step {}: {message}", step.step))),
        _ => None,
    });
    let healthy = match (broken, outcome) {
        (Some((reason, message)), _) => condition(HEALTHY, no, reason, &message),
        (None, PassOutcome::Failed { step: None, reason, message, .. }) => condition(HEALTHY, no, reason, message),
        (None, _) => condition(HEALTHY, yes, "Healthy", "no step broke and no effect was refused"),
    };
    vec![healthy, ready, valid]
}

/// The condition for what others keep changing; nothing where nobody does.
pub fn contested(contests: &[Contest]) -> Option<Condition> {
    let told: Vec<_> = contests.iter().filter(|contest| contest.is_told).collect();
    let first = told.iter().find(|contest| contest.with_predecessor).or_else(|| told.first())?;
    let others = told.len() - 1;
    let others = if others == 0 { String::new() } else { format!(" (and {others} more objects)") };
    Some(Condition {
        type_: CONTESTED.to_owned(),
        status: ConditionStatus::True,
        reason: first.reason().to_owned(),
        message: format!("{}{others}", first.message()),
    })
}

/// The status to be stored. Where not every step ran, what those that did not run said before stays.
pub fn status_of(
    object: &Value,
    fragments: &[Fragment<'_>],
    summary: &[Condition],
    complete: bool,
    now: &str,
) -> Value {
    let stored = object.get("status");
    let host = Fragment { step: "host", status: None, conditions: summary };
    let all: Vec<_> = std::iter::once(host).chain(fragments.iter().cloned()).collect();
    let (mut merged, mut conditions, conflicts) = status::merge(&all);
    if let Some(conflict) = conflicts.first()
        && let Some(healthy) = conditions.iter_mut().find(|condition| condition.type_ == HEALTHY)
    {
        healthy.status = ConditionStatus::False;
        "StatusConflict".clone_into(&mut healthy.reason);
        healthy.message = conflict.to_string();
    }
    if !complete {
        if let Some(Value::Object(stored)) = stored {
            let mut kept = stored.clone();
            kept.remove("conditions");
            overlay(&mut kept, merged);
            merged = kept;
        }
        conditions.extend(kept_conditions(stored, &conditions));
    }
    let generation = object::generation(object);
    let stored_conditions = stored.and_then(|status| status.get("conditions"));
    merged.insert("conditions".to_owned(), status::conditions(&conditions, stored_conditions, generation, now));
    merged.insert("observedGeneration".to_owned(), generation.into());
    Value::Object(merged)
}

fn overlay(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => overlay(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn kept_conditions(stored: Option<&Value>, new: &[Condition]) -> Vec<Condition> {
    let known: BTreeSet<_> = new.iter().map(|condition| condition.type_.as_str()).collect();
    let stored = stored.and_then(|status| status.get("conditions")).and_then(Value::as_array);
    stored
        .into_iter()
        .flatten()
        .filter_map(|condition| {
            let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let type_ = text("type");
            let status = match text("status").as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            };
            // The host says this one itself, every time.
            let is_kept = !type_.is_empty() && type_ != CONTESTED && !known.contains(type_.as_str());
            is_kept.then(|| Condition { type_, status, reason: text("reason"), message: text("message") })
        })
        .collect()
}

/// What was written last, so that fields that nobody claims any more are taken away.
#[derive(Debug, Default)]
pub struct Reported {
    last: Option<Value>,
    /// Of one generation.
    events: BTreeSet<(Severity, String, String)>,
    generation: i64,
}

impl Reported {
    /// The status that was written last, or found to be as wanted.
    pub(crate) fn last(&self) -> Option<&Value> {
        self.last.as_ref()
    }
}

/// Writes the status where it differs from what is stored. Answers the object as it is then.
///
/// # Errors
/// Where the API server refuses.
pub async fn write_status(
    api: &Api,
    key: &ObjectKey,
    object: &Value,
    status: Value,
    reported: &mut Reported,
) -> Result<Option<Value>, ApiError> {
    let stored = object.get("status").cloned().unwrap_or_default();
    let lost = reported
        .last
        .as_ref()
        .is_some_and(|last| !diff::changes(&status, last).iter().all(|change| change.before.is_some()));
    if !lost && stored.is_object() && diff::changes(&stored, &status).is_empty() {
        reported.last = Some(status);
        return Ok(None);
    }
    let TypeMeta { api_version, kind } =
        TypeMeta::of(object).unwrap_or(TypeMeta { api_version: String::new(), kind: String::new() });
    let mut metadata = json!({"name": key.name});
    if let (Some(namespace), Some(fields)) = (&key.namespace, metadata.as_object_mut()) {
        fields.insert("namespace".to_owned(), namespace.clone().into());
    }
    let body = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "status": status});
    let written = api.apply_status(key, &body, MANAGER).await?;
    reported.last = Some(status);
    Ok(Some(written))
}

/// Events for conditions of the host that changed, or hold for another generation, with the same reasons.
pub fn events_of(object: &Value, summary: &[Condition]) -> Vec<Event> {
    let stored = object.pointer("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut events = Vec::new();
    for condition in summary {
        let text = |old: &Value, field: &str| old.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let before = stored.iter().find(|old| text(old, "type") == condition.type_);
        let generation = object::generation(object);
        let same = before.is_some_and(|old| {
            text(old, "reason") == condition.reason
                && text(old, "message") == condition.message
                && old.get("observedGeneration").and_then(Value::as_i64) == Some(generation)
        });
        let severity = match (condition.type_.as_str(), condition.status) {
            (READY, ConditionStatus::True) => Severity::Normal,
            (VALID | HEALTHY, ConditionStatus::False) | (CONTESTED, ConditionStatus::True) => Severity::Warning,
            _ => continue,
        };
        if !same {
            let (reason, message) = (condition.reason.clone(), condition.message.clone());
            events.push(Event { severity, reason, message, about: None });
        }
    }
    events
}

/// Writes events, each once for a generation of the object, however often the host is started: an event's name is made of
/// what it says. One that cannot be written is logged and let go: nothing
/// depends on it.
pub async fn write_events(
    api: &Api,
    key: &ObjectKey,
    object: &Value,
    events: &[Event],
    now: &str,
    reported: &mut Reported,
) {
    let generation = object::generation(object);
    if std::mem::replace(&mut reported.generation, generation) != generation {
        reported.events.clear();
    }
    for event in events {
        let Event { severity, reason, message, about } = event;
        if !reported.events.insert((*severity, reason.clone(), message.clone())) {
            continue;
        }
        let about = about.as_ref().unwrap_or(key);
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let uid = object::uid(object).unwrap_or_default();
        let mark = Sha256::digest(format!("{uid} {generation} {reason} {message}"));
        let mark = hex(mark.get(..8).unwrap_or_default());
        let mut involved =
            json!({"apiVersion": about.resource.api_version(), "name": about.name, "namespace": about.namespace});
        if let (true, Some(fields)) = (about == key, involved.as_object_mut()) {
            fields.insert("kind".to_owned(), object.get("kind").cloned().unwrap_or_default());
            fields.insert("uid".to_owned(), uid.into());
        }
        // The API server refuses longer ones.
        let message: String = message.chars().take(1000).collect();
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": format!("{}.{mark}", about.name), "namespace": namespace},
            "involvedObject": involved,
            "type": if *severity == Severity::Warning { "Warning" } else { "Normal" },
            "reason": reason,
            "message": message,
            "source": {"component": REPORTER},
            "reportingComponent": REPORTER,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        });
        match api.create(&ResourceType::new("", "v1", "events"), Some(namespace), &event).await {
            Ok(_) => {}
            // Told before the host was started anew.
            Err(error) if error.is_conflict() => {}
            Err(error) => warn!(%key, reason, error = error.detail(), "event not written"),
        }
    }
}
