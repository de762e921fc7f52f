//! What failed, as a pass records it.

use filbert_engine::{CallError, Retry};
use filbert_kube::ApiError;

use crate::apply::{ApplyError, UNREACHABLE};
use crate::journal::{PassOutcome, StepOutcome};
use crate::library::chain;

pub(super) fn failed(reason: &str, message: String, retried: bool) -> StepOutcome {
    StepOutcome::Failed { reason: reason.to_owned(), message, retried }
}

pub(super) fn apply_failure(error: &ApplyError) -> StepOutcome {
    failed(error.reason(), error.message(), error.is_retried())
}

/// A guest that broke, as a CamelCase reason: `deadline` becomes `GuestDeadline`.
pub(super) fn broken(error: &CallError) -> StepOutcome {
    failed(&guest_reason(error), chain(error), error.retry() == Retry::WithBackoff)
}

fn guest_reason(error: &CallError) -> String {
    let words = error.category().split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    std::iter::once("Guest".to_owned()).chain(words).collect()
}

pub(super) fn review_failure(error: &CallError) -> PassOutcome {
    let retried = error.retry() == Retry::WithBackoff;
    PassOutcome::Failed { step: None, reason: guest_reason(error), message: chain(error), retried }
}

pub(super) fn host_failure(reason: &str, error: &ApiError) -> PassOutcome {
    let reason = if error.category() == filbert_kube::api::UNREACHABLE { UNREACHABLE } else { reason };
    let message = format!("{error}: {}", error.detail());
    PassOutcome::Failed { step: None, reason: reason.to_owned(), message, retried: true }
}
