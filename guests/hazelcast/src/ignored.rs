//! Fields that people can set and that this version does not act on, or not fully. Nothing is ignored silently: validation
//! warns, and a condition of the status lists them.

use hazelcast_api::hazelcast::{Spec, StartupAction};
use hazelcast_api::management_center;

/// A field that is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ignored {
    /// Where it is.
    pub path: &'static str,
    /// What does not happen.
    pub consequence: &'static str,
}

impl Ignored {
    /// As a sentence.
    pub fn warning(self) -> String {
        format!("{}: not acted on yet: {}", self.path, self.consequence)
    }
}

/// One field: where it is, what does not happen, and whether it is set.
type Rule<S> = (&'static str, &'static str, fn(&S) -> bool);

const CLUSTER: &[Rule<Spec>] = &[
    ("spec.diagnostics.autoOffTimerInMinutes", "members write on until diagnostics are turned off here", |spec| {
        spec.diagnostics.as_ref().is_some_and(|diagnostics| diagnostics.auto_off_timer_in_minutes.is_some())
    }),
    ("spec.persistence.startupAction", "members are not told to give their data up and start empty", |spec| {
        let persistence = spec.persistence.as_ref();
        persistence.is_some_and(|persistence| persistence.startup_action == Some(StartupAction::ForceStart))
    }),
];

const MANAGEMENT_CENTER: &[Rule<management_center::Spec>] = &[
    ("spec.securityProvider.ldap.tls.startTLS", "the connection is encrypted with an ldaps URL only", |spec| {
        let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
        ldap.is_some_and(|ldap| ldap.tls.as_ref().is_some_and(|tls| tls.start_tls))
    }),
    (
        "spec.securityProvider.ldap.nestedGroupSearch",
        "whether groups within groups are looked at is as the Management Center has it by itself",
        |spec| {
            let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
            ldap.is_some_and(|ldap| ldap.nested_group_search)
        },
    ),
];

fn set<S>(rules: &[Rule<S>], spec: &S) -> Vec<Ignored> {
    let is_set = |(path, consequence, is_set): &Rule<S>| is_set(spec).then_some(Ignored { path, consequence });
    rules.iter().filter_map(is_set).collect()
}

/// Those that a specification of a cluster sets.
pub fn of_cluster(spec: &Spec) -> Vec<Ignored> {
    set(CLUSTER, spec)
}

/// Those that a specification of a Management Center sets.
pub fn of_management_center(spec: &management_center::Spec) -> Vec<Ignored> {
    set(MANAGEMENT_CENTER, spec)
}
