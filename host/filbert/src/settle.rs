//! Waiting until the operator has nothing left to do for some objects.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use filbert_kube::Api;
use filbert_plan::object::{self, ObjectKey};
use filbert_runtime::host::LastPass;
use filbert_runtime::{Host, PassOutcome};
use serde_json::json;
use tokio::time::Instant;

use crate::cli::Format;
use crate::cluster::refused;
use crate::failure::{Failure, Outcome};
use crate::output;

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

impl Standing {
    fn title(&self) -> String {
        let ObjectKey { resource, namespace, name } = &self.key;
        let kind = self.last.as_ref().map_or(resource.plural.as_str(), |last| &last.kind);
        let place = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{kind} {place}{name}")
    }

    /// What came of its last pass; why it is not settled.
    pub(crate) fn outcome(&self) -> String {
        match &self.last {
            None => "had no pass yet".to_owned(),
            Some(last) if !self.settled && last.outcome == PassOutcome::Settled => {
                "changed since its last pass".to_owned()
            }
            Some(last) => last.outcome.summary(),
        }
    }

    /// Whether more time could help.
    fn may_settle(&self) -> bool {
        !matches!(self.last.as_ref().map(|last| &last.outcome), Some(PassOutcome::Invalid { .. }))
    }
}

/// Prints how each object stands. Fails, with the reason of each, where not all have settled.
pub(crate) fn summary(standings: &[Standing], format: Format, timeout: Duration) -> Outcome<ExitCode> {
    let unsettled: Vec<_> = standings.iter().filter(|standing| !standing.settled).collect();
    match format {
        Format::Json => {
            let objects: Vec<_> = standings
                .iter()
                .map(|standing| {
                    let Standing { key, last, settled } = standing;
                    let outcome = last.as_ref().map(|last| &last.outcome);
                    json!({"resource": key.resource, "namespace": key.namespace, "name": key.name, "settled": settled, "outcome": outcome})
                })
                .collect();
            output::line(json!({"settled": unsettled.is_empty(), "objects": objects}))?;
        }
        Format::Text => {
            let width = standings.iter().map(|standing| standing.title().len()).max().unwrap_or(0);
            for standing in standings {
                output::line(format_args!("{:<width$}  {}", standing.title(), standing.outcome()))?;
            }
        }
    }
    let mut reasons = unsettled.iter().rev().map(|standing| format!("{}: {}", standing.title(), standing.outcome()));
    let Some(last) = reasons.next() else { return Ok(ExitCode::SUCCESS) };
    let error = reasons.fold(anyhow!(last), anyhow::Error::context);
    let message = format!("{} of {} resources did not settle", unsettled.len(), standings.len());
    let hint = if unsettled.iter().any(|standing| standing.may_settle()) {
        format!("`filbert plan` on the same files shows every step; `--timeout` waits longer than {timeout:?}")
    } else {
        "mend the resources as said above, and run it again".to_owned()
    };
    Err(Failure::from(error.context(message)).hint(hint))
}
