//! What is done with an input: everything that the operator does with a resource, natively.
//!
//! An input is a JSON object: `kind` is that of the resource, `spec` is what is below its `spec`, `old` what was there before,
//! if anything. Nothing of it may make a guest break: it is refused, or handled.

use filbert_guest::{Context, Defaulting, Defaults, Resource, Review, Step, StepResult, Validation};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::references::{ClusterReferences, ManagementCenterReferences};
use hazelcast::steps::management_center::{CenterEntrance, CenterService, CenterSet, CenterStatus};
use hazelcast::steps::{
    Configuration, DiscoveryService, EndpointAddress, Endpoints, LiteMembers, MemberServices, MemberSet, MemberStatus,
    Rbac, WanServices,
};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::{Hazelcast, HazelcastEndpoint, ManagementCenter};
use serde_json::{Value, json};

/// A step as a function.
type Run<R> = fn(&Context<R>) -> StepResult;

/// Steps of a cluster.
const CLUSTER: [Run<Hazelcast>; 10] = [
    ClusterReferences::run,
    Rbac::run,
    DiscoveryService::run,
    MemberServices::run,
    WanServices::run,
    Endpoints::run,
    Configuration::run,
    MemberSet::run,
    LiteMembers::run,
    MemberStatus::run,
];
/// Steps of a Management Center.
const CENTER: [Run<ManagementCenter>; 5] =
    [ManagementCenterReferences::run, CenterService::run, CenterEntrance::run, CenterSet::run, CenterStatus::run];
/// Steps of an endpoint.
const ENDPOINT: [Run<HazelcastEndpoint>; 1] = [EndpointAddress::run];

/// Does it; tells whether the input is one.
pub(crate) fn run(input: &Value) -> bool {
    let (Some(kind), Some(spec)) = (input.get("kind").and_then(Value::as_str), input.get("spec")) else { return false };
    let object = json!({"spec": spec});
    let old = input.get("old").map(|old| json!({"spec": old}));
    match kind {
        "Hazelcast" => {
            if let Some(object) = admitted::<HazelcastRules, HazelcastDefaults>(&object, old.as_ref()) {
                steps("library", &object, &CLUSTER);
            }
        }
        "ManagementCenter" => {
            if let Some(object) = admitted::<ManagementCenterRules, ManagementCenterDefaults>(&object, old.as_ref()) {
                steps("tower", &object, &CENTER);
            }
        }
        "HazelcastEndpoint" => {
            if reads::<HazelcastEndpoint>(&object) {
                steps("library", &object, &ENDPOINT);
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
fn steps<R: Resource>(name: &str, object: &Value, steps: &[Run<R>]) {
    for step in steps {
        if let Ok(plan) = step(&Context::test(name, object.clone())) {
            plan.applied();
        }
    }
}
