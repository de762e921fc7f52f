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
    ("spec.diagnostics", "members write none", |spec| spec.diagnostics.is_some()),
    ("spec.persistence.startupAction", "members are not told to give their data up and start empty", |spec| {
        let persistence = spec.persistence.as_ref();
        persistence.is_some_and(|persistence| persistence.startup_action == Some(StartupAction::ForceStart))
    }),
    ("spec.persistence.baseDir", "the folder cannot be chosen", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.base_dir.is_some())
    }),
    ("spec.agent", "pods wait for the Secret hazelcast-agent-cert, which is not made", |spec| spec.agent.is_some()),
];

const MANAGEMENT_CENTER: &[Rule<management_center::Spec>] = &[
    ("spec.moduleDeployment", "no jars are fetched", |spec| spec.module_deployment.is_some()),
    ("spec.agent", "nothing is fetched before it starts", |spec| spec.agent.is_some()),
    ("spec.prometheusMonitoring.credentialsSecretName", "anybody may read the metrics", |spec| {
        let monitoring = spec.prometheus_monitoring.as_ref();
        monitoring
            .and_then(|monitoring| monitoring.credentials_secret_name.as_ref())
            .is_some_and(|name| !name.is_empty())
    }),
    ("spec.securityProvider.ldap.tls", "the connection to the directory is not encrypted", |spec| {
        let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
        ldap.is_some_and(|ldap| ldap.tls.is_some())
    }),
    ("spec.securityProvider.ldap.nestedGroupSearch", "groups within groups are not looked at", |spec| {
        let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
        ldap.is_some_and(|ldap| ldap.nested_group_search)
    }),
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
