//! When certificates are made, renewed and put to use: what a Secret holds, and what is to be done about it. Pure but for
//! the keys, which are made here.
//!
//! A certificate is renewed at two thirds of its life, with an authority of its own:
//!
//! 1. The new pair waits in the Secret, and its authority stands beside the old one in what clients are to trust.
//! 2. When the webhook configurations say so, and API servers have had the time to hear of it, the new pair is used.
//! 3. The old authority stays until the next renewal. Its key is gone since it signed, so it can do no harm.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::object;
use filbert_plan::plan::Millis;
use serde_json::{Value, json};

use crate::certificate::{Issued, Pair, issue};

/// How long a certificate is good where nobody says otherwise.
pub const LIFE: Duration = Duration::from_hours(90 * 24);
/// How long API servers may take to hear of a changed configuration. Each has a watch on them, so it is seconds.
pub const SETTLING: Duration = Duration::from_secs(30);

/// Fields of the Secret: what is in use, as every TLS Secret has it.
const CURRENT: [&str; 2] = ["tls.crt", "tls.key"];
/// What is used next.
const NEXT: [&str; 2] = ["next-tls.crt", "next-tls.key"];
/// PEM of all authorities that clients are to trust.
const TRUST: &str = "ca.crt";

/// What a Secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In use.
    pub current: Pair,
    /// Used as soon as clients trust its authority.
    pub next: Option<Pair>,
    /// PEM of all authorities that clients are to trust.
    pub trust: String,
}

impl Kept {
    /// From a Secret, as far as it holds texts; whether they are any good is not looked at.
    pub fn of_secret(secret: &Value) -> Option<Self> {
        let text = |name: &str| {
            let encoded = secret.get("data")?.get(name)?.as_str()?;
            String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
        };
        let pair = |[chain, key]: [&str; 2]| Some(Pair { chain: text(chain)?, key: text(key)? });
        // A Secret without authorities is one that lost them.
        Some(Self { current: pair(CURRENT)?, next: pair(NEXT), trust: text(TRUST).unwrap_or_default() })
    }

    /// The fields `data` and `type` of a Secret.
    pub fn fields(&self) -> [(&'static str, Value); 2] {
        let Self { current, next, trust } = self;
        let mut data = BTreeMap::from([(TRUST, trust)]);
        for ([chain, key], pair) in [(CURRENT, Some(current)), (NEXT, next.as_ref())] {
            if let Some(pair) = pair {
                data.insert(chain, &pair.chain);
                data.insert(key, &pair.key);
            }
        }
        let data: BTreeMap<_, _> = data.into_iter().map(|(name, text)| (name, STANDARD.encode(text))).collect();
        [("data", json!(data)), ("type", "kubernetes.io/tls".into())]
    }

    fn new(issued: Issued) -> Self {
        Self { current: issued.pair, next: None, trust: issued.authority }
    }

    /// With another pair that waits. Of the authorities only that of the pair in use stays beside the new one: those before
    /// it vouch for nothing any more.
    fn renewed(self, issued: Issued, names: &[String], now: Millis) -> Self {
        let vouches = |authority: &String| self.current.fits(authority, names, now).is_ok();
        let old = authorities(&self.trust).into_iter().filter(vouches);
        let trust = std::iter::once(issued.authority).chain(old).collect();
        Self { current: self.current, next: Some(issued.pair), trust }
    }

    /// With the pair that waited in use.
    fn promoted(self, next: Pair) -> Self {
        Self { current: next, next: None, trust: self.trust }
    }
}

/// The certificates of a PEM, each for itself.
fn authorities(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    pem.split_inclusive(END).filter(|part| part.ends_with(END)).map(|part| format!("{}\n", part.trim_start())).collect()
}

/// All that a decision depends on, but for what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The time.
    pub now: Millis,
    /// How long certificates are made for.
    pub life: Duration,
    /// By which API servers call.
    pub names: &'a [String],
    /// Whether this replica leads. Only the leader renews what is still good, because it writes the configurations.
    pub leads: bool,
    /// What the configurations have had API servers trust for [`SETTLING`]; PEM.
    pub trusted: Option<&'a str>,
}

/// What is to be written into the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is kept from then on.
    pub kept: Kept,
    /// Why: a sentence for people.
    pub why: &'static str,
}

impl Moment<'_> {
    /// Whether a pair is good now.
    pub fn takes(&self, pair: &Pair, trust: &str) -> bool {
        pair.fits(trust, self.names, self.now).is_ok()
    }

    /// Whether it still has a third of its life before it.
    fn is_fresh(&self, pair: &Pair, trust: &str) -> bool {
        let third = Millis::try_from((self.life / 3).as_millis()).unwrap_or(Millis::MAX);
        pair.fits(trust, self.names, self.now.saturating_add(third)).is_ok()
    }

    /// What is to be done about what is stored, if anything. `remembered` is what this replica shows meanwhile: a Secret that was
    /// removed or spoilt costs no call as long as there is a replica that remembers.
    ///
    /// # Errors
    /// Where certificates cannot be made for these names.
    pub fn change(&self, stored: Option<&Kept>, remembered: Option<&Kept>) -> Result<Option<Change>, rcgen::Error> {
        let new = || issue(self.names, self.now, self.life);
        let good = |kept: &&Kept| self.takes(&kept.current, &kept.trust);
        let Some(kept) = stored.filter(good) else {
            let waiting = stored.and_then(|kept| Some((kept, kept.next.clone()?)));
            if let Some((kept, next)) = waiting.filter(|(kept, next)| self.takes(next, &kept.trust)) {
                let kept = kept.clone().promoted(next);
                return Ok(Some(Change { kept, why: "the certificate is no good, and the next one is" }));
            }
            return Ok(Some(match remembered.filter(good) {
                // What was removed may have been known to somebody: it is used no longer than need be.
                Some(kept) => Change {
                    kept: kept.clone().renewed(new()?, self.names, self.now),
                    why: "the Secret was removed or spoilt; what was in use goes on until its successor is trusted",
                },
                None if stored.is_some() => Change { kept: Kept::new(new()?), why: "the certificate is no good" },
                None => Change { kept: Kept::new(new()?), why: "there is none yet" },
            }));
        };
        if !self.leads {
            return Ok(None);
        }
        if let Some(next) = kept.next.clone().filter(|next| self.takes(next, &kept.trust)) {
            let is_trusted = self.trusted.is_some_and(|trusted| self.takes(&next, trusted));
            let why = "API servers trust the authority of the next certificate";
            return Ok(is_trusted.then(|| Change { kept: kept.clone().promoted(next), why }));
        }
        if self.is_fresh(&kept.current, &kept.trust) {
            return Ok(None);
        }
        let kept = kept.clone().renewed(new()?, self.names, self.now);
        Ok(Some(Change { kept, why: "two thirds of the certificate's life are over" }))
    }
}

/// The Secret for what is kept: a new one, or the stored one with other data.
pub fn secret(kept: &Kept, stored: Option<&Value>, metadata: &Value) -> Value {
    let mut secret = match stored {
        Some(stored) => object::without_managed_fields(stored.clone()),
        None => json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}),
    };
    if let Some(fields) = secret.as_object_mut() {
        let is_new = stored.is_none();
        for (name, value) in kept.fields() {
            // The type of a Secret cannot be changed.
            if is_new || name != "type" {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some moment in 2026.
    const NOW: Millis = 1_790_000_000_000;

    fn names() -> Vec<String> {
        vec!["hook.market.svc".to_owned()]
    }

    fn after(days: u64) -> Millis {
        NOW + days * 24 * 3600 * 1000
    }

    fn moment(now: Millis, names: &[String]) -> Moment<'_> {
        Moment { now, life: LIFE, names, leads: true, trusted: None }
    }

    fn change(moment: Moment<'_>, stored: Option<&Kept>, remembered: Option<&Kept>) -> Option<Change> {
        moment.change(stored, remembered).expect("certificates can be made")
    }

    fn first() -> Kept {
        change(moment(NOW, &names()), None, None).expect("there is none yet").kept
    }

    #[test]
    fn the_first_certificate_is_made_by_whoever_comes_first() {
        let names = names();
        let made = change(Moment { leads: false, ..moment(NOW, &names) }, None, None).expect("there is none yet");
        assert_eq!((made.why, &made.kept.next), ("there is none yet", &None));
        assert!(moment(NOW, &names).takes(&made.kept.current, &made.kept.trust));
        for day in [0, 30, 59] {
            assert_eq!(change(moment(after(day), &names), Some(&made.kept), None), None, "day {day}");
        }
    }

    #[test]
    fn at_two_thirds_of_its_life_a_successor_waits_until_it_is_trusted() {
        let (names, old) = (names(), first());
        let day_61 = Moment { leads: false, ..moment(after(61), &names) };
        assert_eq!(change(day_61, Some(&old), None), None, "the leader does it");
        let day_61 = Moment { leads: true, ..day_61 };
        let renewed = change(day_61, Some(&old), None).expect("it is due").kept;
        let next = renewed.next.clone().expect("it waits");
        assert_eq!(renewed.current, old.current);
        assert!(day_61.takes(&old.current, &renewed.trust) && day_61.takes(&next, &renewed.trust), "both are trusted");
        // What the configurations said before does not do.
        for trusted in [None, Some(old.trust.as_str())] {
            assert_eq!(change(Moment { trusted, ..day_61 }, Some(&renewed), None), None);
        }
        let trusted = Some(renewed.trust.as_str());
        let not_leading = Moment { leads: false, trusted, ..day_61 };
        assert_eq!(change(not_leading, Some(&renewed), None), None);
        let promoted = change(Moment { trusted, ..day_61 }, Some(&renewed), None).expect("it is trusted").kept;
        assert_eq!(promoted, Kept { current: next, next: None, trust: renewed.trust.clone() });
        // The next renewal leaves two authorities, not three.
        let later = change(moment(after(130), &names), Some(&promoted), None).expect("it is due").kept;
        assert_eq!((authorities(&promoted.trust).len(), authorities(&later.trust).len()), (2, 2));
        assert!(moment(after(130), &names).takes(&later.current, &later.trust));
    }

    #[test]
    fn what_expired_while_nobody_looked_is_replaced_at_once() {
        let names = names();
        let late = Moment { leads: false, ..moment(after(100), &names) };
        let replaced = change(late, Some(&first()), None).expect("it has expired");
        assert_eq!((replaced.why, &replaced.kept.next), ("the certificate is no good", &None));
        assert!(late.takes(&replaced.kept.current, &replaced.kept.trust));
        // Also where this replica has shown it until then.
        let kept = first();
        assert_eq!(change(late, Some(&kept), Some(&kept)).expect("it has expired").why, replaced.why);
    }

    #[test]
    fn a_successor_that_waits_is_used_when_the_old_one_has_expired() {
        let names = names();
        let renewed = change(moment(after(61), &names), Some(&first()), None).expect("it is due").kept;
        let late = Moment { leads: false, ..moment(after(91), &names) };
        let promoted = change(late, Some(&renewed), None).expect("it has expired").kept;
        assert_eq!(Some(promoted.current), renewed.next);
    }

    #[test]
    fn what_was_spoilt_or_removed_goes_on_until_its_successor_is_trusted() {
        let (names, kept) = (names(), first());
        let now = moment(after(1), &names);
        let without_authority = Kept { trust: String::new(), ..kept.clone() };
        let other_key = Kept { current: Pair { key: first().current.key, ..kept.current.clone() }, ..kept.clone() };
        for stored in [None, Some(&without_authority), Some(&other_key)] {
            let repaired = change(now, stored, Some(&kept)).expect("it is no good").kept;
            assert_eq!(repaired.current, kept.current);
            let next = repaired.next.as_ref().expect("it waits");
            assert!(now.takes(&kept.current, &repaired.trust) && now.takes(next, &repaired.trust));
        }
        // After a start nobody remembers.
        let anew = change(now, Some(&without_authority), None).expect("it is no good").kept;
        assert!(anew.current != kept.current && now.takes(&anew.current, &anew.trust));
    }

    #[test]
    fn an_operator_with_another_name_gets_another_certificate() {
        let renamed = vec!["other.market.svc".to_owned()];
        let kept = first();
        let changed =
            change(moment(NOW, &renamed), Some(&kept), Some(&kept)).expect("it is not good for the name").kept;
        assert!(moment(NOW, &renamed).takes(&changed.current, &changed.trust));
    }

    #[test]
    fn a_secret_holds_all_of_it() {
        let names = names();
        let kept = change(moment(after(61), &names), Some(&first()), None).expect("it is due").kept;
        let stored = secret(&kept, None, &json!({"name": "hook", "namespace": "market"}));
        assert_eq!(stored["type"], "kubernetes.io/tls");
        assert_eq!(Kept::of_secret(&stored), Some(kept.clone()));
        let promoted = Kept { next: None, ..kept };
        let again = secret(&promoted, Some(&stored), &json!({}));
        assert_eq!(Kept::of_secret(&again), Some(promoted), "and nothing of what was there before");
        assert_eq!(again["metadata"]["name"], "hook");
        let foreign = json!({"data": {"tls.crt": "!", "tls.key": "Z2FyYmFnZQ=="}});
        assert_eq!(Kept::of_secret(&foreign), None);
    }
}
