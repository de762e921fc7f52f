//! The status of an object: fragments of the steps merged, conditions with their bookkeeping. Pure: the time is an
//! argument.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::plan::{Condition, ConditionStatus};

/// Summary condition that the host sets: whether every step is done.
pub const READY: &str = "Ready";
/// Condition that the host sets: whether validation admits the object as it is stored.
pub const VALID: &str = "Valid";
/// Condition that the host sets: whether no step broke and no effect was refused.
pub const HEALTHY: &str = "Healthy";
/// Condition that the host sets for as long as it holds: somebody else keeps changing what a step applies.
pub const CONTESTED: &str = "Contested";

/// What one step contributes to the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment<'a> {
    /// The step's name in the pipeline.
    pub step: &'a str,
    /// Its part of `status`, if it has one.
    pub status: Option<&'a Value>,
    /// Its conditions.
    pub conditions: &'a [Condition],
}

/// Two steps that claim the same field of `status` or the same condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("steps `{first}` and `{second}` both claim `{field}` of the status")]
pub struct Conflict {
    /// The earlier step; its value stands.
    pub first: String,
    /// The later step.
    pub second: String,
    /// The field or condition.
    pub field: String,
}

/// Merges the fragments, earlier steps first. Objects are merged field by field, everything else is one field. Of two
/// claims the earlier step's stands, and the conflict is named.
pub fn merge(fragments: &[Fragment<'_>]) -> (Map<String, Value>, Vec<Condition>, Vec<Conflict>) {
    let mut claimed = BTreeMap::new();
    let mut merged = Map::new();
    let mut conditions: Vec<Condition> = Vec::new();
    let mut owner_of: BTreeMap<String, String> = BTreeMap::new();
    let mut conflicts = Vec::new();
    for fragment in fragments {
        if let Some(Value::Object(fields)) = fragment.status {
            merge_object(&mut merged, fields, fragment.step, "", &mut claimed, &mut conflicts);
        }
        for condition in fragment.conditions {
            if let Some(first) = owner_of.get(&condition.type_) {
                conflicts.push(Conflict {
                    first: first.clone(),
                    second: fragment.step.to_owned(),
                    field: format!("conditions[{}]", condition.type_),
                });
                continue;
            }
            owner_of.insert(condition.type_.clone(), fragment.step.to_owned());
            conditions.push(condition.clone());
        }
    }
    (merged, conditions, conflicts)
}

fn merge_object(
    into: &mut Map<String, Value>,
    from: &Map<String, Value>,
    step: &str,
    path: &str,
    claimed: &mut BTreeMap<String, String>,
    conflicts: &mut Vec<Conflict>,
) {
    for (key, value) in from {
        let field = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (into.get_mut(key), value) {
            (None, _) => {
                claimed.insert(field, step.to_owned());
                into.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(existing)), Value::Object(fields)) => {
                merge_object(existing, fields, step, &field, claimed, conflicts);
            }
            (Some(_), _) => {
                let first =
                    claimed.iter().rev().find(|(claim, _)| field == **claim || field.starts_with(&format!("{claim}.")));
                let first = first.map_or_else(|| "?".to_owned(), |(_, step)| step.clone());
                conflicts.push(Conflict { first, second: step.to_owned(), field });
            }
        }
    }
}

/// The `conditions` list to be stored: those wanted, each with `observedGeneration`, and with `lastTransitionTime` moved
/// only where the condition's status changed. Conditions that nobody claims any more are left out. Ordered by type.
pub fn conditions(wanted: &[Condition], stored: Option<&Value>, generation: i64, now: &str) -> Value {
    let stored = stored.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut wanted: Vec<_> = wanted.iter().collect();
    wanted.sort_by(|a, b| a.type_.cmp(&b.type_));
    let list = wanted.into_iter().map(|condition| {
        let status = match condition.status {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        };
        let before = stored.iter().find(|old| old.get("type").and_then(Value::as_str) == Some(&condition.type_));
        let since = before
            .filter(|old| old.get("status").and_then(Value::as_str) == Some(status))
            .and_then(|old| old.get("lastTransitionTime").and_then(Value::as_str));
        json!({
            "type": condition.type_,
            "status": status,
            "reason": condition.reason,
            "message": condition.message,
            "observedGeneration": generation,
            "lastTransitionTime": since.unwrap_or(now),
        })
    });
    Value::Array(list.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment<'a>(step: &'a str, status: &'a Value) -> Fragment<'a> {
        Fragment { step, status: Some(status), conditions: &[] }
    }

    #[test]
    fn fragments_of_different_fields_are_joined() {
        let (first, second) = (json!({"a": 1, "sub": {"x": 1}}), json!({"b": 2, "sub": {"y": 2}}));
        let (merged, _, conflicts) = merge(&[fragment("one", &first), fragment("two", &second)]);
        assert_eq!(Value::Object(merged), json!({"a": 1, "b": 2, "sub": {"x": 1, "y": 2}}));
        assert_eq!(conflicts, []);
    }

    #[test]
    fn a_field_claimed_twice_is_named_and_the_earlier_claim_stands() {
        let (first, second) = (json!({"sub": {"x": 1}}), json!({"sub": {"x": 2}}));
        let (merged, _, conflicts) = merge(&[fragment("one", &first), fragment("two", &second)]);
        assert_eq!(Value::Object(merged), json!({"sub": {"x": 1}}));
        assert_eq!(conflicts, [Conflict { first: "one".into(), second: "two".into(), field: "sub.x".into() }]);
    }

    fn ready(status: ConditionStatus, message: &str) -> Condition {
        Condition { type_: READY.into(), status, reason: "R".into(), message: message.into() }
    }

    #[test]
    fn transition_time_moves_only_with_the_status() {
        let stored = conditions(&[ready(ConditionStatus::False, "no")], None, 1, "T1");
        let same = conditions(&[ready(ConditionStatus::False, "still no")], Some(&stored), 2, "T2");
        assert_eq!(same[0]["lastTransitionTime"], "T1");
        assert_eq!(same[0]["observedGeneration"], 2);
        let changed = conditions(&[ready(ConditionStatus::True, "yes")], Some(&same), 3, "T3");
        assert_eq!(changed[0]["lastTransitionTime"], "T3");
    }

    #[test]
    fn a_condition_nobody_claims_any_more_goes() {
        let stored = conditions(&[ready(ConditionStatus::True, "")], None, 1, "T1");
        assert_eq!(conditions(&[], Some(&stored), 1, "T2"), json!([]));
    }
}
