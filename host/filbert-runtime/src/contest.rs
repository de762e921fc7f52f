//! Two writers of one field. What somebody changes is put right; but where the same field of the same object is set back
//! again and again by the same manager, going on would only burn requests. Then the host names the other one, leaves the
//! object as it is, and tries again after a pause that doubles each time, until nobody sets it back any more.
//!
//! An earlier operator whose installations are taken over (`adoption` of a pipeline) gets less patience: it is named, and
//! left alone, from its second write on.
//!
//! What is counted is kept in memory only: a host that starts anew begins to count anew, which costs it a few writes. That
//! there is a contest is told by the condition `Contested`, which stays.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use filbert_plan::managed::Taken;
use filbert_plan::object::ObjectKey;
use filbert_plan::plan::Millis;
use serde::Serialize;

/// So many fields are counted for one object; who sets back more is caught by these.
const MOST_FIELDS: usize = 32;

/// How long the host goes on setting right what somebody sets back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So often at once.
    pub attempts: u32,
    /// So often where an earlier operator is at work.
    pub attempts_with_predecessor: u32,
    /// Nothing set back for this long: it is calm again, and forgotten.
    pub calm: Duration,
    /// First pause.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
}

impl Default for Patience {
    /// People who edit try two or three times before they ask; controllers that disagree do so many times a second.
    fn default() -> Self {
        Self {
            attempts: 5,
            attempts_with_predecessor: 1,
            calm: Duration::from_mins(10),
            first_pause: Duration::from_secs(30),
            longest_pause: Duration::from_hours(1),
        }
    }
}

/// Somebody else keeps changing what a step applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contest {
    /// `Service market/blue`.
    pub object: String,
    /// The fields, with the managers that have them now.
    pub fields: Vec<Field>,
    /// Whether one of them is an earlier operator, which should not run any more.
    pub with_predecessor: bool,
    /// Until when the object is left as it is; absent where it was put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_until: Option<Millis>,
    /// When it is calm, if nothing more happens.
    #[serde(skip)]
    pub calm_at: Option<Millis>,
    /// Whether people should hear of it: it happened more than once, or an earlier operator did it.
    pub is_told: bool,
}

/// A field that somebody sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// `spec.type`.
    pub field: String,
    /// By whom; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Contest {
    /// Fields that others have now, as one look at the object shows it.
    pub(crate) fn seen(object: String, taken: Vec<Taken>, predecessors: &[String]) -> Self {
        let with_predecessor = taken.iter().any(|taken| taken.by.as_ref().is_some_and(|by| predecessors.contains(by)));
        let fields = taken.into_iter().map(|Taken { field, by }| Field { field, by }).collect();
        Self { object, fields, with_predecessor, left_until: None, calm_at: None, is_told: with_predecessor }
    }

    /// When it is to be looked at again.
    pub(crate) fn next_look(&self) -> Option<Millis> {
        self.left_until.or_else(|| self.calm_at.filter(|_| self.is_told).map(|calm| calm.saturating_add(1)))
    }

    /// One word for conditions and events.
    pub fn reason(&self) -> &'static str {
        if self.with_predecessor { "EarlierOperatorAtWork" } else { "FieldsSetBack" }
    }

    /// A sentence for people. It says nothing that changes while the contest stays the same.
    pub fn message(&self) -> String {
        let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Field { field, by: manager } in &self.fields {
            by.entry(manager.as_deref().unwrap_or("somebody")).or_default().push(field);
        }
        let who: Vec<_> = by
            .into_iter()
            .map(|(manager, fields)| {
                const SHOWN: usize = 3;
                let more = fields.len().saturating_sub(SHOWN);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                let shown: Vec<_> = fields.into_iter().take(SHOWN).collect();
                format!("{manager} changes {}{more}", shown.join(", "))
            })
            .collect();
        let advice = if self.with_predecessor {
            "an earlier operator is still at work here: stop it. Until then this one tries again less and less often"
        } else {
            "make it stop, or say the same in the resource. Until then this operator sets it right less and less often"
        };
        format!("of {}, {}; {advice}", self.object, who.join(", "))
    }
}

/// What to do about fields that somebody set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Put them right.
    PutRight,
    /// Leave the object as it is.
    LeaveUntil(Millis),
}

/// How often each manager set a field back.
#[derive(Debug, Default)]
struct Dispute {
    strikes: BTreeMap<Field, u32>,
    with_predecessor: bool,
    /// Of the last change that was counted.
    resource_version: u64,
    last: Millis,
    pause: Duration,
    left_until: Option<Millis>,
    is_told: bool,
}

impl Dispute {
    fn calm_at(&self, patience: &Patience) -> Millis {
        // Longer than the pause, so that what happens right after it counts as the same.
        self.last.saturating_add(millis(patience.calm)).saturating_add(millis(self.pause))
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// All contests, by object and by our manager. Shared by all passes.
#[derive(Debug, Default)]
pub struct Contests {
    patience: Patience,
    disputes: Mutex<BTreeMap<(ObjectKey, String), Dispute>>,
}

impl Contests {
    /// None yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, disputes: Mutex::default() }
    }

    /// Nothing is known any more.
    pub fn clear(&self) {
        self.disputes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Somebody has taken fields; `resource_version` is that of the object with them. The same change is counted once,
    /// however often it is looked at.
    pub(crate) fn judge(
        &self,
        key: &ObjectKey,
        ours: &str,
        taken: &[Taken],
        resource_version: u64,
        predecessors: &[String],
        now: Millis,
    ) -> Verdict {
        let mut disputes = self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        let dispute = disputes.entry((key.clone(), ours.to_owned())).or_default();
        if let Some(until) = dispute.left_until {
            if now < until {
                return Verdict::LeaveUntil(until);
            }
            // The pause is over: one more attempt, whatever happened meanwhile.
            dispute.left_until = None;
            dispute.resource_version = resource_version;
            return Verdict::PutRight;
        }
        if dispute.resource_version == resource_version && resource_version != 0 {
            return Verdict::PutRight;
        }
        if now > dispute.calm_at(&self.patience) {
            *dispute = Dispute::default();
        }
        dispute.resource_version = resource_version;
        dispute.last = now;
        let mut most = 0;
        let mut with_predecessor = false;
        for Taken { field, by } in taken.iter().take(MOST_FIELDS) {
            with_predecessor |= by.as_ref().is_some_and(|by| predecessors.contains(by));
            let field = Field { field: field.clone(), by: by.clone() };
            if dispute.strikes.len() < MOST_FIELDS || dispute.strikes.contains_key(&field) {
                let strikes = dispute.strikes.entry(field).or_insert(0);
                *strikes = strikes.saturating_add(1);
                most = most.max(*strikes);
            }
        }
        dispute.with_predecessor |= with_predecessor;
        let Patience { attempts, attempts_with_predecessor, first_pause, longest_pause, .. } = self.patience;
        let attempts = if with_predecessor { attempts_with_predecessor } else { attempts };
        dispute.is_told |= with_predecessor || most > attempts;
        if most <= attempts {
            return Verdict::PutRight;
        }
        dispute.pause = if dispute.pause.is_zero() { first_pause } else { dispute.pause.saturating_mul(2) };
        dispute.pause = dispute.pause.min(longest_pause);
        let until = now.saturating_add(millis(dispute.pause));
        dispute.left_until = Some(until);
        Verdict::LeaveUntil(until)
    }

    /// What stands about an object, as long as it is not calm.
    pub(crate) fn standing(&self, key: &ObjectKey, ours: &str, object: &str, now: Millis) -> Option<Contest> {
        let mut disputes = self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (key.clone(), ours.to_owned());
        let dispute = disputes.get(&place)?;
        let calm_at = dispute.calm_at(&self.patience);
        if dispute.left_until.is_none() && now > calm_at {
            disputes.remove(&place);
            return None;
        }
        // Those that did it most often: others were put right, and stay so.
        let most = dispute.strikes.values().max().copied().unwrap_or(0);
        let fields = dispute.strikes.iter().filter(|(_, strikes)| **strikes == most);
        Some(Contest {
            object: object.to_owned(),
            fields: fields.map(|(field, _)| field.clone()).collect(),
            with_predecessor: dispute.with_predecessor,
            left_until: dispute.left_until.filter(|until| now < *until),
            calm_at: Some(calm_at),
            is_told: dispute.is_told,
        })
    }

    /// The object is no longer anybody's concern.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        let mut disputes = self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        disputes.retain(|(of, _), _| of != key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filbert_plan::object::ResourceType;

    const MINUTE: Millis = 60_000;

    fn key() -> ObjectKey {
        ObjectKey::namespaced(ResourceType::new("", "v1", "services"), "market", "blue")
    }

    fn taken(field: &str, by: &str) -> Vec<Taken> {
        vec![Taken { field: field.to_owned(), by: Some(by.to_owned()) }]
    }

    /// Somebody sets the field back as soon as it is set right, for so many minutes. Answers how often it was set right.
    fn fought(contests: &Contests, by: &str, predecessors: &[String], minutes: u64) -> usize {
        let mut written = 0;
        for now in (0..minutes * 60).map(|second| 1_000_000 + second * 1000) {
            // A write of ours is followed by one of theirs.
            if contests.judge(&key(), "ours", &taken("spec.type", by), 2 * written + 1, predecessors, now)
                == Verdict::PutRight
            {
                written += 1;
            }
        }
        usize::try_from(written).expect("not that many")
    }

    #[test]
    fn what_is_set_back_again_and_again_is_set_right_ever_more_seldom() {
        let contests = Contests::new(Patience::default());
        // Five at once, then after 30 s, 1, 2, 4, 8, 16, 32 minutes.
        assert_eq!(fought(&contests, "kubectl-edit", &[], 64), 12);
        let contest = contests.standing(&key(), "ours", "Service market/blue", 1_000_000 + 64 * MINUTE);
        let contest = contest.expect("it goes on");
        assert!(contest.is_told && contest.left_until.is_some());
        assert_eq!(
            contest.message(),
            "of Service market/blue, kubectl-edit changes spec.type; make it stop, or say the same in the resource. \
             Until then this operator sets it right less and less often"
        );
    }

    #[test]
    fn an_earlier_operator_is_named_at_once_and_left_alone_from_its_second_write_on() {
        let contests = Contests::new(Patience::default());
        let predecessors = ["manager".to_owned()];
        assert_eq!(
            contests.judge(&key(), "ours", &taken("spec.type", "manager"), 1, &predecessors, 1000),
            Verdict::PutRight
        );
        let contest = contests.standing(&key(), "ours", "Service market/blue", 1000).expect("it is named");
        assert_eq!((contest.reason(), contest.is_told), ("EarlierOperatorAtWork", true));
        let second = contests.judge(&key(), "ours", &taken("spec.type", "manager"), 3, &predecessors, 2000);
        assert_eq!(second, Verdict::LeaveUntil(32_000));
    }

    #[test]
    fn an_edit_or_two_are_put_right_and_not_worth_a_word() {
        let contests = Contests::new(Patience::default());
        for version in [1, 3] {
            let verdict = contests.judge(&key(), "ours", &taken("spec.type", "kubectl-edit"), version, &[], 1000);
            assert_eq!(verdict, Verdict::PutRight);
        }
        assert!(!contests.standing(&key(), "ours", "Service", 1000).expect("counted").is_told);
        assert_eq!(contests.standing(&key(), "ours", "Service", 12 * MINUTE), None, "and forgotten");
    }

    #[test]
    fn different_people_who_edit_different_fields_do_not_add_up() {
        let contests = Contests::new(Patience::default());
        for (version, field) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
            let version = u64::try_from(version).expect("small") * 2 + 1;
            let verdict = contests.judge(&key(), "ours", &taken(field, "kubectl-edit"), version, &[], 1000);
            assert_eq!(verdict, Verdict::PutRight);
        }
    }

    #[test]
    fn one_change_is_counted_once_however_often_it_is_looked_at() {
        let contests = Contests::new(Patience::default());
        for now in 0..100 {
            let verdict = contests.judge(&key(), "ours", &taken("spec.type", "kubectl-edit"), 7, &[], now);
            assert_eq!(verdict, Verdict::PutRight);
        }
    }
}
