//! A cluster of members.

mod code;
mod data;
mod network;
mod pods;
mod security;
mod status;

pub use code::*;
pub use data::*;
pub use network::*;
pub use pods::*;
pub use security::*;
pub use status::*;

use filbert_guest::{Metadata, Resource, ResourceType, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::{LocalReference, Map, Scheduling};

/// A cluster of members, as it is reconciled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hazelcast {
    /// What is wanted.
    pub spec: Spec,
}

impl Resource for Hazelcast {
    const TYPE: ResourceType = ResourceType::new(crate::GROUP, crate::VERSION, "hazelcasts");
    const KIND: &str = "Hazelcast";

    // Here, so that it is compiled here, once.
    fn read(text: &str) -> Result<(Self, Metadata), json::Error> {
        json::read_object(text)
    }
}

choices! {
    /// How each member is reached from outside.
    MemberAccess { NodePortExternalIp = "NodePortExternalIP", NodePortNodeName, LoadBalancer }
    /// Whether clients reach each member, or all of them at one address.
    ExposureType { Smart, Unisocket }
    /// Where what comes in from outside goes on.
    ExternalTrafficPolicy { Cluster, Local }
    /// What becomes of volume claims.
    ClaimsWhenDeleted { Retain, Delete }
    /// Over what members are spread, and backups with them.
    HighAvailabilityMode { Node = "NODE", Zone = "ZONE", Placement = "PLACEMENT" }
    /// How members find each other.
    DiscoveryMode { Api = "API", Dns = "DNS" }
    /// Which internet protocol members use.
    IpFamily { Ipv4 = "IPv4", Ipv6 = "IPv6" }
    /// Where diagnostics are written.
    DiagnosticsOutput { Stdout = "STDOUT", File = "FILE", Logger = "LOGGER" }
    /// The state of a cluster some of whose members are away for a short time.
    ClusterStateStrategy { NoMigration = "NO_MIGRATION", Frozen = "FROZEN" }
    /// What the answer of a login module means for those after it.
    LoginUsage { Required = "REQUIRED", Requisite = "REQUISITE", Sufficient = "SUFFICIENT", Optional = "OPTIONAL" }
    /// What a member that joins does with permissions.
    PermissionsOnJoin { Receive = "RECEIVE", Send = "SEND", None = "NONE" }
    /// A garbage collector.
    Collector { Serial, Parallel, G1 }
    /// What members write to their log.
    LoggingLevel {
        Info = "INFO", Off = "OFF", Fatal = "FATAL", Error = "ERROR", Warn = "WARN", Debug = "DEBUG", Trace = "TRACE",
        All = "ALL",
    }
    /// How memory outside the heap is managed.
    AllocatorType { Standard = "STANDARD", Pooled = "POOLED" }
    /// What may be missing when a cluster starts from its disks.
    DataRecoveryPolicy { FullRecoveryOnly, PartialRecoveryMostRecent, PartialRecoveryMostComplete }
    /// How a cluster is made to start although something is missing.
    StartupAction { ForceStart, PartialStart }
    /// The name of the claims with data to restore.
    ClaimNamePrefix { Persistence = "persistence", HotRestartPersistence = "hot-restart-persistence" }
    /// The order of bytes.
    ByteOrder { BigEndian, Native, LittleEndian }
    /// Where a cluster is in its life.
    Phase { Pending, Running, Failed, Terminating }
    /// What a member says of itself.
    NodeState { Passive = "PASSIVE", Active = "ACTIVE", ShutDown = "SHUT_DOWN", Starting = "STARTING" }
    /// How a restore goes.
    RestoreState { Unknown, Failed, InProgress, Succeeded }
}

parts! {
    /// What is wanted of the cluster.
    Spec {
        /// Settings of single network endpoints.
        advanced_network: Option<AdvancedNetwork>,
        /// The helper beside each member. Members run without it unless it is asked for here, or something needs it.
        agent: Option<Agent>,
        /// Annotations put on every object that belongs to the cluster.
        annotations: Map,
        /// The name that members and clients give to join.
        cluster_name: String = "dev",
        /// How many members. With 0 the cluster is paused: no member runs, volumes stay.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        cluster_size: i32 = 3,
        /// Turns the CP subsystem on; `{}` is enough beside persistence. Cannot be added or removed later. Enterprise.
        cp_subsystem: Option<CpSubsystem>,
        /// `ConfigMap` with further configuration of members under the key `hazelcast`. Sections that follow from other fields
        /// win, unless the annotation `hazelcast.com/custom-config-overwrite` of the `ConfigMap` is `true`.
        custom_config_cm_name: Option<String>,
        /// Secret with further configuration of members, instead of `customConfigCmName`.
        custom_config_secret_name: Option<String>,
        /// How data survives that members stop, start and change.
        data_safety: Option<DataSafety>,
        /// Turns diagnostics on.
        diagnostics: Option<Diagnostics>,
        /// How members find each other.
        discovery: Option<Discovery>,
        /// Executors whose tasks survive the loss of a member.
        durable_executor_services: Vec<DurableExecutorService>,
        /// Further variables in the environment of members. Names must not begin with `HZ_`.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env", extend("x-kubernetes-validations" = [{
            "rule": "self.all(env, env.name.startsWith('HZ_') == false)",
            "message": "variables must not begin with 'HZ_'; use customConfigCmName to configure members",
        }])))]
        env: Vec<Value>,
        /// `ConfigMap`s and Secrets all of whose keys become variables in the environment of members.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env_from"))]
        env_from: Vec<Value>,
        /// Executors.
        executor_services: Vec<ExecutorService>,
        /// Makes the cluster reachable from outside of Kubernetes.
        expose_externally: Option<ExposeExternally>,
        /// Spreads members over nodes (`NODE`), zones (`ZONE`) or placement groups of the cloud (`PLACEMENT`), and keeps
        /// backups in another one than what they are backups of. Cannot change later.
        high_availability_mode: Option<HighAvailabilityMode>,
        /// When the member image is pulled.
        image_pull_policy: String = "IfNotPresent",
        /// Secrets for pulling images.
        image_pull_secrets: Vec<LocalReference>,
        /// What runs before a member starts.
        init_container: Option<InitContainer>,
        /// Which internet protocol members use; `IPv4` where absent. Cannot change later.
        ip_family: Option<IpFamily>,
        /// The engine for jobs and streaming.
        jet: Jet = Jet::default(),
        /// The Java virtual machine.
        jvm: Option<Jvm>,
        /// URL of the Kubernetes API by which members find each other; `https://kubernetes.default.svc` where absent. The
        /// same as `discovery.kubernetesMaster`.
        kubernetes_master: Option<String>,
        /// Labels put on every object that belongs to the cluster. Those of the operator win.
        labels: Map,
        /// Deprecated: use `licenseKeySecretName`, which it becomes.
        license_key_secret: Option<String>,
        /// Secret with the licence under the key `license-key`. Makes the members enterprise ones; absent for open source.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        license_key_secret_name: Option<String>,
        /// Members without data of their own, on top of `clusterSize`.
        lite_member: Option<LiteMember>,
        /// Deprecated: members have given tiered storage up. Disks for it.
        local_devices: Vec<LocalDevice>,
        /// A configuration of the logger, instead of that which follows from `loggingLevel`.
        logging_configuration: Option<LoggingConfiguration>,
        /// What members write to their log.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"])))]
        logging_level: LoggingLevel = LoggingLevel::Info,
        /// What a Management Center may do with this cluster.
        management_center: Option<ManagementCenterAccess>,
        /// Jars on the class path of members.
        module_deployment: Option<ModuleDeployment>,
        /// Memory outside the heap. Enterprise.
        native_memory: Option<NativeMemory>,
        /// Keeps data on disks. Cannot be added or removed later. Enterprise.
        persistence: Option<Persistence>,
        /// Claims of each member, mounted at `/data/<name>`, for other fields to refer to and for code of users.
        persistence_volume_claims: Vec<NamedClaim>,
        /// Properties of members. `hazelcast.cluster.version.auto.upgrade.enabled` and
        /// `hazelcast.persistence.auto.cluster.state` belong to the operator: see `dataSafety` and `persistence`.
        properties: Map,
        /// Where the member image comes from. Filled in by edition: open source, or enterprise where a licence is named.
        repository: Option<String>,
        /// What the member container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Executors for tasks of later, or again and again.
        scheduled_executor_services: Vec<ScheduledExecutorService>,
        /// Where members run.
        scheduling: Option<Scheduling>,
        /// Who may connect, and what clients may do. Enterprise.
        security: Option<Security>,
        /// How objects become bytes.
        serialization: Option<Serialization>,
        /// Whom members act as. Where absent, a service account is made.
        service_account_name: Option<String>,
        /// Queries.
        sql: Option<Sql>,
        /// Certificates for connections of members, with each other and with clients. Enterprise.
        tls: Option<MemberTls>,
        /// Deprecated: use `moduleDeployment` or `userCodeNamespaces`. Code on the class path of members.
        user_code_deployment: Option<UserCodeDeployment>,
        /// Turns namespaces for user code on; `{}` is enough. Enterprise.
        user_code_namespaces: Option<UserCodeNamespaces>,
        /// Tag of the member image. Filled in with what this operator was tested with.
        version: Option<String>,
    }
}

impl Spec {
    /// Reads a specification on its own, as operators note it down in annotations.
    ///
    /// # Errors
    /// Where the text is no JSON, or not of this shape.
    pub fn read(text: &str) -> Result<Self, json::Error> {
        json::read(text)
    }
}
