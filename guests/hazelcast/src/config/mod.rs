//! The configuration document of members (`hazelcast.yaml`), by section, in the order in which the sections are written.
//!
//! Other controllers and earlier operators read it back, so section and key names stay. Where members refuse what earlier
//! operators wrote (numbers of serialisation factories, class filters), the members are right.

mod backups;
mod code;
pub mod custom;
mod diagnostics;
mod executors;
mod network;
pub(crate) mod security;
mod serialization;
mod storage;
pub(crate) mod tls;
mod yaml;

pub use backups::{Backups, backups};
pub use storage::{Layout, recovery_seconds};
pub use tls::MEMBER_STORE;
pub use yaml::Node;

use filbert_guest::k8s::Map;
use hazelcast_api::hazelcast::{ClusterStateStrategy, HighAvailabilityMode, IpFamily, Jet, Spec, Sql};

use crate::checksum::crc32;

/// Properties that belong to the operator: members finish an upgrade of the cluster version by themselves, and follow the
/// number of replicas when they decide about the state of the cluster.
const FIXED_PROPERTIES: [(&str, &str); 2] = [(AUTOMATIC_UPGRADE, "true"), (AUTOMATIC_STATE, "true")];
const AUTOMATIC_UPGRADE: &str = "hazelcast.cluster.version.auto.upgrade.enabled";
const AUTOMATIC_STATE: &str = "hazelcast.persistence.auto.cluster.state";
const STATE_STRATEGY: &str = "hazelcast.persistence.auto.cluster.state.strategy";
const GRACEFUL_WAIT: &str = "hazelcast.graceful.shutdown.max.wait";

/// Properties that people may change: a member that is told to stop hands its data over first, for as long as its pod may
/// take to end.
const PROPERTIES: [(&str, &str); 2] = [("hazelcast.shutdownhook.policy", "GRACEFUL"), (GRACEFUL_WAIT, "600")];

/// Further ones of members that keep data on disks. While one of them is away, partitions wait for it.
const PERSISTENCE_PROPERTIES: [(&str, &str); 1] = [(STATE_STRATEGY, "NO_MIGRATION")];

/// How long a pod may take to end, in seconds, where nobody says how long a member may take to hand its data over.
const GRACE_SECONDS: i64 = 600;
/// What a pod is given on top of that.
const GRACE_MARGIN: i64 = 30;

/// How long a pod may take to end, in seconds: as long as its member may take, and something on top.
pub fn grace_seconds(spec: &Spec) -> i64 {
    let safety = spec.data_safety.as_ref().and_then(|safety| safety.graceful_shutdown_max_wait_seconds);
    let property = || spec.properties.get(GRACEFUL_WAIT).and_then(|seconds| seconds.parse().ok());
    safety
        .map(i64::from)
        .or_else(property)
        .map_or(GRACE_SECONDS, |seconds: i64| seconds.max(0).saturating_add(GRACE_MARGIN))
}

/// Entries of Secrets and `ConfigMap`s that the specification refers to, by kind and name.
#[derive(Debug, Clone, Default)]
pub struct Referred(std::collections::BTreeMap<(&'static str, String), Map>);

impl Referred {
    /// Adds the entries of one.
    pub fn add(&mut self, kind: &'static str, name: &str, entries: Map) {
        self.0.insert((kind, name.to_owned()), entries);
    }

    fn all(&self, kind: &'static str, name: &str) -> Map {
        self.0.get(&(kind, name.to_owned())).cloned().unwrap_or_default()
    }

    fn text(&self, kind: &'static str, name: &str, key: &str) -> String {
        self.all(kind, name).remove(key).unwrap_or_default()
    }
}

/// What sections are made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Of the cluster.
    pub name: &'a str,
    /// Of its namespace.
    pub namespace: &'a str,
    /// What is wanted of it.
    pub spec: &'a Spec,
    /// With which members ask the Kubernetes API instead of that of their account.
    pub api_token: Option<&'a str>,
    /// Whether it is the document of members without data.
    pub is_lite: bool,
    /// What the specification refers to.
    pub referred: &'a Referred,
    /// Where its data is.
    pub layout: Layout,
}

/// What one section is made of: its key and how it is built. What is empty is left out.
type Section = (&'static str, fn(&Inputs<'_>) -> Node);

/// All sections, in the order in which they are written.
const SECTIONS: &[Section] = &[
    ("jet", |of| jet(&of.spec.jet)),
    ("cluster-name", |of| of.spec.cluster_name.as_str().into()),
    ("lite-member", |of| Node::new().with_some("enabled", of.is_lite.then_some(true))),
    ("persistence", |of| storage::persistence(of.spec, of.layout)),
    ("executor-service", |of| executors::plain(of.spec)),
    ("durable-executor-service", |of| executors::durable(of.spec)),
    ("scheduled-executor-service", |of| executors::scheduled(of.spec)),
    ("user-code-deployment", |of| code::deployment(of.spec)),
    ("properties", |of| properties(of.spec, of.is_lite)),
    ("partition-group", |of| partition_group(of.spec)),
    ("native-memory", |of| storage::native_memory(of.spec)),
    ("advanced-network", |of| network::section(of)),
    ("management-center", |of| management_center(of.spec)),
    ("security", security::section),
    ("serialization", |of| serialization::section(of.spec)),
    ("sql", |of| storage::sql(of.spec)),
    ("local-device", |of| storage::local_devices(of.spec)),
    ("cp-subsystem", |of| storage::cp_subsystem(of.spec)),
    ("user-code-namespaces", |of| code::namespaces(of.spec)),
];

/// What members without data start with, instead of what those with data do: they keep nothing, and their pods are
/// described on their own.
pub fn of_lite_members(spec: &Spec) -> Option<Spec> {
    let lite = spec.lite_member.clone()?;
    Some(Spec {
        cluster_size: lite.count.unwrap_or_default().max(0),
        env: lite.env,
        env_from: lite.env_from,
        jvm: lite.jvm,
        resources: lite.resources,
        scheduling: lite.scheduling,
        cp_subsystem: None,
        local_devices: Vec::new(),
        persistence: None,
        persistence_volume_claims: Vec::new(),
        expose_externally: None,
        sql: spec.sql.clone().map(|sql| Sql { catalog_persistence_enabled: false, ..sql }),
        ..spec.clone()
    })
}

/// The sections of the document, without what people add themselves.
pub fn sections(inputs: Inputs<'_>) -> Node {
    SECTIONS.iter().fold(Node::new(), |node, (key, build)| node.with_any(key, build(&inputs)))
}

/// The document with these sections.
pub fn document(sections: Node) -> Node {
    Node::new().with("hazelcast", sections)
}

/// A checksum over what members read only when they start; in an annotation of the pods, so that a change restarts them.
/// Existing installations know it, so neither what goes into it nor how it is written may change.
pub fn restart_checksum(spec: &Spec) -> u32 {
    crc32(restart_document(spec).to_yaml().as_bytes())
}

fn restart_document(spec: &Spec) -> Node {
    let sections = Node::new()
        .with_any("jet", jet(&spec.jet))
        .with_any("cluster-name", spec.cluster_name.as_str())
        .with_any("user-code-deployment", code::deployment(spec))
        .with_any("advanced-network", network::encryption(spec))
        .with_any("cp-subsystem", storage::cp_subsystem(spec));
    document(sections)
}

fn jet(jet: &Jet) -> Node {
    let instance = jet.instance.clone().unwrap_or_default();
    let edges = jet.edge_defaults.clone().unwrap_or_default();
    let instance = Node::new()
        .with_some("cooperative-thread-count", instance.cooperative_thread_count)
        .with("flow-control-period", instance.flow_control_period_millis)
        .with("backup-count", instance.backup_count)
        .with("scale-up-delay-millis", instance.scale_up_delay_millis)
        .with("lossless-restart-enabled", instance.lossless_restart_enabled)
        .with_some("max-processor-accumulated-records", instance.max_processor_accumulated_records);
    let edges = Node::new()
        .with_some("queue-size", edges.queue_size)
        .with_some("packet-size-limit", edges.packet_size_limit)
        .with_some("receive-window-multiplier", edges.receive_window_multiplier);
    Node::new()
        .with("enabled", jet.enabled)
        .with("resource-upload-enabled", jet.resource_upload_enabled)
        .with_any("instance", if jet.instance.is_some() { instance } else { Node::new() })
        .with_any("edge-defaults", edges)
}

fn properties(spec: &Spec, is_lite: bool) -> Node {
    let mut properties: Map = owned(&PROPERTIES);
    if spec.persistence.is_some() {
        properties.extend(owned(&PERSISTENCE_PROPERTIES));
    }
    properties.extend(diagnostics::properties(spec, is_lite));
    properties.extend(spec.properties.clone());
    properties.extend(owned(&FIXED_PROPERTIES));
    let safety = spec.data_safety.clone().unwrap_or_default();
    let persistence = spec.persistence.clone().unwrap_or_default();
    let strategy = persistence.cluster_state_strategy.map(|strategy| match strategy {
        ClusterStateStrategy::NoMigration => "NO_MIGRATION".to_owned(),
        ClusterStateStrategy::Frozen => "FROZEN".to_owned(),
    });
    for (key, value) in [
        (AUTOMATIC_UPGRADE, safety.automatic_cluster_version_upgrade.map(|it| it.to_string())),
        (GRACEFUL_WAIT, safety.graceful_shutdown_max_wait_seconds.map(|it| it.to_string())),
        (AUTOMATIC_STATE, persistence.automatic_cluster_state.map(|it| it.to_string())),
        (STATE_STRATEGY, strategy),
    ] {
        properties.extend(value.map(|value| (key.to_owned(), value)));
    }
    if spec.ip_family == Some(IpFamily::Ipv6) {
        properties.insert("hazelcast.prefer.ipv4.stack".to_owned(), "false".to_owned());
    }
    if !spec.local_devices.is_empty() {
        properties.insert("hazelcast.tiered.store.force.enabled".to_owned(), "true".to_owned());
    }
    properties.into_iter().map(|(key, value)| (key, value.into())).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Whether people set a property that belongs to the operator.
pub fn is_fixed_property(name: &str) -> bool {
    FIXED_PROPERTIES.iter().any(|(fixed, _)| *fixed == name)
}

fn partition_group(spec: &Spec) -> Node {
    let group = match spec.high_availability_mode {
        None => return Node::new(),
        Some(HighAvailabilityMode::Node) => "NODE_AWARE",
        Some(HighAvailabilityMode::Zone) => "ZONE_AWARE",
        Some(HighAvailabilityMode::Placement) => "PLACEMENT_AWARE",
    };
    Node::new().with("enabled", true).with("group-type", group)
}

fn management_center(spec: &Spec) -> Node {
    let access = spec.management_center.clone().unwrap_or_default();
    [
        ("scripting-enabled", access.scripting_enabled),
        ("console-enabled", access.console_enabled),
        ("data-access-enabled", access.data_access_enabled),
    ]
    .into_iter()
    .filter(|(_, enabled)| *enabled)
    .fold(Node::new(), |node, (key, enabled)| node.with(key, enabled))
}

#[cfg(test)]
mod tests;
