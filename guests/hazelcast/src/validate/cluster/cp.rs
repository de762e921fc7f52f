//! Rules about the CP subsystem.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{CpSubsystem, Spec};

use super::{given, when};

/// Where sessions are concerned.
const PATH: &str = "spec.cpSubsystem.sessionTTLSeconds";

/// HZ-33.
pub(super) fn it_has_a_size_that_works(spec: &Spec) -> Vec<Violation> {
    when(spec.cp_subsystem.is_some() && ![0, 3, 5, 7].contains(&spec.cluster_size), || {
        let message = "must be 3, 5 or 7 with the CP subsystem, or 0 to pause";
        Violation::invalid("spec.clusterSize", spec.cluster_size, message)
    })
}

/// HZ-34.
pub(super) fn it_has_a_claim(spec: &Spec) -> Vec<Violation> {
    let Some(cp) = &spec.cp_subsystem else { return Vec::new() };
    let own = cp.pvc.is_some() || given(cp.pvc_name.as_ref());
    let shared = spec
        .persistence
        .as_ref()
        .is_some_and(|persistence| persistence.pvc.is_some() || given(persistence.pvc_name.as_ref()));
    when(!own && !shared, || {
        Violation::required("spec.cpSubsystem.pvc", "say on what volumes its data is kept, or turn persistence on")
    })
}

/// Seconds that a session lives, that pass between its signs of life, and after which a missing member is removed; with
/// what members take where nothing is said.
fn seconds(cp: &CpSubsystem) -> (i32, i32, i32) {
    (
        cp.session_ttl_seconds.unwrap_or(300),
        cp.session_heartbeat_interval_seconds.unwrap_or(5),
        cp.missing_cp_member_auto_removal_seconds.unwrap_or(14_400),
    )
}

/// HZ-35.
pub(super) fn sessions_outlive_their_heartbeat(spec: &Spec) -> Vec<Violation> {
    let Some(cp) = &spec.cp_subsystem else { return Vec::new() };
    let (life, heartbeat, _) = seconds(cp);
    when(life <= heartbeat, || {
        Violation::invalid(PATH, life, format!("must be more than sessionHeartbeatIntervalSeconds ({heartbeat})"))
    })
}

/// HZ-36.
pub(super) fn sessions_end_before_their_member_is_removed(spec: &Spec) -> Vec<Violation> {
    let Some(cp) = &spec.cp_subsystem else { return Vec::new() };
    let (life, _, removal) = seconds(cp);
    when(removal != 0 && life > removal, || {
        Violation::invalid(PATH, life, format!("must be at most missingCpMemberAutoRemovalSeconds ({removal})"))
    })
}
