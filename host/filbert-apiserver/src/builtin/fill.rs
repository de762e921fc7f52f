//! How default tables are applied.

use serde_json::Value;

/// One default, or a table of them for a part of the object.
pub(super) struct Row {
    /// Where: names joined by dots; `[]` after a name means each item of the list, `{}` each value of the map, `!` that the
    /// object is made where it is missing. What else is missing on the way is left alone.
    path: &'static str,
    fill: Fill,
    /// Only where the object that gets the default has this text in this field.
    when: Option<(&'static str, &'static [&'static str])>,
}

enum Fill {
    /// JSON that is put where the field is missing.
    Json(&'static str),
    /// Defaults of the part at the path.
    Table(&'static [Row]),
}

/// A default.
pub(super) const fn row(path: &'static str, json: &'static str) -> Row {
    Row { path, fill: Fill::Json(json), when: None }
}

/// A default that depends on a sibling.
pub(super) const fn row_when(
    path: &'static str,
    json: &'static str,
    field: &'static str,
    is: &'static [&'static str],
) -> Row {
    Row { path, fill: Fill::Json(json), when: Some((field, is)) }
}

/// The defaults of a part.
pub(super) const fn table(path: &'static str, rows: &'static [Row]) -> Row {
    Row { path, fill: Fill::Table(rows), when: None }
}

/// Applies a table, row by row.
pub(super) fn apply(rows: &[Row], value: &mut Value) {
    for row in rows {
        match row.fill {
            Fill::Table(nested) => walk(value, row.path, &mut |part| apply(nested, part)),
            Fill::Json(json) => {
                let (holder, leaf) = row.path.rsplit_once('.').unwrap_or(("", row.path));
                walk(value, holder, &mut |holder| put(holder, leaf, json, row.when));
            }
        }
    }
}

fn put(holder: &mut Value, leaf: &str, json: &str, when: Option<(&str, &[&str])>) {
    let Some(map) = holder.as_object_mut() else { return };
    if let Some((field, wanted)) = when {
        let present = map.get(field).and_then(Value::as_str).unwrap_or_default();
        if !wanted.contains(&present) {
            return;
        }
    }
    let missing = match map.get(leaf) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if missing {
        let value = serde_json::from_str(json).expect("the defaults are JSON");
        map.insert(leaf.to_owned(), value);
    }
}

/// Calls `act` with every value that the path leads to.
pub(super) fn walk(value: &mut Value, path: &str, act: &mut dyn FnMut(&mut Value)) {
    if path.is_empty() {
        return act(value);
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(map) = value.as_object_mut() else { return };
    if let Some(name) = step.strip_suffix('!') {
        let next = map.entry(name).or_insert_with(|| Value::Object(serde_json::Map::new()));
        return walk(next, rest, act);
    }
    if let Some(name) = step.strip_suffix("[]") {
        for item in map.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            walk(item, rest, act);
        }
        return;
    }
    if let Some(name) = step.strip_suffix("{}") {
        for (_, item) in map.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten() {
            walk(item, rest, act);
        }
        return;
    }
    if let Some(next) = map.get_mut(step) {
        walk(next, rest, act);
    }
}
