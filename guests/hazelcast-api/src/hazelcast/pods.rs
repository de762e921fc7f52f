//! What runs in the pods of members: the Java virtual machine, helpers, logs, diagnostics, executors.

use serde_json::Value;

use super::{Collector, DiagnosticsOutput};
use crate::shapes::{Map, Scheduling};

parts! {
    /// The helper beside each member. Also the image of the init container.
    Agent {
        /// Where its image comes from.
        repository: String = "docker.io/hazelcast/platform-operator-agent",
        /// What its container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Tag of its image.
        version: String = "0.1.29",
    }
    /// What runs before a member starts: it fetches code and backups.
    InitContainer {
        /// What its container may use; needed where the namespace has a quota.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
    }
    /// Members without data of their own: they compute, and answer clients. They come on top of `clusterSize`. Nothing
    /// that is said of the other members' pods holds for theirs; what they need is said here.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["count"])))]
    LiteMember {
        /// How many.
        count: Option<i32>,
        /// Further variables in their environment. Names must not begin with `HZ_`.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env", extend("x-kubernetes-validations" = [
            {
                "rule": "self.all(env, env.name.startsWith('HZ_') == false)",
                "message": "variables must not begin with 'HZ_'; use customConfigCmName to configure members",
            },
            {"rule": "self.all(env, env.name != '')", "message": "a variable must have a name"},
        ])))]
        env: Vec<Value>,
        /// `ConfigMap`s and Secrets all of whose keys become variables in their environment.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env_from"))]
        env_from: Vec<Value>,
        /// Their Java virtual machine.
        jvm: Option<Jvm>,
        /// What their container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Where they run.
        scheduling: Option<Scheduling>,
    }
    /// The Java virtual machine.
    Jvm {
        /// Further arguments. What `memory`, `gc` and `debug` say must not be said again here.
        args: Vec<String>,
        /// Debugging from outside.
        debug: Option<Debug>,
        /// Garbage collection.
        gc: Option<Gc>,
        /// The heap.
        memory: Option<JvmMemory>,
    }
    /// Debugging from outside (JDWP). Nothing happens unless it is enabled.
    Debug {
        /// `host:port` of a debugger that waits for the virtual machine to call; it then does not listen itself.
        attach: Option<String>,
        /// Turns debugging on.
        enabled: bool = false,
        /// The port at which the virtual machine waits for a debugger.
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 65535)))]
        port: i32 = 5005,
        /// Whether a member waits for a debugger before it starts. Its pod is not ready until then.
        suspend: bool = false,
    }
    /// Garbage collection.
    Gc {
        /// Which collector; the virtual machine chooses where absent.
        collector: Option<Collector>,
        /// Whether it writes to the log.
        logging: Option<bool>,
    }
    /// The heap, in percent of the memory that the container may use.
    JvmMemory {
        /// Size at the start, such as `25.0`.
        #[serde(rename = "initialRAMPercentage")]
        initial_ram_percentage: Option<String>,
        /// Greatest size, such as `80.0`.
        #[serde(rename = "maxRAMPercentage")]
        max_ram_percentage: Option<String>,
        /// Greatest size where the container may use little memory.
        #[serde(rename = "minRAMPercentage")]
        min_ram_percentage: Option<String>,
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
    /// Diagnostics that members write while they run. A change holds for members that start later: see
    /// `dataSafety.restartOnConfigurationChange`.
    Diagnostics {
        /// Minutes after which members stop by themselves; never where absent.
        auto_off_timer_in_minutes: Option<i32>,
        /// How names of files begin.
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[^/\\?%*|<>.]*$")))]
        file_name_prefix: Option<String>,
        /// Whether each entry holds the time as a number too.
        include_epoch_time: bool = true,
        /// How many files are kept.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        max_rolled_file_count: i32 = 10,
        /// How large a file may grow.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        max_rolled_file_size: Value = "50M",
        /// Where it is written: to standard output, to files, or to the logger `com.hazelcast.diagnostics`.
        output_type: DiagnosticsOutput = DiagnosticsOutput::Stdout,
        /// Settings of the plugins: properties whose names begin with `hazelcast.diagnostics.`.
        plugin_properties: Map,
        /// Entry of `persistenceVolumeClaims` on which files are kept. Without one they go with the pod.
        pvc_name: Option<String>,
    }
    /// A configuration of the logger instead of that which follows from `loggingLevel`.
    LoggingConfiguration {
        /// Key of a `ConfigMap` that holds a `log4j2.properties`.
        config_map_key_ref: Option<ConfigMapKey>,
    }
    /// A key of a `ConfigMap` in the same namespace.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["key"], "x-kubernetes-map-type" = "atomic")))]
    ConfigMapKey {
        /// The key.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        key: String,
        /// The `ConfigMap`.
        name: Option<String>,
        /// Whether pods start without it.
        optional: Option<bool>,
    }
    /// An executor.
    ExecutorService {
        /// Name of the executor; `default` is that of tasks that name none.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 8,
        /// How many tasks may wait; 0 for any number.
        queue_capacity: i32 = 0,
        /// The `UserCodeNamespace` with the classes of tasks.
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
        /// Name of the executor; `default` is that of tasks that name none.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 16,
        /// The `UserCodeNamespace` with the classes of tasks.
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
        /// Name of the executor; `default` is that of tasks that name none.
        name: String = "default",
        /// Threads of each member.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        pool_size: i32 = 16,
        /// The `UserCodeNamespace` with the classes of tasks.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_code_namespace: Option<String>,
    }
}
