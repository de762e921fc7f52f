//! Members, their addresses, and errors.

record! {
    /// Where something listens.
    Address { (port int) (host String) }

    /// A member of the cluster.
    MemberInfo {
        (uuid UUID) (lite_member boolean) (address Address) (attributes Map_String_String) (version MemberVersion)
        (address_map Map_EndpointQualifier_Address)
    }

    /// The release of a member.
    MemberVersion { (major byte) (minor byte) (patch byte) }

    /// Which of a member's endpoints an address is of: 0 member, 1 client, 2 WAN, 3 REST, 4 memcache, and a name.
    EndpointQualifier { (kind int) (identifier String?) }

    /// The version that a cluster agreed on.
    Version { (major byte) (minor byte) }

    /// An exception on the member.
    ErrorHolder {
        (error_code int) (class_name String) (message String?) (stack_trace_elements List_StackTraceElement)
    }

    /// A line of a stack trace.
    StackTraceElement { (line_number int) (class_name String) (method_name String) (file_name String?) }

    /// A data structure.
    DistributedObjectInfo { (service_name String) (name String) }

    /// The custom type `MigrationState`.
    MigrationState { (start_time long) (planned_migrations int) (completed_migrations int) (total_elapsed_time long) }

    /// The custom type `ClientBwListEntry`.
    ClientBwListEntry { (kind int) (value String) }

    /// Something that Management Center would show.
    MCEvent { (timestamp long) (kind int) (data_json String) }

    /// The custom type `RaftGroupId`.
    RaftGroupId { (seed long) (id long) (name String) }

    /// The custom type `RaftGroupInfo`.
    RaftGroupInfo { (group_id RaftGroupId) (leader CPMember) (followers List_CPMember) }

    /// The custom type `CPMember`.
    CPMember { (uuid UUID) (auto_step_down_when_leader boolean 2.10) (address Address) }

    /// The custom type `Xid`.
    Xid { (format_id int) (global_transaction_id byteArray) (branch_qualifier byteArray) }

    /// The custom type `ScheduledTaskHandler`.
    ScheduledTaskHandler { (uuid UUID) (partition_id int) (scheduler_name String) (task_name String) }
}
