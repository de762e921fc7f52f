//! What differs about an object, as people read it: long texts line by line, and nothing that a Secret keeps.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::diff::Change;
use serde_json::Value;
use similar::TextDiff;

/// Whether what Secrets keep is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// Only that it differs.
    Hidden,
    /// As it is.
    Shown,
}

/// Lines about what differs: `~ spec.replicas: 3 -> 5`; `+` for what is new, `-` for what goes. Texts of several lines are
/// compared line by line below their path. `plural` is that of the object: what Secrets keep is told by its size only,
/// unless it is to be shown.
pub(crate) fn lines(plural: &str, changes: &[Change], secrets: Secrets) -> Vec<String> {
    let is_secret = plural == "secrets";
    let mut found = Vec::new();
    for Change { path, before, after } in changes {
        let keeps = is_secret && kept(path);
        let (sign, before, after) = match (before, after) {
            (None, None) => continue,
            (None, Some(after)) => ('+', None, Some(after)),
            (Some(before), None) => ('-', Some(before), None),
            (Some(before), Some(after)) => ('~', Some(before), Some(after)),
        };
        if keeps && secrets == Secrets::Hidden {
            let sizes: Vec<_> = before.into_iter().chain(after).map(size).collect();
            found.push(format!("{sign} {path}: {} (hidden)", sizes.join(" -> ")));
            continue;
        }
        let readable = |value: &Value| decoded(value).filter(|_| keeps).map_or_else(|| value.clone(), Value::from);
        let (before, after) = (before.map(readable), after.map(readable));
        let text = |value: &Option<Value>| {
            value.as_ref().map_or(Some(String::new()), |value| value.as_str().map(str::to_owned))
        };
        match (text(&before), text(&after)) {
            (Some(before), Some(after)) if before.contains('\n') || after.contains('\n') => {
                found.push(format!("{sign} {path}:"));
                found.extend(line_by_line(&before, &after));
            }
            _ => {
                let values: Vec<_> = before.iter().chain(&after).map(Value::to_string).collect();
                found.push(format!("{sign} {path}: {}", values.join(" -> ")));
            }
        }
    }
    found
}

/// Whether a path of a Secret leads to what it keeps.
fn kept(path: &str) -> bool {
    ["data", "stringData"].into_iter().any(|field| path == field || path.starts_with(&format!("{field}.")))
}

/// How much a Secret keeps.
fn size(value: &Value) -> String {
    match value {
        Value::Object(entries) => format!("{} entries", entries.len()),
        Value::String(text) => {
            let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
            format!("{} bytes", (text.len() / 4 * 3).saturating_sub(padding))
        }
        _ => "no text".to_owned(),
    }
}

/// The text that a Secret keeps, where it is one.
fn decoded(value: &Value) -> Option<String> {
    String::from_utf8(STANDARD.decode(value.as_str()?).ok()?).ok()
}

/// Lines that differ, each with two lines around it, so that it can be seen where they are.
fn line_by_line(before: &str, after: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let difference = TextDiff::from_lines(before, after);
    for (index, group) in difference.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            lines.push("    ...".to_owned());
        }
        for change in group.iter().flat_map(|operation| difference.iter_changes(operation)) {
            let mut line = String::new();
            // Writing to a string cannot fail.
            let _ = write!(line, "    {} {}", change.tag(), change.value().trim_end_matches('\n'));
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(path: &str, before: &Value, after: &Value) -> Change {
        let there = |value: &Value| (!value.is_null()).then(|| value.clone());
        Change { path: path.to_owned(), before: there(before), after: there(after) }
    }

    #[test]
    fn single_values_stand_on_one_line() {
        let changes = [
            change("spec.replicas", &json!(3), &json!(5)),
            change("spec.paused", &Value::Null, &json!(true)),
            change("spec.tolerations[0]", &json!({"key": "night"}), &Value::Null),
        ];
        let expected = ["~ spec.replicas: 3 -> 5", "+ spec.paused: true", r#"- spec.tolerations[0]: {"key":"night"}"#];
        assert_eq!(lines("statefulsets", &changes, Secrets::Hidden), expected);
    }

    #[test]
    fn long_texts_show_the_lines_that_differ_and_where_they_are() {
        let before = "jet:\n  enabled: true\nmap:\n  roads:\n    ttl: 0\nqueue:\n  jobs:\n    size: 1\ntopic: {}\n";
        let after = before.replace("enabled: true", "enabled: false").replace("size: 1", "size: 2");
        let changes = [change("data.config", &json!(before), &json!(after))];
        let expected = [
            "~ data.config:",
            "      jet:",
            "    -   enabled: true",
            "    +   enabled: false",
            "      map:",
            "        roads:",
            "    ...",
            "      queue:",
            "        jobs:",
            "    -     size: 1",
            "    +     size: 2",
            "      topic: {}",
        ];
        assert_eq!(lines("configmaps", &changes, Secrets::Hidden), expected);
    }

    #[test]
    fn what_a_secret_keeps_is_told_by_its_size_unless_somebody_wants_to_see_it() {
        let encode = |text: &str| json!(STANDARD.encode(text));
        let changes = [
            change("metadata.labels.app", &json!("a"), &json!("b")),
            change("data.login", &encode("name: ann\nword: open\n"), &encode("name: ann\nword: sesame\n")),
            change("data.store", &Value::Null, &json!(STANDARD.encode([0xfe, 0xed]))),
        ];
        let hidden = [
            r#"~ metadata.labels.app: "a" -> "b""#,
            "~ data.login: 21 bytes -> 23 bytes (hidden)",
            "+ data.store: 2 bytes (hidden)",
        ];
        assert_eq!(lines("secrets", &changes, Secrets::Hidden), hidden);
        let shown = [
            r#"~ metadata.labels.app: "a" -> "b""#,
            "~ data.login:",
            "      name: ann",
            "    - word: open",
            "    + word: sesame",
            r#"+ data.store: "/u0=""#,
        ];
        assert_eq!(lines("secrets", &changes, Secrets::Shown), shown);
    }
}
