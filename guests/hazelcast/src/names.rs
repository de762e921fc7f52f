//! Names, labels, ports and paths. Existing installations are recognised by them, so they do not change.

use filbert_guest::Metadata;
use filbert_guest::k8s::Map;

/// Label: what an object belongs to.
pub const LABEL_NAME: &str = "app.kubernetes.io/name";
/// Label: the resource that an object belongs to.
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";
/// Label: who looks after an object.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`LABEL_MANAGED_BY`]: kept, so that objects of existing installations are found.
pub const MANAGED_BY: &str = "hazelcast-platform-operator";
/// Label of the Services of single members, by which members find their public addresses.
pub const LABEL_SERVICE_PER_POD: &str = "hazelcast.com/service-per-pod";
/// Label of Services that lead into the cluster from outside.
pub const LABEL_ENDPOINT_TYPE: &str = "hazelcast.com/hazelcast-service-endpoint-type";
/// Label of the pods of members without data; those with data have none.
pub const LABEL_ROLE: &str = "hazelcast.com/member-role";
/// Label that Kubernetes puts on pods of a `StatefulSet`.
pub const LABEL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Label of the host on what it made for somebody.
pub const LABEL_OWNER: &str = "filbert.dev/owned-by";
/// Annotation of the `StatefulSet`: how many Services of single members there are.
pub const ANNOTATION_SERVICE_COUNT: &str = "hazelcast.com/service-per-pod-count";
/// Annotation of pods: how members are reached, so that they look up their addresses again when that changes.
pub const ANNOTATION_MEMBER_ACCESS: &str = "hazelcast.com/expose-externally-member-access";
/// Annotation of pods: a checksum of what members read only when they start.
pub const ANNOTATION_CHECKSUM: &str = "hazelcast.com/current-hazelcast-config-forcing-restart-checksum";

/// Annotation of pods: a checksum of what is fetched before members start, so that they fetch again when that changes.
pub const ANNOTATION_MODULES: &str = "hazelcast.com/module-deployment-checksum";
/// Annotation of pods: a checksum of all that members read when they start, where people want them to start again for it.
pub const ANNOTATION_CONFIGURATION: &str = "hazelcast.com/configuration-checksum";
/// Annotation of pods: the trigger with which code of users was fetched from buckets and URLs.
pub const ANNOTATION_CODE: &str = "hazelcast.com/user-code-trigger-sequence";
/// Annotation of the `StatefulSet` while it shrinks: the generation of the resource whose pods it has.
pub const ANNOTATION_SHRINKING: &str = "filbert.dev/shrinks-at-generation";
/// Annotation of the `StatefulSet` of a paused cluster: how many members it had.
pub const ANNOTATION_PAUSED_FROM: &str = "filbert.dev/members-before-pause";
/// Annotation of the `StatefulSet` of a Management Center: the clusters that it was ever told of, in JSON.
pub const ANNOTATION_CLUSTERS: &str = "filbert.dev/clusters-known";
/// Annotation of a resource: the specification with which an earlier operator was last successful.
pub const ANNOTATION_LAST_SUCCESSFUL: &str = "hazelcast.com/last-successful-spec";

/// Annotation of a resource: people consent to a restart of pods that an earlier operator made. Value: [`CONSENT`].
pub const ANNOTATION_CONSENT: &str = "hazelcast.com/adoption-consent";
/// Value of [`ANNOTATION_CONSENT`].
pub const CONSENT: &str = "restart";
/// Annotation of a `StatefulSet`: its pods stay as an earlier operator made them; what was wanted instead, as checksums.
pub const ANNOTATION_KEPT: &str = "hazelcast.com/pods-kept";

/// The Secret with the certificate of all agents of a namespace.
pub const AGENT_CERTIFICATE: &str = "hazelcast-agent-cert";
/// Key of the licence in its Secret.
pub const LICENCE_KEY: &str = "license-key";

/// Where members listen for clients.
pub const CLIENT_PORT: i64 = 5701;
/// Where members listen for each other.
pub const MEMBER_PORT: i64 = 5702;
/// Where members answer questions about their health.
pub const REST_PORT: i64 = 8081;
/// Where members listen for other clusters, unless the specification says otherwise.
pub const WAN_PORT: i64 = 5710;
/// Where the agent answers questions about its health.
pub const AGENT_PORT: i64 = 8080;
/// Where the agent takes requests.
pub const AGENT_TLS_PORT: i64 = 8443;
/// Where a Management Center listens.
pub const MANAGEMENT_CENTER_PORT: i64 = 8080;
/// Where a Management Center answers questions about its health.
pub const MANAGEMENT_CENTER_HEALTH_PORT: i64 = 8081;

/// Where members find their configuration.
pub const CONFIG_DIR: &str = "/data/hazelcast";
/// Where members keep data.
pub const PERSISTENCE_DIR: &str = "/data/persistence";
/// Where members keep data of the CP subsystem.
pub const CP_DIR: &str = "/data/cp-data";

/// Where code from buckets is, for the class path.
pub const BUCKET_CODE_DIR: &str = "/opt/hazelcast/userCode/bucket";
/// Where code from URLs is, for the class path.
pub const URL_CODE_DIR: &str = "/opt/hazelcast/userCode/urls";
/// Where the files of jobs are.
pub const JET_DIR: &str = "/opt/hazelcast/jetJobJars";
/// Where the code of namespaces is.
pub const NAMESPACES_DIR: &str = "/opt/hazelcast/ucn/bucket";

/// What the labels of a family of objects say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// Members.
    Hazelcast,
    /// A Management Center.
    ManagementCenter,
}

impl Application {
    /// Value of [`LABEL_NAME`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hazelcast => "hazelcast",
            Self::ManagementCenter => "management-center",
        }
    }

    /// The labels that select the pods of a resource, in the order of their keys.
    pub fn selector(self, instance: &str) -> [(String, String); 3] {
        [(LABEL_INSTANCE, instance), (LABEL_MANAGED_BY, MANAGED_BY), (LABEL_NAME, self.name())]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    }

    /// The labels of objects: those that people asked for, and over them those that select.
    pub fn labels(self, instance: &str, asked: &Map) -> Map {
        let mut labels = asked.clone();
        labels.extend(self.selector(instance));
        labels
    }

    /// As text, for the scale sub-resource.
    pub fn selector_text(self, instance: &str) -> String {
        self.selector(instance).map(|(key, value)| format!("{key}={value}")).join(",")
    }
}

/// The Service of one member, named as its pod.
pub fn member(cluster: &str, index: i32) -> String {
    format!("{cluster}-{index}")
}

/// The pods of members without data.
pub fn lite(cluster: &str) -> String {
    format!("{cluster}-lite")
}

/// The `ConfigMap` for the init container.
pub fn init_config(cluster: &str) -> String {
    format!("{cluster}-init")
}

/// Cluster-scoped objects that earlier operators made for a cluster: its name and a hash of its namespace.
pub fn cluster_scoped(metadata: &Metadata) -> String {
    format!("{}-{}", metadata.name, crate::checksum::fnv1a(metadata.namespace.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_select_win_over_those_asked_for() {
        let asked = Map::from([("team".into(), "blue".into()), (LABEL_NAME.into(), "mine".into())]);
        let labels = Application::Hazelcast.labels("market", &asked);
        assert_eq!(labels[LABEL_NAME], "hazelcast");
        assert_eq!(labels["team"], "blue");
        assert_eq!(labels.len(), 4);
    }

    #[test]
    fn the_selector_is_written_in_order_of_keys() {
        assert_eq!(
            Application::Hazelcast.selector_text("market"),
            "app.kubernetes.io/instance=market,app.kubernetes.io/managed-by=hazelcast-platform-operator,app.kubernetes.io/name=hazelcast"
        );
    }

    #[test]
    fn cluster_scoped_names_carry_a_hash_of_the_namespace() {
        let metadata = Metadata { name: "hz".into(), namespace: "default".into(), ..Metadata::default() };
        assert_eq!(cluster_scoped(&metadata), "hz-2470140894");
    }
}
