//! What is known of a cluster.

use serde_json::Value;

use super::{NodeState, Phase, RestoreState};

parts! {
    /// What is known of the cluster.
    Status {
        /// What cannot change of the specification, as it was when it was last accepted, in JSON. A change of it is not
        /// carried out, whoever let it through.
        accepted_spec: Option<String>,
        /// How many members run.
        #[cfg_attr(feature = "schema", schemars(extend("format" = "int32")))]
        cluster_size: Option<i32>,
        /// What is so and why, in the form of all Kubernetes kinds.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::conditions"))]
        conditions: Vec<Value>,
        /// The cluster as a whole.
        hazelcast_cluster_status: Option<ClusterStatus>,
        /// How many members without data run.
        lite_member_count: Option<i32>,
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
        /// Whether it writes diagnostics.
        diagnostics_enabled: Option<bool>,
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
