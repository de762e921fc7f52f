//! SQL, vector collections, and what is still experimental.

service! {
    /// Messages of the service `Sql`.
    sql Sql 0x21 plain;

    1 execute_reserved once 2.0 { (sql String) (parameters List_Data) (timeout_millis long) (cursor_buffer_size int) }
    -> {
        (query_id SqlQueryId?) (row_metadata List_SqlColumnMetadata?) (row_page List_List_Data?)
        (row_page_last boolean) (update_count long) (error SqlError?)
    };

    2 fetch_reserved once 2.0 { (query_id SqlQueryId) (cursor_buffer_size int) }
    -> { (row_page List_List_Data?) (row_page_last boolean) (error SqlError?) };

    3 close once 2.0 { (query_id SqlQueryId) } -> {};

    4 execute once 2.0 {
        (sql String) (parameters ListCN_Data) (timeout_millis long) (cursor_buffer_size int) (schema String?)
        (expected_result_type byte) (query_id SqlQueryId) (skip_update_statistics boolean)
    } -> {
        (row_metadata List_SqlColumnMetadata?) (row_page SqlPage?) (update_count long) (error SqlError?)
        (is_infinite_rows boolean) (partition_argument_index int)
    };

    5 fetch once 2.0 { (query_id SqlQueryId) (cursor_buffer_size int) } -> { (row_page SqlPage?) (error SqlError?) };

    6 mapping_ddl retry 2.0 { (name String) } -> { (sql String?) };
}

service! {
    /// Messages of the service `VectorCollection`.
    vector_collection VectorCollection 0x24 plain;

    1 put once 2.8 { (name String) (key Data) (value VectorDocument) } -> { (value VectorDocument?) };

    2 put_if_absent once 2.8 { (name String) (key Data) (value VectorDocument) } -> { (value VectorDocument?) };

    3 put_all once 2.8 { (name String) (entries EntryList_Data_VectorDocument) } -> {};

    4 get retry 2.8 { (name String) (key Data) } -> { (value VectorDocument?) };

    5 remove once 2.8 { (name String) (key Data) } -> { (value VectorDocument?) };

    6 set once 2.8 { (name String) (key Data) (value VectorDocument) } -> {};

    7 delete once 2.8 { (name String) (key Data) } -> {};

    8 search_near_vector retry 2.8 { (name String) (vectors List_VectorPair) (options VectorSearchOptions) }
    -> { (result List_VectorSearchResult) };

    9 optimize retry 2.8 { (name String) (index_name String?) (uuid UUID? 2.9) } -> {};

    10 clear once 2.8 { (name String) } -> {};

    11 size retry 2.8 { (name String) } -> { (response long) };
}

service! {
    /// Messages of the service `Experimental`.
    experimental Experimental 0xfd plain;

    1 pipeline_submit retry 2.0 {
        (job_name String?) (pipeline_definition String) (resource_bundle byteArray?) (resource_bundle_checksum int)
    } -> { (job_id long) };
}
