//! The text in which passes are shown.

use std::fmt::Write as _;
use std::time::Duration;

use filbert_plan::diff;
use filbert_runtime::library::short;
use filbert_runtime::{EffectKind, PassRecord, StepOutcome, StepRecord};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What changed.
    Changes,
    /// Everything, with reads and differences.
    All,
}

/// A pass as text.
pub(crate) fn pass(record: &PassRecord, detail: Detail) -> String {
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
    for record in steps {
        step(&mut text, record, detail);
    }
    text
}

fn step(text: &mut String, record: &StepRecord, detail: Detail) {
    let StepRecord { step, module, digest, called, took, reads, plan, effects, log, outcome, .. } = record;
    let called = if *called { time(*took) } else { "kept answer".to_owned() };
    let outcome = match outcome {
        StepOutcome::Done => "done".to_owned(),
        StepOutcome::Waiting(waiting) => format!("waits: {}: {}", waiting.reason, waiting.message),
        StepOutcome::Refused { problem, .. } => format!("refuses: {problem}"),
        StepOutcome::Failed { reason, message, .. } => format!("failed: {reason}: {message}"),
    };
    line(text, 1, &format!("{step:<20} {module}@{} {called:<12} {outcome}", short(digest)));
    if detail == Detail::All {
        for read in reads {
            line(text, 2, &format!("read {}", read.question.describe()));
        }
    }
    for effect in effects {
        if detail == Detail::Changes && effect.kind == EffectKind::Unchanged {
            continue;
        }
        let reason = if effect.reason.is_empty() { String::new() } else { format!(" ({})", effect.reason) };
        line(text, 2, &format!("{} {}{reason}", verb(effect.kind), effect.title));
        if effect.kind == EffectKind::Changed {
            for change in diff::render(&effect.changes).lines() {
                line(text, 3, change);
            }
        }
    }
    if let (Detail::All, Some(plan)) = (detail, plan) {
        if let Some(status) = &plan.status {
            line(text, 2, &format!("status {status}"));
        }
        for condition in &plan.conditions {
            line(
                text,
                2,
                &format!(
                    "condition {}={:?} {}: {}",
                    condition.type_, condition.status, condition.reason, condition.message
                ),
            );
        }
    }
    for entry in log {
        line(text, 2, &format!("log {:?}: {}", entry.level, entry.message));
    }
}

/// Past tense: what was done.
pub(crate) fn verb(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Created => "created",
        EffectKind::Changed => "changed",
        EffectKind::Unchanged => "unchanged",
        EffectKind::Deleted => "deleted",
        EffectKind::Pruned => "pruned",
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
