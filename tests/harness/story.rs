//! A story: what somebody does, what the operator does about it, and how the cluster is then; as text, held against a
//! golden file. `BLESS=1` writes the file.
//!
//! How many passes it takes until all is quiet again depends on how fast watches are, so the passes between two acts are
//! told as one: every effect of any of them, and what came of the last.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_plan::plan::StepPlan;
use filbert_runtime::plan::Function;
use filbert_runtime::{Effect, EffectKind, PassOutcome, PassRecord, StepOutcome, StepRecord};
use kube::core::params::{Patch, PatchParams};
use kube::core::request::Request;
use serde_json::{Map, Value};

use crate::modules::target;
use crate::snapshot::{Snapshot, Uids, compare, decoded, differences, title};
use crate::world::World;

/// What somebody does.
pub enum Deed<'a> {
    /// Applies an object; it is shown.
    Applies(&'a ObjectKey, Value),
    /// Changes an object by a merge patch, as somebody does who knows nothing of the operator.
    Patches(&'a ObjectKey, Value),
    /// Deletes an object.
    Deletes(&'a ObjectKey),
    /// Nothing: the pods become ready.
    LetsPodsStart,
}

/// A story about one resource.
pub struct Story {
    /// Where it takes place.
    pub world: World,
    about: ObjectKey,
    file: String,
    text: String,
    before: Snapshot,
    uids: Uids,
    events: Vec<String>,
    documents: BTreeSet<String>,
}

impl Story {
    /// Begins a story about the object of this key, to be held against the golden file of this name.
    pub async fn begin(file: &str, opening: &str, mut world: World, about: ObjectKey) -> Self {
        world.idle().await;
        world.drain();
        let mut uids = Uids::default();
        let before = Snapshot::take(&world, &mut uids).await;
        let text = format!("<!-- `BLESS=1 cargo xtask test` writes this file. -->\n\n# {opening}\n");
        let events = events(&world).await;
        let folder = documents(file);
        // From another run of it.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        }
        Self { world, about, file: file.to_owned(), text, before, uids, events, documents: BTreeSet::new() }
    }

    /// How the cluster was after the last act.
    pub fn snapshot(&self) -> &Snapshot {
        &self.before
    }

    /// Somebody does something and all settles, without a word in the golden file.
    pub async fn prelude(&mut self, deed: Deed<'_>) {
        let length = self.text.len();
        self.act("", deed, |outcome| *outcome == PassOutcome::Settled).await;
        self.text.truncate(length);
    }

    /// Somebody does something; told once the last pass over the object, as it is then, ended as expected and all is
    /// quiet. An object that is gone has ended as [`PassOutcome::Gone`].
    pub async fn act(&mut self, sentence: &str, deed: Deed<'_>, ends: impl Fn(&PassOutcome) -> bool) {
        writeln!(self.text, "\n## {sentence}").expect("memory");
        self.carry_out(&deed).await;
        let records = self.passes(ends).await;
        let after = Snapshot::take(&self.world, &mut self.uids).await;
        let (told, uids) = (told(&records, &self.uids), &self.uids);
        let events = events(&self.world).await;
        let mut old = self.events.clone();
        let is_new = |event: &&String| match old.iter().position(|it| it == *event) {
            Some(index) => {
                old.swap_remove(index);
                false
            }
            None => true,
        };
        let new: Vec<_> = events.iter().filter(is_new).map(|event| format!("{event}\n")).collect();
        let changed = changed(&self.before, &after, &records, uids);
        let block = |text: &mut String, title: &str, body: &str| {
            if !body.is_empty() {
                write!(text, "\n{title}\n\n```text\n{body}```\n").expect("memory");
            }
        };
        block(&mut self.text, "The operator:", &told);
        block(&mut self.text, "Events:", &new.concat());
        block(&mut self.text, "What is different:", &changed);
        self.keep_documents(&after);
        (self.before, self.events) = (after, events);
    }

    /// Keeps the configuration documents that there are now, each once, for `cargo xtask oracle`.
    fn keep_documents(&mut self, now: &Snapshot) {
        for (name, text) in now.documents() {
            if self.documents.insert(text.to_owned()) {
                let folder = documents(&self.file);
                std::fs::create_dir_all(&folder).expect("a folder");
                let file = folder.join(format!("{}-{name}", self.documents.len()));
                std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
    }

    async fn carry_out(&mut self, deed: &Deed<'_>) {
        match deed {
            Deed::Applies(key, object) => {
                let yaml = serde_saphyr::to_string(object).expect("an object can be written");
                write!(self.text, "\n```yaml\n{}\n```\n", yaml.trim_end()).expect("memory");
                self.world.apply(key, object).await;
            }
            Deed::Patches(key, patch) => {
                let yaml = serde_saphyr::to_string(patch).expect("a patch can be written");
                write!(self.text, "\n```yaml\n{}\n```\n", yaml.trim_end()).expect("memory");
                let request = Request::new(filbert_kube::api::path(&key.resource, key.namespace.as_deref()));
                let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
                let request = request.patch(&key.name, &params, &Patch::Merge(patch)).expect("a patch");
                let _patched: Value = self
                    .world
                    .api
                    .client()
                    .request(request)
                    .await
                    .unwrap_or_else(|error| panic!("{key} cannot be changed: {error}"));
            }
            Deed::Deletes(key) => {
                let deleted = self.world.api.delete(key, None).await;
                deleted.unwrap_or_else(|error| panic!("{error}: {}", error.detail()));
            }
            Deed::LetsPodsStart => self.world.let_pods_start(),
        }
    }

    /// Passes over the object until all is quiet.
    async fn passes(&mut self, ends: impl Fn(&PassOutcome) -> bool) -> Vec<Arc<PassRecord>> {
        let mut records: Vec<Arc<PassRecord>> = Vec::new();
        let about = self.about.clone();
        loop {
            self.world.idle().await;
            records.extend(self.world.drain().into_iter().filter(|record| record.key == about));
            let live = self.world.find(&about).await;
            let last = self.world.host.last_passes().remove(&about);
            let has_ended = match (&live, &last) {
                (None, _) => ends(&PassOutcome::Gone),
                (Some(live), Some(last)) => last.generation == object::generation(live) && ends(&last.outcome),
                (Some(_), None) => false,
            };
            if has_ended {
                return records;
            }
            // Something is tried again later; where nothing is, it has ended otherwise.
            let depth = self.world.host.depth();
            let (at, last) = (self.text.lines().last(), last.map(|last| last.outcome.summary()));
            assert!(depth.delayed > 0, "after `{at:?}` the last pass came to {last:?}");
            records.push(self.world.pass_where(&about, |_| true).await);
        }
    }

    /// Holds the story against its golden file.
    pub fn end(self) {
        let file = golden(&self.file);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &self.text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            return;
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        if wanted != self.text {
            let told = target().join("stories").join(format!("{}.md", self.file));
            std::fs::create_dir_all(target().join("stories")).expect("a folder");
            std::fs::write(&told, &self.text).unwrap_or_else(|error| panic!("{}: {error}", told.display()));
            let lines: Vec<_> = wanted.lines().collect();
            let (index, line) = (self.text.lines().enumerate())
                .find(|(index, line)| lines.get(*index) != Some(line))
                .unwrap_or((lines.len(), "(nothing more)"));
            panic!(
                "the story is told differently from line {} of {} on:\n- {}\n+ {line}\nIt is in {}; with BLESS=1 it becomes the golden one.",
                index + 1,
                file.display(),
                lines.get(index).unwrap_or(&"(nothing more)"),
                told.display()
            );
        }
    }
}

/// Where the configuration documents of a story are kept.
fn documents(story: &str) -> PathBuf {
    target().join("stories").join("documents").join(story)
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stories").join("golden").join(format!("{name}.md"))
}

/// What the operator reported, in alphabetical order.
async fn events(world: &World) -> Vec<String> {
    let list = world.api.list(&ResourceType::new("", "v1", "events"), Some("default")).await;
    let list = list.unwrap_or_else(|error| panic!("{error}: {}", error.detail()));
    let from_operator = list.iter().filter(|event| event.get("reportingComponent") == Some(&"filbert".into()));
    let mut texts: Vec<_> = from_operator
        .map(|event| {
            let text = |pointer: &str| object::text(event, pointer).unwrap_or_default();
            let about = format!("{} {}", text("/involvedObject/kind"), text("/involvedObject/name"));
            format!("{} {} about {about}: {}", text("/type"), text("/reason"), text("/message"))
        })
        .collect();
    texts.sort();
    texts
}

/// The passes as one.
fn told(records: &[Arc<PassRecord>], uids: &Uids) -> String {
    let mut steps: Vec<(&str, &str, Vec<String>)> = Vec::new();
    let is_gone = records.last().is_some_and(|record| record.outcome == PassOutcome::Gone);
    // Passes that had not heard yet that the object is gone are of no interest where they did nothing.
    let is_told = |step: &&StepRecord| {
        !is_gone
            || step.function == Function::Finalize
            || step.effects.iter().any(|it| it.kind != EffectKind::Unchanged)
    };
    for step in records.iter().flat_map(|record| &record.steps).filter(is_told) {
        let position = steps.iter().position(|(name, ..)| *name == step.step).unwrap_or_else(|| {
            steps.push((&step.step, &step.module, Vec::new()));
            steps.len() - 1
        });
        let Some((_, _, effects)) = steps.get_mut(position) else { continue };
        for effect in step.effects.iter().filter(|effect| effect.kind != EffectKind::Unchanged) {
            let line = effect_text(effect, uids);
            if !effects.contains(&line) {
                effects.push(line);
            }
        }
    }
    let Some(last) = records.last() else { return String::new() };
    let ran = records.iter().rev().find(|record| !record.steps.is_empty()).unwrap_or(last);
    let mut text = String::new();
    for (name, module, effects) in steps {
        let outcome = ran.steps.iter().rev().find(|step| step.step == name).map(|step| match &step.outcome {
            StepOutcome::Done => "done".to_owned(),
            StepOutcome::Waiting(waiting) => format!("waits: {}: {}", waiting.reason, waiting.message),
            StepOutcome::Refused { problem, .. } => format!("refuses: {problem}"),
            StepOutcome::Failed { reason, message, .. } => format!("failed: {reason}: {message}"),
        });
        let outcome = outcome.unwrap_or_else(|| "not reached".to_owned());
        writeln!(text, "{name} ({module}): {outcome}").expect("memory");
        text.extend(effects);
    }
    for warning in &last.warnings {
        writeln!(text, "warning: {warning}").expect("memory");
    }
    writeln!(text, "=> {}", last.outcome.summary()).expect("memory");
    text
}

fn effect_text(effect: &Effect, uids: &Uids) -> String {
    let kind = match effect.kind {
        EffectKind::Created => "created",
        EffectKind::Changed => "changed",
        EffectKind::Unchanged => "left",
        EffectKind::Deleted => "deleted",
        EffectKind::Pruned => "pruned",
        EffectKind::Adopted => "took over",
        EffectKind::Withheld => "left for now",
    };
    let mut told = format!("    {kind} {}: {}\n", effect.title, effect.reason);
    if matches!(effect.kind, EffectKind::Changed | EffectKind::Adopted | EffectKind::Withheld) {
        for change in &effect.changes {
            let is_secret = effect.key.resource.plural == "secrets" && change.path.starts_with("data.");
            if is_secret {
                let text = |value: &Value| decoded(&Map::from_iter([(String::new(), value.clone())]))[""].clone();
                let (before, after) = (change.before.as_ref().map(text), change.after.as_ref().map(text));
                let mut lines = String::new();
                compare(&change.path, before.as_ref(), after.as_ref(), &mut lines);
                told.push_str(&indented(&lines, "        "));
                continue;
            }
            let show = |value: &Option<Value>| match value {
                Some(value) => uids.normal(value).to_string(),
                None => "nothing".to_owned(),
            };
            writeln!(told, "        {}: {} -> {}", change.path, show(&change.before), show(&change.after))
                .expect("memory");
        }
    }
    told
}

/// What came, changed and went.
fn changed(before: &Snapshot, after: &Snapshot, records: &[Arc<PassRecord>], uids: &Uids) -> String {
    let plans: Vec<&Arc<StepPlan>> =
        records.iter().rev().flat_map(|record| &record.steps).filter_map(|step| step.plan.as_ref()).collect();
    let mut names: Vec<_> = before.objects.keys().chain(after.objects.keys()).collect();
    names.sort();
    names.dedup();
    let mut text = String::new();
    for name in names {
        match (before.objects.get(name), after.objects.get(name)) {
            (Some(before), Some(after)) if before != after => {
                let differences = differences(before, after);
                write!(text, "~ {name}\n{}", indented(&differences, "    ")).expect("memory");
            }
            (None, Some(object)) => {
                // As it was proposed: what the server adds is not the operator's.
                let proposed = plans.iter().flat_map(|plan| &plan.apply).find(|desired| {
                    let mut object = desired.object.clone();
                    object["metadata"]["namespace"] = "default".into();
                    [title(&desired.object), title(&object)].contains(name)
                });
                let shown = match proposed {
                    Some(desired) => uids.normal(&desired.object),
                    // People have shown what they applied.
                    None if object.get("status").is_some() => serde_json::json!({
                        "metadata": {"finalizers": object.pointer("/metadata/finalizers")}, "status": object.get("status")
                    }),
                    None if object.get("kind").is_some() => Value::Null,
                    None => object.clone(),
                };
                writeln!(text, "+ {name}").expect("memory");
                if !shown.is_null() {
                    let yaml = serde_saphyr::to_string(&shown).expect("an object can be written");
                    text.push_str(&indented(&yaml, "    "));
                }
            }
            (Some(_), None) => writeln!(text, "- {name}").expect("memory"),
            _ => {}
        }
    }
    text
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}").trim_end().to_owned() + "\n").collect()
}
