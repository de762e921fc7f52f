//! Code of users: jobs, jars on the class path, namespaces, serialisation.

use super::ByteOrder;
use crate::shapes::{Bucket, BucketSource};

parts! {
    /// The engine for jobs and streaming.
    Jet {
        /// Deprecated: use `bucketConfigs`. A bucket with files for jobs.
        bucket_config: Option<Bucket>,
        /// Buckets with files for jobs.
        bucket_configs: Vec<BucketSource>,
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
        /// Threads for processors that share them; as many as the member has processors where absent.
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
    /// Jars on the class path of members, fetched before they start.
    ModuleDeployment {
        /// Deprecated: use `bucketConfigs`. A bucket with jars.
        bucket_config: Option<Bucket>,
        /// Buckets with jars.
        bucket_configs: Vec<BucketSource>,
        /// `ConfigMap`s with jars.
        config_maps: Vec<String>,
        /// URLs of jars.
        #[serde(rename = "remoteURLs")]
        remote_urls: Vec<String>,
        /// Any change makes the pods start again, one by one, and fetch everything again.
        trigger_sequence: Option<String>,
    }
    /// Deprecated: use `moduleDeployment` or user code namespaces. Code on the class path of members.
    UserCodeDeployment {
        /// Deprecated: use `bucketConfigs`. A bucket with jars.
        bucket_config: Option<Bucket>,
        /// Buckets with jars.
        bucket_configs: Vec<BucketSource>,
        /// Whether clients may bring classes along.
        client_enabled: Option<bool>,
        /// `ConfigMap`s with jars.
        config_maps: Vec<String>,
        /// URLs of jars.
        #[serde(rename = "remoteURLs")]
        remote_urls: Vec<String>,
        /// Any change makes the pods start again, one by one, and fetch everything again.
        trigger_sequence: Option<String>,
    }
    /// Namespaces for user code.
    UserCodeNamespaces {
        /// Which classes of namespaces are let through.
        class_filter: Option<ClassFilter>,
    }
    /// Which classes are let through: at least one of the lists.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    ClassFilter {
        /// Classes that are never let through.
        blacklist: Option<ClassList>,
        /// Classes that are let through; all others are not.
        whitelist: Option<ClassList>,
    }
    /// Classes, in at least one of three ways.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    ClassList {
        /// Full names of classes.
        classes: Vec<String>,
        /// Packages.
        packages: Vec<String>,
        /// How full names begin.
        prefixes: Vec<String>,
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
        /// Classes of factories of data serialisation, numbered from 1 in this order.
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
        /// Classes of factories of portable serialisation, numbered from 1 in this order.
        portable_factories: Vec<String>,
        /// Serialisers of single classes.
        serializers: Vec<Serializer>,
    }
    /// Compact serialisation: at least one of the lists.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    CompactSerialization {
        /// Classes without a serialiser of their own.
        classes: Vec<String>,
        /// Classes of serialisers.
        serializers: Vec<String>,
    }
    /// The serialiser of what no other takes.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["className"])))]
    GlobalSerializer {
        /// Class of the serialiser.
        class_name: String,
        /// Whether it replaces Java serialisation.
        override_java_serialization: Option<bool>,
    }
    /// A serialiser of a class.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["className", "typeClass"])))]
    Serializer {
        /// Class of the serialiser.
        class_name: String,
        /// Class whose objects it takes.
        type_class: String,
    }
}
