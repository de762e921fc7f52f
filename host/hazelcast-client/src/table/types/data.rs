//! Jobs, queries and entries.

record! {
    /// A job.
    JobAndSqlSummary {
        (light_job boolean) (job_id long) (execution_id long) (status int) (submission_time long)
        (completion_time long) (user_cancelled boolean 2.6) (name_or_id String) (failure_text String?)
        (sql_summary SqlSummary?) (suspension_cause String? 2.6)
    }

    /// The custom type `SqlSummary`.
    SqlSummary { (unbounded boolean) (query String) }

    /// The custom type `SqlQueryId`.
    SqlQueryId { (member_id_high long) (member_id_low long) (local_id_high long) (local_id_low long) }

    /// The custom type `SqlError`.
    SqlError {
        (code int) (originating_member_id UUID) (message String?) (suggestion String?) (cause_stack_trace String?)
    }

    /// The custom type `SqlColumnMetadata`.
    SqlColumnMetadata { (kind int) (nullable boolean) (name String) }

    /// The custom type `Schema`.
    Schema { (type_name String) (fields List_FieldDescriptor) }

    /// The custom type `FieldDescriptor`.
    FieldDescriptor { (kind int) (field_name String) }

    /// The custom type `SimpleEntryView`.
    SimpleEntryView {
        (cost long) (creation_time long) (expiration_time long) (hits long) (last_access_time long)
        (last_stored_time long) (last_update_time long) (version long) (ttl long) (max_idle long) (key Data)
        (value Data)
    }

    /// The custom type `ReplicatedMapEntryViewHolder`.
    ReplicatedMapEntryViewHolder {
        (creation_time long) (hits long) (last_access_time long) (last_update_time long) (ttl_millis long) (key Data)
        (value Data)
    }

    /// The custom type `CacheEventData`.
    CacheEventData {
        (cache_event_type int) (old_value_available boolean) (name String) (data_key Data?) (data_value Data?)
        (data_old_value Data?)
    }

    /// The custom type `QueryCacheEventData`.
    QueryCacheEventData {
        (sequence long) (event_type int) (partition_id int) (data_key Data?) (data_new_value Data?) (map_name String)
    }

    /// The custom type `PagingPredicateHolder`.
    PagingPredicateHolder {
        (page_size int) (page int) (iteration_type_id byte) (anchor_data_list_holder AnchorDataListHolder)
        (predicate_data Data?) (comparator_data Data?) (partition_key_data Data?) (partition_keys_data List_Data?)
    }

    /// The custom type `AnchorDataListHolder`.
    AnchorDataListHolder { (anchor_page_list List_Integer) (anchor_data_list EntryList_Data_Data) }

    /// The custom type `VectorDocument`.
    VectorDocument { (value Data) (vectors List_VectorPair) }

    /// The custom type `VectorPair`.
    VectorPair { (kind byte) (name String) (vector floatArray?) }

    /// The custom type `VectorSearchOptions`.
    VectorSearchOptions { (include_value boolean) (include_vectors boolean) (limit int) (hints Map_String_String?) }

    /// The custom type `VectorSearchResult`.
    VectorSearchResult { (score float) (key Data) (value Data?) (vectors List_VectorPair?) }
}
