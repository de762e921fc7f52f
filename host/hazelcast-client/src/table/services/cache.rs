//! `JCache` caches.

service! {
    /// Caches.
    cache Cache 0x13 plain;

    1 add_entry_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 Cache 2.0 { (kind int) (keys List_CacheEventData) (completion_id int) };

    2 clear once 2.0 { (name String) } -> {};

    3 remove_all_keys once 2.0 { (name String) (keys List_Data) (completion_id int) } -> {};

    4 remove_all once 2.0 { (name String) (completion_id int) } -> {};

    5 contains_key retry 2.0 { (name String) (key Data) } -> { (response boolean) };

    6 create_config retry 2.0 { (cache_config CacheConfigHolder) (create_also_on_others boolean) }
    -> { (response CacheConfigHolder?) };

    7 destroy once 2.0 { (name String) } -> {};

    8 entry_processor once 2.0 {
        (name String) (key Data) (entry_processor Data) (arguments List_Data) (completion_id int)
    } -> { (response Data?) };

    9 get_all once 2.0 { (name String) (keys List_Data) (expiry_policy Data?) } -> { (response EntryList_Data_Data) };

    10 get_and_remove once 2.0 { (name String) (key Data) (completion_id int) } -> { (response Data?) };

    11 get_and_replace once 2.0 { (name String) (key Data) (value Data) (expiry_policy Data?) (completion_id int) }
    -> { (response Data?) };

    12 get_config retry 2.0 { (name String) (simple_name String) } -> { (response CacheConfigHolder?) };

    13 get retry 2.0 { (name String) (key Data) (expiry_policy Data?) } -> { (response Data?) };

    14 iterate once 2.0 { (name String) (iteration_pointers EntryList_Integer_Integer) (batch int) }
    -> { (iteration_pointers EntryList_Integer_Integer) (keys List_Data) };

    15 listener_registration once 2.0 { (name String) (listener_config Data) (should_register boolean) (uuid UUID) }
    -> {};

    16 load_all once 2.0 { (name String) (keys List_Data) (replace_existing_values boolean) } -> {};

    17 management_config retry 2.0 { (name String) (is_stat boolean) (enabled boolean) (uuid UUID) } -> {};

    18 put_if_absent once 2.0 { (name String) (key Data) (value Data) (expiry_policy Data?) (completion_id int) }
    -> { (response boolean) };

    19 put once 2.0 { (name String) (key Data) (value Data) (expiry_policy Data?) (get boolean) (completion_id int) }
    -> { (response Data?) };

    20 remove_entry_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    21 remove_invalidation_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    22 remove once 2.0 { (name String) (key Data) (current_value Data?) (completion_id int) }
    -> { (response boolean) };

    23 replace once 2.0 {
        (name String) (key Data) (old_value Data?) (new_value Data) (expiry_policy Data?) (completion_id int)
    } -> { (response Data?) };

    24 size retry 2.0 { (name String) } -> { (response int) };

    25 add_partition_lost_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 CachePartitionLost 2.0 { (partition_id int) (uuid UUID) };

    26 remove_partition_lost_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    27 put_all once 2.0 { (name String) (entries EntryList_Data_Data) (expiry_policy Data?) (completion_id int) }
    -> {};

    28 iterate_entries retry 2.0 { (name String) (iteration_pointers EntryList_Integer_Integer) (batch int) }
    -> { (iteration_pointers EntryList_Integer_Integer) (entries EntryList_Data_Data) };

    29 add_near_cache_invalidation_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 CacheInvalidation 2.0 {
            (name String) (key Data?) (source_uuid UUID?) (partition_uuid UUID) (sequence long)
        }
        event 3 CacheBatchInvalidation 2.0 {
            (name String) (keys List_Data) (source_uuids List_UUID) (partition_uuids List_UUID) (sequences List_Long)
        };

    30 fetch_near_cache_invalidation_metadata once 2.0 { (names List_String) (uuid UUID) } -> {
        (name_partition_sequence_list EntryList_String_EntryList_Integer_Long)
        (partition_uuid_list EntryList_Integer_UUID)
    };

    31 event_journal_subscribe retry 2.0 { (name String) } -> { (oldest_sequence long) (newest_sequence long) };

    32 event_journal_read retry 2.0 {
        (name String) (start_sequence long) (min_size int) (max_size int) (predicate Data?) (projection Data?)
    } -> { (read_count int) (items List_Data) (item_seqs longArray?) (next_seq long) };

    33 set_expiry_policy once 2.0 { (name String) (keys List_Data) (expiry_policy Data) } -> { (response boolean) };
}
