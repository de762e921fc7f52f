//! Maps and their queries.

service! {
    /// Maps.
    map Map 0x01 plain;

    1 put once 2.0 { (name String) (key Data) (value Data) (thread_id long) (ttl long) } -> { (response Data?) };

    2 get retry 2.0 { (name String) (key Data) (thread_id long) } -> { (response Data?) };

    3 remove once 2.0 { (name String) (key Data) (thread_id long) } -> { (response Data?) };

    4 replace once 2.0 { (name String) (key Data) (value Data) (thread_id long) } -> { (response Data?) };

    5 replace_if_same once 2.0 { (name String) (key Data) (test_value Data) (value Data) (thread_id long) }
    -> { (response boolean) };

    6 contains_key retry 2.0 { (name String) (key Data) (thread_id long) } -> { (response boolean) };

    7 contains_value retry 2.0 { (name String) (value Data) } -> { (response boolean) };

    8 remove_if_same once 2.0 { (name String) (key Data) (value Data) (thread_id long) } -> { (response boolean) };

    9 delete once 2.0 { (name String) (key Data) (thread_id long) } -> { (response boolean) };

    10 flush once 2.0 { (name String) } -> {};

    11 try_remove once 2.0 { (name String) (key Data) (thread_id long) (timeout long) } -> { (response boolean) };

    12 try_put once 2.0 { (name String) (key Data) (value Data) (thread_id long) (timeout long) }
    -> { (response boolean) };

    13 put_transient once 2.0 { (name String) (key Data) (value Data) (thread_id long) (ttl long) } -> {};

    14 put_if_absent once 2.0 { (name String) (key Data) (value Data) (thread_id long) (ttl long) }
    -> { (response Data?) };

    15 set once 2.0 { (name String) (key Data) (value Data) (thread_id long) (ttl long) } -> {};

    16 lock retry 2.0 { (name String) (key Data) (thread_id long) (ttl long) (reference_id long) } -> {};

    17 try_lock retry 2.0 {
        (name String) (key Data) (thread_id long) (lease long) (timeout long) (reference_id long)
    } -> { (response boolean) };

    18 is_locked retry 2.0 { (name String) (key Data) } -> { (response boolean) };

    19 unlock retry 2.0 { (name String) (key Data) (thread_id long) (reference_id long) } -> {};

    20 add_interceptor once 2.0 { (name String) (interceptor Data) } -> { (response String) };

    21 remove_interceptor once 2.0 { (name String) (id String) } -> { (response boolean) };

    22 add_entry_listener_to_key_with_predicate once 2.0 {
        (name String) (key Data) (predicate Data) (include_value boolean) (listener_flags int) (local_only boolean)
    } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    23 add_entry_listener_with_predicate once 2.0 {
        (name String) (predicate Data) (include_value boolean) (listener_flags int) (local_only boolean)
    } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    24 add_entry_listener_to_key once 2.0 {
        (name String) (key Data) (include_value boolean) (listener_flags int) (local_only boolean)
    } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    25 add_entry_listener once 2.0 { (name String) (include_value boolean) (listener_flags int) (local_only boolean) }
    -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    26 remove_entry_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    27 add_partition_lost_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 MapPartitionLost 2.0 { (partition_id int) (uuid UUID) };

    28 remove_partition_lost_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    29 get_entry_view retry 2.0 { (name String) (key Data) (thread_id long) }
    -> { (response SimpleEntryView?) (max_idle long) };

    30 evict once 2.0 { (name String) (key Data) (thread_id long) } -> { (response boolean) };

    31 evict_all once 2.0 { (name String) } -> {};

    32 load_all once 2.0 { (name String) (replace_existing_values boolean) } -> {};

    33 load_given_keys once 2.0 { (name String) (keys List_Data) (replace_existing_values boolean) } -> {};

    34 key_set retry 2.0 { (name String) } -> { (response List_Data) };

    35 get_all once 2.0 { (name String) (keys List_Data) } -> { (response EntryList_Data_Data) };

    36 values retry 2.0 { (name String) } -> { (response List_Data) };

    37 entry_set retry 2.0 { (name String) } -> { (response EntryList_Data_Data) };

    38 key_set_with_predicate retry 2.0 { (name String) (predicate Data) } -> { (response List_Data) };

    39 values_with_predicate retry 2.0 { (name String) (predicate Data) } -> { (response List_Data) };

    40 entries_with_predicate retry 2.0 { (name String) (predicate Data) } -> { (response EntryList_Data_Data) };

    41 add_index once 2.0 { (name String) (index_config IndexConfig) } -> {};

    42 size retry 2.0 { (name String) } -> { (response int) };

    43 is_empty retry 2.0 { (name String) } -> { (response boolean) };

    44 put_all once 2.0 { (name String) (entries EntryList_Data_Data) (trigger_map_loader boolean) } -> {};

    45 clear once 2.0 { (name String) } -> {};

    46 execute_on_key once 2.0 { (name String) (entry_processor Data) (key Data) (thread_id long) }
    -> { (response Data?) };

    47 submit_to_key once 2.0 { (name String) (entry_processor Data) (key Data) (thread_id long) }
    -> { (response Data?) };

    48 execute_on_all_keys once 2.0 { (name String) (entry_processor Data) } -> { (response EntryList_Data_Data) };

    49 execute_with_predicate once 2.0 { (name String) (entry_processor Data) (predicate Data) }
    -> { (response EntryList_Data_Data) };

    50 execute_on_keys once 2.0 { (name String) (entry_processor Data) (keys List_Data) }
    -> { (response EntryList_Data_Data) };

    51 force_unlock retry 2.0 { (name String) (key Data) (reference_id long) } -> {};

    52 key_set_with_paging_predicate retry 2.0 { (name String) (predicate PagingPredicateHolder) }
    -> { (response List_Data) (anchor_data_list AnchorDataListHolder) };

    53 values_with_paging_predicate retry 2.0 { (name String) (predicate PagingPredicateHolder) }
    -> { (response List_Data) (anchor_data_list AnchorDataListHolder) };

    54 entries_with_paging_predicate retry 2.0 { (name String) (predicate PagingPredicateHolder) }
    -> { (response EntryList_Data_Data) (anchor_data_list AnchorDataListHolder) };

    55 fetch_keys retry 2.0 { (name String) (iteration_pointers EntryList_Integer_Integer) (batch int) }
    -> { (iteration_pointers EntryList_Integer_Integer) (keys List_Data) };

    56 fetch_entries retry 2.0 { (name String) (iteration_pointers EntryList_Integer_Integer) (batch int) }
    -> { (iteration_pointers EntryList_Integer_Integer) (entries EntryList_Data_Data) };

    57 aggregate retry 2.0 { (name String) (aggregator Data) } -> { (response Data?) };

    58 aggregate_with_predicate retry 2.0 { (name String) (aggregator Data) (predicate Data) }
    -> { (response Data?) };

    59 project retry 2.0 { (name String) (projection Data) } -> { (response ListCN_Data) };

    60 project_with_predicate retry 2.0 { (name String) (projection Data) (predicate Data) }
    -> { (response ListCN_Data) };

    61 fetch_near_cache_invalidation_metadata once 2.0 { (names List_String) (uuid UUID) } -> {
        (name_partition_sequence_list EntryList_String_EntryList_Integer_Long)
        (partition_uuid_list EntryList_Integer_UUID)
    };

    62 remove_all once 2.0 { (name String) (predicate Data) } -> {};

    63 add_near_cache_invalidation_listener once 2.0 { (name String) (listener_flags int) (local_only boolean) }
    -> { (response UUID) }
        event 2 IMapInvalidation 2.0 { (key Data?) (source_uuid UUID) (partition_uuid UUID) (sequence long) }
        event 3 IMapBatchInvalidation 2.0 {
            (keys List_Data) (source_uuids List_UUID) (partition_uuids List_UUID) (sequences List_Long)
        };

    64 fetch_with_query retry 2.0 {
        (name String) (iteration_pointers EntryList_Integer_Integer) (batch int) (projection Data) (predicate Data)
    } -> { (results ListCN_Data) (iteration_pointers EntryList_Integer_Integer) };

    65 event_journal_subscribe retry 2.0 { (name String) } -> { (oldest_sequence long) (newest_sequence long) };

    66 event_journal_read retry 2.0 {
        (name String) (start_sequence long) (min_size int) (max_size int) (predicate Data?) (projection Data?)
    } -> { (read_count int) (items List_Data) (item_seqs longArray?) (next_seq long) };

    67 set_ttl once 2.0 { (name String) (key Data) (ttl long) } -> { (response boolean) };

    68 put_with_max_idle once 2.0 {
        (name String) (key Data) (value Data) (thread_id long) (ttl long) (max_idle long)
    } -> { (response Data?) };

    69 put_transient_with_max_idle once 2.0 {
        (name String) (key Data) (value Data) (thread_id long) (ttl long) (max_idle long)
    } -> { (response Data?) };

    70 put_if_absent_with_max_idle once 2.0 {
        (name String) (key Data) (value Data) (thread_id long) (ttl long) (max_idle long)
    } -> { (response Data?) };

    71 set_with_max_idle once 2.0 {
        (name String) (key Data) (value Data) (thread_id long) (ttl long) (max_idle long)
    } -> { (response Data?) };

    72 replace_all retry 2.0 { (name String) (function Data) } -> {};

    73 put_all_with_metadata once 2.0 { (name String) (entries List_SimpleEntryView) } -> {};
}

service! {
    /// Query caches of maps.
    continuous_query ContinuousQuery 0x16 plain;

    1 publisher_create_with_value retry 2.0 {
        (map_name String) (cache_name String) (predicate Data) (batch_size int) (buffer_size int) (delay_seconds long)
        (populate boolean) (coalesce boolean)
    } -> { (response EntryList_Data_Data) };

    2 publisher_create retry 2.0 {
        (map_name String) (cache_name String) (predicate Data) (batch_size int) (buffer_size int) (delay_seconds long)
        (populate boolean) (coalesce boolean)
    } -> { (response List_Data) };

    3 made_publishable retry 2.0 { (map_name String) (cache_name String) } -> { (response boolean) };

    4 add_listener once 2.0 { (listener_name String) (local_only boolean) } -> { (response UUID) }
        event 2 QueryCacheSingle 2.0 { (data QueryCacheEventData) }
        event 3 QueryCacheBatch 2.0 { (events List_QueryCacheEventData) (source String) (partition_id int) };

    5 set_read_cursor once 2.0 { (map_name String) (cache_name String) (sequence long) } -> { (response boolean) };

    6 destroy_cache once 2.0 { (map_name String) (cache_name String) } -> { (response boolean) };
}
