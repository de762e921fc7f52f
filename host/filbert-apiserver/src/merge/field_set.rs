//! Sets of field paths, the algebra over them, and their form in `fieldsV1`.

use super::path::{BadElement, PathElement, Trail};
use serde_json::{Map, Value};
use std::{borrow::Cow, cmp::Ordering};

/// A set of field paths.
///
/// A path and what lies below it are independent: a list item can be in the set without any of its fields, and a field
/// without its parents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element, one entry each; no entry without `member` or something below.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    element: PathElement,
    /// The path that ends here is in the set.
    member: bool,
    below: FieldSet,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

/// What of the entries on either side an operation keeps.
#[derive(Clone, Copy)]
enum Operation {
    Union,
    Intersection,
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of these paths of plain fields.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::new();
        for path in paths {
            let mut trail: Vec<Cow<'_, PathElement>> = Vec::new();
            trail.extend(path.iter().map(|name| Cow::Owned(PathElement::Field((*name).to_owned()))));
            set.insert(&trail);
        }
        set
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a path. The empty path (the object itself) is never a member.
    pub fn insert(&mut self, path: &[Cow<'_, PathElement>]) {
        let Some((first, rest)) = path.split_first() else { return };
        let at = match self.find(first) {
            Ok(at) => at,
            Err(at) => {
                self.entries
                    .insert(at, Entry { element: first.clone().into_owned(), member: false, below: FieldSet::new() });
                at
            }
        };
        if let Some(entry) = self.entries.get_mut(at) {
            if rest.is_empty() {
                entry.member = true;
            } else {
                entry.below.insert(rest);
            }
        }
    }

    pub(crate) fn insert_trail(&mut self, trail: &Trail<'_>) {
        self.insert(&trail.elements());
    }

    /// Appends an entry that is known to come after all others.
    ///
    /// # Assumptions
    /// The element is greater than every element of this set; anything else falls back to an ordered insertion.
    pub(crate) fn push(&mut self, element: PathElement, member: bool, below: FieldSet) {
        let entry = Entry { element, member, below };
        if entry.is_empty() {
            return;
        }
        match self.entries.last() {
            Some(last) if last.element >= entry.element => match self.find(&entry.element) {
                Ok(at) => {
                    if let Some(existing) = self.entries.get_mut(at) {
                        existing.member |= entry.member;
                        existing.below = existing.below.union(&entry.below);
                    }
                }
                Err(at) => self.entries.insert(at, entry),
            },
            _ => self.entries.push(entry),
        }
    }

    /// Whether this one-step path is in the set.
    pub(crate) fn has(&self, element: &PathElement) -> bool {
        self.entry(element).is_some_and(|entry| entry.member)
    }

    /// Whether a path of plain fields is in the set.
    pub fn has_fields(&self, path: &[&str]) -> bool {
        let mut set = self;
        let mut member = false;
        for name in path {
            let Some(entry) = set.field_entry(name) else { return false };
            member = entry.member;
            set = &entry.below;
        }
        member
    }

    /// What of the set lies below an element; `None` where nothing does.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&FieldSet> {
        self.entry(element).map(|entry| &entry.below).filter(|below| !below.is_empty())
    }

    /// For a plain field: whether it is in the set, and what lies below it.
    pub(crate) fn field(&self, name: &str) -> (bool, Option<&FieldSet>) {
        match self.field_entry(name) {
            Some(entry) => (entry.member, Some(&entry.below).filter(|below| !below.is_empty())),
            None => (false, None),
        }
    }

    /// Elements on the first level: each with whether it is a member, and what lies below.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PathElement, bool, &FieldSet)> {
        self.entries.iter().map(|entry| (&entry.element, entry.member, &entry.below))
    }

    /// All paths that are in either set.
    #[must_use]
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        self.combine(other, Operation::Union)
    }

    /// All paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        self.combine(other, Operation::Intersection)
    }

    /// All paths of this set that are not in the other.
    #[must_use]
    pub fn difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract(other, false);
        self
    }

    /// All paths of this set that neither are in the other nor lie below one of its paths.
    #[must_use]
    pub fn deep_difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract(other, true);
        self
    }

    /// Takes the paths of the other set out of this one; with `deep` also all that lies below them.
    fn subtract(&mut self, other: &FieldSet, deep: bool) {
        for theirs in &other.entries {
            let Ok(at) = self.find(&theirs.element) else { continue };
            let Some(ours) = self.entries.get_mut(at) else { continue };
            ours.member &= !theirs.member;
            if theirs.member && deep {
                ours.below = FieldSet::new();
            }
            ours.below.subtract(&theirs.below, deep);
            if ours.is_empty() {
                self.entries.remove(at);
            }
        }
    }

    /// Whether every path of this set is in the other.
    pub fn is_subset_of(&self, other: &FieldSet) -> bool {
        let mut rest = other.entries.iter();
        self.entries.iter().all(|entry| {
            let found = rest.find(|candidate| candidate.element >= entry.element);
            found.is_some_and(|other| {
                other.element == entry.element
                    && (!entry.member || other.member)
                    && entry.below.is_subset_of(&other.below)
            })
        })
    }

    /// The paths in their order: what is on a level before what lies below it.
    pub fn paths(&self) -> Vec<String> {
        self.each_path().into_iter().map(|(path, _)| path).collect()
    }

    /// Each path with the set of just that path, ordered as [`FieldSet::paths`].
    pub(crate) fn each_path(&self) -> Vec<(String, FieldSet)> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths<'s>(
        &'s self,
        prefix: &str,
        above: &mut Vec<Cow<'s, PathElement>>,
        paths: &mut Vec<(String, FieldSet)>,
    ) {
        for entry in self.entries.iter().filter(|entry| entry.member) {
            above.push(Cow::Borrowed(&entry.element));
            let mut set = FieldSet::new();
            set.insert(above);
            paths.push((format!("{prefix}{}", entry.element), set));
            above.pop();
        }
        for entry in self.entries.iter().filter(|entry| !entry.below.is_empty()) {
            above.push(Cow::Borrowed(&entry.element));
            entry.below.collect_paths(&format!("{prefix}{}", entry.element), above, paths);
            above.pop();
        }
    }

    /// The `fieldsV1` form.
    pub fn encode(&self) -> Value {
        Value::Object(self.encode_below(false))
    }

    fn encode_below(&self, itself: bool) -> Map<String, Value> {
        let mut map = Map::new();
        if itself && !self.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for entry in &self.entries {
            let below = entry.below.encode_below(entry.member);
            map.insert(entry.element.encode(), Value::Object(below));
        }
        map
    }

    /// Whether a `fieldsV1` value is what this set would be written as.
    pub(crate) fn is_written_as(&self, value: &Value) -> bool {
        self.is_written_below(value, false, &mut String::new())
    }

    fn is_written_below(&self, value: &Value, itself: bool, key: &mut String) -> bool {
        let Value::Object(map) = value else { return false };
        let dot = usize::from(itself && !self.is_empty());
        map.len() == self.entries.len() + dot
            && (dot == 0 || map.contains_key("."))
            && self.entries.iter().all(|entry| {
                key.clear();
                entry.element.encode_into(key);
                let below = map.get(key.as_str());
                below.is_some_and(|below| entry.below.is_written_below(below, entry.member, key))
            })
    }

    /// The set that a `fieldsV1` value describes.
    pub fn decode(value: &Value) -> Result<Self, BadElement> {
        Ok(Self::decode_level(value)?.1)
    }

    fn decode_level(value: &Value) -> Result<(bool, Self), BadElement> {
        let mut set = FieldSet::new();
        let mut itself = false;
        if let Value::Object(map) = value {
            // An element with nothing in it stands for itself.
            itself = map.is_empty();
            for (key, value) in map {
                if key == "." {
                    itself = true;
                    continue;
                }
                let (member, below) = Self::decode_level(value)?;
                set.push(PathElement::decode(key)?, member, below);
            }
        }
        Ok((itself, set))
    }

    fn combine(&self, other: &FieldSet, operation: Operation) -> FieldSet {
        let mut result = Vec::new();
        let (mut left, mut right) = (self.entries.iter().peekable(), other.entries.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(l), Some(r)) => l.element.cmp(&r.element),
            };
            let entry = match order {
                Ordering::Less => left.next().filter(|_| !matches!(operation, Operation::Intersection)).cloned(),
                Ordering::Greater => right.next().filter(|_| matches!(operation, Operation::Union)).cloned(),
                Ordering::Equal => left.next().zip(right.next()).map(|(l, r)| Entry {
                    element: l.element.clone(),
                    member: match operation {
                        Operation::Union => l.member || r.member,
                        Operation::Intersection => l.member && r.member,
                    },
                    below: l.below.combine(&r.below, operation),
                }),
            };
            result.extend(entry.filter(|entry| !entry.is_empty()));
        }
        FieldSet { entries: result }
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.element.cmp(element))
    }

    fn entry(&self, element: &PathElement) -> Option<&Entry> {
        self.find(element).ok().and_then(|at| self.entries.get(at))
    }

    fn field_entry(&self, name: &str) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|entry| match &entry.element {
            PathElement::Field(field) => field.as_str().cmp(name),
            _ => Ordering::Greater,
        });
        found.ok().and_then(|at| self.entries.get(at))
    }
}

#[cfg(test)]
mod tests;
