//! Arbitrary JSON under `spec`, guided by what code it reaches: libFuzzer keeps what reaches something new and goes on from
//! there. Inputs are changed as JSON, with the schema at hand, because hardly any change of single bytes leaves anything that
//! can be read.
#![no_main]

use std::sync::LazyLock;

use hazelcast_api::definition;
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
use serde_json::{Map, Value, json};

#[path = "../../../guests/hazelcast/tests/specifications/mod.rs"]
mod specifications;
mod target;

use specifications::{Dice, ODD, admitted, anything, likely, schema, spoilt};

/// Kinds and the schemas of their specifications.
static KINDS: LazyLock<[(&str, Value); 3]> = LazyLock::new(|| {
    [
        ("Hazelcast", schema(&definition::hazelcasts())),
        ("ManagementCenter", schema(&definition::management_centers())),
        ("HazelcastEndpoint", schema(&definition::hazelcast_endpoints())),
    ]
});

fuzz_target!(|data: &[u8]| -> Corpus {
    match serde_json::from_slice::<Value>(data) {
        Ok(input) if target::run(&input) => Corpus::Keep,
        _ => Corpus::Reject,
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let dice = &mut Dice::new(u64::from(seed) + 1);
    let given = data.get(..size).and_then(|data| serde_json::from_slice::<Map<String, Value>>(data).ok());
    let mut input = given.filter(|input| input.contains_key("spec")).unwrap_or_else(|| fresh(dice));
    for _ in 0..=dice.below(3) {
        change_input(dice, &mut input);
    }
    let text = Value::from(input).to_string();
    match data.get_mut(..text.len()) {
        Some(room) if text.len() <= max_size => {
            room.copy_from_slice(text.as_bytes());
            text.len()
        }
        // Too long: it stays as it was.
        _ => size,
    }
});

/// An input that nothing is known of.
fn fresh(dice: &mut Dice) -> Map<String, Value> {
    // Most of the code is for clusters.
    let (kind, schema) = if dice.one_in(3) { dice.pick(&*KINDS) } else { &KINDS[0] };
    let spec = match dice.below(4) {
        0 => admitted(dice, schema),
        1 => {
            let admitted = admitted(dice, schema);
            spoilt(dice, admitted, 30)
        }
        _ => {
            let sparse = *dice.pick(&[3, 8, 20]);
            likely(dice, "spec", schema, sparse)
        }
    };
    Map::from_iter([("kind".to_owned(), json!(kind)), ("spec".to_owned(), spec)])
}

fn change_input(dice: &mut Dice, input: &mut Map<String, Value>) {
    if dice.one_in(40) {
        *input = fresh(dice);
        return;
    }
    let kind = input.get("kind").and_then(Value::as_str).unwrap_or_default();
    let schema = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, schema)| schema);
    match dice.below(16) {
        0 => drop(input.remove("old")),
        // What is there now becomes what was there before.
        1 | 2 => drop(input.insert("old".to_owned(), input.get("spec").cloned().unwrap_or_default())),
        which => {
            let field = if which == 3 && input.contains_key("old") { "old" } else { "spec" };
            if let Some(value) = input.get_mut(field) {
                change(dice, "spec", value, schema);
            }
        }
    }
}

/// Changes something somewhere in a value.
fn change(dice: &mut Dice, field: &str, value: &mut Value, schema: Option<&Value>) {
    let within = |field: &str| schema.and_then(|schema| schema.get(field));
    if !dice.one_in(4) {
        // Further down.
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let at = dice.below(fields.len());
                let Some((name, value)) = fields.iter_mut().nth(at) else { return };
                let known = within("properties").and_then(|known| known.get(name));
                return change(dice, name, value, known.or(within("additionalProperties")));
            }
            Value::Array(items) if !items.is_empty() => {
                let at = dice.below(items.len());
                let Some(item) = items.get_mut(at) else { return };
                return change(dice, field, item, within("items"));
            }
            _ => {}
        }
    }
    match (dice.below(8), schema) {
        (0, _) => *value = anything(dice, 3),
        (1, Some(schema)) => *value = admitted(dice, schema),
        (2, Some(schema)) => *value = likely(dice, field, schema, 3),
        (3, _) => *value = (*dice.pick(&ODD)).into(),
        (4, _) => *value = json!(*dice.pick(&[i64::MIN, -1, 0, 1, 2, 3, 300, 301, 5701, 65_535, 65_536, i64::MAX])),
        (5, _) => take_away(dice, value),
        _ => add(dice, value, schema),
    }
}

fn take_away(dice: &mut Dice, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(dice.below(fields.len())).cloned().unwrap_or_default();
            fields.remove(&name);
        }
        Value::Array(items) if !items.is_empty() => drop(items.remove(dice.below(items.len()))),
        _ => {}
    }
}

/// Adds a field that the schema knows, an item, or the same item again.
fn add(dice: &mut Dice, value: &mut Value, schema: Option<&Value>) {
    match value {
        Value::Object(fields) => {
            let known = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
            let Some(known) = known.filter(|known| !known.is_empty()) else { return };
            let Some((name, schema)) = known.iter().nth(dice.below(known.len())) else { return };
            fields.insert(name.clone(), likely(dice, name, schema, 3));
        }
        Value::Array(items) => {
            let again = if items.is_empty() || dice.one_in(2) { None } else { Some(dice.pick(items).clone()) };
            let made = || schema.and_then(|schema| schema.get("items"));
            match (again, made()) {
                (Some(again), _) => items.push(again),
                (None, Some(schema)) => items.push(likely(dice, "", schema, 3)),
                (None, None) => items.push(anything(dice, 2)),
            }
        }
        _ => {}
    }
}
