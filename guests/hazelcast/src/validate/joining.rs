//! Changes after which new members do not join those that are there. Pods are replaced one by one whatever changes, so the
//! new ones would be a cluster of their own, and data in memory would go with the last of the old ones. Nothing of that is
//! refused: a cluster without data is changed like this all the time. People are told of the way around it.

use filbert_guest::Review;
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::Spec;
use hazelcast_api::shapes::MutualAuthentication;

use crate::edition::{Edition, Members};

/// What changes, and why members before and after it do not join each other; nothing where they do.
type Rule = (&'static str, fn(&Spec, &Spec) -> Option<String>);

const RULES: &[Rule] = &[
    ("spec.clusterName", |before, now| {
        (before.cluster_name != now.cluster_name).then(|| "members of another name are another cluster".to_owned())
    }),
    ("spec.tls", |before, now| {
        let differs = encrypts(before) != encrypts(now);
        differs.then(|| "members with and without certificates do not talk to each other".to_owned())
    }),
    ("spec.version", |before, now| versions(&Members::of(before), &Members::of(now))),
];

/// Newest to which members of any earlier version of the same line may be brought at once.
const LONG_TERM: (u32, u32) = (5, 5);

/// Whether members talk to each other in a way that others cannot.
fn encrypts(spec: &Spec) -> Option<bool> {
    let tls = spec.tls.as_ref().filter(|tls| !tls.secret_name.is_empty())?;
    Some(tls.for_members() == MutualAuthentication::Required)
}

/// `5.6` of `5.6.2-slim`; nothing of a tag that is no version.
fn line(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn versions(before: &Members<'_>, now: &Members<'_>) -> Option<String> {
    let (from, to) = (line(before.version)?, line(now.version)?);
    if from == to {
        return None;
    }
    let lines = format!("{}.{} and {}.{}", from.0, from.1, to.0, to.1);
    let is_open = [before.edition, now.edition].contains(&Edition::OpenSource);
    if is_open {
        return Some(format!("open source members of {lines} do not join each other"));
    }
    if to < from {
        return Some(format!(
            "members of {lines} join each other only while the cluster has not taken up the later version (spec.dataSafety.automaticClusterVersionUpgrade: false)"
        ));
    }
    let next = from.0 == to.0 && (from.1.checked_add(1) == Some(to.1) || to == LONG_TERM);
    (!next).then(|| format!("members of {lines} do not join each other; those of the version in between do"))
}

/// A warning for each.
pub(super) fn warnings(review: &Review<Hazelcast>) -> Vec<String> {
    let (Some(before), now) = (review.old_object(), &review.object().spec) else { return Vec::new() };
    let before = &before.spec;
    // Members that all start together have nobody to join that is not like them.
    if before.cluster_size == 0 || now.cluster_size == 0 {
        return Vec::new();
    }
    let broken = RULES.iter().filter_map(|(path, rule)| Some((path, rule(before, now)?)));
    broken
        .map(|(path, why)| {
            format!("{path}: {why}; pods are replaced one by one, so pause the cluster for this change (clusterSize: 0) if it holds data")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use filbert_guest::Validation;
    use serde_json::{Value, json};

    use super::*;
    use crate::validate::HazelcastRules;

    /// Where warnings of a change begin that are about joining.
    fn warned(before: &Value, now: &Value) -> Vec<String> {
        let review = Review::test_update("library", &json!({"spec": before}), &json!({"spec": now}));
        let all = HazelcastRules::validate(&review).warnings;
        let ours = all.into_iter().filter(|warning| warning.contains("one by one"));
        ours.map(|warning| warning.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    fn versions(before: (&str, bool), now: (&str, bool)) -> bool {
        let of = |(version, is_licensed): (&str, bool)| {
            let licence = is_licensed.then_some("key");
            json!({"licenseKeySecretName": licence, "version": version})
        };
        warned(&of(before), &of(now)) == ["spec.version"]
    }

    #[test]
    fn members_of_other_versions_are_joined_as_far_as_their_edition_goes() {
        let (open, licensed) = (false, true);
        for (before, now, expected) in [
            (("5.6.0", open), ("5.6.3", open), false),
            (("5.6.0", open), ("5.7.0", open), true),
            (("5.6.0", open), ("5.6.0", licensed), false),
            (("5.6.0", open), ("5.7.0", licensed), true),
            (("5.6.0", licensed), ("5.7.1", licensed), false),
            (("5.6.0", licensed), ("5.8.0", licensed), true),
            (("5.2.0", licensed), ("5.5.0", licensed), false),
            (("5.7.0", licensed), ("5.6.0", licensed), true),
            (("latest", licensed), ("5.6.0", licensed), false),
        ] {
            assert_eq!(versions(before, now), expected, "{before:?} to {now:?}");
        }
    }

    #[test]
    fn names_and_certificates_keep_members_apart() {
        assert_eq!(warned(&json!({}), &json!({"clusterName": "other"})), ["spec.clusterName"]);
        let tls = json!({"licenseKeySecretName": "key", "tls": {"secretName": "harbour"}});
        assert_eq!(warned(&json!({"licenseKeySecretName": "key"}), &tls), ["spec.tls"]);
        let other = json!({"licenseKeySecretName": "key", "tls": {"secretName": "port"}});
        assert_eq!(warned(&tls, &other), Vec::<String>::new());
    }

    #[test]
    fn a_paused_cluster_can_be_changed_at_will() {
        let paused = |name: &str, size: i32| json!({"clusterName": name, "clusterSize": size});
        assert_eq!(warned(&paused("dev", 0), &paused("other", 3)), Vec::<String>::new());
        assert_eq!(warned(&paused("dev", 3), &paused("other", 0)), Vec::<String>::new());
    }
}
