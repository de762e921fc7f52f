//! The end of a pass: what it tells, and who else tells something else.

use std::sync::Arc;

use filbert_kube::{ApiError, Selection};
use filbert_plan::diff;
use filbert_plan::managed;
use filbert_plan::plan::{Event, StepPlan};
use filbert_plan::status::Fragment;
use serde_json::{Value, json};

use super::{Kept, Passes};
use crate::apply::{Applier, Owner, resource_version};
use crate::contest::Contest;
use crate::journal::{PassOutcome, PassRecord};
use crate::report::{self, Reported};

impl Passes {
    pub(super) async fn report(
        &self,
        record: &mut PassRecord,
        owner: &Owner,
        stored: &Value,
        kept: &mut Kept,
    ) -> Result<(), ApiError> {
        let plans: Vec<(&str, &Arc<StepPlan>)> =
            record.steps.iter().filter_map(|step| Some((step.step.as_str(), step.plan.as_ref()?))).collect();
        let fragments: Vec<_> = plans
            .iter()
            .map(|(step, plan)| Fragment { step, status: plan.status.as_ref(), conditions: &plan.conditions })
            .collect();
        let complete = record.outcome == PassOutcome::Settled;
        let now = self.world.clock.timestamp();
        let status = |contests: &[Contest]| {
            let mut summary = report::summary(&record.outcome, &record.steps);
            summary.extend(report::contested(contests));
            let status = report::status_of(stored, &fragments, &summary, complete, &now);
            (summary, status)
        };
        let standing = self.status_owners(owner, stored, &status(&record.contests).1, &kept.reported).await?;
        let mut contests = record.contests.clone();
        contests.extend(standing.clone());
        let (summary, status) = status(&contests);
        let mut events: Vec<Event> = plans.iter().flat_map(|(_, plan)| plan.events.iter().cloned()).collect();
        events.extend(report::events_of(stored, &summary));
        record.contests = contests;
        // Before the status: a host that is cut off between the two finds the old status, and tells the same events again,
        // which have the same names.
        report::write_events(&self.applier.api, &record.key, stored, &events, &now, &mut kept.reported).await;
        if standing.is_some_and(|standing| standing.left_until.is_some()) {
            return Ok(());
        }
        let written = report::write_status(&self.applier.api, &record.key, stored, status, &mut kept.reported).await?;
        record.wrote_status = written.is_some();
        if let Some(written) = written {
            self.applier.caches.note(&record.key, &written);
        }
        Ok(())
    }

    /// Sees to it that the status is ours: takes it over from an earlier operator, and answers who has fields of it that we
    /// wrote, where that goes on.
    async fn status_owners(
        &self,
        owner: &Owner,
        stored: &Value,
        wanted: &Value,
        reported: &Reported,
    ) -> Result<Option<Contest>, ApiError> {
        let Applier { api, caches, contests, clock, .. } = &self.applier;
        let (key, predecessors) = (&owner.key, owner.predecessors());
        let standing = || contests.standing(key, report::MANAGER, &owner.title(), clock.now());
        let last = reported.last();
        let held = stored.get("status").cloned().unwrap_or_default();
        let is_lost = last.is_some_and(|last| !diff::changes(&held, last).is_empty());
        let is_first = last.is_none() && !predecessors.is_empty();
        if !is_lost && !is_first {
            return Ok(standing());
        }
        let is_theirs = |(manager, through): &(String, String)| through == "status" && predecessors.contains(manager);
        if is_first {
            let cached = caches.get(&Selection::all(key.resource.clone()), key).await.ok().flatten();
            if !cached.is_some_and(|cached| cached.updaters.iter().any(is_theirs)) {
                return Ok(None);
            }
        }
        let Some(full) = api.get(key).await? else { return Ok(None) };
        let ours = |it: managed::Manager| it.name == report::MANAGER && it.subresource == "status";
        if !managed::managers(&full).any(ours) {
            self.applier.take_over(key, Some(full), predecessors, report::MANAGER, "status").await?;
            return Ok(None);
        }
        let wanted = json!({"status": last.unwrap_or(wanted)});
        let mut taken = managed::taken(&full, &wanted, report::MANAGER, "status");
        if is_first {
            // What is new is nobody's yet; what an earlier operator has, it wrote after we took the status over.
            taken.retain(|taken| taken.by.as_ref().is_some_and(|by| predecessors.contains(by)));
        }
        // Fields that the server does not store are nobody's.
        taken.retain(|taken| taken.by.is_some());
        if !taken.is_empty() {
            // What is left as it is shows in the answer.
            let _ = contests.judge(key, report::MANAGER, &taken, resource_version(&full), predecessors, clock.now());
        }
        Ok(standing())
    }
}
