//! Tables of tests: what breaks a rule, and its nearest neighbour that does not.

use std::collections::BTreeSet;

use filbert_guest::{Review, Validation};
use serde_json::{Value, json};

/// A rule, what breaks it, how the violations begin, and what does not break it.
pub(super) struct Case(pub(super) &'static str, pub(super) Value, pub(super) &'static [&'static str], pub(super) Value);

/// What is refused, as people see it.
pub(super) fn violations<V: Validation>(spec: &Value) -> Vec<String> {
    let verdict = V::validate(&Review::test("library", &json!({"spec": spec})));
    verdict.violations.iter().map(ToString::to_string).collect()
}

/// What is warned of.
pub(super) fn warnings<V: Validation>(spec: &Value) -> Vec<String> {
    V::validate(&Review::test("library", &json!({"spec": spec}))).warnings
}

/// Checks that the violations begin so, and that there are no others.
#[track_caller]
pub(super) fn begin_with(found: &[String], expected: &[&str], rule: &str) {
    let fits =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, begin)| found.starts_with(begin));
    assert!(fits, "{rule}: found {found:#?}, and not {expected:#?}");
}

/// Checks each case, and that there is one for each rule.
pub(super) fn check<V: Validation>(cases: &[Case], rules: &[&str]) {
    for Case(rule, broken, expected, kept) in cases {
        begin_with(&violations::<V>(broken), expected, rule);
        begin_with(&violations::<V>(kept), &[], rule);
    }
    let tested: BTreeSet<_> = cases.iter().map(|case| case.0).collect();
    assert_eq!(tested, rules.iter().copied().collect::<BTreeSet<_>>());
}
