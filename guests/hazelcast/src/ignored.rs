//! Fields that people can set and that this version does not act on, or not fully. Nothing is ignored silently: validation
//! warns, and a condition of the status lists them.

use hazelcast_api::hazelcast::{HighAvailabilityMode, MemberAccess, Spec};
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
    ("spec.tls", "connections are not encrypted", |spec| spec.tls.is_some()),
    ("spec.customConfigCmName", "the ConfigMap is not merged into the configuration", |spec| {
        spec.custom_config_cm_name.as_ref().is_some_and(|name| !name.is_empty())
    }),
    ("spec.persistence.restore", "nothing is restored from a backup in an object store or a HotBackup", |spec| {
        let restore = spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref());
        restore.is_some()
    }),
    ("spec.persistence.startupAction", "members are not forced to start", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.startup_action.is_some())
    }),
    ("spec.persistence.baseDir", "the folder cannot be chosen", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.base_dir.is_some())
    }),
    ("spec.jet.bucketConfig", "files are not fetched from the bucket", |spec| spec.jet.bucket_config.is_some()),
    ("spec.jet.remoteURLs", "files are not fetched from the URLs", |spec| !spec.jet.remote_urls.is_empty()),
    ("spec.userCodeDeployment.bucketConfig", "code is not fetched from the bucket", |spec| {
        spec.user_code_deployment.as_ref().is_some_and(|code| code.bucket_config.is_some())
    }),
    ("spec.userCodeDeployment.remoteURLs", "code is not fetched from the URLs", |spec| {
        spec.user_code_deployment.as_ref().is_some_and(|code| !code.remote_urls.is_empty())
    }),
    ("spec.advancedNetwork.wan", "members listen, but no Service leads to them", |spec| {
        spec.advanced_network.as_ref().is_some_and(|network| !network.wan.is_empty())
    }),
    ("spec.agent", "pods wait for the Secret hazelcast-agent-cert, which is not made", |spec| spec.agent.is_some()),
    ("spec.highAvailabilityMode", "members cannot read the zones of nodes", |spec| {
        spec.high_availability_mode == Some(HighAvailabilityMode::Zone)
    }),
    ("spec.exposeExternally.memberAccess", "members cannot read the addresses of nodes", |spec| {
        let access = crate::steps::member_access(spec);
        access.is_some_and(|access| access != MemberAccess::LoadBalancer)
    }),
];

const MANAGEMENT_CENTER: &[Rule<management_center::Spec>] = &[
    ("spec.externalConnectivity.ingress", "no Ingress is made", |spec| {
        spec.external_connectivity.as_ref().is_some_and(|external| external.ingress.is_some())
    }),
    ("spec.externalConnectivity.route", "no Route is made", |spec| {
        spec.external_connectivity.as_ref().is_some_and(|external| external.route.is_some())
    }),
    ("spec.hazelcastClusters[].tls", "the connection is not encrypted", |spec| {
        spec.hazelcast_clusters.iter().any(|cluster| cluster.tls.is_some())
    }),
    ("spec.securityProvider", "users are not looked up in the directory", |spec| {
        spec.security_provider.as_ref().is_some_and(|provider| provider.ldap.is_some())
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
