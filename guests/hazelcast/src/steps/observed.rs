//! What a `StatefulSet` and its pods tell: how many are ready, and what keeps the others.

use filbert_guest::k8s::{Map, StatefulSet, resources};
use filbert_guest::{Context, Metadata, ReadError, Resource};
use serde::Deserialize;

use crate::names::{Application, LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, MANAGED_BY};

/// A `StatefulSet`, as far as others depend on it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Set {
    metadata: Metadata,
    spec: SetSpec,
    status: SetStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SetSpec {
    replicas: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SetStatus {
    observed_generation: i64,
    replicas: i32,
    ready_replicas: i32,
    updated_replicas: i32,
    current_revision: String,
    update_revision: String,
}

impl Set {
    /// The set named as the reconciled object.
    pub(super) fn read<R: Resource>(cx: &Context<R>) -> Result<Option<Self>, ReadError> {
        Self::read_named(cx, cx.name())
    }

    /// The set of this name.
    pub(super) fn read_named<R: Resource>(cx: &Context<R>, name: &str) -> Result<Option<Self>, ReadError> {
        cx.read(StatefulSet::TYPE, name)
            .fields(&[
                "metadata.annotations",
                "metadata.generation",
                "spec.replicas",
                "status.observedGeneration",
                "status.replicas",
                "status.readyReplicas",
                "status.updatedReplicas",
                "status.currentRevision",
                "status.updateRevision",
            ])
            .get()
    }

    /// Its annotations.
    pub(super) fn annotations(&self) -> &Map {
        &self.metadata.annotations
    }

    /// How many pods there are to be: as many as it says, and one where it does not.
    pub(super) fn wanted(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }

    /// How many pods there are, those that are stopping among them.
    pub(super) fn replicas(&self) -> i32 {
        self.status.replicas
    }

    /// How many pods are made from the present template.
    pub(super) fn updated(&self) -> i32 {
        self.status.updated_replicas
    }

    /// Whether its controller has seen what it says now.
    pub(super) fn is_seen(&self) -> bool {
        self.status.observed_generation >= self.metadata.generation
    }

    /// Whether pods of an earlier template are being replaced.
    pub(super) fn is_rolling(&self) -> bool {
        let status = &self.status;
        !status.update_revision.is_empty() && status.current_revision != status.update_revision
    }

    /// How many pods are ready.
    pub(super) fn ready(&self) -> i32 {
        self.status.ready_replicas
    }

    /// Whether exactly `wanted` pods are there and ready, all of them made from the present template.
    pub(super) fn is_settled(&self, wanted: i32) -> bool {
        let status = &self.status;
        let seen = self.is_seen() && self.spec.replicas == Some(wanted);
        let counted = status.replicas == wanted && status.ready_replicas == wanted;
        // A set that stands still does not always count what is up to date; then the revisions tell.
        let updated = status.updated_replicas == wanted
            || (!status.update_revision.is_empty() && status.current_revision == status.update_revision);
        seen && counted && updated
    }
}

/// A pod, as far as a status depends on it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    metadata: Metadata,
    status: PodStatus,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIP")]
    pod_ip: String,
    message: String,
    reason: String,
    conditions: Vec<PodCondition>,
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodCondition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    message: String,
    reason: String,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    restart_count: i32,
    state: ContainerState,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
    message: String,
}

/// What keeps a pod from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// One word.
    pub(super) reason: String,
    /// For people.
    pub(super) message: String,
    /// How often the container was restarted.
    pub(super) restarts: i32,
}

/// Reasons for which a container waits in the ordinary course of things.
const ORDINARY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

impl ContainerStatus {
    /// What keeps it from running, where that will not pass by itself.
    fn trouble(&self) -> Option<Trouble> {
        let waiting = self.state.waiting.as_ref()?;
        (!ORDINARY.contains(&waiting.reason.as_str())).then(|| Trouble {
            reason: waiting.reason.clone(),
            message: format!("container {}: {}", self.name, or(&waiting.message, &waiting.reason)),
            restarts: self.restart_count,
        })
    }
}

impl Pod {
    /// The pods of the reconciled object, by the number at the end of their names.
    pub(super) fn list<R: Resource>(cx: &Context<R>, application: Application) -> Result<Vec<Self>, ReadError> {
        let mut pods: Vec<Self> = cx
            .list(resources::PODS)
            .label(LABEL_INSTANCE, cx.name())
            .label(LABEL_MANAGED_BY, MANAGED_BY)
            .label(LABEL_NAME, application.name())
            .fields(&[
                "metadata.deletionTimestamp",
                "status.phase",
                "status.podIP",
                "status.message",
                "status.reason",
                "status.conditions",
                "status.initContainerStatuses",
                "status.containerStatuses",
            ])
            .get()?;
        // Not those of lite members, which have the same labels and one more.
        let prefix = format!("{}-", cx.name());
        pods.retain(|pod| pod.name().strip_prefix(&prefix).is_some_and(|rest| rest.parse::<u32>().is_ok()));
        pods.sort_by_key(|pod| {
            let number = pod.name().rsplit('-').next().and_then(|number| number.parse::<u32>().ok());
            (number.unwrap_or(u32::MAX), pod.name().to_owned())
        });
        Ok(pods)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The number at the end of its name.
    pub(super) fn number(&self) -> Option<i32> {
        self.name().rsplit('-').next()?.parse().ok()
    }

    /// Whether it is stopping.
    pub(super) fn is_stopping(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether a member may be at work in it. None is in one that was never placed on a node, waits for its image or for an
    /// init container, or whose container ends again and again.
    pub(super) fn may_hold_a_member(&self) -> bool {
        let ends = ["Pending", "Failed"].contains(&self.status.phase.as_str());
        !ends && self.stuck().is_none()
    }

    /// Whether its init containers are through.
    pub(super) fn is_initialized(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.type_ == "Initialized" && condition.status == "True")
    }

    /// Whether an init container cannot go on.
    pub(super) fn init_trouble(&self) -> Option<Trouble> {
        self.status.init_container_statuses.iter().find_map(ContainerStatus::trouble)
    }

    /// Its address, once it has one.
    pub(super) fn ip(&self) -> Option<&str> {
        Some(self.status.pod_ip.as_str()).filter(|ip| !ip.is_empty())
    }

    /// Whether Kubernetes calls it ready.
    pub(super) fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    }

    /// How often its containers were restarted.
    pub(super) fn restarts(&self) -> i32 {
        self.status.container_statuses.iter().map(|container| container.restart_count).sum()
    }

    /// What keeps it from running, where that will not pass by itself.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let status = &self.status;
        let broken = ["Failed", "Unknown"].contains(&status.phase.as_str()).then(|| Trouble {
            reason: or(&status.reason, &status.phase).to_owned(),
            message: or(&status.message, "the pod does not run").to_owned(),
            restarts: self.restarts(),
        });
        self.stuck().or(broken)
    }

    /// What keeps one of its containers from running.
    fn stuck(&self) -> Option<Trouble> {
        let mut containers = self.status.init_container_statuses.iter().chain(&self.status.container_statuses);
        containers.find_map(ContainerStatus::trouble)
    }

    /// What there is to say about a pod that is not ready yet.
    pub(super) fn pending(&self) -> Option<(String, String)> {
        let unscheduled = self
            .status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
        Some((unscheduled.reason.clone(), unscheduled.message.clone()))
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
