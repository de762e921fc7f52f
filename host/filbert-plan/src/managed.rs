//! `metadata.managedFields`: who wrote which fields of an object. Read to say who changed something, and rewritten when an
//! installation is taken over.

use serde_json::{Map, Value, json};

/// A field that somebody else has taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// `spec.ports[0].port`.
    pub field: String,
    /// The field manager that has it now; absent where nobody has, because the field was taken away.
    pub by: Option<String>,
}

/// Whether a write was an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Everything else: create, update, patch.
    Update,
}

/// One entry, without its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// How it wrote.
    pub operation: Operation,
    /// Through which sub-resource; empty for the object itself.
    pub subresource: String,
}

fn entries(object: &Value) -> &[Value] {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn manager(entry: &Value) -> Manager {
    Manager {
        name: text(entry, "manager").to_owned(),
        operation: if text(entry, "operation") == "Apply" { Operation::Apply } else { Operation::Update },
        subresource: text(entry, "subresource").to_owned(),
    }
}

/// Everybody who owns fields of an object.
pub fn managers(object: &Value) -> impl Iterator<Item = Manager> {
    entries(object).iter().map(manager)
}

/// `managedFields` in which what the managers `from` own by updates is the applier `to`'s; nothing where they own
/// nothing. The next apply of `to` then takes away what it does not say, which it could not do as one owner among others.
/// The same is done by `kubectl` and by client-go for objects on their way to server-side apply.
pub fn moved(object: &Value, from: &[String], to: &str, subresource: &str) -> Option<Vec<Value>> {
    let of = |entry: &Value| {
        let Manager { name, operation, subresource: through } = manager(entry);
        through == subresource
            && match operation {
                Operation::Update => from.contains(&name),
                Operation::Apply => name == to,
            }
    };
    let (joined, mut rest): (Vec<_>, Vec<_>) = entries(object).iter().partition(|entry| of(entry));
    if !joined.iter().any(|entry| manager(entry).operation == Operation::Update) {
        return None;
    }
    let mut fields = json!({});
    for entry in &joined {
        unite(&mut fields, entry.get("fieldsV1").unwrap_or(&Value::Null));
    }
    let newest = joined.iter().max_by_key(|entry| text(entry, "time"))?;
    let mut entry = Map::new();
    entry.insert("manager".to_owned(), to.into());
    entry.insert("operation".to_owned(), "Apply".into());
    for field in ["apiVersion", "time"] {
        if let Some(value) = newest.get(field) {
            entry.insert(field.to_owned(), value.clone());
        }
    }
    entry.insert("fieldsType".to_owned(), "FieldsV1".into());
    entry.insert("fieldsV1".to_owned(), fields);
    if !subresource.is_empty() {
        entry.insert("subresource".to_owned(), subresource.into());
    }
    let entry = Value::Object(entry);
    rest.push(&entry);
    Some(rest.into_iter().cloned().collect())
}

/// Which of the managers `others` wrote last, where that is not before the last apply of `ours`.
pub fn later<'a>(object: &Value, others: &'a [String], ours: &str, subresource: &str) -> Option<&'a str> {
    let entries = || entries(object).iter().filter(|entry| text(entry, "subresource") == subresource);
    let is_ours = |entry: &&&Value| text(entry, "manager") == ours && text(entry, "operation") == "Apply";
    let ours = text(entries().find(|entry| is_ours(&entry))?, "time");
    let later = entries().filter(|entry| text(entry, "operation") == "Update" && text(entry, "time") >= ours);
    let named = later.filter_map(|entry| others.iter().find(|other| *other == text(entry, "manager")));
    named.map(String::as_str).next()
}

/// A field that is itself a member of the set is an empty object, or holds this key beside the fields below it.
const ITSELF: &str = ".";

/// The union of two sets of fields.
fn unite(into: &mut Value, from: &Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { return };
    for (name, below) in from {
        match into.get_mut(name) {
            None => {
                into.insert(name.clone(), below.clone());
            }
            Some(here) => {
                let is_leaf = |node: &Value| node.as_object().is_some_and(Map::is_empty);
                match (name == ITSELF, is_leaf(here), is_leaf(below)) {
                    (true, ..) | (false, true, true) => {}
                    (false, leaf_here, leaf_below) => {
                        unite(here, below);
                        if let (true, Value::Object(here)) = (leaf_here || leaf_below, here) {
                            here.entry(ITSELF).or_insert_with(|| json!({}));
                        }
                    }
                }
            }
        }
    }
}

/// The fields of `wanted` that the applier `ours` does not own any more and that are different now, with whoever has them:
/// what somebody set back. A field that only looks different, because the server writes it in another way, is still ours.
pub fn taken(live: &Value, wanted: &Value, ours: &str, subresource: &str) -> Vec<Taken> {
    let nodes: Vec<_> = entries(live)
        .iter()
        // What is written through `scale` is a field of the object itself.
        .filter(|entry| (text(entry, "subresource") == "status") == (subresource == "status"))
        // An entry without fields owns nothing; below, a place without fields is owned as a whole.
        .filter(|entry| entry.get("fieldsV1").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty()))
        .filter_map(|entry| {
            let by = manager(entry);
            // Ours by an apply, or because we created it.
            let is_ours = by.name == ours;
            Some(Node { by: by.name, is_ours, time: text(entry, "time"), fields: entry.get("fieldsV1")? })
        })
        .collect();
    let mut found = Vec::new();
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        match (name.as_str(), wanted) {
            // No fields that anybody manages.
            ("apiVersion" | "kind", _) => {}
            ("metadata", Value::Object(fields)) => {
                let below = below(&nodes, "f:metadata");
                for (name, wanted) in fields {
                    if !matches!(name.as_str(), "name" | "namespace" | "uid") {
                        let nodes = self::below(&below, &format!("f:{name}"));
                        let live = live.pointer("/metadata").and_then(|metadata| metadata.get(name));
                        compare(&format!("metadata.{name}"), live, wanted, &nodes, &mut found);
                    }
                }
            }
            _ => compare(name, live.get(name), wanted, &below(&nodes, &format!("f:{name}")), &mut found),
        }
    }
    if found.iter().any(|taken| taken.by.is_none()) {
        // Who takes a field away leaves no trace but the time of the write.
        let latest = nodes.iter().filter(|node| !node.is_ours).max_by_key(|node| node.time);
        let ours = nodes.iter().find(|node| node.is_ours).map(|node| node.time).unwrap_or_default();
        let latest = latest.filter(|node| node.time >= ours).map(|node| node.by.clone());
        for taken in found.iter_mut().filter(|taken| taken.by.is_none()) {
            taken.by.clone_from(&latest);
        }
    }
    found
}

/// What one manager owns at and below a place.
#[derive(Clone)]
struct Node<'a> {
    by: String,
    is_ours: bool,
    time: &'a str,
    fields: &'a Value,
}

impl Node<'_> {
    /// Owned as a whole: what is below has no owners of its own.
    fn is_whole(&self) -> bool {
        self.fields.as_object().is_some_and(Map::is_empty)
    }
}

/// The nodes one name deeper. What is owned as a whole is owned all the way down.
fn below<'a>(nodes: &[Node<'a>], name: &str) -> Vec<Node<'a>> {
    let deeper = nodes.iter().filter_map(|node| {
        if node.is_whole() {
            return Some(node.clone());
        }
        Some(Node { fields: node.fields.get(name)?, ..node.clone() })
    });
    deeper.collect()
}

fn compare(path: &str, live: Option<&Value>, wanted: &Value, nodes: &[Node<'_>], found: &mut Vec<Taken>) {
    // Who owns nothing below a place may own all of it, or only that it is there: an update leaves that when others take
    // its fields. Where anybody owns parts, it has parts.
    let has_parts = nodes.iter().any(|node| !node.is_whole());
    let is_whole = !has_parts && !nodes.is_empty();
    let nodes: Vec<_> = nodes.iter().filter(|node| is_whole || !node.is_whole()).cloned().collect();
    let nodes = nodes.as_slice();
    match (live, wanted) {
        (Some(Value::Object(live)), Value::Object(wanted)) if !is_whole => {
            for (name, wanted) in wanted {
                let nodes = below(nodes, &format!("f:{name}"));
                compare(&format!("{path}.{name}"), live.get(name), wanted, &nodes, found);
            }
        }
        (Some(Value::Array(live)), Value::Array(wanted)) if !is_whole => {
            let keys = keys(nodes);
            for (index, wanted) in wanted.iter().enumerate() {
                let path = format!("{path}[{index}]");
                if keys.is_empty() {
                    // A set: its members are what counts.
                    let name = format!("v:{wanted}");
                    let live = live.iter().find(|live| *live == wanted);
                    compare(&path, live, wanted, &below(nodes, &name), found);
                    continue;
                }
                let live = live.iter().find(|live| same_key(&keys, live, wanted));
                let nodes: Vec<_> = nodes.iter().filter_map(|node| item(node, &keys, wanted)).collect();
                compare(&path, live, wanted, &nodes, found);
            }
        }
        (Some(live), wanted) if live == wanted => {}
        _ => {
            if !nodes.iter().any(|node| node.is_ours) {
                let by = nodes.iter().max_by_key(|node| node.time).map(|node| node.by.clone());
                found.push(Taken { field: path.to_owned(), by });
            }
        }
    }
}

/// Names of the fields by which items of a list are told apart; none for a set.
fn keys(nodes: &[Node<'_>]) -> Vec<String> {
    let names = nodes.iter().filter_map(|node| node.fields.as_object()).flat_map(Map::keys);
    let key = names.filter_map(|name| name.strip_prefix("k:")).find_map(|key| serde_json::from_str(key).ok());
    let key: Map<String, Value> = key.unwrap_or_default();
    key.into_iter().map(|(name, _)| name).collect()
}

/// What is left out has a default, which is not known here: then the rest decides.
fn same_key(keys: &[String], live: &Value, wanted: &Value) -> bool {
    keys.iter().all(|key| wanted.get(key).is_none_or(|wanted| live.get(key) == Some(wanted)))
}

fn item<'a>(node: &Node<'a>, keys: &[String], wanted: &Value) -> Option<Node<'a>> {
    let mut items = node.fields.as_object()?.iter();
    let (_, fields) = items.find(|(name, _)| {
        let key = name.strip_prefix("k:").and_then(|key| serde_json::from_str::<Value>(key).ok());
        key.is_some_and(|key| same_key(keys, &key, wanted))
    })?;
    Some(Node { fields, ..node.clone() })
}

#[cfg(test)]
mod tests;
