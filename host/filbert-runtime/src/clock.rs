//! The clock: the one place in the host that asks what time it is.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use filbert_plan::plan::Millis;
use k8s_openapi::jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> Millis;

    /// The same, as Kubernetes writes it: `2026-01-31T09:00:00Z`.
    fn timestamp(&self) -> String {
        let seconds = i64::try_from(self.now() / 1000).unwrap_or_default();
        Timestamp::from_second(seconds).unwrap_or_default().to_string()
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }
}

/// Shared clock.
pub type SharedClock = Arc<dyn Clock>;
