//! A guest that broke, and the one place where a trap is read.

use std::fmt;
use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::host::Host;
use crate::reads::Aborted;

/// When to try again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not until something changes: the object, the module or its settings.
    WhenChanged,
    /// After a while, longer each time.
    WithBackoff,
}

/// Why a call has no answer. What a guest *answered*, be it a plan, violations or a step error, is never one of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The guest did something it must not, or did not finish.
    #[error("module `{module}` broke in `{export}`")]
    Broken {
        /// Which module.
        module: String,
        /// `step.run`.
        export: &'static str,
        /// What it did.
        source: Broken,
    },
    /// The host gave up the call in the middle of a read.
    #[error("a read of module `{module}` in `{export}` ended the call")]
    Aborted {
        /// Which module.
        module: String,
        /// `step.run`.
        export: &'static str,
        /// Why.
        source: Aborted,
    },
    /// The module does not export the interface.
    #[error("module `{module}` has no role `{role}`")]
    NoRole {
        /// Which module.
        module: String,
        /// `step`.
        role: &'static str,
    },
    /// The module has too many calls to make already. Nothing was called.
    #[error("module `{module}` has too much to do: {waiting} calls wait for `{export}` already")]
    Crowded {
        /// Which module.
        module: String,
        /// `validation.validate`.
        export: &'static str,
        /// How many wait.
        waiting: usize,
    },
    /// The call waited too long for its turn. Nothing was called.
    #[error("module `{module}` has too much to do: a call of `{export}` waited {waited:?} for its turn")]
    Late {
        /// Which module.
        module: String,
        /// `validation.validate`.
        export: &'static str,
        /// How long.
        waited: Duration,
    },
    /// The module has burnt its time or memory again and again, and is left alone for a while. Nothing was called.
    #[error("module `{module}` is {detail}")]
    Paused {
        /// Which module.
        module: String,
        /// `validation.validate`.
        export: &'static str,
        /// `not called for 10s, because …`.
        detail: String,
    },
    /// The host itself could not make the call.
    #[error("failed to call `{export}` of module `{module}`: {detail}")]
    Host {
        /// Which module.
        module: String,
        /// `step.run`.
        export: &'static str,
        /// Why.
        detail: String,
    },
}

impl CallError {
    /// A word for metrics and events, from a closed set.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Broken { source, .. } => source.kind.category(),
            Self::Aborted { .. } => "aborted",
            Self::NoRole { .. } => "no-role",
            Self::Crowded { .. } => "crowded",
            Self::Late { .. } => "late",
            Self::Paused { .. } => "paused",
            Self::Host { .. } => "host",
        }
    }

    /// When to try again. A pure function that broke breaks again on the same inputs, but for limits of time, which depend
    /// on how busy the machine is.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Broken { source, .. } if source.kind != BrokenKind::Deadline => Retry::WhenChanged,
            Self::NoRole { .. } => Retry::WhenChanged,
            Self::Broken { .. }
            | Self::Aborted { .. }
            | Self::Crowded { .. }
            | Self::Late { .. }
            | Self::Paused { .. }
            | Self::Host { .. } => Retry::WithBackoff,
        }
    }

    /// What the guest did, where it broke.
    pub fn broken(&self) -> Option<&Broken> {
        match self {
            Self::Broken { source, .. } => Some(source),
            Self::Aborted { .. }
            | Self::NoRole { .. }
            | Self::Crowded { .. }
            | Self::Late { .. }
            | Self::Paused { .. }
            | Self::Host { .. } => None,
        }
    }
}

/// What a guest did that ended its call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Broken {
    /// From a closed set.
    pub kind: BrokenKind,
    /// For people.
    pub detail: String,
}

/// What a guest did that ended its call, as a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrokenKind {
    /// It said so itself: the text is in the detail.
    Panic,
    /// It did what WebAssembly forbids.
    Trap,
    /// It did not answer in time.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// It called itself too deeply.
    Stack,
    /// It handed the host more at once than allowed.
    AnswerTooLarge,
    /// Its answer is not what the contract asks for.
    BadAnswer,
    /// It logged far more than is kept.
    LogFlood,
}

impl BrokenKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Panic,
        Self::Trap,
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::AnswerTooLarge,
        Self::BadAnswer,
        Self::LogFlood,
    ];

    /// A word for metrics and events.
    pub fn category(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::AnswerTooLarge => "answer-too-large",
            Self::BadAnswer => "bad-answer",
            Self::LogFlood => "log-flood",
        }
    }
}

impl fmt::Display for BrokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.category())
    }
}

impl BrokenKind {
    /// Whether the call took all the time or memory that it could get.
    pub(crate) fn burns(self) -> bool {
        matches!(self, Self::Deadline | Self::Memory)
    }
}

impl Broken {
    pub(crate) fn deadline(after: Duration) -> Self {
        Self { kind: BrokenKind::Deadline, detail: format!("no answer within {after:?}") }
    }

    pub(crate) fn bad_answer(detail: impl Into<String>) -> Self {
        Self { kind: BrokenKind::BadAnswer, detail: detail.into() }
    }
}

/// Ends a call at its deadline.
#[derive(Debug, thiserror::Error)]
#[error("deadline")]
pub(crate) struct DeadlinePassed;

/// Ends a call that wants more memory than it may have.
#[derive(Debug, thiserror::Error)]
#[error("wanted {wanted} bytes of memory, {allowed} are allowed")]
pub(crate) struct MemoryRefused {
    pub(crate) wanted: usize,
    pub(crate) allowed: usize,
}

/// Ends a call that logs without end.
#[derive(Debug, thiserror::Error)]
#[error("logged {lines} lines and {bytes} bytes in one call")]
pub(crate) struct LogFlooded {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

/// What ended a call.
pub(crate) enum Ended {
    Broken(Broken),
    Aborted(Aborted),
    Host(String),
}

/// Reads what wasmtime says about a call that ended without an answer. The only place that does.
pub(crate) fn read_trap(error: &wasmtime::Error, host: &Host, deadline: Duration) -> Ended {
    if let Some(aborted) = error.downcast_ref::<Aborted>() {
        return Ended::Aborted(aborted.clone());
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return Ended::Host(full.to_string());
    }
    // Backtraces are contexts of the error; people are shown what is below them.
    let root = error.root_cause().to_string();
    let (kind, detail) = if error.is::<DeadlinePassed>() {
        return Ended::Broken(Broken::deadline(deadline));
    } else if error.is::<MemoryRefused>() {
        (BrokenKind::Memory, root)
    } else if error.is::<LogFlooded>() {
        (BrokenKind::LogFlood, root)
    } else {
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => (BrokenKind::Stack, "called itself too deeply".to_owned()),
            Some(Trap::UnreachableCodeReached) => match host.log.panic_text() {
                Some(text) => (BrokenKind::Panic, text.to_owned()),
                None => (BrokenKind::Trap, "reached `unreachable` without a word in its log".to_owned()),
            },
            Some(
                Trap::StringOutOfBounds
                | Trap::ListOutOfBounds
                | Trap::InvalidDiscriminant
                | Trap::UnalignedPointer
                | Trap::InvalidChar,
            ) => (BrokenKind::BadAnswer, root),
            Some(_) => (BrokenKind::Trap, root.trim_start_matches("wasm trap: ").to_owned()),
            // wasmtime keeps the type of this one to itself.
            None if root.contains("fuel allocated for hostcalls") => {
                (BrokenKind::AnswerTooLarge, format!("handed the host more than {} bytes at once", host.limits.answer))
            }
            // What is left comes from lifting values: text that is not UTF-8, pointers outside the memory.
            None => (BrokenKind::BadAnswer, root),
        }
    };
    Ended::Broken(Broken { kind, detail })
}
