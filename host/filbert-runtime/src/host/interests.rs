//! Whom a change concerns.

use std::collections::{BTreeMap, BTreeSet};

use filbert_engine::Query;
use filbert_kube::Change;
use filbert_plan::grant::labels_of;
use filbert_plan::object::{ObjectKey, ResourceType};

use crate::observe::Question;
use crate::pass::Kept;

/// Who depends on what, from the read sets and the applied objects of the last pass of each object.
#[derive(Default)]
pub(super) struct Interests {
    of_key: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    of_type: BTreeMap<ResourceType, BTreeMap<ObjectKey, Vec<Query>>>,
    by_object: BTreeMap<ObjectKey, (Vec<ObjectKey>, Vec<Query>)>,
}

impl Interests {
    pub(super) fn replace(&mut self, of: &ObjectKey, kept: &Kept) {
        self.remove(of);
        let mut keys = kept.applied.clone();
        let mut queries = Vec::new();
        for question in kept.memo.questions() {
            match question {
                Question::Get(key, _) => keys.push(key.clone()),
                Question::List(query, _) => queries.push(query.clone()),
                _ => {}
            }
        }
        keys.sort();
        keys.dedup();
        queries.sort();
        queries.dedup();
        for key in &keys {
            self.of_key.entry(key.clone()).or_default().insert(of.clone());
        }
        for query in &queries {
            self.of_type.entry(query.resource.clone()).or_default().entry(of.clone()).or_default().push(query.clone());
        }
        self.by_object.insert(of.clone(), (keys, queries));
    }

    pub(super) fn remove(&mut self, of: &ObjectKey) {
        let Some((keys, queries)) = self.by_object.remove(of) else { return };
        for key in keys {
            if let Some(concerned) = self.of_key.get_mut(&key) {
                concerned.remove(of);
                if concerned.is_empty() {
                    self.of_key.remove(&key);
                }
            }
        }
        for query in queries {
            if let Some(concerned) = self.of_type.get_mut(&query.resource) {
                concerned.remove(of);
            }
        }
    }

    pub(super) fn concerned(&self, change: &Change) -> BTreeSet<ObjectKey> {
        let mut concerned = self.of_key.get(&change.key).cloned().unwrap_or_default();
        let Some(queries) = self.of_type.get(&change.key.resource) else { return concerned };
        // An object that leaves a selection concerns those who listed it before.
        let states: Vec<_> =
            [&change.before, &change.after].into_iter().flatten().map(|cached| labels_of(&cached.object)).collect();
        for (of, queries) in queries {
            let listed = queries.iter().any(|query| {
                query.namespace.as_ref().is_none_or(|namespace| change.key.namespace.as_ref() == Some(namespace))
                    && states.iter().any(|labels| query.labels.iter().all(|requirement| requirement.holds(labels)))
            });
            if listed {
                concerned.insert(of.clone());
            }
        }
        concerned
    }
}
