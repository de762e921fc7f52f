//! The status of a cluster, as far as its `StatefulSet` and pods tell. What members say of each other (state, partitions,
//! who is the oldest) needs a connection, which the host does not have yet: a condition says so.

mod start;

use filbert_guest::{Condition, Context, Plan, ReadError, Status, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{ClusterStatus, Member, Phase, RestoreStatus};
use serde::Serialize;

use super::observed::{Pod, Set};
use super::scaling::Waiting;
use super::stateful_set::{MemberSet, SCALING};
use super::{adoption, size};
use crate::ignored;
use crate::names::{self, Application};

/// The status of a cluster.
pub struct MemberStatus;

/// The part of the status that this step writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fragment {
    phase: Phase,
    message: String,
    cluster_size: i32,
    selector: String,
    hazelcast_cluster_status: ClusterStatus,
    members: Vec<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lite_member_count: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<RestoreStatus>,
}

impl Step for MemberStatus {
    type Resource = Hazelcast;
    const NAME: &'static str = "status";
    const SUMMARY: &'static str = "what StatefulSet and pods tell about the members";
    const FINALIZES: bool = true;

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let wanted = size(&cx.object().spec);
        let set = Set::read(cx)?.unwrap_or_default();
        let pods = Pod::list(cx, Application::Hazelcast)?;
        let scaling: Option<Waiting> = cx.fact(&format!("{}/{SCALING}", MemberSet::NAME));
        let (phase, message, reason) = judge(wanted, &set, &pods, scaling.as_ref());
        let restore = start::restore(&cx.object().spec, wanted, &pods);
        let fragment = Fragment {
            phase,
            message: message.clone(),
            cluster_size: set.replicas(),
            selector: Application::Hazelcast.selector_text(cx.name()),
            hazelcast_cluster_status: ClusterStatus { ready_members: Some(format!("{}/{wanted}", set.ready())) },
            members: pods.iter().map(member).collect(),
            lite_member_count: lite_members(cx)?,
            restore: restore.as_ref().map(|(status, _)| status.clone()),
        };
        let plan = conditions(cx, wanted, Plan::default().status(fragment));
        let starting = restore.map(|(_, condition)| condition).into_iter().chain(start::action(&cx.object().spec));
        let plan = starting.fold(plan, Plan::condition);
        let is_held = scaling.as_ref().is_some_and(|waiting| waiting.is_held);
        let plan = match scaling {
            None => plan,
            Some(Waiting { reason, message, .. }) => {
                plan.condition(Condition::new("Scaling", Status::True, &reason, message))
            }
        };
        Ok(match reason.as_deref() {
            None => adoption::waits(cx, plan),
            Some(reason) if phase == Phase::Failed || is_held => {
                plan.warn(reason, message.clone()).wait(reason, message)
            }
            Some(reason) => plan.wait(reason, message),
        })
    }

    fn finalize(_cx: &Context<Hazelcast>) -> StepResult {
        Ok(Plan::default().status(serde_json::json!({"phase": Phase::Terminating, "message": ""})))
    }
}

/// Where the cluster is in its life, what there is to say, and for what the step waits, if for anything.
fn judge(wanted: i32, set: &Set, pods: &[Pod], scaling: Option<&Waiting>) -> (Phase, String, Option<String>) {
    let pending = |reason: &str, message: String| (Phase::Pending, message, Some(reason.to_owned()));
    let troubles: Vec<_> = pods.iter().filter_map(|pod| Some((pod, pod.trouble()?))).collect();
    if set.is_settled(wanted) {
        return match wanted {
            0 => (Phase::Pending, "the cluster is paused: clusterSize is 0".to_owned(), None),
            _ => (Phase::Running, String::new(), None),
        };
    }
    if let Some((pod, trouble)) = troubles.first() {
        let others = match troubles.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let message = format!("pod {}: {}: {}{others}", pod.name(), trouble.reason, trouble.message);
        return (Phase::Failed, message, Some("PodsFailing".to_owned()));
    }
    if let Some(Waiting { reason, message, .. }) = scaling {
        return pending(reason, message.clone());
    }
    if set.replicas() > wanted {
        let message = format!("{} of {} members are to stop", set.replicas() - wanted, set.replicas());
        return pending("MembersStopping", message);
    }
    let ready = format!("{} of {wanted} members are ready", set.ready().min(wanted));
    if set.is_rolling() && set.replicas() == wanted {
        let message =
            format!("members are replaced one after the other: {} of {wanted} so far; {ready}", set.updated());
        return pending("MembersReplaced", message);
    }
    pending("MembersStarting", ready)
}

/// How many members without data are ready, where there are to be some.
fn lite_members(cx: &Context<Hazelcast>) -> Result<Option<i32>, ReadError> {
    if cx.object().spec.lite_member.is_none() {
        return Ok(None);
    }
    Ok(Some(Set::read_named(cx, &names::lite(cx.name()))?.unwrap_or_default().ready()))
}

fn member(pod: &Pod) -> Member {
    let trouble = pod.trouble();
    let (reason, message) = match &trouble {
        Some(trouble) => (Some(trouble.reason.clone()), Some(trouble.message.clone())),
        None => pod.pending().unzip(),
    };
    Member {
        pod_name: Some(pod.name().to_owned()),
        ip: pod.ip().map(str::to_owned),
        connected: Some(pod.is_ready()),
        restart_count: Some(trouble.map_or_else(|| pod.restarts(), |trouble| trouble.restarts)),
        reason,
        message,
        ..Member::default()
    }
}

fn conditions(cx: &Context<Hazelcast>, wanted: i32, plan: Plan) -> Plan {
    let paused = match wanted {
        0 => Condition::new("Paused", Status::True, "ClusterSizeZero", "no member runs; volumes stay"),
        _ => Condition::new("Paused", Status::False, "MembersWanted", ""),
    };
    let observed = Condition::new(
        "MembersObserved",
        Status::Unknown,
        "NotConnected",
        "derived from StatefulSet and Pods; nothing is known of what members say of themselves",
    );
    let plan = plan.condition(paused).condition(observed);
    let ignored = ignored::of_cluster(&cx.object().spec);
    if ignored.is_empty() {
        return plan;
    }
    let fields: Vec<_> = ignored.iter().map(|ignored| ignored.path).collect();
    plan.condition(Condition::new("FieldsIgnored", Status::True, "NotBuiltYet", fields.join(", ")))
}

#[cfg(test)]
mod tests;
