//! Jobs.

service! {
    /// Runs jobs.
    jet Jet 0xfe typed;

    1 submit_job once 2.0 { (job_id long) (dag Data) (job_config Data?) (light_job_coordinator UUID? 2.3) } -> {};

    2 terminate_job once 2.0 { (job_id long) (terminate_mode int) (light_job_coordinator UUID? 2.3) } -> {};

    3 get_job_status retry 2.0 { (job_id long) } -> { (response int) };

    4 get_job_ids retry 2.0 { (only_name String? 2.3) (only_job_id long 2.3) } -> { (response Data 2.3) };

    5 join_submitted_job retry 2.0 { (job_id long) (light_job_coordinator UUID? 2.3) } -> {};

    7 get_job_submission_time retry 2.0 { (job_id long) (light_job_coordinator UUID? 2.3) } -> { (response long) };

    8 get_job_config retry 2.0 { (job_id long) (light_job_coordinator UUID? 2.4) } -> { (response Data) };

    9 resume_job once 2.0 { (job_id long) } -> {};

    10 export_snapshot once 2.0 { (job_id long) (name String) (cancel_job boolean) } -> {};

    11 get_job_summary_list retry 2.0 {} -> { (response Data) };

    12 exists_distributed_object retry 2.0 { (service_name String) (object_name String) } -> { (response boolean) };

    13 get_job_metrics retry 2.0 { (job_id long) } -> { (response Data) };

    14 get_job_suspension_cause retry 2.0 { (job_id long) } -> { (response Data) };

    15 get_job_and_sql_summary_list retry 2.5 {} -> { (response List_JobAndSqlSummary) };

    16 is_job_user_cancelled retry 2.6 { (job_id long) } -> { (response boolean) };

    17 upload_job_meta_data retry 2.6 {
        (session_id UUID) (jar_on_member boolean) (file_name String) (sha256_hex String) (snapshot_name String?)
        (job_name String?) (main_class String?) (job_parameters List_String)
    } -> {};

    18 upload_job_multipart retry 2.6 {
        (session_id UUID) (current_part_number int) (total_part_number int) (part_data byteArray) (part_size int)
        (sha256_hex String)
    } -> {};

    19 add_job_status_listener once 2.6 { (job_id long) (light_job_coordinator UUID?) (local_only boolean) }
    -> { (response UUID?) }
        event 2 JobStatus 2.0 {
            (job_id long) (previous_status int) (new_status int) (description String?) (user_requested boolean)
        };

    20 remove_job_status_listener retry 2.6 { (job_id long) (registration_id UUID) } -> { (response boolean) };

    21 update_job_config retry 2.6 { (job_id long) (delta_config Data) } -> { (updated_config Data) };
}
