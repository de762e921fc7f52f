//! A cluster of members.

use filbert_guest::{Resource, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::{Bucket, Claim, LocalReference, Map, Scheduling, Tls};

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
}

choices! {
    /// How each member is reached from outside.
    MemberAccess { NodePortExternalIp = "NodePortExternalIP", NodePortNodeName, LoadBalancer }
    /// Whether clients reach each member, or all of them at one address.
    ExposureType { Smart, Unisocket }
    /// Over what members are spread.
    HighAvailabilityMode { Node = "NODE", Zone = "ZONE" }
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
        /// The helper beside each member. Members run without it unless it is asked for here.
        agent: Option<Agent>,
        /// Annotations put on every object that belongs to the cluster.
        annotations: Map,
        /// The name that members and clients give to join.
        cluster_name: String = "dev",
        /// How many members. With 0 the cluster is paused: no member runs, volumes stay.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        cluster_size: i32 = 3,
        /// Turns the CP subsystem on. Enterprise.
        cp_subsystem: Option<CpSubsystem>,
        /// `ConfigMap` with further member configuration under the key `hazelcast`.
        custom_config_cm_name: Option<String>,
        /// Executors whose tasks survive the loss of a member.
        durable_executor_services: Vec<DurableExecutorService>,
        /// Further variables in the environment of members. Names must not begin with `HZ_`.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env", extend("x-kubernetes-validations" = [{
            "rule": "self.all(env, env.name.startsWith('HZ_') == false)",
            "message": "variables must not begin with 'HZ_'; use customConfigCmName to configure members",
        }])))]
        env: Vec<Value>,
        /// Executors.
        executor_services: Vec<ExecutorService>,
        /// Makes the cluster reachable from outside of Kubernetes.
        expose_externally: Option<ExposeExternally>,
        /// Spreads members over nodes or zones, and backups with them. Cannot change later.
        high_availability_mode: Option<HighAvailabilityMode>,
        /// When the member image is pulled.
        image_pull_policy: String = "IfNotPresent",
        /// Secrets for pulling images.
        image_pull_secrets: Vec<LocalReference>,
        /// The engine for jobs.
        jet: Jet = Jet::default(),
        /// The Java virtual machine.
        jvm: Option<Jvm>,
        /// Labels put on every object that belongs to the cluster. Those of the operator win.
        labels: Map,
        /// Earlier name of `licenseKeySecretName`.
        license_key_secret: Option<String>,
        /// Secret with the licence under the key `license-key`. Makes the members enterprise ones; absent for open source.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        license_key_secret_name: Option<String>,
        /// Disks for tiered storage. Enterprise.
        local_devices: Vec<LocalDevice>,
        /// What members write to their log.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"])))]
        logging_level: LoggingLevel = LoggingLevel::Info,
        /// What a Management Center may do with this cluster.
        management_center: Option<ManagementCenterAccess>,
        /// Memory outside the heap. Enterprise.
        native_memory: Option<NativeMemory>,
        /// Keeps data on disks. Enterprise.
        persistence: Option<Persistence>,
        /// Properties of members. Two of them belong to the operator.
        properties: Map,
        /// Where the member image comes from. Filled in by edition: open source, or enterprise where a licence is named.
        repository: Option<String>,
        /// What the member container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Executors for tasks of later.
        scheduled_executor_services: Vec<ScheduledExecutorService>,
        /// Where members run.
        scheduling: Option<Scheduling>,
        /// How objects become bytes.
        serialization: Option<Serialization>,
        /// Whom members act as. Where absent, a service account is made.
        service_account_name: Option<String>,
        /// Queries.
        sql: Option<Sql>,
        /// Certificates for members and clients. Enterprise.
        tls: Option<Tls>,
        /// Code put on the class path of members. Replaced by user code namespaces.
        user_code_deployment: Option<UserCodeDeployment>,
        /// Turns namespaces for user code on; `{}` is enough. Enterprise.
        user_code_namespaces: Option<UserCodeNamespaces>,
        /// Tag of the member image. Filled in with what this operator was tested with.
        version: Option<String>,
    }
    /// Settings of single network endpoints.
    AdvancedNetwork {
        /// Where members listen for clients.
        client_server_socket_endpoint_config: Option<Endpoint>,
        /// Where members listen for each other.
        member_server_socket_endpoint_config: Option<Endpoint>,
        /// Where members listen for other clusters, each with a Service of its own. Enterprise.
        wan: Vec<WanEndpoint>,
    }
    /// Where members listen.
    Endpoint {
        /// Patterns of addresses to bind to.
        interfaces: Vec<String>,
    }
    /// Where members listen for other clusters.
    WanEndpoint {
        /// Its name, and the end of the name of its Service.
        #[cfg_attr(feature = "schema", schemars(length(max = 8)))]
        name: Option<String>,
        /// The first port.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::integer"))]
        port: Option<i64>,
        /// How many ports.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::integer"))]
        port_count: Option<i64>,
        /// Type of its Service; `LoadBalancer` where absent.
        service_type: Option<String>,
    }
    /// The helper beside each member.
    Agent {
        /// Where its image comes from.
        repository: String = "docker.io/hazelcast/platform-operator-agent",
        /// What its container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Tag of its image.
        version: String = "0.1.29",
    }
    /// The CP subsystem.
    CpSubsystem {
        /// How long members may take to load their data, in seconds.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        data_load_timeout_seconds: Option<i32>,
        /// Whether an operation whose end is unknown fails; else it is tried again.
        fail_on_indeterminate_operation_state: Option<bool>,
        /// After how many seconds a missing member is removed; 0 for never.
        missing_cp_member_auto_removal_seconds: Option<i32>,
        /// Where its data is kept; with the data of the cluster where absent.
        pvc: Option<Claim>,
        /// Seconds between two signs of life of a session.
        session_heartbeat_interval_seconds: Option<i32>,
        /// Seconds that a session lives after its last sign of life.
        #[serde(rename = "sessionTTLSeconds")]
        session_ttl_seconds: Option<i32>,
    }
    /// An executor.
    ExecutorService {
        /// Its name.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 8,
        /// How many tasks may wait; 0 for any number.
        queue_capacity: i32 = 0,
        /// Where the classes of its tasks come from.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_code_namespace: Option<String>,
    }
    /// An executor whose tasks survive the loss of a member.
    DurableExecutorService {
        /// How many tasks each partition may hold.
        capacity: i32 = 100,
        /// How many copies of each task.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        durability: i32 = 1,
        /// Its name.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 16,
        /// Where the classes of its tasks come from.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_code_namespace: Option<String>,
    }
    /// An executor for tasks of later.
    ScheduledExecutorService {
        /// How many tasks it may hold.
        capacity: i32 = 100,
        /// What `capacity` counts: `PER_NODE` or `PER_PARTITION`.
        capacity_policy: String = "PER_NODE",
        /// How many copies of each task.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        durability: i32 = 1,
        /// Its name.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 16,
        /// Where the classes of its tasks come from.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_code_namespace: Option<String>,
    }
    /// Makes the cluster reachable from outside.
    ExposeExternally {
        /// Type of the Service through which clients find the cluster.
        discovery_service_type: String = "LoadBalancer",
        /// How each member is reached where clients reach each; `NodePortExternalIP` where absent.
        member_access: Option<MemberAccess>,
        /// Whether clients reach each member, or all of them at one address.
        #[serde(rename = "type")]
        type_: ExposureType = ExposureType::Smart,
    }
    /// The engine for jobs.
    Jet {
        /// A bucket with files for jobs.
        bucket_config: Option<Bucket>,
        /// `ConfigMap`s with files for jobs.
        config_maps: Vec<String>,
        /// Defaults of edges between the parts of a job.
        edge_defaults: Option<EdgeDefaults>,
        /// Whether jobs run at all.
        enabled: bool = true,
        /// Settings for all jobs.
        instance: Option<JetInstance>,
        /// URLs of files for jobs.
        #[serde(rename = "remoteURLs")]
        remote_urls: Vec<String>,
        /// Whether clients may bring code along.
        resource_upload_enabled: bool = false,
    }
    /// Defaults of edges between the parts of a job.
    EdgeDefaults {
        /// Bytes in a packet at most.
        packet_size_limit: Option<i32>,
        /// Items between two processors at most.
        queue_size: Option<i32>,
        /// Growth of the window in which items are received.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::integer"))]
        receive_window_multiplier: Option<i64>,
    }
    /// Settings for all jobs.
    JetInstance {
        /// Copies of what is kept of a job.
        #[cfg_attr(feature = "schema", schemars(range(max = 6)))]
        backup_count: i32 = 1,
        /// Threads for processors that share them; as many as there are processors where absent.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        cooperative_thread_count: Option<i32>,
        /// Milliseconds between two messages of flow control.
        flow_control_period_millis: i32 = 100,
        /// Whether jobs survive a restart of the whole cluster. Needs persistence.
        lossless_restart_enabled: bool = false,
        /// Records that a processor may gather; any number where absent.
        max_processor_accumulated_records: Option<i64>,
        /// Milliseconds after which jobs spread to a new member.
        scale_up_delay_millis: i32 = 10_000,
    }
    /// The Java virtual machine.
    Jvm {
        /// Further arguments.
        args: Vec<String>,
        /// Garbage collection.
        gc: Option<Gc>,
        /// The heap.
        memory: Option<JvmMemory>,
    }
    /// Garbage collection.
    Gc {
        /// Which collector.
        collector: Option<Collector>,
        /// Whether it writes to the log.
        logging: Option<bool>,
    }
    /// The heap, in percent of memory.
    JvmMemory {
        /// At first.
        #[serde(rename = "initialRAMPercentage")]
        initial_ram_percentage: Option<String>,
        /// At most.
        #[serde(rename = "maxRAMPercentage")]
        max_ram_percentage: Option<String>,
        /// At most where memory is small.
        #[serde(rename = "minRAMPercentage")]
        min_ram_percentage: Option<String>,
    }
    /// A disk for tiered storage.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["name"])))]
    LocalDevice {
        /// Bytes in a block.
        #[cfg_attr(feature = "schema", schemars(range(min = 512)))]
        block_size: i32 = 4096,
        /// Its name, also that of its claim.
        name: String,
        /// Its claim.
        pvc: Option<Claim>,
        /// Threads that read.
        #[serde(rename = "readIOThreadCount")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        read_io_thread_count: i32 = 4,
        /// Threads that write.
        #[serde(rename = "writeIOThreadCount")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        write_io_thread_count: i32 = 4,
    }
    /// What a Management Center may do with this cluster.
    ManagementCenterAccess {
        /// Use the console.
        console_enabled: bool = false,
        /// Look at data.
        data_access_enabled: bool = false,
        /// Run scripts.
        scripting_enabled: bool = false,
    }
    /// Memory outside the heap.
    NativeMemory {
        /// How it is managed.
        allocator_type: AllocatorType = AllocatorType::Standard,
        /// Percent of it for bookkeeping.
        metadata_space_percentage: i32 = 12,
        /// Bytes of the smallest block, with pooled memory.
        min_block_size: Option<i32>,
        /// Bytes of a page, with pooled memory.
        page_size: i32 = 4_194_304,
        /// How much of it there is.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        size: Value = "512M",
    }
    /// Keeps data on disks.
    Persistence {
        /// Ignored; see `restore.localConfig`.
        base_dir: Option<String>,
        /// What may be missing when the cluster starts from its disks.
        cluster_data_recovery_policy: DataRecoveryPolicy = DataRecoveryPolicy::FullRecoveryOnly,
        /// Seconds for each part of a recovery; 120 where absent or 0.
        data_recovery_timeout: Option<i32>,
        /// The claim of each member.
        pvc: Option<Claim>,
        /// What is restored before the first start; one source at most.
        restore: Option<Restore>,
        /// Makes the cluster start although something is missing.
        startup_action: Option<StartupAction>,
    }
    /// What is restored before the first start.
    #[cfg_attr(feature = "schema", schemars(extend("maxProperties" = 1)))]
    Restore {
        /// A backup in an object store.
        bucket_config: Option<Bucket>,
        /// A `HotBackup` of this namespace.
        hot_backup_resource_name: Option<String>,
        /// A backup on the volumes.
        local_config: Option<LocalRestore>,
    }
    /// A backup on the volumes.
    LocalRestore {
        /// The folder of all backups below the base; `/hot-backup` where absent.
        backup_dir: Option<String>,
        /// The folder of this backup.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        backup_folder: Option<String>,
        /// The folder of the data; that of the cluster where absent.
        base_dir: Option<String>,
        /// The name of the claims with the data.
        pvc_name_prefix: ClaimNamePrefix = ClaimNamePrefix::Persistence,
    }
    /// How objects become bytes.
    Serialization {
        /// Whether bytes may be written past the safe interface.
        allow_unsafe: bool = false,
        /// The order of bytes.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["Native", "BigEndian", "LittleEndian"])))]
        byte_order: ByteOrder = ByteOrder::BigEndian,
        /// Compact serialisation.
        compact_serialization: Option<CompactSerialization>,
        /// Factories of data serialisation, numbered from 1 in this order.
        data_serializable_factories: Vec<String>,
        /// Whether Java serialisation compresses.
        enable_compression: bool = false,
        /// Whether Java serialisation shares objects.
        enable_shared_object: bool = false,
        /// The serialiser of what no other takes.
        global_serializer: Option<GlobalSerializer>,
        /// Which classes Java serialisation may make.
        java_serialization_filter: Option<ClassFilter>,
        /// Whether serialisers of the product can be replaced.
        override_default_serializers: bool = false,
        /// Factories of portable serialisation, numbered from 1 in this order.
        portable_factories: Vec<String>,
        /// Serialisers of classes.
        serializers: Vec<Serializer>,
    }
    /// Compact serialisation: at least one of the lists.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    CompactSerialization {
        /// Classes without a serialiser of their own.
        classes: Vec<String>,
        /// Serialisers.
        serializers: Vec<String>,
    }
    /// The serialiser of what no other takes.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["className"])))]
    GlobalSerializer {
        /// Its class.
        class_name: String,
        /// Whether it replaces Java serialisation.
        override_java_serialization: Option<bool>,
    }
    /// A serialiser of a class.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["className", "typeClass"])))]
    Serializer {
        /// Its class.
        class_name: String,
        /// The class it is for.
        type_class: String,
    }
    /// Which classes are let through: at least one of the lists.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    ClassFilter {
        /// Those that are not.
        blacklist: Option<ClassList>,
        /// Those that are.
        whitelist: Option<ClassList>,
    }
    /// Classes, in at least one of three ways.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    ClassList {
        /// By full name.
        classes: Vec<String>,
        /// By package.
        packages: Vec<String>,
        /// By how the name begins.
        prefixes: Vec<String>,
    }
    /// Queries.
    Sql {
        /// Whether the catalogue is kept on disk. Needs persistence.
        catalog_persistence_enabled: bool = false,
        /// Milliseconds that a query may take; 0 for any time.
        statement_timeout: i32 = 0,
    }
    /// Code put on the class path of members.
    UserCodeDeployment {
        /// A bucket with it.
        bucket_config: Option<Bucket>,
        /// Whether clients may bring classes along.
        client_enabled: Option<bool>,
        /// `ConfigMap`s with it.
        config_maps: Vec<String>,
        /// URLs of it.
        #[serde(rename = "remoteURLs")]
        remote_urls: Vec<String>,
        /// Any change makes members restart and fetch it again.
        trigger_sequence: Option<String>,
    }
    /// Namespaces for user code.
    UserCodeNamespaces {
        /// Which classes are let through.
        class_filter: Option<ClassFilter>,
    }
    /// What is.
    Status {
        /// How many members run.
        #[cfg_attr(feature = "schema", schemars(extend("format" = "int32")))]
        cluster_size: Option<i32>,
        /// What is so and why, in the form of all Kubernetes kinds.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::conditions"))]
        conditions: Vec<Value>,
        /// The cluster as a whole.
        hazelcast_cluster_status: Option<ClusterStatus>,
        /// Its members, by pod.
        members: Vec<Member>,
        /// What there is to say about the phase.
        message: Option<String>,
        /// The generation of the specification that this status is about.
        observed_generation: Option<i64>,
        /// Where the cluster is in its life.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["Running", "Failed", "Pending", "Terminating"])))]
        phase: Option<Phase>,
        /// How a restore goes.
        restore: Option<RestoreStatus>,
        /// Selects the members' pods.
        selector: Option<String>,
    }
    /// The cluster as a whole.
    ClusterStatus {
        /// Members that are ready, of those wanted: `2/3`.
        ready_members: Option<String>,
    }
    /// A member.
    Member {
        /// Whether it is up and part of the cluster.
        connected: Option<bool>,
        /// Its address.
        ip: Option<String>,
        /// Whether it holds no data.
        lite: Option<bool>,
        /// Whether it is the oldest.
        master: Option<bool>,
        /// What there is to say about it.
        message: Option<String>,
        /// How many partitions it owns.
        owned_partitions: Option<i32>,
        /// Its pod.
        pod_name: Option<String>,
        /// Why it does not run.
        reason: Option<String>,
        /// How often its container was restarted.
        restart_count: Option<i32>,
        /// What it says of itself.
        state: Option<NodeState>,
        /// Its identity.
        uid: Option<String>,
        /// Its version.
        version: Option<String>,
    }
    /// How a restore goes.
    RestoreStatus {
        /// Seconds left for loading.
        remaining_data_load_time: Option<i64>,
        /// Seconds left for checking.
        remaining_validation_time: Option<i64>,
        /// Where it is.
        state: Option<RestoreState>,
    }
}
