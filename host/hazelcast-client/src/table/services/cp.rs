//! The CP subsystem and its data structures.

service! {
    /// Messages of the service `FencedLock`.
    fenced_lock FencedLock 0x07 plain;

    1 lock retry 2.0 { (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID) }
    -> { (response long) };

    2 try_lock retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID)
        (timeout_ms long)
    } -> { (response long) };

    3 unlock retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID)
    } -> { (response boolean) };

    4 get_lock_ownership retry 2.0 { (group_id RaftGroupId) (name String) }
    -> { (fence long) (lock_count int) (session_id long) (thread_id long) };
}

service! {
    /// Messages of the service `AtomicLong`.
    atomic_long AtomicLong 0x09 plain;

    1 apply once 2.0 { (group_id RaftGroupId) (name String) (function Data) } -> { (response Data?) };

    2 alter once 2.0 { (group_id RaftGroupId) (name String) (function Data) (return_value_type int) }
    -> { (response long) };

    3 add_and_get once 2.0 { (group_id RaftGroupId) (name String) (delta long) } -> { (response long) };

    4 compare_and_set once 2.0 { (group_id RaftGroupId) (name String) (expected long) (updated long) }
    -> { (response boolean) };

    5 get retry 2.0 { (group_id RaftGroupId) (name String) } -> { (response long) };

    6 get_and_add once 2.0 { (group_id RaftGroupId) (name String) (delta long) } -> { (response long) };

    7 get_and_set once 2.0 { (group_id RaftGroupId) (name String) (new_value long) } -> { (response long) };
}

service! {
    /// Messages of the service `AtomicRef`.
    atomic_ref AtomicRef 0x0a plain;

    1 apply once 2.0 { (group_id RaftGroupId) (name String) (function Data) (return_value_type int) (alter boolean) }
    -> { (response Data?) };

    2 compare_and_set once 2.0 { (group_id RaftGroupId) (name String) (old_value Data?) (new_value Data?) }
    -> { (response boolean) };

    3 contains retry 2.0 { (group_id RaftGroupId) (name String) (value Data?) } -> { (response boolean) };

    4 get retry 2.0 { (group_id RaftGroupId) (name String) } -> { (response Data?) };

    5 set once 2.0 { (group_id RaftGroupId) (name String) (new_value Data?) (return_old_value boolean) }
    -> { (response Data?) };
}

service! {
    /// Messages of the service `CountDownLatch`.
    count_down_latch CountDownLatch 0x0b plain;

    1 try_set_count retry 2.0 { (group_id RaftGroupId) (name String) (count int) } -> { (response boolean) };

    2 await_ retry 2.0 { (group_id RaftGroupId) (name String) (invocation_uid UUID) (timeout_ms long) }
    -> { (response boolean) };

    3 count_down retry 2.0 { (group_id RaftGroupId) (name String) (invocation_uid UUID) (expected_round int) } -> {};

    4 get_count retry 2.0 { (group_id RaftGroupId) (name String) } -> { (response int) };

    5 get_round retry 2.0 { (group_id RaftGroupId) (name String) } -> { (response int) };
}

service! {
    /// Messages of the service `Semaphore`.
    semaphore Semaphore 0x0c plain;

    1 init retry 2.0 { (group_id RaftGroupId) (name String) (permits int) } -> { (response boolean) };

    2 acquire retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID) (permits int)
        (timeout_ms long)
    } -> { (response boolean) };

    3 release retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID) (permits int)
    } -> { (response boolean) };

    4 drain retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID)
    } -> { (response int) };

    5 change retry 2.0 {
        (group_id RaftGroupId) (name String) (session_id long) (thread_id long) (invocation_uid UUID) (permits int)
    } -> { (response boolean) };

    6 available_permits retry 2.0 { (group_id RaftGroupId) (name String) } -> { (response int) };

    7 get_semaphore_type retry 2.0 { (proxy_name String) } -> { (response boolean) };
}

service! {
    /// Messages of the service `CPGroup`.
    cp_group CPGroup 0x1e plain;

    1 create_cp_group retry 2.0 { (proxy_name String) } -> { (group_id RaftGroupId) };

    2 destroy_cp_object retry 2.0 { (group_id RaftGroupId) (service_name String) (object_name String) } -> {};
}

service! {
    /// Messages of the service `CPSession`.
    cp_session CPSession 0x1f plain;

    1 create_session retry 2.0 { (group_id RaftGroupId) (endpoint_name String) }
    -> { (session_id long) (ttl_millis long) (heartbeat_millis long) };

    2 close_session retry 2.0 { (group_id RaftGroupId) (session_id long) } -> { (response boolean) };

    3 heartbeat_session retry 2.0 { (group_id RaftGroupId) (session_id long) } -> {};

    4 generate_thread_id retry 2.0 { (group_id RaftGroupId) } -> { (response long) };
}

service! {
    /// Messages of the service `CPSubsystem`.
    cp_subsystem CPSubsystem 0x22 plain;

    1 add_membership_listener once 2.0 { (local boolean) } -> { (response UUID) }
        event 2 MembershipEvent 2.0 { (member CPMember) (kind byte) };

    2 remove_membership_listener retry 2.0 { (registration_id UUID) } -> { (response boolean) };

    3 add_group_availability_listener once 2.0 { (local boolean) } -> { (response UUID) }
        event 2 GroupAvailabilityEvent 2.0 {
            (group_id RaftGroupId) (members List_CPMember) (unavailable_members List_CPMember) (is_shutdown boolean)
        };

    4 remove_group_availability_listener retry 2.0 { (registration_id UUID) } -> { (response boolean) };

    5 get_cp_group_ids retry 2.0 {} -> { (response List_RaftGroupId) };

    6 get_cp_object_infos retry 2.0 { (group_id RaftGroupId) (service_name String) (tombstone boolean) }
    -> { (response List_String) };
}

service! {
    /// Messages of the service `CPMap`.
    cp_map CPMap 0x23 plain;

    1 get once 2.0 { (group_id RaftGroupId) (name String) (key Data) } -> { (response Data?) };

    2 put once 2.0 { (group_id RaftGroupId) (name String) (key Data) (value Data) } -> { (response Data?) };

    3 set once 2.0 { (group_id RaftGroupId) (name String) (key Data) (value Data) } -> { (response Data?) };

    4 remove once 2.0 { (group_id RaftGroupId) (name String) (key Data) } -> { (response Data?) };

    5 delete once 2.0 { (group_id RaftGroupId) (name String) (key Data) } -> { (response Data?) };

    6 compare_and_set once 2.0 {
        (group_id RaftGroupId) (name String) (key Data) (expected_value Data) (new_value Data)
    } -> { (response boolean) };

    7 put_if_absent once 2.0 { (group_id RaftGroupId) (name String) (key Data) (value Data) } -> { (response Data?) };
}
