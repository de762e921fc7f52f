//! Configuration added to a running cluster.

service! {
    /// Adds configuration.
    dynamic_config DynamicConfig 0x1b typed;

    1 add_multi_map_config once 2.0 {
        (name String) (collection_type String) (listener_configs List_ListenerConfigHolder?) (binary boolean)
        (backup_count int) (async_backup_count int) (statistics_enabled boolean) (split_brain_protection_name String?)
        (merge_policy String) (merge_batch_size int) (user_code_namespace String? 2.7)
    } -> {};

    2 add_ringbuffer_config once 2.0 {
        (name String) (capacity int) (backup_count int) (async_backup_count int) (time_to_live_seconds int)
        (in_memory_format String) (ringbuffer_store_config RingbufferStoreConfigHolder?)
        (split_brain_protection_name String?) (merge_policy String) (merge_batch_size int)
        (user_code_namespace String? 2.7)
    } -> {};

    3 add_cardinality_estimator_config once 2.0 {
        (name String) (backup_count int) (async_backup_count int) (split_brain_protection_name String?)
        (merge_policy String) (merge_batch_size int)
    } -> {};

    4 add_list_config once 2.0 {
        (name String) (listener_configs List_ListenerConfigHolder?) (backup_count int) (async_backup_count int)
        (max_size int) (statistics_enabled boolean) (split_brain_protection_name String?) (merge_policy String)
        (merge_batch_size int) (user_code_namespace String? 2.7)
    } -> {};

    5 add_set_config once 2.0 {
        (name String) (listener_configs List_ListenerConfigHolder?) (backup_count int) (async_backup_count int)
        (max_size int) (statistics_enabled boolean) (split_brain_protection_name String?) (merge_policy String)
        (merge_batch_size int) (user_code_namespace String? 2.7)
    } -> {};

    6 add_replicated_map_config once 2.0 {
        (name String) (in_memory_format String) (async_fillup boolean) (statistics_enabled boolean)
        (merge_policy String) (listener_configs List_ListenerConfigHolder?) (split_brain_protection_name String?)
        (merge_batch_size int) (user_code_namespace String? 2.7)
    } -> {};

    7 add_topic_config once 2.0 {
        (name String) (global_ordering_enabled boolean) (statistics_enabled boolean) (multi_threading_enabled boolean)
        (listener_configs List_ListenerConfigHolder?) (user_code_namespace String? 2.7)
    } -> {};

    8 add_executor_config once 2.0 {
        (name String) (pool_size int) (queue_capacity int) (statistics_enabled boolean)
        (split_brain_protection_name String?) (user_code_namespace String? 2.7)
    } -> {};

    9 add_durable_executor_config once 2.0 {
        (name String) (pool_size int) (durability int) (capacity int) (split_brain_protection_name String?)
        (statistics_enabled boolean 2.1) (user_code_namespace String? 2.7)
    } -> {};

    10 add_scheduled_executor_config once 2.0 {
        (name String) (pool_size int) (durability int) (capacity int) (split_brain_protection_name String?)
        (merge_policy String) (merge_batch_size int) (statistics_enabled boolean 2.1) (capacity_policy byte 2.5)
        (user_code_namespace String? 2.7)
    } -> {};

    11 add_queue_config once 2.0 {
        (name String) (listener_configs List_ListenerConfigHolder?) (backup_count int) (async_backup_count int)
        (max_size int) (empty_queue_ttl int) (statistics_enabled boolean) (split_brain_protection_name String?)
        (queue_store_config QueueStoreConfigHolder?) (merge_policy String) (merge_batch_size int)
        (priority_comparator_class_name String? 2.1) (user_code_namespace String? 2.7)
    } -> {};

    12 add_map_config once 2.0 {
        (name String) (backup_count int) (async_backup_count int) (time_to_live_seconds int) (max_idle_seconds int)
        (eviction_config EvictionConfigHolder?) (read_backup_data boolean) (cache_deserialized_values String)
        (merge_policy String) (merge_batch_size int) (in_memory_format String)
        (listener_configs List_ListenerConfigHolder?) (partition_lost_listener_configs List_ListenerConfigHolder?)
        (statistics_enabled boolean) (split_brain_protection_name String?) (map_store_config MapStoreConfigHolder?)
        (near_cache_config NearCacheConfigHolder?) (wan_replication_ref WanReplicationRef?)
        (index_configs List_IndexConfig?) (attribute_configs List_AttributeConfig?)
        (query_cache_configs List_QueryCacheConfigHolder?) (partitioning_strategy_class_name String?)
        (partitioning_strategy_implementation Data?) (hot_restart_config HotRestartConfig?)
        (event_journal_config EventJournalConfig?) (merkle_tree_config MerkleTreeConfig?) (metadata_policy int)
        (per_entry_stats_enabled boolean 2.2) (data_persistence_config DataPersistenceConfig 2.5)
        (tiered_store_config TieredStoreConfig 2.5)
        (partitioning_attribute_configs List_PartitioningAttributeConfig? 2.6) (user_code_namespace String? 2.7)
    } -> {};

    13 add_reliable_topic_config once 2.0 {
        (name String) (listener_configs List_ListenerConfigHolder?) (read_batch_size int) (statistics_enabled boolean)
        (topic_overload_policy String) (executor Data?) (user_code_namespace String? 2.7)
    } -> {};

    14 add_cache_config once 2.0 {
        (name String) (key_type String?) (value_type String?) (statistics_enabled boolean)
        (management_enabled boolean) (read_through boolean) (write_through boolean) (cache_loader_factory String?)
        (cache_writer_factory String?) (cache_loader String?) (cache_writer String?) (backup_count int)
        (async_backup_count int) (in_memory_format String) (split_brain_protection_name String?)
        (merge_policy String?) (merge_batch_size int) (disable_per_entry_invalidation_events boolean)
        (partition_lost_listener_configs List_ListenerConfigHolder?) (expiry_policy_factory_class_name String?)
        (timed_expiry_policy_factory_config TimedExpiryPolicyFactoryConfig?)
        (cache_entry_listeners List_CacheSimpleEntryListenerConfig?) (eviction_config EvictionConfigHolder?)
        (wan_replication_ref WanReplicationRef?) (event_journal_config EventJournalConfig?)
        (hot_restart_config HotRestartConfig?) (merkle_tree_config MerkleTreeConfig? 2.3)
        (data_persistence_config DataPersistenceConfig 2.5) (user_code_namespace String? 2.7)
    } -> {};

    15 add_flake_id_generator_config once 2.0 {
        (name String) (prefetch_count int) (prefetch_validity long) (statistics_enabled boolean) (node_id_offset long)
        (epoch_start long) (bits_sequence int) (bits_node_id int) (allowed_future_millis long)
    } -> {};

    16 add_pn_counter_config once 2.0 {
        (name String) (replica_count int) (statistics_enabled boolean) (split_brain_protection_name String?)
    } -> {};

    17 add_data_connection_config once 2.6 {
        (name String) (kind String) (shared boolean) (properties Map_String_String)
    } -> {};

    18 add_wan_replication_config once 2.7 {
        (name String) (consumer_config WanConsumerConfigHolder?)
        (custom_publisher_configs List_WanCustomPublisherConfigHolder)
        (batch_publisher_configs List_WanBatchPublisherConfigHolder)
    } -> {};

    19 add_user_code_namespace_config once 2.7 { (name String) (resources List_ResourceDefinition) } -> {};

    20 add_vector_collection_config once 2.8 {
        (name String) (index_configs List_VectorIndexConfig) (backup_count int 2.9) (async_backup_count int 2.9)
        (split_brain_protection_name String? 2.9) (merge_policy String 2.9) (merge_batch_size int 2.9)
        (user_code_namespace String? 2.9)
    } -> {};
}
