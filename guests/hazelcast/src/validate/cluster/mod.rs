//! Rules for a cluster.

use std::collections::BTreeSet;

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{
    AllocatorType, Collector, DataRecoveryPolicy, ExposureType, Spec, StartupAction, WanEndpoint,
};
use hazelcast_api::shapes::MutualAuthentication;

use crate::edition::{Edition, Members};
use crate::{config, names};

/// All rules about the specification.
pub(super) const RULES: &[fn(&Spec) -> Vec<Violation>] = &[
    one_address_has_no_access_by_member,
    discovery_is_reachable,
    certificates_have_a_secret,
    persistence_has_a_claim,
    partial_start_allows_loss,
    size_is_bounded,
    wan_services_are_of_known_types,
    wan_ports_do_not_overlap,
    wan_ports_are_free,
    lossless_restart_has_persistence,
    arguments_say_nothing_twice,
    persistence_has_pooled_memory,
    catalogue_has_persistence,
    devices_have_native_memory,
    devices_have_claims,
    cp_has_a_size_that_works,
    cp_has_a_claim,
    cp_sessions_make_sense,
    open_source_has_no_enterprise_features,
];

/// The largest cluster.
const MAX_SIZE: i32 = 300;

/// HZ-01: the name becomes that of a Service.
pub(super) fn name(name: &str) -> Vec<Violation> {
    let is_label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_alphabetic())
            && label.ends_with(|last: char| last.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    // A name that is still to be made has none yet.
    if name.is_empty() || name.split('.').all(is_label) {
        return Vec::new();
    }
    let message = "must begin with a letter and consist of letters, digits and dashes, so that it can name a Service";
    vec![Violation::invalid("metadata.name", name, message)]
}

fn when(violated: bool, violation: impl FnOnce() -> Violation) -> Vec<Violation> {
    violated.then(violation).into_iter().collect()
}

/// HZ-02.
fn one_address_has_no_access_by_member(spec: &Spec) -> Vec<Violation> {
    let violated = spec
        .expose_externally
        .as_ref()
        .is_some_and(|exposure| exposure.type_ == ExposureType::Unisocket && exposure.member_access.is_some());
    when(violated, || {
        Violation::forbidden("spec.exposeExternally.memberAccess", "has no meaning where all members share one address")
    })
}

/// HZ-04.
fn discovery_is_reachable(spec: &Spec) -> Vec<Violation> {
    let Some(exposure) = &spec.expose_externally else { return Vec::new() };
    let kind = exposure.discovery_service_type.as_str();
    when(!["NodePort", "LoadBalancer"].contains(&kind), || {
        Violation::invalid("spec.exposeExternally.discoveryServiceType", kind, "must be NodePort or LoadBalancer")
    })
}

/// HZ-06.
fn certificates_have_a_secret(spec: &Spec) -> Vec<Violation> {
    let violated = spec
        .tls
        .as_ref()
        .is_some_and(|tls| tls.secret_name.is_empty() && tls.mutual_authentication != MutualAuthentication::None);
    when(violated, || Violation::required("spec.tls.secretName", "name the Secret with the certificates"))
}

/// HZ-08 and HZ-09.
fn persistence_has_a_claim(spec: &Spec) -> Vec<Violation> {
    let Some(persistence) = &spec.persistence else { return Vec::new() };
    match &persistence.pvc {
        None => vec![Violation::required("spec.persistence.pvc", "say on what volumes data is kept")],
        Some(claim) => when(claim.access_modes.is_none(), || {
            Violation::required("spec.persistence.pvc.accessModes", "say how the volume is accessed")
        }),
    }
}

/// HZ-10.
fn partial_start_allows_loss(spec: &Spec) -> Vec<Violation> {
    let violated = spec.persistence.as_ref().is_some_and(|persistence| {
        persistence.startup_action == Some(StartupAction::PartialStart)
            && persistence.cluster_data_recovery_policy == DataRecoveryPolicy::FullRecoveryOnly
    });
    when(violated, || {
        let message = "PartialStart cannot be used with clusterDataRecoveryPolicy FullRecoveryOnly";
        Violation::forbidden("spec.persistence.startupAction", message)
    })
}

/// HZ-12.
fn size_is_bounded(spec: &Spec) -> Vec<Violation> {
    when(spec.cluster_size > MAX_SIZE, || {
        Violation::invalid("spec.clusterSize", spec.cluster_size, format!("must be at most {MAX_SIZE}"))
    })
}

fn wan(spec: &Spec) -> &[WanEndpoint] {
    spec.advanced_network.as_ref().map(|network| network.wan.as_slice()).unwrap_or_default()
}

/// The first port and the one after the last.
fn range(endpoint: &WanEndpoint) -> (i64, i64) {
    let first = endpoint.port.unwrap_or_default();
    (first, first.saturating_add(endpoint.port_count.unwrap_or_default()))
}

fn range_text((first, end): (i64, i64)) -> String {
    format!("{first}-{}", end - 1)
}

/// HZ-13.
fn wan_services_are_of_known_types(spec: &Spec) -> Vec<Violation> {
    let is_wrong = |endpoint: &WanEndpoint| {
        endpoint.service_type.as_deref().is_some_and(|kind| ["NodePort", "ExternalName"].contains(&kind))
    };
    let endpoints = wan(spec).iter().enumerate().filter(|(_, endpoint)| is_wrong(endpoint));
    endpoints
        .map(|(index, _)| {
            let path = format!("spec.advancedNetwork.wan[{index}]");
            Violation::forbidden(path, "serviceType must be ClusterIP or LoadBalancer")
        })
        .collect()
}

/// HZ-14.
fn wan_ports_do_not_overlap(spec: &Spec) -> Vec<Violation> {
    let mut ranges: Vec<_> = wan(spec).iter().map(range).collect();
    ranges.sort_unstable();
    ranges
        .windows(2)
        .filter_map(|pair| {
            let [lower, upper] = pair else { return None };
            (upper.0 < lower.1).then(|| {
                let message = format!("overlaps with the ports {}", range_text(*upper));
                Violation::invalid("spec.advancedNetwork.wan", range_text(*lower), message)
            })
        })
        .collect()
}

/// HZ-15.
fn wan_ports_are_free(spec: &Spec) -> Vec<Violation> {
    const TAKEN: [i64; 3] = [names::CLIENT_PORT, names::MEMBER_PORT, names::REST_PORT];
    let ranges = wan(spec).iter().map(range).enumerate();
    ranges
        .filter(|(_, (first, end))| TAKEN.iter().any(|port| (first..end).contains(&port)))
        .map(|(index, range)| {
            let path = format!("spec.advancedNetwork.wan[{index}]");
            Violation::invalid(path, range_text(range), format!("must not contain {TAKEN:?}"))
        })
        .collect()
}

/// HZ-17.
fn lossless_restart_has_persistence(spec: &Spec) -> Vec<Violation> {
    let lossless = spec.jet.instance.as_ref().is_some_and(|instance| instance.lossless_restart_enabled);
    when(spec.jet.enabled && lossless && spec.persistence.is_none(), || {
        Violation::forbidden("spec.jet.instance.losslessRestartEnabled", "needs persistence")
    })
}

/// HZ-18 to HZ-24.
fn arguments_say_nothing_twice(spec: &Spec) -> Vec<Violation> {
    let Some(jvm) = &spec.jvm else { return Vec::new() };
    let memory = jvm.memory.clone().unwrap_or_default();
    let gc = jvm.gc.clone().unwrap_or_default();
    let said = [
        (memory.initial_ram_percentage.is_some(), "-XX:InitialRAMPercentage"),
        (memory.max_ram_percentage.is_some(), "-XX:MaxRAMPercentage"),
        (memory.min_ram_percentage.is_some(), "-XX:MinRAMPercentage"),
        (gc.logging.is_some(), "-verbose:gc"),
        (gc.collector == Some(Collector::Serial), "-XX:+UseSerialGC"),
        (gc.collector == Some(Collector::Parallel), "-XX:+UseParallelGC"),
        (gc.collector == Some(Collector::G1), "-XX:+UseG1GC"),
    ];
    let twice =
        said.into_iter().filter(|(is_said, option)| *is_said && jvm.args.iter().any(|arg| arg.contains(option)));
    twice
        .map(|(_, option)| Violation::duplicate("spec.jvm.args", option, "follows from memory or gc already"))
        .collect()
}

/// HZ-28.
fn persistence_has_pooled_memory(spec: &Spec) -> Vec<Violation> {
    let standard = spec.native_memory.as_ref().is_some_and(|memory| memory.allocator_type != AllocatorType::Pooled);
    when(standard && spec.persistence.is_some(), || {
        Violation::required("spec.nativeMemory.allocatorType", "must be POOLED with persistence")
    })
}

/// HZ-29.
fn catalogue_has_persistence(spec: &Spec) -> Vec<Violation> {
    let kept = spec.sql.as_ref().is_some_and(|sql| sql.catalog_persistence_enabled);
    when(kept && spec.persistence.is_none(), || {
        Violation::forbidden("spec.sql.catalogPersistenceEnabled", "needs persistence")
    })
}

/// HZ-30.
fn devices_have_native_memory(spec: &Spec) -> Vec<Violation> {
    when(!spec.local_devices.is_empty() && spec.native_memory.is_none(), || {
        Violation::required("spec.nativeMemory", "tiered storage needs it")
    })
}

/// HZ-31 and HZ-32.
fn devices_have_claims(spec: &Spec) -> Vec<Violation> {
    let devices = spec.local_devices.iter().enumerate();
    devices
        .filter_map(|(index, device)| match &device.pvc {
            None => Some((index, "pvc", "say on what volume the device is")),
            Some(claim) if claim.access_modes.is_none() => {
                Some((index, "pvc.accessModes", "say how the volume is accessed"))
            }
            Some(_) => None,
        })
        .map(|(index, field, message)| Violation::required(format!("spec.localDevices[{index}].{field}"), message))
        .collect()
}

/// HZ-33.
fn cp_has_a_size_that_works(spec: &Spec) -> Vec<Violation> {
    when(spec.cp_subsystem.is_some() && ![0, 3, 5, 7].contains(&spec.cluster_size), || {
        Violation::invalid(
            "spec.clusterSize",
            spec.cluster_size,
            "must be 3, 5 or 7 with the CP subsystem, or 0 to pause",
        )
    })
}

/// HZ-34.
fn cp_has_a_claim(spec: &Spec) -> Vec<Violation> {
    let own = spec.cp_subsystem.as_ref().is_some_and(|cp| cp.pvc.is_some());
    let shared = spec.persistence.as_ref().is_some_and(|persistence| persistence.pvc.is_some());
    when(spec.cp_subsystem.is_some() && !own && !shared, || {
        Violation::required("spec.cpSubsystem.pvc", "say on what volumes its data is kept, or turn persistence on")
    })
}

/// HZ-35 and HZ-36, with the values that members take where nothing is said.
fn cp_sessions_make_sense(spec: &Spec) -> Vec<Violation> {
    let Some(cp) = &spec.cp_subsystem else { return Vec::new() };
    let life = cp.session_ttl_seconds.unwrap_or(300);
    let heartbeat = cp.session_heartbeat_interval_seconds.unwrap_or(5);
    let removal = cp.missing_cp_member_auto_removal_seconds.unwrap_or(14_400);
    let path = "spec.cpSubsystem.sessionTTLSeconds";
    let mut violations = when(life <= heartbeat, || {
        Violation::invalid(path, life, format!("must be more than sessionHeartbeatIntervalSeconds ({heartbeat})"))
    });
    violations.extend(when(removal != 0 && life > removal, || {
        Violation::invalid(path, life, format!("must be at most missingCpMemberAutoRemovalSeconds ({removal})"))
    }));
    violations
}

/// Features with which an open source member does not start.
fn open_source_has_no_enterprise_features(spec: &Spec) -> Vec<Violation> {
    if Members::of(spec).edition == Edition::Enterprise || spec.repository.as_deref().is_some_and(is_unknown) {
        return Vec::new();
    }
    let features = [
        ("spec.persistence", spec.persistence.is_some()),
        ("spec.cpSubsystem", spec.cp_subsystem.is_some()),
        ("spec.tls", spec.tls.is_some()),
        ("spec.userCodeNamespaces", spec.user_code_namespaces.is_some()),
        ("spec.sql.catalogPersistenceEnabled", spec.sql.as_ref().is_some_and(|sql| sql.catalog_persistence_enabled)),
    ];
    let message = "needs the enterprise edition: name a licence in spec.licenseKeySecretName";
    features.into_iter().filter(|(_, used)| *used).map(|(path, _)| Violation::forbidden(path, message)).collect()
}

/// An image of somebody's own may hold enterprise members whatever it is called.
fn is_unknown(repository: &str) -> bool {
    !repository.ends_with("hazelcast/hazelcast")
}

/// What is allowed and has no effect, or not the one that people may expect.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    let mut warnings = Vec::new();
    let members = Members::of(spec);
    if members.edition == Edition::OpenSource {
        let without_effect = [
            ("spec.nativeMemory", spec.native_memory.is_some()),
            ("spec.localDevices", !spec.local_devices.is_empty()),
            ("spec.advancedNetwork.wan", !wan(spec).is_empty()),
        ];
        let set = without_effect.into_iter().filter(|(_, set)| *set);
        warnings.extend(set.map(|(path, _)| format!("{path}: open source members ignore it")));
    } else if members.licence.is_none() {
        warnings.push("spec.licenseKeySecretName: enterprise members do not start without a licence".to_owned());
    }
    let fixed = spec.properties.keys().filter(|name| config::is_fixed_property(name));
    warnings
        .extend(fixed.map(|name| format!("spec.properties[{name}]: belongs to the operator, which sets it to true")));
    let mut seen = BTreeSet::new();
    let named = spec.env.iter().filter_map(|variable| variable.get("name").and_then(serde_json::Value::as_str));
    for name in named.filter(|name| !seen.insert(*name)) {
        warnings.push(format!("spec.env: {name} stands there twice; the last one counts"));
    }
    warnings
}

#[cfg(test)]
mod tests;
