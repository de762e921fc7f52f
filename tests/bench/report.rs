//! Measured values, as a table or as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

/// One measured value.
pub(crate) struct Line {
    name: String,
    value: f64,
    unit: &'static str,
    /// The same natively, where there is such a thing.
    baseline: Option<f64>,
    /// What it should be, for people.
    goal: &'static str,
}

impl Line {
    /// Measured against the same natively.
    pub(crate) fn against(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// With what it should be.
    pub(crate) fn goal(mut self, goal: &'static str) -> Self {
        self.goal = goal;
        self
    }
}

/// A measured value with its unit.
pub(crate) fn line(name: impl Into<String>, value: f64, unit: &'static str) -> Line {
    Line { name: name.into(), value, unit, baseline: None, goal: "" }
}

/// All that was measured, in order.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    /// Adds a line, and tells it at once to whoever waits.
    pub(crate) fn add(&mut self, line: Line) {
        eprintln!("  {}: {:.2} {}", line.name, line.value, line.unit);
        self.0.push(line);
    }

    pub(crate) fn json(&self) -> Result<String> {
        let lines: Vec<Value> = self
            .0
            .iter()
            .map(|Line { name, value, unit, baseline, goal }| {
                json!({"name": name, "value": value, "unit": unit, "baseline": baseline, "goal": goal})
            })
            .collect();
        Ok(serde_json::to_string_pretty(&lines)?)
    }

    pub(crate) fn table(&self) -> String {
        let mut text = format!("{:<56} {:>10} {:<5} {:>8} {:>6}  goal\n", "", "value", "unit", "native", "ratio");
        for Line { name, value, unit, baseline, goal } in &self.0 {
            let native = baseline.map(|native| format!("{native:.2}")).unwrap_or_default();
            let ratio = baseline.map(|native| format!("{:.2}x", value / native)).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<56} {value:>10.2} {unit:<5} {native:>8} {ratio:>6}  {goal}");
        }
        text
    }
}

/// The value that this part of all values does not exceed.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
