//! The kubelet, scheduler and volume binder that are not there.

use super::{condition, resource};
use crate::admission::wait;
use crate::background::change;
use crate::core::{Core, set, text};
use crate::store::Key;
use crate::write::{self, DeleteOptions};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The name of the one node.
const NODE: &str = "simulated";
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 244, 0, 2]);

/// What becomes of a simulated pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodFate {
    /// It stays unscheduled.
    Pending,
    /// It runs, and is not ready.
    Running,
    /// It runs and is ready.
    Ready,
    /// All of its containers have ended well.
    Succeeded,
    /// Its containers have ended badly.
    Failed,
}

impl PodFate {
    /// The rule where none is given: pods of Jobs succeed, all others are ready.
    pub(crate) fn usual(pod: &Value) -> Self {
        match super::controller(pod) {
            Some("Job") => Self::Succeeded,
            _ => Self::Ready,
        }
    }
}

/// Addresses of pods, by uid; each is given once.
#[derive(Default)]
pub(super) struct Addresses {
    given: HashMap<String, u32>,
    next: u32,
}

impl Addresses {
    fn of(&mut self, uid: &str) -> String {
        let number = *self.given.entry(uid.to_owned()).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        Ipv4Addr::from(FIRST_ADDRESS + number - 1).to_string()
    }
}

pub(super) fn reconcile(core: &Core, key: &Key, addresses: &mut Addresses) {
    let Some(pods) = resource(core, "", "Pod") else { return };
    let Some(stored) = core.store.get(&pods.collection, key) else { return };
    let pod = stored.value();
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        addresses.given.remove(text(&pod, "/metadata/uid"));
        let waits = pod.pointer("/metadata/deletionGracePeriodSeconds").is_some_and(|seconds| seconds != 0);
        if waits {
            // Its containers end at once. Whoever is faster than us did the same.
            let options = DeleteOptions { grace: Some(0), ..DeleteOptions::of_controller(super::ACCOUNT) };
            let _outcome = wait(write::delete(core, &pods, key, &options));
        }
        return;
    }
    let fate = (core.options.fate)(&pod);
    let now = core.options.clock.seconds();
    let status = status(&pod, fate, &now, addresses);
    change(core, &pods, key, |object| {
        if fate != PodFate::Pending
            && let Some(spec) = object.get_mut("spec")
            && text(spec, "/nodeName").is_empty()
        {
            set(spec, "nodeName", NODE.into());
        }
        set(object, "status", status.clone());
    });
}

fn status(pod: &Value, fate: PodFate, now: &str, addresses: &mut Addresses) -> Value {
    let qos = pod.pointer("/status/qosClass").cloned().unwrap_or_else(|| "BestEffort".into());
    if fate == PodFate::Pending {
        let conditions = json!([condition(pod, "PodScheduled", false, "Unschedulable", now)]);
        return json!({ "phase": "Pending", "qosClass": qos, "conditions": conditions });
    }
    let ended = matches!(fate, PodFate::Succeeded | PodFate::Failed);
    let ready = fate == PodFate::Ready;
    let reason = if ended { "PodCompleted" } else { "" };
    let why = if ready {
        ""
    } else if ended {
        reason
    } else {
        "ContainersNotReady"
    };
    let started = pod.pointer("/status/startTime").cloned().unwrap_or_else(|| now.into());
    let container = |container: &Value, init: bool| {
        let before = pod
            .pointer(if init { "/status/initContainerStatuses" } else { "/status/containerStatuses" })
            .and_then(Value::as_array)
            .and_then(|list| list.iter().find(|status| text(status, "/name") == text(container, "/name")))
            .cloned();
        let state = if init || ended {
            let code = i32::from(fate == PodFate::Failed && !init);
            let finished = before
                .as_ref()
                .and_then(|before| before.pointer("/state/terminated/finishedAt").cloned())
                .unwrap_or_else(|| now.into());
            json!({ "terminated": { "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" }, "startedAt": started, "finishedAt": finished } })
        } else {
            json!({ "running": { "startedAt": started } })
        };
        json!({
            "name": text(container, "/name"), "image": text(container, "/image"), "imageID": "", "lastState": {},
            "ready": if init { true } else { ready }, "started": !init && !ended, "restartCount": 0,
            "containerID": format!("simulated://{}", text(pod, "/metadata/uid")), "state": state,
        })
    };
    let containers = |list: &str, init: bool| -> Vec<Value> {
        let list = pod.pointer("/spec").and_then(|spec| spec.get(list)).and_then(Value::as_array);
        list.into_iter().flatten().map(|found| container(found, init)).collect()
    };
    let address = addresses.of(text(pod, "/metadata/uid"));
    let phase = match fate {
        PodFate::Succeeded => "Succeeded",
        PodFate::Failed => "Failed",
        PodFate::Pending | PodFate::Running | PodFate::Ready => "Running",
    };
    let mut status = json!({
        "phase": phase, "qosClass": qos, "startTime": started,
        "hostIP": "192.0.2.1", "hostIPs": [{ "ip": "192.0.2.1" }], "podIP": address, "podIPs": [{ "ip": address }],
        "conditions": [
            condition(pod, "PodReadyToStartContainers", !ended, "", now),
            condition(pod, "Initialized", true, reason, now),
            condition(pod, "Ready", ready, why, now),
            condition(pod, "ContainersReady", ready, why, now),
            condition(pod, "PodScheduled", true, "", now),
        ],
        "containerStatuses": containers("containers", false),
    });
    let init = containers("initContainers", true);
    if !init.is_empty() {
        set(&mut status, "initContainerStatuses", init.into());
    }
    status
}

/// Binds a claim to a volume that is not there.
pub(super) fn bind_claim(core: &Core, key: &Key) {
    let Some(claims) = resource(core, "", "PersistentVolumeClaim") else { return };
    change(core, &claims, key, |claim| {
        if text(claim, "/status/phase") == "Bound" || super::is_terminating(claim) {
            return;
        }
        let volume = format!("simulated-{}", text(claim, "/metadata/uid"));
        let status = json!({
            "phase": "Bound",
            "accessModes": claim.pointer("/spec/accessModes").cloned().unwrap_or_else(|| json!([])),
            "capacity": claim.pointer("/spec/resources/requests").cloned().unwrap_or_else(|| json!({})),
        });
        set(claim, "status", status);
        if let Some(spec) = claim.get_mut("spec") {
            set(spec, "volumeName", volume.into());
        }
    });
}
