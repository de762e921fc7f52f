//! Executors and counters.

service! {
    /// Messages of the service `ExecutorService`.
    executor_service ExecutorService 0x08 plain;

    1 shutdown once 2.0 { (name String) } -> {};

    2 is_shutdown once 2.0 { (name String) } -> { (response boolean) };

    3 cancel_on_partition once 2.0 { (uuid UUID) (interrupt boolean) } -> { (response boolean) };

    4 cancel_on_member once 2.0 { (uuid UUID) (member_uuid UUID) (interrupt boolean) } -> { (response boolean) };

    5 submit_to_partition once 2.0 { (name String) (uuid UUID) (callable Data) } -> { (response Data?) };

    6 submit_to_member once 2.0 { (name String) (uuid UUID) (callable Data) (member_uuid UUID) }
    -> { (response Data?) };
}

service! {
    /// Messages of the service `DurableExecutor`.
    durable_executor DurableExecutor 0x18 plain;

    1 shutdown once 2.0 { (name String) } -> {};

    2 is_shutdown once 2.0 { (name String) } -> { (response boolean) };

    3 submit_to_partition retry 2.0 { (name String) (callable Data) } -> { (response int) };

    4 retrieve_result retry 2.0 { (name String) (sequence int) } -> { (response Data?) };

    5 dispose_result retry 2.0 { (name String) (sequence int) } -> {};

    6 retrieve_and_dispose_result retry 2.0 { (name String) (sequence int) } -> { (response Data?) };
}

service! {
    /// Messages of the service `CardinalityEstimator`.
    cardinality_estimator CardinalityEstimator 0x19 plain;

    1 add once 2.0 { (name String) (hash long) } -> {};

    2 estimate once 2.0 { (name String) } -> { (response long) };
}

service! {
    /// Messages of the service `ScheduledExecutor`.
    scheduled_executor ScheduledExecutor 0x1a plain;

    1 shutdown once 2.0 { (scheduler_name String) (member_uuid UUID) } -> {};

    2 submit_to_partition retry 2.0 {
        (scheduler_name String) (kind byte) (task_name String) (task Data) (initial_delay_in_millis long)
        (period_in_millis long) (auto_disposable boolean)
    } -> {};

    3 submit_to_member retry 2.0 {
        (scheduler_name String) (member_uuid UUID) (kind byte) (task_name String) (task Data)
        (initial_delay_in_millis long) (period_in_millis long) (auto_disposable boolean)
    } -> {};

    4 get_all_scheduled_futures retry 2.0 { (scheduler_name String) } -> { (handlers List_ScheduledTaskHandler) };

    5 get_stats_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> {
        (last_idle_time_nanos long) (total_idle_time_nanos long) (total_runs long) (total_run_time_nanos long)
        (last_run_duration_nanos long)
    };

    6 get_stats_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) } -> {
        (last_idle_time_nanos long) (total_idle_time_nanos long) (total_runs long) (total_run_time_nanos long)
        (last_run_duration_nanos long)
    };

    7 get_delay_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> { (response long) };

    8 get_delay_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) }
    -> { (response long) };

    9 cancel_from_partition retry 2.0 {
        (scheduler_name String) (task_name String) (may_interrupt_if_running boolean)
    } -> { (response boolean) };

    10 cancel_from_member retry 2.0 {
        (scheduler_name String) (task_name String) (member_uuid UUID) (may_interrupt_if_running boolean)
    } -> { (response boolean) };

    11 is_cancelled_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> { (response boolean) };

    12 is_cancelled_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) }
    -> { (response boolean) };

    13 is_done_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> { (response boolean) };

    14 is_done_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) }
    -> { (response boolean) };

    15 get_result_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> { (response Data?) };

    16 get_result_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) }
    -> { (response Data?) };

    17 dispose_from_partition retry 2.0 { (scheduler_name String) (task_name String) } -> {};

    18 dispose_from_member retry 2.0 { (scheduler_name String) (task_name String) (member_uuid UUID) } -> {};
}

service! {
    /// Messages of the service `FlakeIdGenerator`.
    flake_id_generator FlakeIdGenerator 0x1c plain;

    1 new_id_batch retry 2.0 { (name String) (batch_size int) } -> { (base long) (increment long) (batch_size int) };
}

service! {
    /// Messages of the service `PNCounter`.
    pn_counter PNCounter 0x1d plain;

    1 get retry 2.0 { (name String) (replica_timestamps EntryList_UUID_Long) (target_replica_uuid UUID) }
    -> { (value long) (replica_timestamps EntryList_UUID_Long) (replica_count int) };

    2 add once 2.0 {
        (name String) (delta long) (get_before_update boolean) (replica_timestamps EntryList_UUID_Long)
        (target_replica_uuid UUID)
    } -> { (value long) (replica_timestamps EntryList_UUID_Long) (replica_count int) };

    3 get_configured_replica_count retry 2.0 { (name String) } -> { (response int) };
}
