//! The list of known differences.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;

type Key = (String, String, String);

/// `differences.tsv`: topic, case and step, with the reason.
pub struct Differences {
    reasons: BTreeMap<Key, String>,
}

/// Topics run at the same time, and write one file.
static FILE: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    crate::data().join("differences.tsv")
}

impl Differences {
    pub fn load() -> Self {
        let text = std::fs::read_to_string(path()).unwrap_or_default();
        let reasons = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| {
                let mut cells = line.splitn(4, '\t').map(str::to_owned);
                let mut next = || cells.next().unwrap_or_default();
                ((next(), next(), next()), next())
            })
            .collect();
        Self { reasons }
    }

    /// What the list does not say, or says wrongly; with `bless` the list is written anew instead.
    pub fn compare(&mut self, topic: &str, found: &BTreeMap<(String, String), String>, bless: bool) -> Vec<String> {
        if bless {
            let _guard = FILE.lock().expect("nobody panics while writing");
            *self = Self::load();
            let old = std::mem::take(&mut self.reasons);
            self.reasons =
                old.iter().filter(|((of, _, _), _)| of != topic).map(|(key, why)| (key.clone(), why.clone())).collect();
            for ((case, step), difference) in found {
                println!("{topic} {case} / {step}: {difference}");
                let key = (topic.to_owned(), case.clone(), step.clone());
                let reason = old.get(&key).cloned().unwrap_or_default();
                self.reasons.insert(key, reason);
            }
            self.write();
            return Vec::new();
        }
        let key = |case: &str, step: &str| (topic.to_owned(), case.to_owned(), step.to_owned());
        let unlisted = found
            .iter()
            .filter(|((case, step), _)| self.reasons.get(&key(case, step)).is_none_or(String::is_empty))
            .map(|((case, step), difference)| {
                format!("{case} / {step} differs and has no reason in the list: {difference}")
            });
        let matching = self
            .reasons
            .keys()
            .filter(|(of, case, step)| of == topic && !found.contains_key(&(case.clone(), step.clone())))
            .map(|(_, case, step)| format!("{case} / {step} is listed as different and matches"));
        unlisted.chain(matching).collect()
    }

    fn write(&self) {
        let mut text = String::from(
            "# Exchanges answered differently: topic, case, step, reason. Written by: BLESS=1 cargo test -p filbert-apiserver --test api_server\n",
        );
        for ((topic, case, step), reason) in &self.reasons {
            writeln!(text, "{topic}\t{case}\t{step}\t{reason}").expect("writing to a string");
        }
        std::fs::write(path(), text).expect("the list can be written");
    }
}
