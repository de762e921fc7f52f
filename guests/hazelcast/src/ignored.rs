//! Fields that people can set and that this version does not act on, or not fully. Nothing is ignored silently: validation
//! warns, and a condition of the status lists them.

use hazelcast_api::hazelcast::{DataSafety, Discovery, IpFamily, Spec};
use hazelcast_api::management_center;

use crate::names;

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
    ("spec.customConfigSecretName", "the Secret is not merged into the configuration", |spec| {
        spec.custom_config_secret_name.as_ref().is_some_and(|name| !name.is_empty())
    }),
    ("spec.dataSafety", "members do as they do without it", |spec| {
        spec.data_safety.as_ref().is_some_and(|safety| *safety != DataSafety::default())
    }),
    ("spec.diagnostics", "members write none", |spec| spec.diagnostics.is_some()),
    ("spec.discovery", "members find each other as they do without it", |spec| {
        spec.discovery.as_ref().is_some_and(|discovery| *discovery != Discovery::default())
    }),
    ("spec.envFrom", "the variables are not in the environment of members", |spec| !spec.env_from.is_empty()),
    ("spec.initContainer", "the init container has no resources of its own", |spec| spec.init_container.is_some()),
    ("spec.ipFamily", "members use IPv4", |spec| spec.ip_family == Some(IpFamily::Ipv6)),
    ("spec.jet.bucketConfigs", "files are not fetched from the buckets", |spec| !spec.jet.bucket_configs.is_empty()),
    ("spec.jvm.debug", "no debugger can connect", |spec| {
        spec.jvm.as_ref().and_then(|jvm| jvm.debug.as_ref()).is_some_and(|debug| debug.enabled)
    }),
    ("spec.kubernetesMaster", "members ask the usual address of the Kubernetes API", |spec| {
        spec.kubernetes_master.as_ref().is_some_and(|url| !url.is_empty())
    }),
    ("spec.liteMember", "no lite members are started", |spec| spec.lite_member.is_some()),
    ("spec.loggingConfiguration", "the logger is configured by loggingLevel alone", |spec| {
        spec.logging_configuration.is_some()
    }),
    ("spec.moduleDeployment", "no jars are fetched", |spec| spec.module_deployment.is_some()),
    ("spec.persistence.automaticClusterState", "members do it by themselves", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.automatic_cluster_state == Some(false))
    }),
    ("spec.persistence.clusterStateStrategy", "members choose the state by themselves", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.cluster_state_strategy.is_some())
    }),
    ("spec.persistence.pvcName", "data is kept on the claim of pvc", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.pvc_name.is_some())
    }),
    ("spec.persistence.rebalanceDelaySeconds", "members take the delay that they have by themselves", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.rebalance_delay_seconds.is_some())
    }),
    ("spec.persistence.removeStaleData", "the recovery policy decides", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.remove_stale_data.is_some())
    }),
    ("spec.cpSubsystem.pvcName", "data is kept on the claim of pvc, or with the data of the cluster", |spec| {
        spec.cp_subsystem.as_ref().is_some_and(|cp| cp.pvc_name.is_some())
    }),
    ("spec.persistenceVolumeClaims", "no claims are made", |spec| !spec.persistence_volume_claims.is_empty()),
    ("spec.security", "clients need not say who they are", |spec| spec.security.is_some()),
    ("spec.advancedNetwork.clientServerSocketEndpointConfig.port", "members listen for clients at 5701", |spec| {
        let network = spec.advanced_network.as_ref();
        let endpoint = network.and_then(|network| network.client_server_socket_endpoint_config.as_ref());
        endpoint.and_then(|endpoint| endpoint.port).is_some_and(|port| port != names::CLIENT_PORT)
    }),
    ("spec.persistence.startupAction", "members are not forced to start", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.startup_action.is_some())
    }),
    ("spec.persistence.baseDir", "the folder cannot be chosen", |spec| {
        spec.persistence.as_ref().is_some_and(|persistence| persistence.base_dir.is_some())
    }),
    ("spec.userCodeDeployment.bucketConfigs", "code is not fetched from the buckets", |spec| {
        spec.user_code_deployment.as_ref().is_some_and(|code| !code.bucket_configs.is_empty())
    }),
    ("spec.agent", "pods wait for the Secret hazelcast-agent-cert, which is not made", |spec| spec.agent.is_some()),
];

const MANAGEMENT_CENTER: &[Rule<management_center::Spec>] = &[
    ("spec.env", "the variables are not in its environment", |spec| !spec.env.is_empty()),
    ("spec.moduleDeployment", "no jars are fetched", |spec| spec.module_deployment.is_some()),
    ("spec.agent", "nothing is fetched before it starts", |spec| spec.agent.is_some()),
    ("spec.serviceAccountName", "it acts as the default of the namespace", |spec| spec.service_account_name.is_some()),
    ("spec.prometheusMonitoring", "no metrics are offered", |spec| spec.prometheus_monitoring.is_some()),
    ("spec.hazelcastClusters[].security", "it does not say who it is", |spec| {
        spec.hazelcast_clusters.iter().any(|cluster| cluster.security.is_some())
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
