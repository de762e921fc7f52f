//! The objects of one watch, found by name and by whom they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Cached, OWNED_BY};

/// Namespace and name.
pub(super) type Name = (Option<String>, String);

/// The objects of one watch.
#[derive(Debug, Default)]
pub(super) struct Held {
    by_name: BTreeMap<Name, Arc<Cached>>,
    /// Names by [`OWNED_BY`]: every pass asks for the objects of one owner, which may be few of very many.
    by_owner: BTreeMap<String, BTreeSet<Name>>,
}

impl Held {
    pub(super) fn get(&self, name: &Name) -> Option<&Arc<Cached>> {
        self.by_name.get(name)
    }

    /// All, by namespace and name.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Cached>> {
        self.by_name.values()
    }

    /// Those that carry [`OWNED_BY`] with this uid, by namespace and name.
    pub(super) fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Arc<Cached>> {
        self.by_owner.get(uid).into_iter().flatten().filter_map(|name| self.by_name.get(name))
    }

    /// Answers what was there before.
    pub(super) fn insert(&mut self, name: Name, cached: Arc<Cached>) -> Option<Arc<Cached>> {
        let before = self.remove(&name);
        if let Some(owner) = owner(&cached) {
            self.by_owner.entry(owner.to_owned()).or_default().insert(name.clone());
        }
        self.by_name.insert(name, cached);
        before
    }

    /// Answers what was there.
    pub(super) fn remove(&mut self, name: &Name) -> Option<Arc<Cached>> {
        let before = self.by_name.remove(name)?;
        if let Some(owner) = owner(&before)
            && let Some(names) = self.by_owner.get_mut(owner)
        {
            names.remove(name);
            if names.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(before)
    }

    /// Holds exactly these; answers what was there before.
    pub(super) fn replace(&mut self, objects: BTreeMap<Name, Arc<Cached>>) -> BTreeMap<Name, Arc<Cached>> {
        let before = std::mem::take(self);
        for (name, cached) in objects {
            self.insert(name, cached);
        }
        before.by_name
    }
}

fn owner(cached: &Cached) -> Option<&str> {
    cached.object.get("metadata")?.get("labels")?.get(OWNED_BY).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(name: &str) -> Name {
        (Some("default".to_owned()), name.to_owned())
    }

    fn cached(owner: Option<&str>) -> Arc<Cached> {
        let labels = owner.map(|owner| json!({ OWNED_BY: owner })).unwrap_or_default();
        Arc::new(Cached::new(json!({"metadata": {"labels": labels}})))
    }

    fn owned(held: &Held, uid: &str) -> usize {
        held.owned_by(uid).count()
    }

    #[test]
    fn objects_are_found_by_the_owner_they_have_now() {
        let mut held = Held::default();
        held.insert(name("a"), cached(Some("1")));
        held.insert(name("b"), cached(Some("1")));
        held.insert(name("c"), cached(None));
        assert_eq!((owned(&held, "1"), owned(&held, "2")), (2, 0));
        assert!(held.insert(name("a"), cached(Some("2"))).is_some());
        assert_eq!((owned(&held, "1"), owned(&held, "2")), (1, 1));
        held.insert(name("a"), cached(None));
        assert!(held.remove(&name("b")).is_some());
        assert_eq!((owned(&held, "1"), owned(&held, "2"), held.all().count()), (0, 0, 2));
        assert!(held.by_owner.is_empty(), "nothing is left behind");
    }

    #[test]
    fn a_new_list_leaves_nothing_of_the_old_one() {
        let mut held = Held::default();
        held.insert(name("a"), cached(Some("1")));
        let before = held.replace(BTreeMap::from([(name("b"), cached(Some("2")))]));
        assert_eq!(before.len(), 1);
        assert_eq!((owned(&held, "1"), owned(&held, "2"), held.all().count()), (0, 1, 1));
    }
}
