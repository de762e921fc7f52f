//! The text a person reads about a change: one line a field.

use std::fmt::Write as _;

use serde_json::Value;

/// One field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `spec.replicas`, `spec.ports[0].name`.
    pub path: String,
    /// Before; absent where it was not there.
    pub before: Option<Value>,
    /// After; absent where it goes.
    pub after: Option<Value>,
}

/// The fields in which `wanted` differs from `live`, looking only at fields that `wanted` has: what server-side apply
/// would set. Lists are compared position by position.
pub fn changes(live: &Value, wanted: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", Some(live), wanted, &mut found);
    found
}

fn compare(path: &str, live: Option<&Value>, wanted: &Value, found: &mut Vec<Change>) {
    match (live, wanted) {
        (Some(Value::Object(live)), Value::Object(wanted)) => {
            for (key, value) in wanted {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, live.get(key), value, found);
            }
        }
        (Some(Value::Array(live)), Value::Array(wanted)) => {
            for (index, value) in wanted.iter().enumerate() {
                compare(&format!("{path}[{index}]"), live.get(index), value, found);
            }
            for (index, value) in live.iter().enumerate().skip(wanted.len()) {
                found.push(Change { path: format!("{path}[{index}]"), before: Some(value.clone()), after: None });
            }
        }
        (Some(live), wanted) if live == wanted => {}
        (live, wanted) => {
            found.push(Change { path: path.to_owned(), before: live.cloned(), after: Some(wanted.clone()) });
        }
    }
}

/// The changes as text: `~ spec.replicas: 3 -> 5`, `+` for what is new, `-` for what goes.
pub fn render(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { path, before, after } in changes {
        // Writing to a string cannot fail.
        let _ = match (before, after) {
            (None, Some(after)) => writeln!(text, "+ {path}: {after}"),
            (Some(before), Some(after)) => writeln!(text, "~ {path}: {before} -> {after}"),
            (Some(before), None) => writeln!(text, "- {path}: {before}"),
            (None, None) => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shows_what_apply_would_set_and_nothing_else() {
        let live = json!({"spec": {"replicas": 3, "defaulted": true, "ports": [{"name": "a"}, {"name": "b"}]}});
        let wanted = json!({"spec": {"replicas": 5, "ports": [{"name": "a"}], "service": "blue"}});
        assert_eq!(
            render(&changes(&live, &wanted)),
            "- spec.ports[1]: {\"name\":\"b\"}\n~ spec.replicas: 3 -> 5\n+ spec.service: \"blue\"\n"
        );
    }

    #[test]
    fn equal_objects_have_no_changes() {
        let object = json!({"a": [1, {"b": null}]});
        assert_eq!(changes(&object, &object), []);
    }
}
