//! Group core, and what pods are made of.

use base64::Engine as _;
use serde_json::Value;

use super::{Given, IntOrString, Map, kinds, parts};

kinds! {
    /// Data for pods, readable by whoever reads the namespace.
    ConfigMap("", "v1", "configmaps") { data: Map, immutable: bool, }
    /// Data for pods that not everybody may read.
    Secret("", "v1", "secrets") {
        #[serde(rename = "type")] type_: String,
        data: Map,
        immutable: bool,
    }
    /// A name and address for pods.
    Service("", "v1", "services") { spec: ServiceSpec, }
    /// Whom pods act as.
    ServiceAccount("", "v1", "serviceaccounts") { automount_service_account_token: bool, image_pull_secrets: Vec<LocalObjectReference>, }
    /// Storage that is claimed.
    PersistentVolumeClaim("", "v1", "persistentvolumeclaims") { spec: PersistentVolumeClaimSpec, }
}

impl ConfigMap {
    /// Adds an entry.
    #[must_use]
    pub fn entry(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.data.get_or_insert_default().insert(key.into(), value.into());
        self
    }
}

impl Secret {
    /// Adds an entry as text. It is encoded here and not by the API server (`stringData`): what is written must be what
    /// is read back, or every pass would find a difference.
    #[must_use]
    pub fn text(self, key: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.entry(key, base64::engine::general_purpose::STANDARD.encode(value))
    }

    /// Adds an entry that is base64 already.
    #[must_use]
    pub fn entry(mut self, key: impl Into<String>, base64: impl Into<String>) -> Self {
        self.data.get_or_insert_default().insert(key.into(), base64.into());
        self
    }
}

/// The bytes of an entry of a [`Secret`] that was read; nothing where it is no base64.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

parts! {
    /// `spec` of a [`Service`].
    ServiceSpec {
        #[serde(rename = "type")] type_: String,
        #[serde(rename = "clusterIP")] cluster_ip: String,
        ip_families: Vec<String>,
        ip_family_policy: String,
        selector: Map,
        ports: Vec<ServicePort>,
        publish_not_ready_addresses: bool,
        external_traffic_policy: String,
        load_balancer_class: String,
        load_balancer_source_ranges: Vec<String>,
        session_affinity: String,
    }
    /// A port of a [`Service`].
    ServicePort {
        name: String,
        protocol: String,
        app_protocol: String,
        port: i64,
        target_port: IntOrString,
        node_port: i64,
    }
    /// An object in the same namespace.
    LocalObjectReference { name: String, }
    /// `spec` of a [`PersistentVolumeClaim`].
    PersistentVolumeClaimSpec {
        access_modes: Vec<String>,
        storage_class_name: String,
        volume_mode: String,
        resources: ResourceRequirements,
    }
    /// Metadata of a template.
    TemplateMeta { name: String, labels: Map, annotations: Map, }
    /// What pods are made from.
    PodTemplateSpec { metadata: TemplateMeta, spec: PodSpec, }
    /// `spec` of a pod.
    PodSpec {
        service_account_name: String,
        automount_service_account_token: bool,
        image_pull_secrets: Vec<LocalObjectReference>,
        termination_grace_period_seconds: i64,
        security_context: PodSecurityContext,
        node_selector: Map,
        affinity: Value,
        tolerations: Vec<Value>,
        topology_spread_constraints: Vec<Value>,
        priority_class_name: String,
        enable_service_links: bool,
        init_containers: Vec<Container>,
        containers: Vec<Container>,
        volumes: Vec<Volume>,
    }
    /// As whom the processes of a pod run.
    PodSecurityContext {
        run_as_non_root: bool,
        run_as_user: i64,
        run_as_group: i64,
        fs_group: i64,
        seccomp_profile: SeccompProfile,
    }
    /// Which system calls processes may make.
    SeccompProfile { #[serde(rename = "type")] type_: String, }
    /// As whom the processes of a container run.
    SecurityContext {
        run_as_non_root: bool,
        run_as_user: i64,
        privileged: bool,
        read_only_root_filesystem: bool,
        allow_privilege_escalation: bool,
        capabilities: Capabilities,
    }
    /// Capabilities of the kernel.
    Capabilities { add: Vec<String>, drop: Vec<String>, }
    /// How pods are spread.
    TopologySpreadConstraint {
        max_skew: i64,
        topology_key: String,
        when_unsatisfiable: String,
        label_selector: LabelSelector,
    }
    /// Which objects, by their labels.
    LabelSelector { match_labels: Map, match_expressions: Vec<Value>, }
    /// A container of a pod.
    Container {
        name: String,
        image: String,
        image_pull_policy: String,
        command: Vec<String>,
        args: Vec<String>,
        working_dir: String,
        env: Vec<Given<EnvVar>>,
        env_from: Vec<Value>,
        ports: Vec<ContainerPort>,
        resources: Given<ResourceRequirements>,
        liveness_probe: Probe,
        readiness_probe: Probe,
        startup_probe: Probe,
        lifecycle: Value,
        restart_policy: String,
        termination_message_path: String,
        termination_message_policy: String,
        security_context: SecurityContext,
        volume_mounts: Vec<VolumeMount>,
    }
    /// A port of a container.
    ContainerPort { name: String, container_port: i64, protocol: String, }
    /// A variable of a container's environment.
    EnvVar { name: String, value: String, value_from: EnvVarSource, }
    /// Where the value of a variable comes from.
    EnvVarSource { field_ref: ObjectFieldSelector, secret_key_ref: KeySelector, config_map_key_ref: KeySelector, }
    /// A field of the pod.
    ObjectFieldSelector { api_version: String, field_path: String, }
    /// A key of a [`Secret`] or [`ConfigMap`].
    KeySelector { name: String, key: String, optional: bool, }
    /// Requests and limits.
    ResourceRequirements { requests: Map, limits: Map, }
    /// How a container's health is checked.
    Probe {
        http_get: HttpGetAction,
        tcp_socket: TcpSocketAction,
        exec: ExecAction,
        initial_delay_seconds: i64,
        timeout_seconds: i64,
        period_seconds: i64,
        success_threshold: i64,
        failure_threshold: i64,
    }
    /// An HTTP request that must answer.
    HttpGetAction { path: String, port: IntOrString, scheme: String, host: String, }
    /// A connection that must open.
    TcpSocketAction { port: IntOrString, }
    /// A command that must succeed.
    ExecAction { command: Vec<String>, }
    /// A volume of a pod.
    Volume {
        name: String,
        secret: SecretVolumeSource,
        config_map: ConfigMapVolumeSource,
        empty_dir: EmptyDirVolumeSource,
        persistent_volume_claim: PersistentVolumeClaimVolumeSource,
        projected: Value,
    }
    /// Files from a [`Secret`].
    SecretVolumeSource { secret_name: String, default_mode: i64, items: Vec<KeyToPath>, optional: bool, }
    /// Files from a [`ConfigMap`].
    ConfigMapVolumeSource { name: String, default_mode: i64, items: Vec<KeyToPath>, optional: bool, }
    /// Where a key becomes a file.
    KeyToPath { key: String, path: String, mode: i64, }
    /// A folder that lives as long as the pod.
    EmptyDirVolumeSource { medium: String, size_limit: String, }
    /// Claimed storage.
    PersistentVolumeClaimVolumeSource { claim_name: String, read_only: bool, }
    /// Where a container sees a volume.
    VolumeMount { name: String, mount_path: String, sub_path: String, read_only: bool, }
}

impl EnvVar {
    /// How it is called.
    pub fn called(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A variable with a value.
    pub fn of(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new().name(name).value(value)
    }

    /// A variable from a key of a [`Secret`].
    pub fn from_secret(name: impl Into<String>, secret: impl Into<String>, key: impl Into<String>) -> Self {
        Self::new().name(name).value_from(EnvVarSource::new().secret_key_ref(KeySelector::new().name(secret).key(key)))
    }

    /// A variable from a field of the pod.
    pub fn from_field(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new()
            .name(name)
            .value_from(EnvVarSource::new().field_ref(ObjectFieldSelector::new().api_version("v1").field_path(path)))
    }
}

impl From<PodTemplateSpec> for Given<PodTemplateSpec> {
    fn from(template: PodTemplateSpec) -> Self {
        Self::Built(template)
    }
}

impl From<EnvVar> for Given<EnvVar> {
    fn from(variable: EnvVar) -> Self {
        Self::Built(variable)
    }
}

impl From<ResourceRequirements> for Given<ResourceRequirements> {
    fn from(resources: ResourceRequirements) -> Self {
        Self::Built(resources)
    }
}

impl VolumeMount {
    /// Where the container sees it.
    pub fn path(&self) -> Option<&str> {
        self.mount_path.as_deref()
    }

    /// A volume at a path.
    pub fn at(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new().name(name).mount_path(path)
    }
}
