//! What there is to say about a start from disks: what is restored, and what is done where something is missing. Members do
//! both; here is said what pods show of it, and what they do not.

use filbert_guest::{Condition, Status};
use hazelcast_api::hazelcast::{RestoreState, RestoreStatus, Spec, StartupAction};

use super::super::observed::Pod;

/// How a restore goes while the cluster is not paused. The init containers of pods bring the backup; whether members took it up, only they could tell.
pub(super) fn restore(spec: &Spec, wanted: i32, pods: &[Pod]) -> Option<(RestoreStatus, Condition)> {
    spec.persistence.as_ref()?.restore.as_ref()?;
    let wanted = usize::try_from(wanted).ok().filter(|wanted| *wanted > 0)?;
    let of = |state, status, reason: &str, message: String| {
        let restore = RestoreStatus { state: Some(state), ..RestoreStatus::default() };
        Some((restore, Condition::new("Restored", status, reason, message)))
    };
    if let Some((pod, trouble)) = pods.iter().find_map(|pod| Some((pod, pod.init_trouble()?))) {
        let message = format!("pod {}: {}", pod.name(), trouble.message);
        return of(RestoreState::Failed, Status::False, "BackupNotFetched", message);
    }
    let fetched = pods.iter().filter(|pod| pod.is_initialized()).count();
    if fetched < wanted {
        let message = format!("{fetched} of {wanted} pods have the backup");
        return of(RestoreState::InProgress, Status::False, "BackupFetched", message);
    }
    let message =
        "every pod has the backup; nothing is known of what members made of it, which takes a connection to them";
    of(RestoreState::Unknown, Status::Unknown, "NotConnected", message.to_owned())
}

/// What is done to make a cluster start although something is missing.
pub(super) fn action(spec: &Spec) -> Option<Condition> {
    let persistence = spec.persistence.as_ref()?;
    let of = |status, reason, message: String| Some(Condition::new("StartupActionTaken", status, reason, message));
    match persistence.startup_action? {
        StartupAction::PartialStart => {
            let seconds = crate::config::recovery_seconds(persistence);
            let message = format!(
                "members do it by themselves: those that are there start when the others have not come for {seconds} seconds (spec.persistence.clusterDataRecoveryPolicy, .dataRecoveryTimeout)"
            );
            of(Status::True, "DoneByMembers", message)
        }
        StartupAction::ForceStart => {
            let message = "nobody tells members to give their data up and start empty, which takes a connection to them; to start empty, make a cluster of another name or delete the volume claims while the cluster is paused";
            of(Status::False, "NotConnected", message.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn spec(persistence: Value) -> Spec {
        serde_json::from_value(json!({"persistence": persistence})).expect("a specification")
    }

    fn pod(status: Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "library-0"}, "status": status})).expect("a pod")
    }

    fn state(pods: &[Pod]) -> Option<RestoreState> {
        let spec = spec(json!({"restore": {"localConfig": {"backupFolder": "backup-1"}}}));
        restore(&spec, 2, pods).and_then(|(restore, _)| restore.state)
    }

    #[test]
    fn a_restore_goes_as_far_as_init_containers_are_and_further_is_not_known() {
        let fetched = || pod(json!({"conditions": [{"type": "Initialized", "status": "True"}]}));
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let failing = pod(json!({"initContainerStatuses": [{"name": "init-container", "state": waiting}]}));
        assert_eq!(state(&[]), Some(RestoreState::InProgress));
        assert_eq!(state(&[fetched()]), Some(RestoreState::InProgress));
        assert_eq!(state(&[fetched(), failing]), Some(RestoreState::Failed));
        assert_eq!(state(&[fetched(), fetched()]), Some(RestoreState::Unknown));
        assert_eq!(restore(&spec(json!({})), 2, &[]), None);
        assert_eq!(restore(&spec(json!({"restore": {"localConfig": {}}})), 0, &[]), None, "it is paused");
    }

    #[test]
    fn a_partial_start_is_left_to_members_and_a_forced_one_is_not_done() {
        let action = |action: &str| action_of(&json!({"startupAction": action, "dataRecoveryTimeout": 30}));
        assert!(action("PartialStart").contains("30 seconds"));
        assert!(action("ForceStart").contains("takes a connection"));
        assert_eq!(super::action(&spec(json!({}))), None);
    }

    fn action_of(persistence: &Value) -> String {
        format!("{:?}", action(&spec(persistence.clone())).expect("a condition"))
    }
}
