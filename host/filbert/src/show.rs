//! The text in which passes are shown.

use std::fmt::Write as _;
use std::time::Duration;

use filbert_plan::plan::Condition;
use filbert_plan::status::CONTESTED;
use filbert_runtime::library::short;
use filbert_runtime::{EffectKind, PassOutcome, PassRecord, StepOutcome, StepRecord};
use serde_json::Value;

use crate::differences::{self, Secrets};

/// What a pass is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What it did: only what changed.
    Changes,
    /// What a pass would do now: everything, with reads and differences.
    All,
}

/// A pass as text.
pub(crate) fn pass(record: &PassRecord, detail: Detail, secrets: Secrets) -> String {
    let mut text = String::new();
    let PassRecord { key, kind, generation, took, steps, warnings, outcome, .. } = record;
    let place = key.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    line(
        &mut text,
        0,
        &format!("{kind} {place}{} (generation {generation}) {}: {}", key.name, time(*took), outcome.summary()),
    );
    for warning in warnings {
        line(&mut text, 1, &format!("warning: {warning}"));
    }
    for contest in record.contests.iter().filter(|contest| contest.is_told) {
        line(&mut text, 1, &format!("contested: {}", contest.message()));
    }
    let width = |of: fn(&StepRecord) -> String| steps.iter().map(|it| of(it).chars().count()).max().unwrap_or(0);
    let widths = (width(|it| it.step.clone()), width(version), width(cost));
    for record in steps {
        step(&mut text, record, detail, secrets, widths);
    }
    if detail == Detail::All && steps.is_empty() && matches!(outcome, PassOutcome::Invalid { .. }) {
        line(&mut text, 1, "no step runs until the object is valid; what runs for it is left as it is");
    }
    text
}

/// What the operator at work said of others who keep changing what it applies: it counts what one look cannot see.
pub(crate) fn reported(object: &Value) -> String {
    let mut text = String::new();
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten() {
        let field = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
        if field("type") == CONTESTED && field("status") == "True" {
            let (reason, since, message) = (field("reason"), field("lastTransitionTime"), field("message"));
            line(&mut text, 0, &format!("the operator reports since {since}: {reason}: {message}"));
        }
    }
    text
}

/// Which version of which module took the step.
fn version(record: &StepRecord) -> String {
    format!("{}@{}", record.module, short(&record.digest))
}

fn cost(record: &StepRecord) -> String {
    if record.called { time(record.took) } else { "kept answer".to_owned() }
}

fn step(text: &mut String, record: &StepRecord, detail: Detail, secrets: Secrets, widths: (usize, usize, usize)) {
    let StepRecord { step, reads, plan, effects, log, outcome, .. } = record;
    let outcome = match outcome {
        StepOutcome::Done => "done".to_owned(),
        StepOutcome::Waiting(waiting) => format!("waits: {}: {}", waiting.reason, waiting.message),
        StepOutcome::Refused { problem, .. } => format!("refuses: {problem}"),
        StepOutcome::Failed { reason, message, .. } => format!("failed: {reason}: {message}"),
    };
    let (step_width, version_width, cost_width) = widths;
    let (version, cost) = (version(record), cost(record));
    line(text, 1, &format!("{step:<step_width$}  {version:<version_width$}  {cost:<cost_width$}  {outcome}"));
    if detail == Detail::All {
        for read in reads {
            line(text, 2, &format!("reads {}", read.question.describe()));
        }
    }
    // Nothing of a plan is carried out that cannot be carried out whole.
    if let (Detail::All, StepOutcome::Failed { .. }, Some(plan)) = (detail, &record.outcome, plan) {
        let is_done = |title: &str| effects.iter().any(|effect| effect.title == title);
        for desired in plan.apply.iter().filter(|desired| !is_done(&desired.title())) {
            line(text, 2, &format!("proposes {} ({})", desired.title(), desired.reason));
        }
        for deletion in &plan.delete {
            line(text, 2, &format!("proposes to delete {} ({})", deletion.key, deletion.reason));
        }
    }
    for effect in effects {
        if detail == Detail::Changes && effect.kind == EffectKind::Unchanged {
            continue;
        }
        let reason = if effect.reason.is_empty() { String::new() } else { format!(" ({})", effect.reason) };
        line(text, 2, &format!("{} {}{reason}", verb(effect.kind, detail), effect.title));
        if matches!(effect.kind, EffectKind::Changed | EffectKind::Adopted | EffectKind::Withheld) {
            for change in differences::lines(&effect.key.resource.plural, &effect.changes, secrets) {
                line(text, 3, &change);
            }
        }
        for field in effect.contest.iter().flat_map(|contest| &contest.fields) {
            let by = field.by.as_deref().unwrap_or("somebody");
            line(text, 3, &format!("{} was changed by {by}", field.field));
        }
    }
    if let (Detail::All, Some(plan)) = (detail, plan) {
        if let Some(status) = &plan.status {
            line(text, 2, &format!("status {status}"));
        }
        for condition in &plan.conditions {
            let Condition { type_, status, reason, message } = condition;
            let message = if message.is_empty() { String::new() } else { format!(": {message}") };
            line(text, 2, &format!("condition {type_}={status:?} {reason}{message}"));
        }
    }
    for entry in log {
        line(text, 2, &format!("log {:?}: {}", entry.level, entry.message));
    }
}

/// What was done, or would be.
fn verb(kind: EffectKind, detail: Detail) -> &'static str {
    match (kind, detail) {
        (EffectKind::Created, Detail::Changes) => "created",
        (EffectKind::Created, Detail::All) => "create",
        (EffectKind::Changed, Detail::Changes) => "changed",
        (EffectKind::Changed, Detail::All) => "change",
        (EffectKind::Unchanged, Detail::Changes) => "unchanged",
        (EffectKind::Unchanged, Detail::All) => "keep",
        (EffectKind::Deleted, Detail::Changes) => "deleted",
        (EffectKind::Deleted, Detail::All) => "delete",
        (EffectKind::Pruned, Detail::Changes) => "pruned",
        (EffectKind::Pruned, Detail::All) => "prune",
        (EffectKind::Adopted, Detail::Changes) => "took over",
        (EffectKind::Adopted, Detail::All) => "take over",
        (EffectKind::Withheld, _) => "leave for now",
    }
}

/// Whether people want to see this pass: something was called, changed or said.
pub(crate) fn is_worth_showing(record: &PassRecord) -> bool {
    let acted =
        |step: &StepRecord| step.called || step.effects.iter().any(|effect| effect.kind != EffectKind::Unchanged);
    record.wrote_status || record.steps.is_empty() || record.steps.iter().any(acted)
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:width$}{content}", "", width = depth * 2);
}

/// `1.2 ms`.
pub(crate) fn time(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Columns under their titles, as wide as they must be.
pub(crate) fn table<const N: usize>(titles: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut lines = vec![titles.map(str::to_owned)];
    lines.extend(rows);
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}
