//! What is done with an input: everything that the operator does with a resource, natively.
//!
//! An input is a JSON object: `kind` is that of the resource, `spec` is what is below its `spec`, `old` what was there before,
//! if anything. Nothing of it may make a guest break: it is refused, or handled.

use filbert_guest::{Context, Defaulting, Defaults, Resource, Review, Validation};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::pipelines::{self, Run};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::HazelcastEndpoint;
use serde_json::{Value, json};

/// Does it; tells whether the input is one.
pub(crate) fn run(input: &Value) -> bool {
    let (Some(kind), Some(spec)) = (input.get("kind").and_then(Value::as_str), input.get("spec")) else { return false };
    let object = json!({"spec": spec});
    let old = input.get("old").map(|old| json!({"spec": old}));
    match kind {
        "Hazelcast" => {
            if let Some(object) = admitted::<HazelcastRules, HazelcastDefaults>(&object, old.as_ref()) {
                steps("library", &object, &pipelines::CLUSTER);
            }
        }
        "ManagementCenter" => {
            if let Some(object) = admitted::<ManagementCenterRules, ManagementCenterDefaults>(&object, old.as_ref()) {
                steps("tower", &object, &pipelines::MANAGEMENT_CENTER);
            }
        }
        "HazelcastEndpoint" => {
            if reads::<HazelcastEndpoint>(&object) {
                steps("library", &object, &pipelines::ENDPOINT);
            }
        }
        _ => return false,
    }
    true
}

fn reads<R: Resource>(object: &Value) -> bool {
    R::read(&object.to_string()).is_ok()
}

/// The object as it would be stored; nothing where it is refused.
fn admitted<V, D>(object: &Value, old: Option<&Value>) -> Option<Value>
where
    V: Validation,
    D: Defaulting,
{
    if !reads::<V::Resource>(object) {
        return None;
    }
    let defaulted = Defaults::test::<D>("library", object);
    if !reads::<V::Resource>(&defaulted) {
        return None;
    }
    assert_eq!(Defaults::test::<D>("library", &defaulted), defaulted, "defaulting is done once");
    if let Some(old) = old.filter(|old| reads::<V::Resource>(old)) {
        // Whatever comes of it: the object may have been stored before there was a rule.
        V::validate(&Review::test_update("library", old, &defaulted));
    }
    V::validate(&Review::test("library", &defaulted)).violations.is_empty().then_some(defaulted)
}

/// Each step on its own; an error of a step is an answer.
fn steps<R: Resource>(name: &str, object: &Value, steps: &[(&str, Run<R>)]) {
    for (_, step) in steps {
        if let Ok(plan) = step(&Context::test(name, object.clone())) {
            plan.applied();
        }
    }
}
