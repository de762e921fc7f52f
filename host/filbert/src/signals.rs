//! When a person or the system wants a command to end.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Outcome;

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn to_end() -> Outcome<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to wait for a signal")?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.context("failed to wait for Ctrl-C")?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
