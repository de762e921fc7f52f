//! Management: state, configuration and metrics of members.

service! {
    /// Manages members.
    mc MC 0x20 typed;

    1 read_metrics retry 2.0 { (uuid UUID) (from_sequence long) }
    -> { (elements EntryList_Long_byteArray) (next_sequence long) };

    2 change_cluster_state once 2.0 { (new_state int) } -> {};

    3 get_map_config retry 2.0 { (map_name String) } -> {
        (in_memory_format int) (backup_count int) (async_backup_count int) (time_to_live_seconds int)
        (max_idle_seconds int) (max_size int) (max_size_policy int) (read_backup_data boolean) (eviction_policy int)
        (merge_policy String) (global_indexes List_IndexConfig 2.4) (wan_replication_ref WanReplicationRef? 2.7)
    };

    4 update_map_config once 2.0 {
        (map_name String) (time_to_live_seconds int) (max_idle_seconds int) (eviction_policy int)
        (read_backup_data boolean) (max_size int) (max_size_policy int) (wan_replication_ref WanReplicationRef? 2.7)
    } -> {};

    5 get_member_config retry 2.0 {} -> { (config_xml String) };

    6 run_gc once 2.0 {} -> {};

    7 get_thread_dump once 2.0 { (dump_dead_locks boolean) } -> { (thread_dump String) };

    8 shutdown_member once 2.0 {} -> {};

    9 promote_lite_member once 2.0 {} -> {};

    10 get_system_properties retry 2.0 {} -> { (system_properties EntryList_String_String) };

    11 get_timed_member_state retry 2.0 {} -> { (timed_member_state_json String?) };

    12 match_mc_config once 2.0 { (e_tag String) } -> { (result boolean) };

    13 apply_mc_config once 2.0 {
        (e_tag String) (client_bw_list_mode int) (client_bw_list_entries List_ClientBwListEntry)
    } -> {};

    14 get_cluster_metadata retry 2.0 {} -> {
        (current_state byte) (member_version String) (jet_version String?) (cluster_time long) (cluster_id UUID 2.5)
    };

    15 shutdown_cluster once 2.0 {} -> {};

    16 change_cluster_version once 2.0 { (major_version byte) (minor_version byte) } -> {};

    17 run_script once 2.0 { (engine String) (script String) } -> { (result String?) };

    18 run_console_command once 2.0 { (namespace String?) (command String) } -> { (result String) };

    19 change_wan_replication_state once 2.0 {
        (wan_replication_name String) (wan_publisher_id String) (new_state byte)
    } -> {};

    20 clear_wan_queues once 2.0 { (wan_replication_name String) (wan_publisher_id String) } -> {};

    21 add_wan_batch_publisher_config once 2.0 {
        (name String) (target_cluster String) (publisher_id String?) (endpoints String) (queue_capacity int)
        (batch_size int) (batch_max_delay_millis int) (response_timeout_millis int) (ack_type int)
        (queue_full_behavior int) (consistency_check_strategy byte 2.7)
    } -> { (added_publisher_ids List_String) (ignored_publisher_ids List_String) };

    22 wan_sync_map once 2.0 {
        (wan_replication_name String) (wan_publisher_id String) (wan_sync_type int) (map_name String?)
    } -> { (uuid UUID) };

    23 check_wan_consistency once 2.0 { (wan_replication_name String) (wan_publisher_id String) (map_name String?) }
    -> { (uuid UUID?) };

    24 poll_mc_events once 2.0 {} -> { (events List_MCEvent) };

    25 get_cp_members retry 2.0 {} -> { (cp_members EntryList_UUID_UUID) };

    26 promote_to_cp_member once 2.0 {} -> {};

    27 remove_cp_member once 2.0 { (cp_member_uuid UUID) } -> {};

    28 reset_cp_subsystem once 2.0 {} -> {};

    29 trigger_partial_start once 2.0 {} -> { (result boolean) };

    30 trigger_force_start once 2.0 {} -> { (result boolean) };

    31 trigger_hot_restart_backup once 2.0 {} -> {};

    32 interrupt_hot_restart_backup once 2.0 {} -> {};

    33 reset_queue_age_statistics once 2.4 { (name String) } -> {};

    34 reload_config once 2.4 {} -> { (config_reload_process_id UUID) };

    35 update_config once 2.4 { (configuration String) } -> { (config_update_process_id UUID) };

    36 force_close_cp_session once 2.7 { (group_name String) (session_id long) } -> { (result boolean) };

    37 demote_data_member once 2.8 {} -> {};

    38 get_config_file_content retry 2.8 {} -> { (config_file_content String?) };

    39 set_diagnostics_config once 2.9 {
        (enabled boolean) (output_type String) (include_epoch_time boolean) (max_rolled_file_size_in_mb float)
        (max_rolled_file_count int) (log_directory String) (file_name_prefix String?) (properties Map_String_String?)
        (auto_off_duration_in_minutes int)
    } -> {};

    40 get_diagnostics_config retry 2.9 {} -> {
        (enabled boolean) (output_type String) (include_epoch_time boolean) (max_rolled_file_size_in_mb float)
        (max_rolled_file_count int) (log_directory String) (file_name_prefix String?) (properties Map_String_String?)
        (auto_off_duration_in_minutes int) (can_be_configured_dynamically boolean)
    };
}
