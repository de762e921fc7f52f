//! The rules, a function each, in tables: they take a specification and answer with violations. Plain shapes and ranges are
//! in the schema; rules that need to look at other objects are in [`crate::references`], a step.
//!
//! A rule is known by its number (`HZ-02`), under which existing operators have it; those of our own are `HZ-N..`. Kind and
//! path of a violation are what people's tools look for, so both stay, also where a path is not quite that of the field.

mod cluster;
mod joining;
mod management_center;
mod update;

pub use update::accepted;

use filbert_guest::{Operation, Resource, Review, Validation, Verdict, Violation};
use hazelcast_api::{Hazelcast, ManagementCenter};
use serde::Deserialize;
use serde_json::Value;

use crate::ignored;

/// A rule by its number.
type Rule<S> = (&'static str, fn(&S) -> Vec<Violation>);

/// All violations of all rules, each once.
fn judge<S>(rules: &[Rule<S>], spec: &S) -> Vec<Violation> {
    rules.iter().flat_map(|(_, rule)| rule(spec)).collect()
}

fn verdict(violations: Vec<Violation>, warnings: Vec<String>) -> Verdict {
    let mut distinct: Vec<Violation> = Vec::new();
    for violation in violations {
        if !distinct.contains(&violation) {
            distinct.push(violation);
        }
    }
    Verdict { violations: distinct, warnings }
}

/// What goes is not judged: nothing may keep a finalizer from being given up.
fn goes<R: Resource>(review: &Review<R>) -> bool {
    review.operation() == Operation::Delete || review.metadata().deletion_timestamp.is_some()
}

fn when(violated: bool, violation: impl FnOnce() -> Violation) -> Vec<Violation> {
    violated.then(violation).into_iter().collect()
}

/// Variables without a name are ours to refuse: a schema that asks for one takes an empty one.
fn variables_have_names(path: &str, variables: &[Value]) -> Vec<Violation> {
    let nameless = |variable: &Value| variable.get("name").and_then(Value::as_str).is_none_or(str::is_empty);
    let variables = variables.iter().enumerate().filter(|(_, variable)| nameless(variable));
    variables
        .map(|(index, _)| Violation::required(format!("{path}[{index}].name"), "a variable must have a name"))
        .collect()
}

/// All rules for a `Hazelcast`.
pub struct HazelcastRules;

/// What a pipeline may say to these rules.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parameters {
    /// Whether members may read nodes.
    node_discovery: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { node_discovery: true }
    }
}

impl Validation for HazelcastRules {
    type Resource = Hazelcast;

    fn validate(review: &Review<Hazelcast>) -> Verdict {
        if goes(review) {
            return Verdict::default();
        }
        let spec = &review.object().spec;
        let parameters: Parameters = review.parameters().unwrap_or_default();
        let mut violations = cluster::name(&review.metadata().name);
        violations.extend(cluster::node_ports_have_addresses(spec, parameters.node_discovery));
        violations.extend(judge(cluster::RULES, spec));
        violations.extend(cluster::wan_names_name_services(&review.metadata().name, spec));
        violations.extend(update::of_cluster(review));
        let mut warnings = cluster::warnings(spec);
        warnings.extend(joining::warnings(review));
        warnings.extend(ignored::of_cluster(spec).into_iter().map(ignored::Ignored::warning));
        verdict(violations, warnings)
    }
}

/// All rules for a `ManagementCenter`.
pub struct ManagementCenterRules;

impl Validation for ManagementCenterRules {
    type Resource = ManagementCenter;

    fn validate(review: &Review<ManagementCenter>) -> Verdict {
        if goes(review) {
            return Verdict::default();
        }
        let spec = &review.object().spec;
        let mut violations = judge(management_center::RULES, spec);
        violations.extend(update::of_management_center(review));
        let mut warnings = management_center::warnings(spec);
        warnings.extend(ignored::of_management_center(spec).into_iter().map(ignored::Ignored::warning));
        verdict(violations, warnings)
    }
}

/// What the tables of tests are made of.
#[cfg(test)]
mod cases;
