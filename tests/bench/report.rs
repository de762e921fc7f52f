//! Measured values, as a table or as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

/// One measured value.
struct Line {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// The same natively, where there is such a thing.
    baseline: Option<f64>,
    /// What it should be, for people.
    goal: &'static str,
}

/// All that was measured, in order.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        baseline: Option<f64>,
        goal: &'static str,
    ) {
        self.0.push(Line { name, value, unit, baseline, goal });
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
        let mut text = format!("{:<44} {:>10} {:<6} {:>10} {:>7}  goal\n", "", "value", "unit", "native", "ratio");
        for Line { name, value, unit, baseline, goal } in &self.0 {
            let native = baseline.map(|native| format!("{native:.2}")).unwrap_or_default();
            let ratio = baseline.map(|native| format!("{:.1}x", value / native)).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<44} {value:>10.2} {unit:<6} {native:>10} {ratio:>7}  {goal}");
        }
        text
    }
}
