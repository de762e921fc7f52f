//! What holds for every specification: those that the schema admits, made from the schema itself, and any JSON at all.

use filbert_guest::{Context, Defaulting, Defaults, Resource, Review, Step, StepResult, Validation};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::references::{ClusterReferences, ManagementCenterReferences};
use hazelcast::steps::management_center::{CenterEntrance, CenterService, CenterSet};
use hazelcast::steps::{
    Configuration, DiscoveryService, Endpoints, LiteMembers, MemberServices, MemberSet, Rbac, WanServices,
};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::{Hazelcast, ManagementCenter, definition};
use serde_json::{Map, Value, json};

/// How many specifications are tried. The same ones each time.
const TRIES: u64 = 3_000;

/// Throws the same numbers for the same beginning.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).expect("64 bits") % bound
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.get(self.below(from.len())).expect("there is something to pick from")
    }
}

const TEXTS: [&str; 16] = [
    "",
    "a",
    "dev",
    "no",
    "1e3",
    "0123",
    "a: b",
    "a\nb",
    "ä€😀",
    "-",
    "{}",
    "LoadBalancer",
    "ExternalName",
    "a,b",
    "host:1",
    "-XX:+UseG1GC",
];
const QUANTITIES: [&str; 6] = ["8Gi", "0", "1.5G", "99E", "1e30", "100m"];

fn number(dice: &mut Dice, schema: &Value) -> Value {
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let low = schema.get("minimum").and_then(Value::as_i64).unwrap_or(low);
    let high = schema.get("maximum").and_then(Value::as_i64).unwrap_or(high);
    let at = *dice.pick(&[low, high, 0, 1, 2, 3, 5, 301, 5701, 5710, 65_535]);
    at.clamp(low, high).into()
}

/// Something that the schema admits, but for rules and lengths.
fn admitted(dice: &mut Dice, schema: &Value) -> Value {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return if dice.one_in(3) { json!(4096) } else { (*dice.pick(&QUANTITIES)).into() };
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return dice.pick(values).clone();
    }
    match schema.get("type").and_then(Value::as_str).expect("a type") {
        "boolean" => dice.one_in(2).into(),
        "integer" => number(dice, schema),
        "array" => (0..dice.below(3)).map(|_| admitted(dice, schema.get("items").expect("items"))).collect(),
        "object" => {
            let mut fields = Map::new();
            let required = schema.get("required").and_then(Value::as_array);
            for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let required = required.is_some_and(|required| required.contains(&json!(name)));
                if required || dice.one_in(3) {
                    fields.insert(name.clone(), admitted(dice, field));
                }
            }
            if let Some(values) = schema.get("additionalProperties") {
                for _ in 0..dice.below(3) {
                    fields.insert((*dice.pick(&TEXTS)).to_owned(), admitted(dice, values));
                }
            }
            fields.into()
        }
        _ => (*dice.pick(&TEXTS)).into(),
    }
}

/// Any JSON.
fn anything(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => dice.one_in(2).into(),
        2 => json!(*dice.pick(&[0, -1, i64::MIN, i64::MAX, 70_000])),
        3 => json!(*dice.pick(&[0.5, -1e300, f64::MAX])),
        4 => (*dice.pick(&TEXTS)).into(),
        5 => (0..dice.below(3)).map(|_| anything(dice, depth - 1)).collect(),
        _ => (0..dice.below(3)).map(|_| ((*dice.pick(&TEXTS)).to_owned(), anything(dice, depth - 1))).collect(),
    }
}

/// Puts anything in one place of so many of what the schema admits.
fn spoilt(dice: &mut Dice, value: Value, places: usize) -> Value {
    if dice.one_in(places) {
        return anything(dice, 3);
    }
    match value {
        Value::Array(items) => items.into_iter().map(|item| spoilt(dice, item, places)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, spoilt(dice, field, places))).collect(),
        other => other,
    }
}

/// The same with the fields of all objects in the other order, as text.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().rev().map(|(name, field)| format!("{}:{}", json!(name), reversed(field))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn schema(definition: &Value) -> Value {
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    definition.pointer(path).expect("a definition has a schema").clone()
}

fn specifications(definition: &Value) -> impl Iterator<Item = Value> {
    let schema = schema(definition);
    (1..=TRIES).map(move |seed| admitted(&mut Dice::new(seed), &schema))
}

fn spoilt_specifications(definition: &Value) -> impl Iterator<Item = Value> {
    let schema = schema(definition);
    (1..=TRIES).map(move |seed| {
        let dice = &mut Dice::new(seed);
        let value = admitted(dice, &schema);
        // Most of what is spoilt in many places cannot even be read.
        let places = *dice.pick(&[10, 300, 3_000]);
        spoilt(dice, value, places)
    })
}

fn defaulting_is_done_once<D: Defaulting>(definition: &Value) {
    for spec in specifications(definition) {
        let once = Defaults::test::<D>("library", &json!({"spec": spec}));
        assert_eq!(Defaults::test::<D>("library", &once), once, "of {spec}");
    }
}

#[test]
fn a_defaulted_object_is_a_fixed_point_of_defaulting() {
    defaulting_is_done_once::<HazelcastDefaults>(&definition::hazelcasts());
    defaulting_is_done_once::<ManagementCenterDefaults>(&definition::management_centers());
}

fn order_does_not_matter<R: Resource + PartialEq + std::fmt::Debug>(definition: &Value) {
    for spec in specifications(definition) {
        let object = json!({"spec": spec});
        let read: R = serde_json::from_value(object.clone()).expect("what the schema admits can be read");
        let again: R = serde_json::from_str(&reversed(&object)).expect("it reads in the other order too");
        assert_eq!(read, again);
    }
}

/// Rules see what was read and nothing else.
#[test]
fn what_the_schema_admits_is_read_the_same_in_any_order_of_fields() {
    order_does_not_matter::<Hazelcast>(&definition::hazelcasts());
    order_does_not_matter::<ManagementCenter>(&definition::management_centers());
}

/// Rules and defaults, asked about an object that can be read, as created, changed and stored. Tells whether it can be.
fn judged<V, D>(object: &Value, old: &Value) -> bool
where
    V: Validation,
    D: Defaulting<Resource = V::Resource>,
{
    let readable = |object: &Value| serde_json::from_value::<V::Resource>(object.clone()).is_ok();
    if !readable(object) {
        return false;
    }
    let first = V::validate(&Review::test("library", object));
    assert_eq!(V::validate(&Review::test("library", object)), first, "the same answer to the same question");
    V::validate(&Review::test_update("library", old, object));
    let defaulted = Defaults::test::<D>("library", object);
    if readable(&defaulted) {
        V::validate(&Review::test_update("library", &defaulted, &defaulted));
    }
    true
}

fn judges_all<V, D>(definition: &Value)
where
    V: Validation,
    D: Defaulting<Resource = V::Resource>,
{
    let mut old = json!({"spec": {}});
    let mut read = 0;
    for spec in spoilt_specifications(definition) {
        let object = json!({"spec": spec});
        read += u64::from(judged::<V, D>(&object, &old));
        old = object;
    }
    assert!(read > TRIES / 4, "only {read} of {TRIES} could be read: hardly anything was tried");
}

/// Natively an overflow panics, so it is seen here.
#[test]
fn validation_and_defaulting_answer_about_any_json() {
    judges_all::<HazelcastRules, HazelcastDefaults>(&definition::hazelcasts());
    judges_all::<ManagementCenterRules, ManagementCenterDefaults>(&definition::management_centers());
}

#[test]
fn steps_answer_about_any_json() {
    type Run = fn(&Context<Hazelcast>) -> StepResult;
    let steps: [Run; 9] = [
        ClusterReferences::run,
        Rbac::run,
        DiscoveryService::run,
        MemberServices::run,
        WanServices::run,
        Endpoints::run,
        Configuration::run,
        MemberSet::run,
        LiteMembers::run,
    ];
    for spec in spoilt_specifications(&definition::hazelcasts()) {
        // Hundreds of members are as good as thousands, and much faster.
        let mut object = json!({"spec": spec});
        if let Some(size) = object.pointer_mut("/spec/clusterSize").filter(|size| size.as_i64() > Some(301)) {
            *size = json!(301);
        }
        if serde_json::from_value::<Hazelcast>(object.clone()).is_ok() {
            for step in steps {
                let _ = step(&Context::test("library", object.clone()));
            }
        }
    }
    for spec in spoilt_specifications(&definition::management_centers()) {
        let object = json!({"spec": spec});
        if serde_json::from_value::<ManagementCenter>(object.clone()).is_ok() {
            let steps: [fn(&Context<ManagementCenter>) -> StepResult; 4] =
                [ManagementCenterReferences::run, CenterService::run, CenterEntrance::run, CenterSet::run];
            for step in steps {
                let _ = step(&Context::test("tower", object.clone()));
            }
        }
    }
}
