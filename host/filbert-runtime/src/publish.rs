//! The modules and pipelines of the folder as objects that `kubectl` shows: `Module` and `Pipeline`, with how they stand.
//!
//! The folder says what is in service; the objects only tell of it. An edit of theirs changes nothing, and is put right
//! with the next change of the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use filbert_kube::pause::jittered;
use filbert_kube::{Api, ApiError};
use filbert_plan::definition;
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::pipeline::API_VERSION;
use filbert_plan::plan::{Condition, ConditionStatus, Event, Severity};
use filbert_plan::status::{self, READY};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::warn;

use crate::clock::SharedClock;
use crate::host::{Host, Opening};
use crate::library::{InService, Library, ModuleState, PipelineState, Serving, short};
use crate::report::{self, Reported};

/// Field manager of the objects.
const MANAGER: &str = "filbert/modules";
/// Says from which file an object was made.
const FILE: &str = "filbert.dev/file";
/// Condition: whether what lies in the folder is what is in service.
const UP_TO_DATE: &str = "UpToDate";
/// Reason: the objects that a pipeline serves cannot be watched.
const NOT_WATCHED: &str = "NotWatched";
/// Condition: whether the module is called whenever it is wanted.
const CALLED: &str = "Called";
/// Why it is not.
const BUDGET_BURNT: &str = "BudgetBurnt";
/// Pause before it is tried again where the API server did not take it; it doubles.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest of these pauses.
const SELDOM: Duration = Duration::from_secs(15);

/// Keeps the objects in step with the folder.
pub struct Publisher {
    api: Api,
    library: Arc<Library>,
    clock: SharedClock,
    told: BTreeMap<ObjectKey, Told>,
    /// Which types are not watched.
    opening: watch::Receiver<Opening>,
    /// What was complained about since all was written last, so that each is said once.
    said: BTreeSet<String>,
}

/// What was written last.
#[derive(Default)]
struct Told {
    standing: Option<Standing>,
    reported: Reported,
}

/// How a module or pipeline stands, as far as both are alike.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    kind: &'static str,
    state: InService,
    /// What is in service, in one line: changes with it.
    active: String,
    reason: Option<&'static str>,
    message: Option<String>,
    /// Why the objects that it serves are not known.
    unwatched: Option<String>,
    /// Why a module in service is left alone for a while.
    paused: Option<String>,
    object: Value,
    /// Fields of the status that only this kind has.
    own: Value,
}

impl Publisher {
    /// For the modules and pipelines of a host. Does nothing until it runs.
    pub fn new(api: Api, host: &Host, clock: SharedClock) -> Self {
        let (library, opening) = (host.library().clone(), host.opening());
        Self { api, library, clock, told: BTreeMap::new(), opening, said: BTreeSet::new() }
    }

    /// Tells of what is in service, now and with every change, for ever. The definitions of both kinds must be there.
    pub async fn run(mut self) {
        let (mut changes, mut pauses) = (self.library.subscribe(), self.library.pauses());
        let mut pause = AGAIN;
        loop {
            pauses.borrow_and_update();
            let serving = changes.borrow_and_update().clone();
            let opening = self.opening.borrow_and_update().clone();
            let failed = self.publish(&serving, &opening).await;
            if !failed {
                self.said.clear();
                pause = AGAIN;
            }
            tokio::select! {
                ended = changes.changed() => if ended.is_err() {
                    return;
                },
                ended = self.opening.changed() => if ended.is_err() {
                    return;
                },
                // It ends with the engine, and so with the library.
                _ = pauses.changed() => {}
                () = tokio::time::sleep(jittered(pause)), if failed => pause = (pause * 2).min(SELDOM),
            }
        }
    }

    /// Says whether something could not be written.
    async fn publish(&mut self, serving: &Serving, opening: &Opening) -> bool {
        let mut wanted: BTreeMap<ObjectKey, Standing> = BTreeMap::new();
        let key = |resource, name: &str| ObjectKey { resource, namespace: None, name: name.to_owned() };
        for state in serving.states() {
            let paused = serving.modules().get(&state.name).and_then(|serving| serving.module.paused());
            wanted.insert(key(definition::modules(), &state.name), of_module(state, paused));
        }
        for state in serving.pipeline_states() {
            let unwatched = opening.get(&state.resource).cloned().flatten();
            wanted.insert(key(definition::pipelines(), &state.name), of_pipeline(state, unwatched));
        }
        let mut failed = false;
        let gone: Vec<_> = self.told.keys().filter(|key| !wanted.contains_key(key)).cloned().collect();
        for key in gone {
            match self.api.delete(&key, None).await {
                Ok(()) => drop(self.told.remove(&key)),
                Err(error) => failed |= self.not_written(&key, &error),
            }
        }
        for (key, standing) in wanted {
            if self.told.get(&key).and_then(|told| told.standing.as_ref()) == Some(&standing) {
                continue;
            }
            if let Err(error) = self.tell(&key, standing).await {
                failed |= self.not_written(&key, &error);
            }
        }
        failed
    }

    fn not_written(&mut self, key: &ObjectKey, error: &ApiError) -> bool {
        let text = if error.is_not_found() {
            "there is no definition of it; `filbert crds` prints all that are needed".to_owned()
        } else {
            error.detail()
        };
        if !self.said.contains(&text) {
            warn!(%key, error = text, "the API server does not take how it stands");
            self.said.insert(text);
        }
        error.retry() != filbert_kube::Retry::WhenChanged
    }

    async fn tell(&mut self, key: &ObjectKey, standing: Standing) -> Result<(), ApiError> {
        let is_first = !self.told.contains_key(key);
        // Another operator may have told the same before this one was started, or before it led.
        let found = if is_first { self.api.get(key).await? } else { None };
        let stored = match found {
            Some(found) if is_same_object(&found, &standing.object) => found,
            _ => self.api.apply(key, &standing.object, MANAGER, true).await?,
        };
        let now = self.clock.timestamp();
        let status = status_of(&standing, &stored, &now);
        let was_told = is_first && stored.pointer("/status/conditions") == status.get("conditions");
        let told = self.told.entry(key.clone()).or_default();
        report::write_status(&self.api, key, &stored, status, &mut told.reported).await?;
        let event = event(told.standing.as_ref(), &standing).filter(|_| !was_told);
        let events: Vec<_> = event.into_iter().collect();
        // The same may happen again, and is then told again.
        report::write_events(&self.api, key, &stored, &events, &now, &mut Reported::default()).await;
        told.standing = Some(standing);
        Ok(())
    }
}

/// Whether a stored object says what is wanted, so that it need not be written.
fn is_same_object(found: &Value, wanted: &Value) -> bool {
    let says = |object: &Value| (object.get("spec").cloned(), object.pointer("/metadata/annotations").cloned());
    says(found) == says(wanted)
}

fn of_module(state: &ModuleState, paused: Option<String>) -> Standing {
    let ModuleState { name, state: in_service, digest, version, contract, roles, steps, file, problem, reason, spec } =
        state;
    let short = digest.as_deref().map(short);
    let serves = state.serves();
    Standing {
        kind: "Module",
        state: *in_service,
        active: format!("version {} ({})", version.as_deref().unwrap_or("-"), short.unwrap_or("-")),
        reason: *reason,
        message: problem.clone(),
        unwatched: None,
        paused,
        object: object("Module", name, file, &json!(spec)),
        own: json!({
            "version": version, "contract": contract, "digest": digest, "shortDigest": short,
            "roles": roles, "steps": steps, "serves": serves,
        }),
    }
}

fn of_pipeline(state: &PipelineState, unwatched: Option<String>) -> Standing {
    let PipelineState { name, state: in_service, resource, steps, file, problems, warnings, reason, spec } = state;
    let warnings = (!warnings.is_empty()).then_some(warnings);
    Standing {
        kind: "Pipeline",
        state: *in_service,
        active: format!("{resource}: {}", if steps.is_empty() { "no steps".to_owned() } else { steps.join(", ") }),
        reason: *reason,
        message: (!problems.is_empty()).then(|| problems.join("; ")),
        unwatched,
        paused: None,
        object: object("Pipeline", name, file, &json!(spec)),
        own: json!({
            "resource": resource.to_string(), "steps": steps, "stepCount": steps.len(), "warnings": warnings,
        }),
    }
}

fn object(kind: &str, name: &str, file: &std::path::Path, spec: &Value) -> Value {
    let annotations = json!({FILE: file.to_string_lossy()});
    json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "annotations": annotations}, "spec": spec})
}

fn status_of(standing: &Standing, stored: &Value, now: &str) -> Value {
    let Standing { kind, state, active, reason, message, unwatched, paused, object: _, own } = standing;
    let condition = |type_: &str, holds: bool, reason: &str, message: &str| Condition {
        type_: type_.to_owned(),
        status: if holds { ConditionStatus::True } else { ConditionStatus::False },
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let problem = message.as_deref().unwrap_or("what lies in the folder is in service");
    let mut conditions = vec![
        match (state, unwatched) {
            (InService::Refused, _) => condition(READY, false, reason.unwrap_or("Refused"), problem),
            (_, Some(unwatched)) => condition(READY, false, NOT_WATCHED, unwatched),
            _ => condition(READY, true, state.word(), active),
        },
        condition(UP_TO_DATE, *state == InService::Serving, reason.unwrap_or("Serving"), problem),
    ];
    match paused {
        Some(why) => conditions.push(condition(CALLED, false, BUDGET_BURNT, why)),
        None if *kind == "Module" => {
            conditions.push(condition(CALLED, true, "WithinBudget", "it is called whenever it is wanted"));
        }
        None => {}
    }
    // What does not get into service at all is told first.
    let reason = reason.or(paused.as_ref().map(|_| BUDGET_BURNT));
    let message = message.as_ref().or(paused.as_ref());
    let generation = object::generation(stored);
    let before = stored.pointer("/status/conditions");
    let mut status = json!({
        "observedGeneration": generation,
        "state": state.word(),
        "reason": reason.or(unwatched.as_ref().map(|_| NOT_WATCHED)),
        "message": message.or(unwatched.as_ref()),
        "conditions": status::conditions(&conditions, before, generation, now),
    });
    if let (Some(status), Some(own)) = (status.as_object_mut(), own.as_object()) {
        status.extend(own.clone());
        status.retain(|_, value| !value.is_null());
    }
    status
}

/// What a change is worth telling. A problem that stays is told once.
fn event(before: Option<&Standing>, now: &Standing) -> Option<Event> {
    let Standing { kind, state, active, reason, message, unwatched, paused, .. } = now;
    if let Some(message) = unwatched.clone() {
        let is_new = before.is_none_or(|before| before.unwatched != now.unwatched);
        let (severity, reason) = (Severity::Warning, NOT_WATCHED.to_owned());
        return is_new.then_some(Event { severity, reason, message, about: None });
    }
    if let Some(why) = paused.as_ref().filter(|why| before.and_then(|before| before.paused.as_ref()) != Some(*why)) {
        let (severity, reason, message) = (Severity::Warning, BUDGET_BURNT.to_owned(), why.clone());
        return Some(Event { severity, reason, message, about: None });
    }
    if let (Some(reason), Some(message)) = (reason, message) {
        let is_new = before.is_none_or(|before| before.message.as_ref() != Some(message));
        let goes_on = if *state == InService::LastGood { format!("; {active} goes on") } else { String::new() };
        let message = format!("{message}{goes_on}");
        return is_new.then(|| Event {
            severity: Severity::Warning,
            reason: (*reason).to_owned(),
            message,
            about: None,
        });
    }
    let is_same = before.is_some_and(|before| before.active == *active && before.state == *state);
    let message = format!("{kind} in service: {active}");
    (!is_same).then(|| Event { severity: Severity::Normal, reason: state.word().to_owned(), message, about: None })
}
