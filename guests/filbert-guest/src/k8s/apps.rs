//! Group `apps`.

use serde_json::Value;

use super::core::{LabelSelector, PodTemplateSpec};
use super::{Given, IntOrString, kinds, parts};

kinds! {
    /// Pods with stable names and storage.
    StatefulSet("apps", "v1", "statefulsets") { spec: StatefulSetSpec, }
    /// Pods that are all alike.
    Deployment("apps", "v1", "deployments") { spec: DeploymentSpec, }
}

parts! {
    /// `spec` of a [`StatefulSet`].
    StatefulSetSpec {
        replicas: i64,
        service_name: String,
        pod_management_policy: String,
        revision_history_limit: i64,
        min_ready_seconds: i64,
        selector: LabelSelector,
        template: Given<PodTemplateSpec>,
        update_strategy: Value,
        persistent_volume_claim_retention_policy: Value,
        volume_claim_templates: Vec<Value>,
    }
    /// `spec` of a [`Deployment`].
    DeploymentSpec {
        replicas: i64,
        selector: LabelSelector,
        template: PodTemplateSpec,
        strategy: DeploymentStrategy,
        min_ready_seconds: i64,
        revision_history_limit: i64,
    }
    /// How pods of a [`Deployment`] are replaced.
    DeploymentStrategy { #[serde(rename = "type")] type_: String, rolling_update: RollingUpdate, }
    /// Bounds of a replacement.
    RollingUpdate { max_surge: IntOrString, max_unavailable: IntOrString, }
}
