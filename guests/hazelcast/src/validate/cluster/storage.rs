//! Rules about what members keep.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{AllocatorType, DataRecoveryPolicy, Spec, StartupAction};

use super::{given, when};

/// HZ-08.
pub(super) fn persistence_has_a_claim(spec: &Spec) -> Vec<Violation> {
    let without = spec
        .persistence
        .as_ref()
        .is_some_and(|persistence| persistence.pvc.is_none() && !given(persistence.pvc_name.as_ref()));
    when(without, || {
        Violation::required("spec.persistence.pvc", "say on what volumes data is kept: here, or in pvcName")
    })
}

/// HZ-09: a list with nothing in it is somebody's choice.
pub(super) fn the_claim_has_access_modes(spec: &Spec) -> Vec<Violation> {
    let claim = spec.persistence.as_ref().and_then(|persistence| persistence.pvc.as_ref());
    when(claim.is_some_and(|claim| claim.access_modes.is_none()), || {
        Violation::required("spec.persistence.pvc.accessModes", "say how the volume is accessed")
    })
}

/// HZ-10.
pub(super) fn partial_start_allows_loss(spec: &Spec) -> Vec<Violation> {
    let violated = spec.persistence.as_ref().is_some_and(|persistence| {
        persistence.startup_action == Some(StartupAction::PartialStart)
            && persistence.cluster_data_recovery_policy == DataRecoveryPolicy::FullRecoveryOnly
    });
    when(violated, || {
        let message = "PartialStart cannot be used with clusterDataRecoveryPolicy FullRecoveryOnly";
        Violation::forbidden("spec.persistence.startupAction", message)
    })
}

/// HZ-17.
pub(super) fn lossless_restart_has_persistence(spec: &Spec) -> Vec<Violation> {
    let lossless = spec.jet.instance.as_ref().is_some_and(|instance| instance.lossless_restart_enabled);
    when(spec.jet.enabled && lossless && spec.persistence.is_none(), || {
        Violation::forbidden("spec.jet.instance.losslessRestartEnabled", "needs persistence")
    })
}

/// HZ-28.
pub(super) fn persistence_has_pooled_memory(spec: &Spec) -> Vec<Violation> {
    let standard = spec.native_memory.as_ref().is_some_and(|memory| memory.allocator_type != AllocatorType::Pooled);
    when(standard && spec.persistence.is_some(), || {
        Violation::required("spec.nativeMemory.allocatorType", "must be POOLED with persistence")
    })
}

/// HZ-29. The path is the one that people know.
pub(super) fn the_catalogue_has_persistence(spec: &Spec) -> Vec<Violation> {
    let kept = spec.sql.as_ref().is_some_and(|sql| sql.catalog_persistence_enabled);
    when(kept && spec.persistence.is_none(), || {
        Violation::forbidden("spec.sql.catalogPersistence", "catalogPersistenceEnabled needs persistence")
    })
}

/// HZ-30.
pub(super) fn devices_have_native_memory(spec: &Spec) -> Vec<Violation> {
    when(!spec.local_devices.is_empty() && spec.native_memory.is_none(), || {
        Violation::required("spec.nativeMemory", "tiered storage needs it")
    })
}

/// HZ-31. The path is the one that people know: it names no device.
pub(super) fn devices_have_claims(spec: &Spec) -> Vec<Violation> {
    when(spec.local_devices.iter().any(|device| device.pvc.is_none()), || {
        Violation::required("spec.localDevices.pvc", "say on what volume each device is")
    })
}

/// HZ-32. As HZ-31.
pub(super) fn claims_of_devices_have_access_modes(spec: &Spec) -> Vec<Violation> {
    let mut claims = spec.local_devices.iter().filter_map(|device| device.pvc.as_ref());
    when(claims.any(|claim| claim.access_modes.is_none()), || {
        Violation::required("spec.localDevices.pvc.accessModes", "say how the volume of each device is accessed")
    })
}
