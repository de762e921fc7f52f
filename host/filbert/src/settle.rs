//! Waiting until the operator has nothing left to do for some objects.

use std::collections::BTreeMap;
use std::time::Duration;

use filbert_kube::Api;
use filbert_plan::object::{self, ObjectKey};
use filbert_runtime::host::LastPass;
use filbert_runtime::{Host, PassOutcome};
use tokio::time::Instant;

use crate::failure::Outcome;
use crate::world::refused;

/// How one object stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) key: ObjectKey,
    /// Its last pass, if it had one.
    pub(crate) last: Option<LastPass>,
    /// Whether the last pass saw the object as it is, and settled.
    pub(crate) settled: bool,
}

/// Waits until each of these objects has settled, or cannot without somebody's help, or the time is over.
pub(crate) async fn wait(host: &Host, api: &Api, keys: &[ObjectKey], timeout: Duration) -> Outcome<Vec<Standing>> {
    let mut journal = host.journal();
    let deadline = Instant::now() + timeout;
    loop {
        let standings = look(host, api, keys).await?;
        let idle = {
            let depth = host.depth();
            depth.ready == 0 && depth.running == 0
        };
        let stuck = |standing: &Standing| {
            let outcome = standing.last.as_ref().map(|last| &last.outcome);
            matches!(outcome, Some(PassOutcome::Invalid { .. } | PassOutcome::Failed { retried: false, .. }))
        };
        if idle && standings.iter().all(|standing| standing.settled || stuck(standing)) {
            return Ok(standings);
        }
        // Every pass may be the one; between passes a short look, because the queue empties after the record is told.
        tokio::select! {
            _ = journal.recv() => {}
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        if Instant::now() >= deadline {
            return look(host, api, keys).await;
        }
    }
}

async fn look(host: &Host, api: &Api, keys: &[ObjectKey]) -> Outcome<Vec<Standing>> {
    let passes: BTreeMap<_, _> = host.last_passes();
    let mut standings = Vec::new();
    for key in keys {
        let last = passes.get(key).cloned();
        let live = api.get(key).await.map_err(refused)?;
        let generation = live.as_ref().map(object::generation);
        let settled = last
            .as_ref()
            .is_some_and(|last| last.outcome == PassOutcome::Settled && Some(last.generation) == generation);
        standings.push(Standing { key: key.clone(), last, settled });
    }
    Ok(standings)
}
