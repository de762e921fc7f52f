//! The rules, a function each: they take a specification and answer with violations. Plain shapes and ranges are in the
//! schema; rules that look at other objects come with the reads of reviews.

mod cluster;
mod management_center;

use filbert_guest::{Review, Validation, Verdict, Violation};
use hazelcast_api::{Hazelcast, ManagementCenter};

use crate::ignored;

/// All rules for a `Hazelcast`.
pub struct HazelcastRules;

impl Validation for HazelcastRules {
    type Resource = Hazelcast;

    fn validate(review: &Review<Hazelcast>) -> Verdict {
        let spec = &review.object().spec;
        let mut violations: Vec<Violation> = cluster::name(&review.metadata().name);
        violations.extend(cluster::RULES.iter().flat_map(|rule| rule(spec)));
        let mut verdict = Verdict::of(violations);
        verdict.warnings = cluster::warnings(spec);
        verdict.warnings.extend(ignored::of_cluster(spec).into_iter().map(ignored::Ignored::warning));
        verdict
    }
}

/// All rules for a `ManagementCenter`.
pub struct ManagementCenterRules;

impl Validation for ManagementCenterRules {
    type Resource = ManagementCenter;

    fn validate(review: &Review<ManagementCenter>) -> Verdict {
        let spec = &review.object().spec;
        let mut verdict = Verdict::of(management_center::RULES.iter().flat_map(|rule| rule(spec)));
        verdict.warnings = ignored::of_management_center(spec).into_iter().map(ignored::Ignored::warning).collect();
        verdict
    }
}
