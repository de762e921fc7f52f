//! Collections, topics and ring buffers.

service! {
    /// Messages of the service `MultiMap`.
    multi_map MultiMap 0x02 plain;

    1 put once 2.0 { (name String) (key Data) (value Data) (thread_id long) } -> { (response boolean) };

    2 get retry 2.0 { (name String) (key Data) (thread_id long) } -> { (response List_Data) };

    3 remove once 2.0 { (name String) (key Data) (thread_id long) } -> { (response List_Data) };

    4 key_set retry 2.0 { (name String) } -> { (response List_Data) };

    5 values retry 2.0 { (name String) } -> { (response List_Data) };

    6 entry_set retry 2.0 { (name String) } -> { (response EntryList_Data_Data) };

    7 contains_key retry 2.0 { (name String) (key Data) (thread_id long) } -> { (response boolean) };

    8 contains_value retry 2.0 { (name String) (value Data) } -> { (response boolean) };

    9 contains_entry retry 2.0 { (name String) (key Data) (value Data) (thread_id long) } -> { (response boolean) };

    10 size retry 2.0 { (name String) } -> { (response int) };

    11 clear once 2.0 { (name String) } -> {};

    12 value_count retry 2.0 { (name String) (key Data) (thread_id long) } -> { (response int) };

    13 add_entry_listener_to_key once 2.0 { (name String) (key Data) (include_value boolean) (local_only boolean) }
    -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    14 add_entry_listener once 2.0 { (name String) (include_value boolean) (local_only boolean) }
    -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    15 remove_entry_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    16 lock retry 2.0 { (name String) (key Data) (thread_id long) (ttl long) (reference_id long) } -> {};

    17 try_lock retry 2.0 {
        (name String) (key Data) (thread_id long) (lease long) (timeout long) (reference_id long)
    } -> { (response boolean) };

    18 is_locked retry 2.0 { (name String) (key Data) } -> { (response boolean) };

    19 unlock retry 2.0 { (name String) (key Data) (thread_id long) (reference_id long) } -> {};

    20 force_unlock retry 2.0 { (name String) (key Data) (reference_id long) } -> {};

    21 remove_entry once 2.0 { (name String) (key Data) (value Data) (thread_id long) } -> { (response boolean) };

    22 delete once 2.0 { (name String) (key Data) (thread_id long) } -> {};

    23 put_all once 2.0 { (name String) (entries EntryList_Data_List_Data) } -> {};
}

service! {
    /// Messages of the service `Queue`.
    queue Queue 0x03 plain;

    1 offer once 2.0 { (name String) (value Data) (timeout_millis long) } -> { (response boolean) };

    2 put once 2.0 { (name String) (value Data) } -> {};

    3 size once 2.0 { (name String) } -> { (response int) };

    4 remove once 2.0 { (name String) (value Data) } -> { (response boolean) };

    5 poll once 2.0 { (name String) (timeout_millis long) } -> { (response Data?) };

    6 take once 2.0 { (name String) } -> { (response Data?) };

    7 peek once 2.0 { (name String) } -> { (response Data?) };

    8 iterator once 2.0 { (name String) } -> { (response List_Data) };

    9 drain_to once 2.0 { (name String) } -> { (response List_Data) };

    10 drain_to_max_size once 2.0 { (name String) (max_size int) } -> { (response List_Data) };

    11 contains once 2.0 { (name String) (value Data) } -> { (response boolean) };

    12 contains_all once 2.0 { (name String) (data_list List_Data) } -> { (response boolean) };

    13 compare_and_remove_all once 2.0 { (name String) (data_list List_Data) } -> { (response boolean) };

    14 compare_and_retain_all once 2.0 { (name String) (data_list List_Data) } -> { (response boolean) };

    15 clear once 2.0 { (name String) } -> {};

    16 add_all once 2.0 { (name String) (data_list List_Data) } -> { (response boolean) };

    17 add_listener once 2.0 { (name String) (include_value boolean) (local_only boolean) } -> { (response UUID) }
        event 2 Item 2.0 { (item Data?) (uuid UUID) (event_type int) };

    18 remove_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    19 remaining_capacity once 2.0 { (name String) } -> { (response int) };

    20 is_empty once 2.0 { (name String) } -> { (response boolean) };
}

service! {
    /// Messages of the service `Topic`.
    topic Topic 0x04 plain;

    1 publish once 2.0 { (name String) (message Data) } -> {};

    2 add_message_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 Topic 2.0 { (item Data) (publish_time long) (uuid UUID) };

    3 remove_message_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    4 publish_all once 2.0 { (name String) (messages List_Data) } -> {};
}

service! {
    /// Messages of the service `List`.
    list List 0x05 plain;

    1 size retry 2.0 { (name String) } -> { (response int) };

    2 contains retry 2.0 { (name String) (value Data) } -> { (response boolean) };

    3 contains_all retry 2.0 { (name String) (values List_Data) } -> { (response boolean) };

    4 add once 2.0 { (name String) (value Data) } -> { (response boolean) };

    5 remove once 2.0 { (name String) (value Data) } -> { (response boolean) };

    6 add_all once 2.0 { (name String) (value_list List_Data) } -> { (response boolean) };

    7 compare_and_remove_all once 2.0 { (name String) (values List_Data) } -> { (response boolean) };

    8 compare_and_retain_all once 2.0 { (name String) (values List_Data) } -> { (response boolean) };

    9 clear once 2.0 { (name String) } -> {};

    10 get_all retry 2.0 { (name String) } -> { (response List_Data) };

    11 add_listener once 2.0 { (name String) (include_value boolean) (local_only boolean) } -> { (response UUID) }
        event 2 Item 2.0 { (item Data?) (uuid UUID) (event_type int) };

    12 remove_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    13 is_empty retry 2.0 { (name String) } -> { (response boolean) };

    14 add_all_with_index once 2.0 { (name String) (index int) (value_list List_Data) } -> { (response boolean) };

    15 get retry 2.0 { (name String) (index int) } -> { (response Data?) };

    16 set once 2.0 { (name String) (index int) (value Data) } -> { (response Data?) };

    17 add_with_index once 2.0 { (name String) (index int) (value Data) } -> {};

    18 remove_with_index once 2.0 { (name String) (index int) } -> { (response Data?) };

    19 last_index_of retry 2.0 { (name String) (value Data) } -> { (response int) };

    20 index_of retry 2.0 { (name String) (value Data) } -> { (response int) };

    21 sub retry 2.0 { (name String) (from int) (to int) } -> { (response List_Data) };

    22 iterator retry 2.0 { (name String) } -> { (response List_Data) };

    23 list_iterator retry 2.0 { (name String) (index int) } -> { (response List_Data) };
}

service! {
    /// Messages of the service `Set`.
    set Set 0x06 plain;

    1 size once 2.0 { (name String) } -> { (response int) };

    2 contains once 2.0 { (name String) (value Data) } -> { (response boolean) };

    3 contains_all once 2.0 { (name String) (items List_Data) } -> { (response boolean) };

    4 add once 2.0 { (name String) (value Data) } -> { (response boolean) };

    5 remove once 2.0 { (name String) (value Data) } -> { (response boolean) };

    6 add_all once 2.0 { (name String) (value_list List_Data) } -> { (response boolean) };

    7 compare_and_remove_all once 2.0 { (name String) (values List_Data) } -> { (response boolean) };

    8 compare_and_retain_all once 2.0 { (name String) (values List_Data) } -> { (response boolean) };

    9 clear once 2.0 { (name String) } -> {};

    10 get_all once 2.0 { (name String) } -> { (response List_Data) };

    11 add_listener once 2.0 { (name String) (include_value boolean) (local_only boolean) } -> { (response UUID) }
        event 2 Item 2.0 { (item Data?) (uuid UUID) (event_type int) };

    12 remove_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    13 is_empty once 2.0 { (name String) } -> { (response boolean) };
}

service! {
    /// Messages of the service `ReplicatedMap`.
    replicated_map ReplicatedMap 0x0d plain;

    1 put once 2.0 { (name String) (key Data) (value Data) (ttl long) } -> { (response Data?) };

    2 size retry 2.0 { (name String) } -> { (response int) };

    3 is_empty retry 2.0 { (name String) } -> { (response boolean) };

    4 contains_key retry 2.0 { (name String) (key Data) } -> { (response boolean) };

    5 contains_value retry 2.0 { (name String) (value Data) } -> { (response boolean) };

    6 get retry 2.0 { (name String) (key Data) } -> { (response Data?) };

    7 remove once 2.0 { (name String) (key Data) } -> { (response Data?) };

    8 put_all once 2.0 { (name String) (entries EntryList_Data_Data) } -> {};

    9 clear once 2.0 { (name String) } -> {};

    10 add_entry_listener_to_key_with_predicate once 2.0 {
        (name String) (key Data) (predicate Data) (local_only boolean)
    } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    11 add_entry_listener_with_predicate once 2.0 { (name String) (predicate Data) (local_only boolean) }
    -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    12 add_entry_listener_to_key once 2.0 { (name String) (key Data) (local_only boolean) } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    13 add_entry_listener once 2.0 { (name String) (local_only boolean) } -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    14 remove_entry_listener retry 2.0 { (name String) (registration_id UUID) } -> { (response boolean) };

    15 key_set retry 2.0 { (name String) } -> { (response List_Data) };

    16 values retry 2.0 { (name String) } -> { (response List_Data) };

    17 entry_set retry 2.0 { (name String) } -> { (response EntryList_Data_Data) };

    18 add_near_cache_entry_listener once 2.0 { (name String) (include_value boolean) (local_only boolean) }
    -> { (response UUID) }
        event 2 Entry 2.0 {
            (key Data?) (value Data?) (old_value Data?) (merging_value Data?) (event_type int) (uuid UUID)
            (number_of_affected_entries int)
        };

    19 put_all_with_metadata once 2.0 { (name String) (entries List_ReplicatedMapEntryViewHolder) (partition_id int) }
    -> {};

    20 fetch_entry_views retry 2.0 {
        (name String) (cursor_id UUID) (new_iteration boolean) (partition_id int) (batch_size int)
    } -> { (cursor_id UUID) (entry_views List_ReplicatedMapEntryViewHolder) };

    21 end_entry_view_iteration retry 2.0 { (name String) (cursor_id UUID?) } -> {};
}

service! {
    /// Messages of the service `Ringbuffer`.
    ringbuffer Ringbuffer 0x17 plain;

    1 size retry 2.0 { (name String) } -> { (response long) };

    2 tail_sequence retry 2.0 { (name String) } -> { (response long) };

    3 head_sequence retry 2.0 { (name String) } -> { (response long) };

    4 capacity retry 2.0 { (name String) } -> { (response long) };

    5 remaining_capacity retry 2.0 { (name String) } -> { (response long) };

    6 add once 2.0 { (name String) (overflow_policy int) (value Data) } -> { (response long) };

    7 read_one retry 2.0 { (name String) (sequence long) } -> { (response Data?) };

    8 add_all once 2.0 { (name String) (value_list List_Data) (overflow_policy int) } -> { (response long) };

    9 read_many retry 2.0 { (name String) (start_sequence long) (min_count int) (max_count int) (filter Data?) }
    -> { (read_count int) (items List_Data) (item_seqs longArray?) (next_seq long) };
}
