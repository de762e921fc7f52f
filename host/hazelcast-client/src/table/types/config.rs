//! Configuration of data structures.

record! {
    /// The custom type `EvictionConfigHolder`.
    EvictionConfigHolder {
        (size int) (max_size_policy String) (eviction_policy String) (comparator_class_name String?)
        (comparator Data?)
    }

    /// The custom type `WanReplicationRef`.
    WanReplicationRef {
        (republishing_enabled boolean) (name String) (merge_policy_class_name String) (filters List_String?)
    }

    /// The custom type `HotRestartConfig`.
    HotRestartConfig { (enabled boolean) (fsync boolean) }

    /// The custom type `DataPersistenceConfig`.
    DataPersistenceConfig { (enabled boolean) (fsync boolean) }

    /// The custom type `EventJournalConfig`.
    EventJournalConfig { (enabled boolean) (capacity int) (time_to_live_seconds int) }

    /// `enabled_set` says that `enabled` was chosen, not defaulted.
    MerkleTreeConfig { (enabled boolean) (depth int) (enabled_set boolean 2.3) }

    /// An index; kind 0 sorted, 1 hash, 2 bitmap. Members keep a null `b_tree_index_config` as null and then fail
    /// to show their configuration, so send a whole one.
    IndexConfig {
        (kind int) (name String?) (attributes List_String) (bitmap_index_options BitmapIndexOptions?)
        (b_tree_index_config BTreeIndexConfig? 2.5)
    }

    /// The custom type `BitmapIndexOptions`.
    BitmapIndexOptions { (unique_key_transformation int) (unique_key String) }

    /// The custom type `BTreeIndexConfig`.
    BTreeIndexConfig { (page_size Capacity) (memory_tier_config MemoryTierConfig) }

    /// The custom type `AttributeConfig`.
    AttributeConfig { (name String) (extractor_class_name String) }

    /// A listener; kind 0 generic, 1 item, 2 entry, 3 split-brain protection, 4 and 5 lost partitions of a cache
    /// and a map.
    ListenerConfigHolder {
        (listener_type int) (include_value boolean) (local boolean) (listener_implementation Data?)
        (class_name String?)
    }

    /// The custom type `MapStoreConfigHolder`.
    MapStoreConfigHolder {
        (enabled boolean) (write_coalescing boolean) (write_delay_seconds int) (write_batch_size int)
        (offload boolean 2.5) (class_name String?) (implementation Data?) (factory_class_name String?)
        (factory_implementation Data?) (properties Map_String_String?) (initial_load_mode String)
    }

    /// A near cache. Members fail when `preloader_config` is null.
    NearCacheConfigHolder {
        (serialize_keys boolean) (invalidate_on_change boolean) (time_to_live_seconds int) (max_idle_seconds int)
        (cache_local_entries boolean) (name String) (in_memory_format String)
        (eviction_config_holder EvictionConfigHolder) (local_update_policy String)
        (preloader_config NearCachePreloaderConfig?)
    }

    /// The custom type `NearCachePreloaderConfig`.
    NearCachePreloaderConfig {
        (enabled boolean) (store_initial_delay_seconds int) (store_interval_seconds int) (directory String)
    }

    /// The custom type `TieredStoreConfig`.
    TieredStoreConfig { (enabled boolean) (memory_tier_config MemoryTierConfig) (disk_tier_config DiskTierConfig) }

    /// The custom type `MemoryTierConfig`.
    MemoryTierConfig { (capacity Capacity) }

    /// The custom type `DiskTierConfig`.
    DiskTierConfig { (enabled boolean) (device_name String) }

    /// An amount of memory; unit 0 bytes, 1 kilobytes, 2 megabytes, 3 gigabytes.
    Capacity { (value long) (unit int) }

    /// The custom type `PartitioningAttributeConfig`.
    PartitioningAttributeConfig { (attribute_name String) }

    /// The custom type `TimedExpiryPolicyFactoryConfig`.
    TimedExpiryPolicyFactoryConfig { (expiry_policy_type int) (duration_config DurationConfig) }

    /// The custom type `DurationConfig`.
    DurationConfig { (duration_amount long) (time_unit int) }

    /// The custom type `QueueStoreConfigHolder`.
    QueueStoreConfigHolder {
        (enabled boolean) (class_name String?) (factory_class_name String?) (implementation Data?)
        (factory_implementation Data?) (properties Map_String_String?)
    }

    /// The custom type `RingbufferStoreConfigHolder`.
    RingbufferStoreConfigHolder {
        (enabled boolean) (class_name String?) (factory_class_name String?) (implementation Data?)
        (factory_implementation Data?) (properties Map_String_String?)
    }

    /// The custom type `QueryCacheConfigHolder`.
    QueryCacheConfigHolder {
        (batch_size int) (buffer_size int) (delay_seconds int) (include_value boolean) (populate boolean)
        (coalesce boolean) (serialize_keys boolean 2.4) (in_memory_format String) (name String)
        (predicate_config_holder PredicateConfigHolder) (eviction_config_holder EvictionConfigHolder)
        (listener_configs List_ListenerConfigHolder?) (index_configs List_IndexConfig?)
    }

    /// The custom type `PredicateConfigHolder`.
    PredicateConfigHolder { (class_name String?) (sql String?) (implementation Data?) }

    /// The custom type `CacheSimpleEntryListenerConfig`.
    CacheSimpleEntryListenerConfig {
        (old_value_required boolean) (synchronous boolean) (cache_entry_listener_factory String?)
        (cache_entry_event_filter_factory String?)
    }

    /// The custom type `CacheConfigHolder`.
    CacheConfigHolder {
        (backup_count int) (async_backup_count int) (read_through boolean) (write_through boolean)
        (store_by_value boolean) (management_enabled boolean) (statistics_enabled boolean)
        (disable_per_entry_invalidation_events boolean) (name String) (manager_prefix String?) (uri_string String?)
        (in_memory_format String) (eviction_config_holder EvictionConfigHolder)
        (wan_replication_ref WanReplicationRef?) (key_class_name String) (value_class_name String)
        (cache_loader_factory Data?) (cache_writer_factory Data?) (expiry_policy_factory Data)
        (hot_restart_config HotRestartConfig?) (event_journal_config EventJournalConfig?)
        (split_brain_protection_name String?) (listener_configurations List_Data?)
        (merge_policy_config MergePolicyConfig) (cache_partition_lost_listener_configs List_ListenerConfigHolder?)
        (merkle_tree_config MerkleTreeConfig? 2.3) (data_persistence_config DataPersistenceConfig 2.5)
        (user_code_namespace String? 2.7)
    }

    /// The custom type `MergePolicyConfig`.
    MergePolicyConfig { (batch_size int) (policy String) }

    /// The custom type `VectorIndexConfig`.
    VectorIndexConfig {
        (metric int) (dimension int) (max_degree int) (ef_construction int) (use_deduplication boolean) (name String?)
    }

    /// Code of users; kind 3 class, 4 jar, 5 zip of jars.
    ResourceDefinition { (resource_type int) (id String) (payload byteArray?) (resource_url String?) }

    /// The custom type `WanConsumerConfigHolder`.
    WanConsumerConfigHolder {
        (persist_wan_replicated_data boolean) (class_name String?) (implementation Data?) (properties Map_String_Data)
    }

    /// The custom type `WanCustomPublisherConfigHolder`.
    WanCustomPublisherConfigHolder {
        (publisher_id String?) (class_name String?) (implementation Data?) (properties Map_String_Data)
    }

    /// The custom type `WanBatchPublisherConfigHolder`.
    WanBatchPublisherConfigHolder {
        (snapshot_enabled boolean) (initial_publisher_state byte) (queue_capacity int) (batch_size int)
        (batch_max_delay_millis int) (response_timeout_millis int) (queue_full_behavior int) (acknowledge_type int)
        (discovery_period_seconds int) (max_target_endpoints int) (max_concurrent_invocations int)
        (use_endpoint_private_address boolean) (idle_min_park_ns long) (idle_max_park_ns long) (publisher_id String?)
        (class_name String?) (implementation Data?) (properties Map_String_Data) (cluster_name String?)
        (target_endpoints String) (aws_config AwsConfig) (gcp_config GcpConfig) (azure_config AzureConfig)
        (kubernetes_config KubernetesConfig) (eureka_config EurekaConfig) (discovery_config DiscoveryConfig)
        (sync_config WanSyncConfig) (endpoint String?)
    }

    /// The custom type `AwsConfig`.
    AwsConfig { (enabled boolean) (use_public_ip boolean) (tag String) (properties Map_String_String) }

    /// The custom type `GcpConfig`.
    GcpConfig { (enabled boolean) (use_public_ip boolean) (tag String) (properties Map_String_String) }

    /// The custom type `AzureConfig`.
    AzureConfig { (enabled boolean) (use_public_ip boolean) (tag String) (properties Map_String_String) }

    /// The custom type `KubernetesConfig`.
    KubernetesConfig { (enabled boolean) (use_public_ip boolean) (tag String) (properties Map_String_String) }

    /// The custom type `EurekaConfig`.
    EurekaConfig { (enabled boolean) (use_public_ip boolean) (tag String) (properties Map_String_String) }

    /// The custom type `DiscoveryStrategyConfig`.
    DiscoveryStrategyConfig { (class_name String) (properties Map_String_Data) }

    /// The custom type `DiscoveryConfig`.
    DiscoveryConfig {
        (discovery_strategy_configs List_DiscoveryStrategyConfig) (discovery_service_provider Data) (node_filter Data)
        (node_filter_class String)
    }

    /// The custom type `WanSyncConfig`.
    WanSyncConfig { (consistency_check_strategy byte) }
}
