//! What members keep where: disks, memory outside the heap, the CP subsystem, the SQL catalogue.

use hazelcast_api::hazelcast::{AllocatorType, DataRecoveryPolicy, Persistence, Spec};

use super::Node;
use crate::names;
use crate::quantity;

/// Seconds for checking the data where people say nothing. Members have a default of their own for loading it.
const RECOVERY_SECONDS: i32 = 120;

/// Where members keep data below their volume. Clusters of early operators keep theirs elsewhere for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// In a folder of its own.
    #[default]
    BaseDir,
    /// On top of the volume.
    Early,
}

impl Layout {
    /// That of a document that is there already.
    pub fn of_document(document: &str) -> Self {
        let sections = super::custom::parse(document).unwrap_or_default();
        match sections.get("persistence").and_then(|persistence| persistence.get("base-dir")) {
            Some(Node::Text(dir) | Node::Plain(dir)) if dir != Self::BaseDir.base_dir() => Self::Early,
            _ => Self::BaseDir,
        }
    }

    /// The folder of the data.
    pub fn base_dir(self) -> &'static str {
        match self {
            Self::BaseDir => "/data/persistence/base-dir",
            Self::Early => names::PERSISTENCE_DIR,
        }
    }
}

/// How long members wait for each other when they start from disks.
pub fn recovery_seconds(persistence: &Persistence) -> i32 {
    persistence.data_recovery_timeout.filter(|seconds| *seconds != 0).unwrap_or(RECOVERY_SECONDS)
}

pub(super) fn persistence(spec: &Spec, layout: Layout) -> Node {
    let Some(persistence) = &spec.persistence else { return Node::new() };
    let policy = match persistence.cluster_data_recovery_policy {
        DataRecoveryPolicy::FullRecoveryOnly => "FULL_RECOVERY_ONLY",
        DataRecoveryPolicy::PartialRecoveryMostRecent => "PARTIAL_RECOVERY_MOST_RECENT",
        DataRecoveryPolicy::PartialRecoveryMostComplete => "PARTIAL_RECOVERY_MOST_COMPLETE",
    };
    let seconds = persistence.data_recovery_timeout.filter(|seconds| *seconds != 0);
    let base = layout.base_dir();
    Node::new()
        .with("enabled", true)
        .with("base-dir", base)
        .with("backup-dir", format!("{base}/hot-backup"))
        .with("parallelism", 1)
        .with("validation-timeout-seconds", recovery_seconds(persistence))
        .with_some("data-load-timeout-seconds", seconds)
        .with("cluster-data-recovery-policy", policy)
        .with(
            "auto-remove-stale-data",
            persistence
                .remove_stale_data
                .unwrap_or(persistence.cluster_data_recovery_policy != DataRecoveryPolicy::FullRecoveryOnly),
        )
        // A member that comes back takes its own data up again; nothing is to move before.
        .with("rebalance-delay-seconds", persistence.rebalance_delay_seconds.unwrap_or(0))
}

pub(super) fn native_memory(spec: &Spec) -> Node {
    let Some(memory) = &spec.native_memory else { return Node::new() };
    let allocator = match memory.allocator_type {
        AllocatorType::Standard => "STANDARD",
        AllocatorType::Pooled => "POOLED",
    };
    let Some(bytes) = quantity::bytes(&memory.size) else { return Node::new() };
    // The unit of members is the binary one.
    let size = Node::new().with("value", (bytes - 1).div_euclid(1 << 20) + 1).with("unit", "MEGABYTES");
    Node::new()
        .with("enabled", true)
        .with("allocator-type", allocator)
        .with("size", size)
        .with_some("min-block-size", memory.min_block_size)
        .with("page-size", memory.page_size)
        .with("metadata-space-percentage", memory.metadata_space_percentage)
}

pub(super) fn sql(spec: &Spec) -> Node {
    let Some(sql) = &spec.sql else { return Node::new() };
    let timeout = (sql.statement_timeout != 0).then_some(sql.statement_timeout);
    let catalogue = sql.catalog_persistence_enabled.then_some(true);
    Node::new().with_some("statement-timeout-millis", timeout).with_some("catalog-persistence-enabled", catalogue)
}

pub(super) fn local_devices(spec: &Spec) -> Node {
    let one = |device: &hazelcast_api::hazelcast::LocalDevice| {
        let bytes = device.pvc.as_ref().and_then(|claim| quantity::bytes(&claim.request_storage)).unwrap_or_default();
        let node = Node::new()
            .with("base-dir", format!("/data/tiered-storage/{}", device.name))
            .with("capacity", Node::new().with("value", bytes).with("unit", "BYTES"))
            .with("block-size", device.block_size)
            .with("read-io-thread-count", device.read_io_thread_count)
            .with("write-io-thread-count", device.write_io_thread_count);
        (device.name.clone(), node)
    };
    spec.local_devices.iter().map(one).collect()
}

pub(super) fn cp_subsystem(spec: &Spec) -> Node {
    let Some(cp) = &spec.cp_subsystem else { return Node::new() };
    let beside_the_data = cp.pvc.is_none() && cp.pvc_name.is_none() && spec.persistence.is_some();
    let base = if beside_the_data { format!("{}/cp-data", names::PERSISTENCE_DIR) } else { names::CP_DIR.to_owned() };
    Node::new()
        .with("cp-member-count", spec.cluster_size)
        .with("persistence-enabled", true)
        .with("base-dir", base)
        .with("group-size", spec.cluster_size)
        .with_some("session-time-to-live-seconds", cp.session_ttl_seconds)
        .with_some("session-heartbeat-interval-seconds", cp.session_heartbeat_interval_seconds)
        .with_some("missing-cp-member-auto-removal-seconds", cp.missing_cp_member_auto_removal_seconds)
        .with_some("fail-on-indeterminate-operation-state", cp.fail_on_indeterminate_operation_state)
        .with_some("data-load-timeout-seconds", cp.data_load_timeout_seconds)
}
