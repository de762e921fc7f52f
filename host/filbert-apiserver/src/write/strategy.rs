//! What kinds do differently, as tables.

use crate::resource::Resource;

/// Built-in kinds whose `metadata.generation` counts changes of what is wanted. Custom resources all do.
const COUNTS_GENERATIONS: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
];

/// Kinds whose delete answers with the object rather than a `Status`.
const ANSWERS_WITH_OBJECT: &[(&str, &str)] =
    &[("", "PersistentVolumeClaim"), ("", "Pod"), ("", "Service"), ("storage.k8s.io", "StorageClass")];

/// Kinds that a `PUT` may create.
const CREATED_BY_UPDATE: &[(&str, &str)] = &[
    ("", "Endpoints"),
    ("", "Event"),
    ("", "LimitRange"),
    ("", "Service"),
    ("coordination.k8s.io", "Lease"),
    ("events.k8s.io", "Event"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
];

/// Kinds that keep the status they are created with.
const STATUS_FROM_CREATOR: &[(&str, &str)] = &[("", "Node"), ("", "Service")];

/// What of the metadata a write to the status leaves alone.
const KEPT_BY_STATUS: &[(&str, &str, &str)] = &[("", "Pod", "ownerReferences"), ("apps", "Deployment", "labels")];

/// The first status of kinds that have one from the beginning.
const FIRST_PHASE: &[(&str, &str, &str)] =
    &[("", "Namespace", "Active"), ("", "PersistentVolume", "Pending"), ("", "PersistentVolumeClaim", "Pending")];

/// Finalizers that keep an object while it is in use.
const PROTECTED: &[(&str, &str, &str)] = &[
    ("", "PersistentVolume", "kubernetes.io/pv-protection"),
    ("", "PersistentVolumeClaim", "kubernetes.io/pvc-protection"),
];

fn listed(table: &[(&str, &str)], resource: &Resource) -> bool {
    resource.custom.is_none() && table.iter().any(|(group, kind)| resource.is(group, kind))
}

pub(super) fn counts_generations(resource: &Resource) -> bool {
    resource.custom.is_some() || listed(COUNTS_GENERATIONS, resource)
}

pub(super) fn answers_with_object(resource: &Resource) -> bool {
    listed(ANSWERS_WITH_OBJECT, resource)
}

pub(super) fn is_created_by_update(resource: &Resource) -> bool {
    listed(CREATED_BY_UPDATE, resource)
}

pub(super) fn keeps_first_status(resource: &Resource) -> bool {
    listed(STATUS_FROM_CREATOR, resource)
}

pub(super) fn first_phase(resource: &Resource) -> Option<&'static str> {
    FIRST_PHASE.iter().find(|(group, kind, _)| resource.is(group, kind)).map(|(_, _, phase)| *phase)
}

pub(super) fn kept_by_status(resource: &Resource) -> impl Iterator<Item = &'static str> {
    KEPT_BY_STATUS.iter().filter(|(group, kind, _)| resource.is(group, kind)).map(|(_, _, field)| *field)
}

pub(super) fn protection(resource: &Resource) -> Option<&'static str> {
    PROTECTED.iter().find(|(group, kind, _)| resource.is(group, kind)).map(|(_, _, finalizer)| *finalizer)
}

/// Whether objects have a status that is written separately.
pub(super) fn has_status(resource: &Resource) -> bool {
    resource.subresource("status").is_some()
}
