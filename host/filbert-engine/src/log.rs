//! What a guest logs in one call: bounded, kept for whoever made the call, and shown as it comes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::{debug, error, info, trace, warn};

use crate::broken::LogFlooded;
use crate::contract::log::Field;
pub use crate::contract::log::Level;
use crate::settings::Limits;

/// A guest that logs this many times what is kept is stopped.
const FLOOD: usize = 16;

/// One line of a guest's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// As the guest gave it.
    pub level: Level,
    /// A fixed sentence.
    pub message: String,
    /// The data, by name.
    pub fields: Vec<(String, String)>,
}

/// The log of one call.
#[derive(Debug)]
pub(crate) struct Log {
    module: Arc<str>,
    pub(crate) lines: Vec<LogLine>,
    /// Lines and bytes, kept or not.
    seen: usize,
    bytes: usize,
    /// The last line of level `error`: what a panic hook leaves. Kept also where the log is full.
    last_error: Option<String>,
}

impl Log {
    pub(crate) fn new(module: Arc<str>) -> Self {
        Self { module, lines: Vec::new(), seen: 0, bytes: 0, last_error: None }
    }

    /// Lines that were not kept.
    pub(crate) fn dropped(&self) -> usize {
        self.seen - self.lines.len()
    }

    /// What the guest said when it panicked, if it did.
    pub(crate) fn panic_text(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    pub(crate) fn keep(
        &mut self,
        level: Level,
        mut message: String,
        fields: Vec<Field>,
        limits: &Limits,
    ) -> Result<(), LogFlooded> {
        let left = limits.log_bytes.saturating_sub(self.bytes);
        self.seen += 1;
        self.bytes += message.len() + fields.iter().map(|f| f.name.len() + f.value.len()).sum::<usize>();
        if self.seen > FLOOD.saturating_mul(limits.log_lines) || self.bytes > FLOOD.saturating_mul(limits.log_bytes) {
            return Err(LogFlooded { lines: self.seen, bytes: self.bytes });
        }
        if level == Level::Error {
            let end = message.floor_char_boundary(4096);
            self.last_error = message.get(..end).map(str::to_owned);
        }
        if self.lines.len() < limits.log_lines && left > 0 {
            let kept = self.bytes.min(limits.log_bytes);
            message.truncate(message.floor_char_boundary(left));
            // A line whose fields do not fit is kept without them.
            let fields = if kept == self.bytes { fields } else { Vec::new() };
            let fields = fields.into_iter().map(|f| (f.name, f.value)).collect();
            let line = LogLine { level, message, fields };
            line.show(&self.module);
            self.lines.push(line);
        }
        Ok(())
    }
}

impl LogLine {
    /// Under a target of its own, stamped with the module's name.
    fn show(&self, module: &str) {
        macro_rules! show {
            ($event:ident) => {
                $event!(target: "guest", module, fields = ?self.fields, "{}", self.message)
            };
        }
        match self.level {
            Level::Trace => show!(trace),
            Level::Debug => show!(debug),
            Level::Info => show!(info),
            Level::Warn => show!(warn),
            Level::Error => show!(error),
        }
    }
}
