//! What members keep, where, and how it is kept safe.

use serde_json::Value;

use super::{
    AllocatorType, ClaimNamePrefix, ClaimsWhenDeleted, ClusterStateStrategy, DataRecoveryPolicy, StartupAction,
};
use crate::shapes::{Bucket, Claim};

parts! {
    /// How data survives that members stop, start and change.
    DataSafety {
        /// Whether the cluster takes up the version of its members by itself once all of them have it. With `false` a person
        /// does that, and members can go back to the version before until then. It does where absent.
        automatic_cluster_version_upgrade: Option<bool>,
        /// How long a member that is to stop may take to hand its data over, in seconds; 600 where absent. Its pod is given
        /// the same time to end, and something on top.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        graceful_shutdown_max_wait_seconds: Option<i32>,
        /// Whether a `PodDisruptionBudget` lets only one member at a time be taken away for the good of a node. There is none where
        /// absent.
        pod_disruption_budget: Option<bool>,
        /// Whether a member that `highAvailabilityMode` has no room for waits; where absent, it starts beside another one.
        require_spread: Option<bool>,
        /// Whether members start again, one after the other, when their configuration changes in something that they read only
        /// when they start: properties, custom configuration, certificates and so on. Where absent, such a change holds for
        /// members that start later. To turn it on starts them once.
        restart_on_configuration_change: Option<bool>,
        /// For how long a member that has left is remembered, so that one that comes back at its address is not taken for
        /// it, in seconds; 5 where absent.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        stale_join_prevention_seconds: Option<i32>,
        /// Whether the volume claims of members, and with them all data, go when the cluster is deleted. They stay where absent.
        /// Needs Kubernetes 1.27.
        volume_claims_when_deleted: Option<ClaimsWhenDeleted>,
    }
    /// Keeps data on disks.
    Persistence {
        /// Whether members change the state of the cluster by themselves when Kubernetes stops and starts them, so that no
        /// data moves for nothing. They do where absent.
        automatic_cluster_state: Option<bool>,
        /// Deprecated, and ignored: see `restore.localConfig`.
        base_dir: Option<String>,
        /// What may be missing when the cluster starts from its disks. `FullRecoveryOnly`: nothing.
        /// `PartialRecoveryMostRecent`: members; those with the newest partition table start.
        /// `PartialRecoveryMostComplete`: members; the largest group that fits together starts.
        cluster_data_recovery_policy: DataRecoveryPolicy = DataRecoveryPolicy::PartialRecoveryMostComplete,
        /// The state that members choose while some of them are away for a short time; `NO_MIGRATION` where absent.
        cluster_state_strategy: Option<ClusterStateStrategy>,
        /// Seconds for checking the data, and again for loading it; 120 where absent or 0.
        data_recovery_timeout: Option<i32>,
        /// The claim of each member. Either this or `pvcName` must be there. Cannot change later.
        pvc: Option<Claim>,
        /// Entry of `persistenceVolumeClaims` on which data is kept, instead of `pvc`. Cannot change later.
        pvc_name: Option<String>,
        /// Seconds that members wait for one that has left before they make up for it; 0 where absent.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        rebalance_delay_seconds: Option<i32>,
        /// Whether a member that cannot take part in a recovery gives up what it has and starts empty. It does where absent,
        /// unless the policy is `FullRecoveryOnly`.
        remove_stale_data: Option<bool>,
        /// What is restored before the first start; one source at most. Cannot change later.
        restore: Option<Restore>,
        /// Deprecated: choose a `clusterDataRecoveryPolicy`. Makes the cluster start although something is missing.
        startup_action: Option<StartupAction>,
    }
    /// What is restored before the first start.
    #[cfg_attr(feature = "schema", schemars(extend("maxProperties" = 1)))]
    Restore {
        /// A backup in an object store.
        bucket_config: Option<Bucket>,
        /// A `HotBackup` of this namespace that has been made.
        hot_backup_resource_name: Option<String>,
        /// A backup on the volumes.
        local_config: Option<LocalRestore>,
    }
    /// A backup on the volumes.
    LocalRestore {
        /// The folder of all backups below the base; `/hot-backup` where absent.
        backup_dir: Option<String>,
        /// The folder of this backup, such as `backup-1709045128548`.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        backup_folder: Option<String>,
        /// The folder of the data; that of the cluster where absent.
        base_dir: Option<String>,
        /// How the names of the claims with the data begin.
        pvc_name_prefix: ClaimNamePrefix = ClaimNamePrefix::Persistence,
    }
    /// A claim of each member, mounted at `/data/<name>`.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["accessModes", "name"])))]
    NamedClaim {
        /// Access modes of the claim.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        access_modes: Vec<String>,
        /// Name of the claim template, by which others refer to it.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        name: String,
        /// Requested capacity.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        request_storage: Value = "8Gi",
        /// Storage class; that of the cluster where absent.
        storage_class_name: Option<String>,
    }
    /// The CP subsystem: data structures that give up availability for consistency.
    CpSubsystem {
        /// How long members may take to load their data, in seconds.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        data_load_timeout_seconds: Option<i32>,
        /// Whether an operation whose end is unknown fails; else it is tried again.
        fail_on_indeterminate_operation_state: Option<bool>,
        /// Seconds after which a missing member is removed; 0 for never, 14400 where absent.
        missing_cp_member_auto_removal_seconds: Option<i32>,
        /// The claim for its data. Without `pvc` and `pvcName` it is kept with the data of the cluster. Cannot change later.
        pvc: Option<Claim>,
        /// Entry of `persistenceVolumeClaims` on which its data is kept, instead of `pvc`. Cannot change later.
        pvc_name: Option<String>,
        /// Seconds between two signs of life of a session; 5 where absent.
        session_heartbeat_interval_seconds: Option<i32>,
        /// Seconds that a session lives after its last sign of life; 300 where absent.
        #[serde(rename = "sessionTTLSeconds")]
        session_ttl_seconds: Option<i32>,
    }
    /// A disk for tiered storage. Deprecated: members have given it up.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["name"])))]
    LocalDevice {
        /// Bytes in a block.
        #[cfg_attr(feature = "schema", schemars(range(min = 512)))]
        block_size: i32 = 4096,
        /// Name of the device, also that of its claim.
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
    /// Memory outside the heap.
    NativeMemory {
        /// How it is managed. Must be `POOLED` with persistence.
        allocator_type: AllocatorType = AllocatorType::Standard,
        /// Percent of it for bookkeeping.
        metadata_space_percentage: i32 = 12,
        /// Bytes of the smallest block, with pooled memory.
        min_block_size: Option<i32>,
        /// Bytes of a page, with pooled memory.
        page_size: i32 = 4_194_304,
        /// How much of it there is. Must fit into the memory that the container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        size: Value = "512M",
    }
    /// Queries.
    Sql {
        /// Whether the catalogue is kept on disk. Needs persistence, and cannot be turned off later.
        catalog_persistence_enabled: bool = false,
        /// Milliseconds that a query may take; 0 for any time.
        statement_timeout: i32 = 0,
    }
}
