//! Group `policy`.

use super::core::LabelSelector;
use super::{IntOrString, kinds, parts};

kinds! {
    /// How many pods may be taken away at a time for the good of a node.
    PodDisruptionBudget("policy", "v1", "poddisruptionbudgets") { spec: PodDisruptionBudgetSpec, }
}

parts! {
    /// `spec` of a [`PodDisruptionBudget`].
    PodDisruptionBudgetSpec { selector: LabelSelector, max_unavailable: IntOrString, min_available: IntOrString, }
}
