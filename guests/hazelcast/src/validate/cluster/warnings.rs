//! What is allowed and unwise, or has no effect, or not the one that people may expect.

use std::collections::BTreeSet;

use hazelcast_api::hazelcast::{
    ClaimsWhenDeleted, ClusterStateStrategy, DataRecoveryPolicy, DiagnosticsOutput, MemberAccess, Spec,
};
use hazelcast_api::shapes::MutualAuthentication;
use serde_json::Value;

use super::{given, network};
use crate::edition::{Edition, Members};
use crate::{config, names, quantity};

/// All warnings.
pub(in crate::validate) fn warnings(spec: &Spec) -> Vec<String> {
    let groups = [
        edition,
        properties,
        variables,
        deprecated,
        backups,
        exposure,
        discovery,
        data_safety,
        diagnostics,
        memory,
        wan,
    ];
    groups.iter().flat_map(|group| group(spec)).collect()
}

/// One warning for each path that is said of something.
fn each(paths: &[(&str, bool)], message: &str) -> Vec<String> {
    paths.iter().filter(|(_, set)| *set).map(|(path, _)| format!("{path}: {message}")).collect()
}

fn edition(spec: &Spec) -> Vec<String> {
    let members = Members::of(spec);
    if members.edition == Edition::OpenSource {
        let without_effect = [
            ("spec.nativeMemory", spec.native_memory.is_some()),
            ("spec.localDevices", !spec.local_devices.is_empty()),
            ("spec.advancedNetwork.wan", !network::wan(spec).is_empty()),
        ];
        return each(&without_effect, "open source members ignore it");
    }
    let message = "enterprise members do not start without a licence";
    each(&[("spec.licenseKeySecretName", members.licence.is_none())], message)
}

fn properties(spec: &Spec) -> Vec<String> {
    let fixed = spec.properties.keys().filter(|name| config::is_fixed_property(name));
    fixed
        .map(|name| {
            format!("spec.properties[{name}]: belongs to the operator; see spec.dataSafety and spec.persistence")
        })
        .collect()
}

fn variables(spec: &Spec) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let named = spec.env.iter().filter_map(|variable| variable.get("name").and_then(Value::as_str));
    let mut warnings: Vec<_> = named
        .filter(|name| !seen.insert(*name))
        .map(|name| format!("spec.env: {name} stands there twice; the last one counts"))
        .collect();
    if spec.env.iter().any(|variable| variable.get("name").is_some_and(|name| name == "JAVA_OPTS")) {
        let message =
            "takes the place of all that members are started with, their configuration included; use spec.jvm";
        warnings.push(format!("spec.env: JAVA_OPTS {message}"));
    }
    let lite = spec.lite_member.as_ref().map(|lite| lite.env_from.as_slice()).unwrap_or_default();
    for (path, sources) in [("spec.envFrom", spec.env_from.as_slice()), ("spec.liteMember.envFrom", lite)] {
        let prefixes = sources.iter().filter_map(|source| source.get("prefix").and_then(Value::as_str));
        if prefixes.into_iter().any(|prefix| prefix.starts_with("HZ_")) {
            warnings.push(format!(
                "{path}: variables that begin with HZ_ change the configuration behind the operator's back"
            ));
        }
    }
    warnings
}

fn deprecated(spec: &Spec) -> Vec<String> {
    let persistence = spec.persistence.as_ref();
    let code = spec.user_code_deployment.as_ref();
    let modules = spec.module_deployment.as_ref();
    let port_count = network::wan(spec).iter().any(|endpoint| endpoint.port_count.is_some_and(|count| count > 1));
    let instead = [
        ("spec.userCodeDeployment", "moduleDeployment or userCodeNamespaces", code.is_some()),
        ("spec.jet.bucketConfig", "bucketConfigs", spec.jet.bucket_config.is_some()),
        (
            "spec.userCodeDeployment.bucketConfig",
            "bucketConfigs",
            code.is_some_and(|code| code.bucket_config.is_some()),
        ),
        (
            "spec.moduleDeployment.bucketConfig",
            "bucketConfigs",
            modules.is_some_and(|code| code.bucket_config.is_some()),
        ),
        (
            "spec.tls.mutualAuthentication",
            "clientAuthentication",
            spec.tls.as_ref().is_some_and(|tls| tls.mutual_authentication != MutualAuthentication::None),
        ),
        (
            "spec.persistence.startupAction",
            "clusterDataRecoveryPolicy",
            persistence.is_some_and(|persistence| persistence.startup_action.is_some()),
        ),
        ("spec.advancedNetwork.wan[].portCount", "one port, which serves any number of clusters", port_count),
    ];
    let mut warnings: Vec<_> = instead
        .into_iter()
        .filter(|(.., set)| *set)
        .map(|(path, instead, _)| format!("{path}: deprecated; use {instead}"))
        .collect();
    warnings.extend(each(
        &[("spec.localDevices", !spec.local_devices.is_empty())],
        "deprecated; members have given tiered storage up",
    ));
    warnings
}

/// More copies than there are members for them.
fn backups(spec: &Spec) -> Vec<String> {
    let size = spec.cluster_size;
    // A cluster that is paused has as many members as it had, whatever that is.
    if size <= 0 {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let mut check = |path: String, copies: i32| {
        if copies >= size {
            warnings
                .push(format!("{path}: {copies} backups need more than {copies} members, and clusterSize is {size}"));
        }
    };
    if let Some(instance) = &spec.jet.instance {
        check("spec.jet.instance.backupCount".to_owned(), instance.backup_count);
    }
    for (index, executor) in spec.durable_executor_services.iter().enumerate() {
        check(format!("spec.durableExecutorServices[{index}].durability"), executor.durability);
    }
    for (index, executor) in spec.scheduled_executor_services.iter().enumerate() {
        check(format!("spec.scheduledExecutorServices[{index}].durability"), executor.durability);
    }
    if spec.high_availability_mode.is_some() && size < 2 {
        warnings.push(format!("spec.highAvailabilityMode: has no effect with {size} member"));
    }
    warnings
}

fn exposure(spec: &Spec) -> Vec<String> {
    let default_name = spec.expose_externally.is_some() && spec.cluster_name == "dev";
    let message =
        "the default name beside exposeExternally: any client with default settings may connect; choose another one";
    let mut warnings = each(&[("spec.clusterName", default_name)], message);
    let balanced = spec.expose_externally.as_ref().is_some_and(|exposure| {
        exposure.discovery_service_type != "NodePort" || exposure.member_access == Some(MemberAccess::LoadBalancer)
    });
    let ranges = spec.expose_externally.as_ref().is_some_and(|it| !it.load_balancer_source_ranges.is_empty());
    let path = "spec.exposeExternally.loadBalancerSourceRanges";
    warnings.extend(each(&[(path, ranges && !balanced)], "has no effect without load balancers"));
    warnings
}

fn discovery(spec: &Spec) -> Vec<String> {
    let Some(discovery) = &spec.discovery else { return Vec::new() };
    let mut warnings = Vec::new();
    if discovery.whole_namespace == Some(true) {
        let text = "members ask every pod of the namespace, also those of other clusters; name a Service or a label";
        warnings.push(format!("spec.discovery.wholeNamespace: {text}"));
    }
    if given(discovery.namespace.as_ref()) {
        let text = "members need a Role in that namespace, which the operator does not make";
        warnings.push(format!("spec.discovery.namespace: {text}"));
    }
    warnings
}

const STALE_JOIN: &str = "-Dhazelcast.stale.join.prevention.duration.seconds";
const STALE_JOIN_SECONDS: i32 = 5;

/// Departures from what is recommended for data that is kept on disks, or in memory while pods come and go.
fn data_safety(spec: &Spec) -> Vec<String> {
    let safety = spec.data_safety.clone().unwrap_or_default();
    let mut warnings = Vec::new();
    let mut warn = |path: &str, departs: bool, message: &str| warnings.extend(each(&[(path, departs)], message));
    let delete = safety.volume_claims_when_deleted == Some(ClaimsWhenDeleted::Delete);
    let message = "whoever deletes the cluster deletes its data";
    warn("spec.dataSafety.volumeClaimsWhenDeleted", delete, message);
    let spread = safety.require_spread == Some(true) && spec.high_availability_mode.is_none();
    warn("spec.dataSafety.requireSpread", spread, "has no effect without highAvailabilityMode");
    let manual = safety.automatic_cluster_version_upgrade == Some(false);
    let message = "the cluster keeps its version after an upgrade until somebody raises it";
    warn("spec.dataSafety.automaticClusterVersionUpgrade", manual, message);
    let stale = safety.stale_join_prevention_seconds.is_some_and(|seconds| seconds != STALE_JOIN_SECONDS);
    let message = "recommended are 5 seconds: less, and a member that comes back may be taken for one that left; more, and it waits";
    warn("spec.dataSafety.staleJoinPreventionSeconds", stale, message);
    let argument = spec.jvm.as_ref().is_some_and(|jvm| {
        let values = jvm.args.iter().filter_map(|arg| arg.strip_prefix(STALE_JOIN)?.strip_prefix('='));
        values.into_iter().any(|value| value != STALE_JOIN_SECONDS.to_string())
    });
    warn(&format!("spec.jvm.args[{STALE_JOIN}]"), argument, message);
    let policy = spec.properties.get("hazelcast.shutdownhook.policy").is_some_and(|policy| policy != "GRACEFUL");
    let message = "members that stop do not hand their data over first; recommended is GRACEFUL";
    warn("spec.properties[hazelcast.shutdownhook.policy]", policy, message);
    if let Some(persistence) = &spec.persistence {
        let partial = persistence.cluster_data_recovery_policy == DataRecoveryPolicy::PartialRecoveryMostComplete;
        let message = "a cluster some of whose members are lost does not start, or starts with less; recommended is PartialRecoveryMostComplete";
        warn("spec.persistence.clusterDataRecoveryPolicy", !partial, message);
        let kept = persistence.remove_stale_data == Some(false);
        let message = "a member with data that does not fit does not start; recommended is to remove it";
        warn("spec.persistence.removeStaleData", kept, message);
        let manual = persistence.automatic_cluster_state == Some(false);
        let message = "data moves whenever Kubernetes stops a member; recommended is to let members change the state of the cluster";
        warn("spec.persistence.automaticClusterState", manual, message);
        let no_effect =
            manual && persistence.cluster_state_strategy.is_some_and(|chosen| chosen == ClusterStateStrategy::Frozen);
        warn("spec.persistence.clusterStateStrategy", no_effect, "has no effect without automaticClusterState");
        let delay = persistence.rebalance_delay_seconds.is_some_and(|seconds| seconds > 0);
        let message = "for that long, data has fewer backups when a member leaves; recommended is 0";
        warn("spec.persistence.rebalanceDelaySeconds", delay, message);
        warn(
            "spec.persistence.baseDir",
            given(persistence.base_dir.as_ref()),
            "deprecated and ignored; see restore.localConfig",
        );
        let modes = persistence.pvc.as_ref().and_then(|claim| claim.access_modes.as_deref());
        let message = "no access modes: the claim will be refused";
        warn("spec.persistence.pvc.accessModes", modes.is_some_and(<[String]>::is_empty), message);
    }
    warnings
}

fn diagnostics(spec: &Spec) -> Vec<String> {
    let Some(diagnostics) = &spec.diagnostics else { return Vec::new() };
    let claim = given(diagnostics.pvc_name.as_ref());
    let file = diagnostics.output_type == DiagnosticsOutput::File;
    let mut warnings = each(
        &[("spec.diagnostics.outputType", file && !claim)],
        "files are in a folder that goes with the pod; name a claim in pvcName to keep them",
    );
    warnings.extend(each(&[("spec.diagnostics.pvcName", claim && !file)], "has no effect unless outputType is FILE"));
    warnings
}

fn memory(spec: &Spec) -> Vec<String> {
    let limit = spec.resources.as_ref().and_then(|resources| resources.pointer("/limits/memory"));
    let limit = limit.and_then(quantity::bytes);
    let native = spec.native_memory.as_ref().and_then(|memory| quantity::bytes(&memory.size));
    let over = matches!((native, limit), (Some(native), Some(limit)) if native > limit);
    let message = "more than the memory that spec.resources.limits allows: members will be killed";
    each(&[("spec.nativeMemory.size", over)], message)
}

fn wan(spec: &Spec) -> Vec<String> {
    let endpoints = network::wan(spec);
    let mut seen = BTreeSet::new();
    let mut warnings = Vec::new();
    for endpoint in endpoints {
        let name = endpoint.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default");
        if !seen.insert(name) {
            warnings.push(format!("spec.advancedNetwork.wan: two entries are named {name}; the last one counts"));
        }
        let (first, end) = network::range(endpoint);
        let taken = |port: i64| (first..end).contains(&port);
        if spec.agent.is_some() && [names::AGENT_PORT, names::AGENT_TLS_PORT].into_iter().any(taken) {
            warnings.push(format!("spec.advancedNetwork.wan: port {first} is that of the agent"));
        }
    }
    warnings
}
