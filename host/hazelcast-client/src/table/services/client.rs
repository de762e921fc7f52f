//! Connecting, and what a client learns about its cluster.

service! {
    /// Connecting: authentication, heart beat, cluster view, proxies.
    client Client 0x00 typed;

    1 authentication retry 2.0 {
        (cluster_name String) (username String?) (password String?) (uuid UUID?) (client_type String)
        (serialization_version byte) (client_hazelcast_version String) (client_name String) (labels List_String)
        (routing_mode byte 2.8) (cp_direct_to_leader_routing boolean 2.8)
    } -> {
        (status byte) (address Address?) (member_uuid UUID?) (serialization_version byte)
        (server_hazelcast_version String) (partition_count int) (cluster_id UUID?) (failover_supported boolean)
        (tpc_ports List_Integer? 2.7) (tpc_token byteArray? 2.7) (member_list_version int 2.7)
        (member_infos List_MemberInfo 2.7) (partition_list_version int 2.7)
        (partitions EntryList_UUID_List_Integer 2.7) (key_value_pairs Map_String_String 2.8)
    };

    2 authentication_custom retry 2.0 {
        (cluster_name String) (credentials byteArray) (uuid UUID?) (client_type String) (serialization_version byte)
        (client_hazelcast_version String) (client_name String) (labels List_String) (routing_mode byte 2.8)
        (cp_direct_to_leader_routing boolean 2.8)
    } -> {
        (status byte) (address Address?) (member_uuid UUID?) (serialization_version byte)
        (server_hazelcast_version String) (partition_count int) (cluster_id UUID?) (failover_supported boolean)
        (tpc_ports List_Integer? 2.7) (tpc_token byteArray? 2.7) (member_list_version int 2.7)
        (member_infos List_MemberInfo? 2.7) (partition_list_version int 2.7)
        (partitions EntryList_UUID_List_Integer? 2.7) (key_value_pairs Map_String_String 2.8)
    };

    3 add_cluster_view_listener once 2.0 {} -> {}
        event 2 MembersView 2.0 { (version int) (member_infos List_MemberInfo) }
        event 3 PartitionsView 2.0 { (version int) (partitions EntryList_UUID_List_Integer) }
        event 4 MemberGroupsView 2.8 { (version int 2.8) (member_groups List_List_UUID 2.8) }
        event 5 ClusterVersion 2.8 { (version Version 2.8) };

    4 create_proxy once 2.0 { (name String) (service_name String) } -> {};

    5 destroy_proxy once 2.0 { (name String) (service_name String) } -> {};

    6 add_partition_lost_listener once 2.0 { (local_only boolean) } -> { (response UUID) }
        event 2 PartitionLost 2.0 { (partition_id int) (lost_backup_count int) (source UUID?) };

    7 remove_partition_lost_listener retry 2.0 { (registration_id UUID) } -> { (response boolean) };

    8 get_distributed_objects once 2.0 {} -> { (response List_DistributedObjectInfo) };

    9 add_distributed_object_listener once 2.0 { (local_only boolean) } -> { (response UUID) }
        event 2 DistributedObject 2.0 { (name String) (service_name String) (event_type String) (source UUID) };

    10 remove_distributed_object_listener retry 2.0 { (registration_id UUID) } -> { (response boolean) };

    11 ping retry 2.0 {} -> {};

    12 statistics once 2.0 { (timestamp long) (client_attributes String) (metrics_blob byteArray) } -> {};

    13 deploy_classes once 2.0 { (class_definitions EntryList_String_byteArray) } -> {};

    14 create_proxies once 2.0 { (proxies EntryList_String_String) } -> {};

    15 local_backup_listener once 2.0 {} -> { (response UUID) }
        event 2 Backup 2.0 { (source_invocation_correlation_id long) };

    16 trigger_partition_assignment retry 2.0 {} -> {};

    17 add_migration_listener once 2.2 { (local_only boolean) } -> { (response UUID) }
        event 2 Migration 2.0 { (migration_state MigrationState) (kind int) }
        event 3 ReplicaMigration 2.0 {
            (migration_state MigrationState) (partition_id int) (replica_index int) (source_uuid UUID?)
            (dest_uuid UUID?) (success boolean) (elapsed_time long)
        };

    18 remove_migration_listener retry 2.2 { (registration_id UUID) } -> { (response boolean) };

    19 send_schema retry 2.5 { (schema Schema) } -> { (replicated_members List_UUID) };

    20 fetch_schema retry 2.5 { (schema_id long) } -> { (schema Schema?) };

    21 send_all_schemas retry 2.0 { (schemas List_Schema) } -> {};

    22 tpc_authentication retry 2.7 { (uuid UUID) (token byteArray) } -> {};

    23 add_cp_group_view_listener once 2.8 {} -> {}
        event 2 GroupsView 2.8 {
            (version long) (groups_info List_RaftGroupInfo) (cp_to_ap_uuids EntryList_UUID_UUID)
        };
}
