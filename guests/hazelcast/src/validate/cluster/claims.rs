//! Rules about claims that other fields refer to by name.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::Spec;

use super::{given, when};

/// Folders and volumes that members have anyway.
const TAKEN: [&str; 13] = [
    "agent-config-volume",
    "cp-data",
    "hazelcast",
    "hazelcast-agent-cert",
    "hazelcast-storage",
    "jet-job-jars-bucket",
    "logging",
    "logging-configuration",
    "tiered-storage",
    "tmp-vol",
    "user-code-bucket",
    "user-code-namespace",
    "user-code-url",
];

/// Each kind of data is on one claim.
pub(super) fn data_is_on_one_claim(spec: &Spec) -> Vec<Violation> {
    let message = "cannot be used together with pvc";
    let persistence = spec.persistence.as_ref();
    let cp = spec.cp_subsystem.as_ref();
    let mut violations =
        when(persistence.is_some_and(|data| data.pvc.is_some() && given(data.pvc_name.as_ref())), || {
            Violation::forbidden("spec.persistence.pvcName", message)
        });
    violations.extend(when(cp.is_some_and(|data| data.pvc.is_some() && given(data.pvc_name.as_ref())), || {
        Violation::forbidden("spec.cpSubsystem.pvcName", message)
    }));
    violations
}

/// Whoever names a claim names one of the list.
pub(super) fn names_lead_to_claims(spec: &Spec) -> Vec<Violation> {
    let references = [
        ("spec.persistence.pvcName", spec.persistence.as_ref().and_then(|data| data.pvc_name.as_deref())),
        ("spec.cpSubsystem.pvcName", spec.cp_subsystem.as_ref().and_then(|data| data.pvc_name.as_deref())),
        ("spec.diagnostics.pvcName", spec.diagnostics.as_ref().and_then(|data| data.pvc_name.as_deref())),
    ];
    let is_there = |name: &str| spec.persistence_volume_claims.iter().any(|claim| claim.name == name);
    references
        .into_iter()
        .filter_map(|(path, name)| Some((path, name.filter(|name| !name.is_empty() && !is_there(name))?)))
        .map(|(path, name)| Violation::not_found(path, name, "no entry of spec.persistenceVolumeClaims has this name"))
        .collect()
}

/// A claim is mounted at a folder of its name.
pub(super) fn names_are_of_their_own(spec: &Spec) -> Vec<Violation> {
    let claims = &spec.persistence_volume_claims;
    let is_label = |name: &str| {
        name.len() <= 63
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    let mut taken: Vec<&str> = TAKEN.into();
    if let Some(data) = &spec.persistence {
        // Where data is, whatever its claim is called.
        taken.extend((data.pvc_name.as_deref() != Some("persistence")).then_some("persistence"));
        taken.extend(data.pvc.is_some().then_some("hot-restart-persistence"));
    }
    if spec.cp_subsystem.as_ref().is_some_and(|data| data.pvc.is_some()) {
        taken.push("cp-subsystem-persistence");
    }
    taken.extend(spec.local_devices.iter().map(|device| device.name.as_str()));
    let mut violations = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let (path, name) = (format!("spec.persistenceVolumeClaims[{index}].name"), claim.name.as_str());
        if !is_label(name) {
            let message = "must consist of lower case letters, digits and dashes, at most 63 of them";
            violations.push(Violation::invalid(path, name, message));
        } else if taken.contains(&name) {
            violations.push(Violation::invalid(path, name, "members have a volume of this name already"));
        } else if claims.iter().take(index).any(|before| before.name == name) {
            violations.push(Violation::duplicate(path, name, "another claim of this list has the same name"));
        }
    }
    violations
}
