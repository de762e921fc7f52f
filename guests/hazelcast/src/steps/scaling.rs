//! How many pods there are to be now, on the way to as many as people want.
//!
//! # Rules
//! - The first start, growing, a pause (no members at all) and the end of a pause happen at once: nobody hands data over to
//!   anybody then, and members that keep data on disks need each other to take it up again.
//! - Shrinking goes by one pod. The one with the highest number stops, which hands its data over before it ends, for as long
//!   as the grace period of its pod lasts. The next one stops only when the set has seen its last change, the pod before is
//!   gone, every pod is made from the present template, and every pod is ready. A pod in which no member can be at work (it
//!   never found a node, its image is not there) and that is to go anyway keeps nobody waiting.
//! - A change of the pods and a pod less never come together: two members would be away at once. So the first thing that
//!   happens is that the pods as they are wanted now are applied, with a note about it on the set.
//! - It stops where fewer members could not keep the backups that the configuration asks for; until somebody asks for fewer
//!   of those.
//! - Members with data on disks that were paused come back as many as they were. Those that are no longer wanted hand their
//!   data over then: on the volume of a member that never starts it would be lost.
//!
//! Readiness of pods is all that is known of members. Whether their partitions are safe, only members themselves know; a
//! member that is told to stop waits for that by itself (`hazelcast.shutdownhook.policy`).

use filbert_guest::k8s::Map;
use filbert_guest::{Context, ReadError};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::Spec;
use serde::{Deserialize, Serialize};

use super::observed::{Pod, Set};
use super::size;
use crate::config::Backups;
use crate::names::{ANNOTATION_PAUSED_FROM, ANNOTATION_SHRINKING, Application, member};

/// Why there are other pods than people want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// One word.
    pub(super) reason: String,
    /// For people.
    pub(super) message: String,
    /// Whether it waits for people.
    pub(super) is_held: bool,
}

/// How many pods there are to be now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scale {
    /// As many as the set is to have.
    pub(super) replicas: i32,
    /// In a sentence.
    pub(super) why: String,
    /// Where that is not what people want.
    pub(super) waiting: Option<Waiting>,
    /// Notes on the set for later passes.
    pub(super) notes: Map,
}

impl Scale {
    fn settled(replicas: i32) -> Self {
        let why = if replicas == 0 { "the cluster is paused: no member runs".to_owned() } else { members(replicas) };
        Self { replicas, why, waiting: None, notes: Map::new() }
    }

    fn waiting(self, reason: &str, message: String, is_held: bool) -> Self {
        Self { waiting: Some(Waiting { reason: reason.to_owned(), message, is_held }), ..self }
    }

    fn note(mut self, annotation: &str, text: String) -> Self {
        self.notes.insert(annotation.to_owned(), text);
        self
    }

    /// For the set as it is now.
    pub(super) fn of(cx: &Context<Hazelcast>, backups: Option<&Backups>) -> Result<Self, ReadError> {
        let spec = &cx.object().spec;
        let wanted = size(spec);
        let Some(set) = Set::read(cx)? else { return Ok(Self::settled(wanted)) };
        let there = set.wanted();
        let before = if keeps_data(spec) { before_pause(&set) } else { None };
        if wanted == 0 {
            let scale = Self::settled(0);
            return Ok(match before {
                Some(before) => scale.note(ANNOTATION_PAUSED_FROM, before.to_string()),
                None => scale,
            });
        }
        if there == 0
            && let Some(before) = before.filter(|before| *before > wanted)
        {
            let message = format!("{before} members come back with their data; {wanted} are wanted");
            let scale = Self { why: message.clone(), ..Self::settled(before) };
            return Ok(scale.waiting("MembersStarting", message, false));
        }
        if there <= wanted {
            return Ok(Self::settled(wanted));
        }
        let lowest = backups.map_or(wanted, |backups| wanted.max(backups.members())).min(there);
        if let (Some(backups), true) = (backups, lowest == there) {
            let Backups { path, count } = backups;
            let message = format!(
                "{there} members stay although {}: `{path}` of the configuration asks for {count} backups, which take {} members",
                members(wanted),
                backups.members()
            );
            let scale = Self { why: format!("{there} members are needed for backups"), ..Self::settled(there) };
            return Ok(scale.waiting("BackupsNeedMembers", message, true));
        }
        // Of the specification that the pods were made from, so that they are not changed in the same breath.
        let shrinks = cx.metadata().generation.to_string();
        let stay = Self { why: format!("{there} members until the next one may stop"), ..Self::settled(there) }
            .note(ANNOTATION_SHRINKING, shrinks.clone());
        let next = member(cx.name(), there - 1);
        let stays = |why: &str| {
            let message = format!("{there} members, {wanted} wanted: {next} stops when {why}");
            Ok(stay.clone().waiting("MembersStopping", message, false))
        };
        if set.annotations().get(ANNOTATION_SHRINKING) != Some(&shrinks) {
            return stays("the pods are as they are wanted now");
        }
        let pods = Pod::list(cx, Application::Hazelcast)?;
        if let Some(hindrance) = hindrance(&set, &pods, wanted) {
            return stays(&hindrance);
        }
        let wanted_now = members(wanted);
        let message = format!("{wanted_now}, and the others stop one after the other: now {next}");
        let scale = Self { replicas: there - 1, why: format!("{next} stops: {wanted_now}"), ..stay };
        Ok(if there - 1 == wanted { scale } else { scale.waiting("MembersStopping", message, false) })
    }
}

fn members(wanted: i32) -> String {
    if wanted == 1 { "one member is wanted".to_owned() } else { format!("{wanted} members are wanted") }
}

/// What the next pod waits for before it may go.
fn hindrance(set: &Set, pods: &[Pod], wanted: i32) -> Option<String> {
    let there = set.wanted();
    if !set.is_seen() {
        return Some("the StatefulSet has taken up its last change".to_owned());
    }
    let number = |pod: &Pod| pod.number().unwrap_or(i32::MAX);
    if let Some(pod) = pods.iter().find(|pod| pod.is_stopping() || number(pod) >= there) {
        return Some(format!("{} has stopped", pod.name()));
    }
    if i32::try_from(pods.len()) != Ok(there) || set.replicas() != there {
        return Some("every pod is there".to_owned());
    }
    let is_idle = |pod: &Pod| number(pod) >= wanted && !pod.is_ready() && !pod.may_hold_a_member();
    if let Some(pod) = pods.iter().find(|pod| !pod.is_ready() && !is_idle(pod)) {
        return Some(format!("{} is ready", pod.name()));
    }
    // Nothing is taken from anybody by a pod without a member, also while others are being replaced.
    let is_last_idle = pods.last().is_some_and(is_idle);
    (set.is_rolling() && !is_last_idle).then(|| "the pods of before have been replaced".to_owned())
}

/// Whether members find data again that they had before.
fn keeps_data(spec: &Spec) -> bool {
    spec.persistence.is_some() || spec.cp_subsystem.is_some()
}

/// How many members there are, or were before the cluster was paused.
fn before_pause(set: &Set) -> Option<i32> {
    let noted = || set.annotations().get(ANNOTATION_PAUSED_FROM)?.parse().ok();
    let there = set.wanted();
    if there > 0 { Some(there) } else { noted().filter(|noted| *noted > 0) }
}

/// The specification, with a paused CP subsystem as large as it was: how large it is to be does not change by a pause, and
/// members would not find their data again in one of another size.
pub(super) fn with_size_of_cp(cx: &Context<Hazelcast>) -> Result<Spec, ReadError> {
    let mut spec = cx.object().spec.clone();
    if spec.cp_subsystem.is_some()
        && size(&spec) == 0
        && let Some(before) = Set::read(cx)?.as_ref().and_then(before_pause)
    {
        spec.cluster_size = before;
    }
    Ok(spec)
}

/// How many members have to be reached: as many as are wanted, and those that are still there.
pub(super) fn reached(cx: &Context<Hazelcast>) -> Result<i32, ReadError> {
    // As many as any cluster may have: whoever scales a set by hand is not to be given more addresses than that.
    const MOST: i32 = 300;
    let wanted = size(&cx.object().spec);
    let there = Set::read(cx)?.map_or(0, |set| set.replicas().min(MOST));
    Ok(wanted.max(there))
}

#[cfg(test)]
mod tests;
