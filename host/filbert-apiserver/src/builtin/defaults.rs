//! The default tables, one per kind.

use super::fill::{Row, row, row_when, table};

/// The defaults of a kind; a kind that is not listed has none.
pub(super) fn of(group: &str, kind: &str) -> &'static [Row] {
    KINDS
        .iter()
        .find(|(known_group, known_kind, _)| *known_group == group && *known_kind == kind)
        .map_or(&[], |(_, _, rows)| rows)
}

const KINDS: &[(&str, &str, &[Row])] = &[
    ("", "Endpoints", &[row("subsets[].ports[].protocol", "\"TCP\"")]),
    ("", "Event", EVENT),
    ("", "LimitRange", &[]),
    ("", "Namespace", &[row("status!.phase", "\"Active\"")]),
    ("", "PersistentVolume", PERSISTENT_VOLUME),
    ("", "PersistentVolumeClaim", PERSISTENT_VOLUME_CLAIM),
    ("", "Pod", POD),
    ("", "PodTemplate", &[table("template.spec", POD_SPEC)]),
    ("", "ReplicationController", REPLICATION_CONTROLLER),
    ("", "ResourceQuota", STATUS),
    ("", "Secret", &[row("type", "\"Opaque\"")]),
    ("", "Service", SERVICE),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", MUTATING_WEBHOOKS),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", WEBHOOKS),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &[row("spec.conversion", "{\"strategy\":\"None\"}")]),
    ("apps", "DaemonSet", DAEMON_SET),
    ("apps", "Deployment", DEPLOYMENT),
    ("apps", "ReplicaSet", REPLICA_SET),
    ("apps", "StatefulSet", STATEFUL_SET),
    ("autoscaling", "HorizontalPodAutoscaler", HORIZONTAL_POD_AUTOSCALER),
    ("batch", "CronJob", CRON_JOB),
    ("batch", "Job", JOB),
    ("discovery.k8s.io", "EndpointSlice", ENDPOINT_SLICE),
    ("events.k8s.io", "Event", EVENT_V1),
    ("networking.k8s.io", "Ingress", &[row("status!.loadBalancer", "{}")]),
    ("networking.k8s.io", "NetworkPolicy", NETWORK_POLICY),
    ("policy", "PodDisruptionBudget", POD_DISRUPTION_BUDGET),
    ("rbac.authorization.k8s.io", "ClusterRole", &[row("rules", "null")]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", ROLE_BINDING),
    ("rbac.authorization.k8s.io", "Role", &[row("rules", "null")]),
    ("rbac.authorization.k8s.io", "RoleBinding", ROLE_BINDING),
    ("scheduling.k8s.io", "PriorityClass", &[row("preemptionPolicy", "\"PreemptLowerPriority\"")]),
    ("storage.k8s.io", "StorageClass", STORAGE_CLASS),
];

const STATUS: &[Row] = &[row("status", "{}")];

const EVENT: &[Row] = &[
    row("source", "{}"),
    row("firstTimestamp", "null"),
    row("lastTimestamp", "null"),
    row("eventTime", "null"),
    row("reportingComponent", "\"\""),
    row("reportingInstance", "\"\""),
];

const EVENT_V1: &[Row] = &[
    row("eventTime", "null"),
    row("deprecatedSource", "{}"),
    row("deprecatedFirstTimestamp", "null"),
    row("deprecatedLastTimestamp", "null"),
];

const PERSISTENT_VOLUME: &[Row] = &[
    row("spec.hostPath.type", "\"\""),
    row("spec.persistentVolumeReclaimPolicy", "\"Retain\""),
    row("spec.volumeMode", "\"Filesystem\""),
    row("status!.phase", "\"Pending\""),
];

const PERSISTENT_VOLUME_CLAIM: &[Row] =
    &[row("spec.volumeMode", "\"Filesystem\""), row("status!.phase", "\"Pending\"")];

const POD: &[Row] = &[
    table("spec", POD_SPEC),
    row("spec.enableServiceLinks", "true"),
    row("status!.phase", "\"Pending\""),
    row("status.conditions[].lastProbeTime", "null"),
    row("status.conditions[].lastTransitionTime", "null"),
    row("status.initContainerStatuses[].state", "{}"),
    row("status.initContainerStatuses[].lastState", "{}"),
    row("status.containerStatuses[].state", "{}"),
    row("status.containerStatuses[].lastState", "{}"),
];

const POD_SPEC: &[Row] = &[
    table("volumes[]", VOLUME),
    table("initContainers[]", CONTAINER),
    table("containers[]", CONTAINER),
    table("ephemeralContainers[]", CONTAINER),
    row("restartPolicy", "\"Always\""),
    row("terminationGracePeriodSeconds", "30"),
    row("dnsPolicy", "\"ClusterFirst\""),
    row("securityContext", "{}"),
    row("schedulerName", "\"default-scheduler\""),
];

const VOLUME: &[Row] = &[
    row("secret.defaultMode", "420"),
    row("configMap.defaultMode", "420"),
    row("downwardAPI.defaultMode", "420"),
    row("downwardAPI.items[].fieldRef.apiVersion", "\"v1\""),
    row("projected.defaultMode", "420"),
    row("projected.sources[].serviceAccountToken.expirationSeconds", "3600"),
    row("projected.sources[].downwardAPI.items[].fieldRef.apiVersion", "\"v1\""),
    row("hostPath.type", "\"\""),
    row("iscsi.iscsiInterface", "\"default\""),
    row("rbd.pool", "\"rbd\""),
    row("rbd.user", "\"admin\""),
    row("rbd.keyring", "\"/etc/ceph/keyring\""),
    row("azureDisk.cachingMode", "\"ReadWrite\""),
    row("azureDisk.fsType", "\"ext4\""),
    row("azureDisk.kind", "\"Shared\""),
    row("ephemeral.volumeClaimTemplate.spec.volumeMode", "\"Filesystem\""),
];

const CONTAINER: &[Row] = &[
    row("ports[].protocol", "\"TCP\""),
    row("env[].valueFrom.fieldRef.apiVersion", "\"v1\""),
    row("resources", "{}"),
    table("livenessProbe", PROBE),
    table("readinessProbe", PROBE),
    table("startupProbe", PROBE),
    row("lifecycle.postStart.httpGet.scheme", "\"HTTP\""),
    row("lifecycle.preStop.httpGet.scheme", "\"HTTP\""),
    row("terminationMessagePath", "\"/dev/termination-log\""),
    row("terminationMessagePolicy", "\"File\""),
];

const PROBE: &[Row] = &[
    row("httpGet.path", "\"/\""),
    row("httpGet.scheme", "\"HTTP\""),
    row("grpc.service", "\"\""),
    row("timeoutSeconds", "1"),
    row("periodSeconds", "10"),
    row("successThreshold", "1"),
    row("failureThreshold", "3"),
];

const REPLICATION_CONTROLLER: &[Row] =
    &[row("spec.replicas", "1"), table("spec.template.spec", POD_SPEC), row("status!.replicas", "0")];

/// The types of services that have an address in the cluster.
const WITH_ADDRESS: &[&str] = &["ClusterIP", "NodePort", "LoadBalancer"];

const SERVICE: &[Row] = &[
    row("spec.type", "\"ClusterIP\""),
    row("spec.sessionAffinity", "\"None\""),
    row_when(
        "spec.sessionAffinityConfig",
        "{\"clientIP\":{\"timeoutSeconds\":10800}}",
        "sessionAffinity",
        &["ClientIP"],
    ),
    row("spec.ports[].protocol", "\"TCP\""),
    row_when("spec.externalTrafficPolicy", "\"Cluster\"", "type", &["NodePort", "LoadBalancer"]),
    row_when("spec.allocateLoadBalancerNodePorts", "true", "type", &["LoadBalancer"]),
    row_when("spec.internalTrafficPolicy", "\"Cluster\"", "type", WITH_ADDRESS),
    row("status!.loadBalancer", "{}"),
];

const DAEMON_SET: &[Row] = &[
    table("spec.template.spec", POD_SPEC),
    row("spec.updateStrategy", "{\"type\":\"RollingUpdate\"}"),
    row("spec.updateStrategy.type", "\"RollingUpdate\""),
    row_when("spec.updateStrategy.rollingUpdate", "{}", "type", &["RollingUpdate"]),
    row("spec.updateStrategy.rollingUpdate.maxUnavailable", "1"),
    row("spec.updateStrategy.rollingUpdate.maxSurge", "0"),
    row("spec.revisionHistoryLimit", "10"),
    row("status!.currentNumberScheduled", "0"),
    row("status!.numberMisscheduled", "0"),
    row("status!.desiredNumberScheduled", "0"),
    row("status!.numberReady", "0"),
];

const DEPLOYMENT: &[Row] = &[
    row("spec.replicas", "1"),
    table("spec.template.spec", POD_SPEC),
    row("spec.strategy", "{\"type\":\"RollingUpdate\"}"),
    row("spec.strategy.type", "\"RollingUpdate\""),
    row_when("spec.strategy.rollingUpdate", "{}", "type", &["RollingUpdate"]),
    row("spec.strategy.rollingUpdate.maxUnavailable", "\"25%\""),
    row("spec.strategy.rollingUpdate.maxSurge", "\"25%\""),
    row("spec.revisionHistoryLimit", "10"),
    row("spec.progressDeadlineSeconds", "600"),
    row("status.conditions[].lastUpdateTime", "null"),
    row("status.conditions[].lastTransitionTime", "null"),
    row("status", "{}"),
];

const REPLICA_SET: &[Row] =
    &[row("spec.replicas", "1"), table("spec.template.spec", POD_SPEC), row("status!.replicas", "0")];

const STATEFUL_SET: &[Row] = &[
    row("spec.replicas", "1"),
    table("spec.template.spec", POD_SPEC),
    row("spec.volumeClaimTemplates[].kind", "\"PersistentVolumeClaim\""),
    row("spec.volumeClaimTemplates[].apiVersion", "\"v1\""),
    row("spec.volumeClaimTemplates[].spec.volumeMode", "\"Filesystem\""),
    row("spec.volumeClaimTemplates[].status!.phase", "\"Pending\""),
    row("spec.podManagementPolicy", "\"OrderedReady\""),
    row("spec.updateStrategy", "{\"type\":\"RollingUpdate\"}"),
    row("spec.updateStrategy.type", "\"RollingUpdate\""),
    row_when("spec.updateStrategy.rollingUpdate", "{\"partition\":0}", "type", &["RollingUpdate"]),
    row("spec.updateStrategy.rollingUpdate.partition", "0"),
    row("spec.revisionHistoryLimit", "10"),
    row("spec.persistentVolumeClaimRetentionPolicy!.whenDeleted", "\"Retain\""),
    row("spec.persistentVolumeClaimRetentionPolicy!.whenScaled", "\"Retain\""),
    row("status!.replicas", "0"),
    row("status!.availableReplicas", "0"),
    row("status.conditions[].lastTransitionTime", "null"),
];

const HORIZONTAL_POD_AUTOSCALER: &[Row] = &[
    row("spec.minReplicas", "1"),
    row(
        "spec.metrics",
        "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":80}}}]",
    ),
    row("status!.desiredReplicas", "0"),
    row("status!.currentMetrics", "null"),
];

const JOB: &[Row] = &[
    table("spec", JOB_SPEC),
    row("spec.backoffLimit", "6"),
    row("spec.manualSelector", "false"),
    row("spec.completionMode", "\"NonIndexed\""),
    row("spec.suspend", "false"),
    row("spec.podReplacementPolicy", "\"TerminatingOrFailed\""),
    row("status", "{}"),
];

const JOB_SPEC: &[Row] = &[row("template!.metadata", "{}"), table("template.spec", JOB_POD_SPEC)];

/// Pods of jobs have no restart policy by default: their owner has to choose.
const JOB_POD_SPEC: &[Row] = &[
    table("volumes[]", VOLUME),
    table("initContainers[]", CONTAINER),
    table("containers[]", CONTAINER),
    row("terminationGracePeriodSeconds", "30"),
    row("dnsPolicy", "\"ClusterFirst\""),
    row("securityContext", "{}"),
    row("schedulerName", "\"default-scheduler\""),
];

const CRON_JOB: &[Row] = &[
    row("spec.concurrencyPolicy", "\"Allow\""),
    row("spec.suspend", "false"),
    row("spec.jobTemplate!.metadata", "{}"),
    table("spec.jobTemplate.spec", JOB_SPEC),
    row("spec.successfulJobsHistoryLimit", "3"),
    row("spec.failedJobsHistoryLimit", "1"),
    row("status", "{}"),
];

const ENDPOINT_SLICE: &[Row] =
    &[row("endpoints[].conditions", "{}"), row("ports[].name", "\"\""), row("ports[].protocol", "\"TCP\"")];

const NETWORK_POLICY: &[Row] = &[
    row("spec.podSelector", "{}"),
    row("spec.ingress[].ports[].protocol", "\"TCP\""),
    row("spec.egress[].ports[].protocol", "\"TCP\""),
];

const POD_DISRUPTION_BUDGET: &[Row] = &[
    row("status!.disruptionsAllowed", "0"),
    row("status!.currentHealthy", "0"),
    row("status!.desiredHealthy", "0"),
    row("status!.expectedPods", "0"),
];

const ROLE_BINDING: &[Row] = &[
    row_when("subjects[].apiGroup", "\"rbac.authorization.k8s.io\"", "kind", &["User", "Group"]),
    row("roleRef.apiGroup", "\"rbac.authorization.k8s.io\""),
];

const STORAGE_CLASS: &[Row] = &[row("reclaimPolicy", "\"Delete\""), row("volumeBindingMode", "\"Immediate\"")];

const WEBHOOKS: &[Row] = &[
    row("webhooks[].failurePolicy", "\"Fail\""),
    row("webhooks[].matchPolicy", "\"Equivalent\""),
    row("webhooks[].namespaceSelector", "{}"),
    row("webhooks[].objectSelector", "{}"),
    row("webhooks[].timeoutSeconds", "10"),
    row("webhooks[].clientConfig.service.port", "443"),
    row("webhooks[].rules[].scope", "\"*\""),
];

const MUTATING_WEBHOOKS: &[Row] = &[table("", WEBHOOKS), row("webhooks[].reinvocationPolicy", "\"Never\"")];
