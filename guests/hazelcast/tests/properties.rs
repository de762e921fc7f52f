//! What holds for every specification: those that the schema admits, made from the schema itself, and any JSON at all.

use filbert_guest::{Context, Defaulting, Defaults, Resource, Review, Validation};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::pipelines;
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::{Hazelcast, ManagementCenter, definition};
use serde_json::{Value, json};

mod specifications;

use specifications::{TRIES, specifications, spoilt_specifications};

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
        let (read, _) = R::read(&object.to_string()).expect("what the schema admits can be read");
        let (again, _) = R::read(&reversed(&object)).expect("it reads in the other order too");
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
    D: Defaulting,
{
    let readable = |object: &Value| V::Resource::read(&object.to_string()).is_ok();
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
    D: Defaulting,
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
    for spec in spoilt_specifications(&definition::hazelcasts()) {
        // Hundreds of members are as good as thousands, and much faster.
        let mut object = json!({"spec": spec});
        if let Some(size) = object.pointer_mut("/spec/clusterSize").filter(|size| size.as_i64() > Some(301)) {
            *size = json!(301);
        }
        if Hazelcast::read(&object.to_string()).is_ok() {
            for (_, step) in pipelines::CLUSTER {
                let _ = step(&Context::test("library", object.clone()));
            }
        }
    }
    for spec in spoilt_specifications(&definition::management_centers()) {
        let object = json!({"spec": spec});
        if ManagementCenter::read(&object.to_string()).is_ok() {
            for (_, step) in pipelines::MANAGEMENT_CENTER {
                let _ = step(&Context::test("tower", object.clone()));
            }
        }
    }
}
