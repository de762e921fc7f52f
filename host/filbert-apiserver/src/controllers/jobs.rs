//! Jobs: pods until enough of them have succeeded.

use super::{condition, controlled, create, integer, is_ready, is_terminating, living, resource, set_status, template};
use crate::core::{Core, set, text};
use crate::store::Key;
use serde_json::{Value, json};

pub(super) fn reconcile(core: &Core, key: &Key) {
    let (Some(jobs), Some(pods)) = (resource(core, "batch", "Job"), resource(core, "", "Pod")) else { return };
    let Some(object) = living(core, &jobs, key) else { return };
    let finished = object.pointer("/status/conditions").and_then(Value::as_array).is_some_and(|conditions| {
        conditions.iter().any(|condition| {
            matches!(text(condition, "/type"), "Complete" | "Failed") && text(condition, "/status") == "True"
        })
    });
    if finished || object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return;
    }
    let found = controlled(core, &pods.collection, &key.namespace, &object);
    let in_phase = |phase: &str| found.iter().filter(|pod| text(pod, "/status/phase") == phase).count();
    let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
    let active = found
        .iter()
        .filter(|pod| !is_terminating(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"))
        .count();
    let number = |pointer: &str, default: i64| usize::try_from(integer(&object, pointer, default)).unwrap_or_default();
    let parallelism = number("/spec/parallelism", 1);
    let completions = number("/spec/completions", 1);
    let spent = failed > number("/spec/backoffLimit", 6);
    let done = succeeded >= completions;
    let mut started = 0;
    if !done && !spent {
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let generate = format!("{}-", text(&object, "/metadata/name"));
        let missing = parallelism.min(completions.saturating_sub(succeeded)).saturating_sub(active);
        for _ in 0..missing {
            create(core, &pods, &key.namespace, template::pod(&object, &template, None, &generate, &[]));
            started += 1;
        }
    }
    let now = core.options.clock.seconds();
    let ready = found.iter().filter(|pod| is_ready(pod)).count();
    let start = object.pointer("/status/startTime").cloned().unwrap_or_else(|| now.as_str().into());
    let mut status = json!({ "startTime": start, "ready": ready, "terminating": 0, "uncountedTerminatedPods": {} });
    for (field, number) in [("active", active + started), ("succeeded", succeeded), ("failed", failed)] {
        if number > 0 {
            set(&mut status, field, number.into());
        }
    }
    if done {
        set(&mut status, "completionTime", now.as_str().into());
        let conditions = ["SuccessCriteriaMet", "Complete"];
        let said = "Reached expected number of succeeded pods";
        let conditions = conditions.map(|kind| told(condition(&object, kind, true, "CompletionsReached", &now), said));
        set(&mut status, "conditions", json!(conditions));
    } else if spent {
        let conditions = ["FailureTarget", "Failed"];
        let said = "Job has reached the specified backoff limit";
        let conditions =
            conditions.map(|kind| told(condition(&object, kind, true, "BackoffLimitExceeded", &now), said));
        set(&mut status, "conditions", json!(conditions));
    }
    set_status(core, &jobs, key, &status);
}

/// A condition with the time of its probe and a text for people.
fn told(mut condition: Value, message: &str) -> Value {
    let since = condition.get("lastTransitionTime").cloned().unwrap_or_default();
    set(&mut condition, "lastProbeTime", since);
    set(&mut condition, "message", message.into());
    condition
}
