//! Writes the member configuration as YAML: keys in the order in which they were put in, four spaces a level. The text
//! must not change between versions without need: a checksum over parts of it decides about restarts.

// Writing to a `String` cannot fail, so what `writeln!` answers is not looked at.
use std::fmt::Write as _;

use serde_json::Value;

/// Readers look no further for the colon after a key, unless it is marked as one.
const LONGEST_KEY: usize = 1_000;

/// A document, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Keys with values, in order.
    Map(Vec<(String, Node)>),
    /// Items, in order.
    List(Vec<Node>),
    /// A text.
    Text(String),
    /// A word that people wrote without quotes: whatever a reader takes it for.
    Plain(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
}

impl Default for Node {
    fn default() -> Self {
        Self::Map(Vec::new())
    }
}

impl Node {
    /// A map without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a further key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Node>) -> Self {
        self.put(key, value);
        self
    }

    /// With a further key where there is a value.
    #[must_use]
    pub fn with_some<T: Into<Node>>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// With a further key unless the value is empty: a map without keys, a list without items, a text without letters.
    #[must_use]
    pub fn with_any(self, key: &str, value: impl Into<Node>) -> Self {
        let value = value.into();
        if value.is_empty() { self } else { self.with(key, value) }
    }

    /// Puts a further key in. Nothing happens to what is no map.
    pub fn put(&mut self, key: &str, value: impl Into<Node>) {
        if let Self::Map(entries) = self {
            entries.push((key.to_owned(), value.into()));
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Map(entries) => entries.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Text(text) => text.is_empty(),
            Self::Plain(_) | Self::Number(_) | Self::Bool(_) => false,
        }
    }

    /// As YAML.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    indent(depth, out);
                    let key = scalar(key);
                    if key.len() > LONGEST_KEY {
                        out.push_str("? ");
                        out.push_str(&key);
                        out.push('\n');
                        indent(depth, out);
                    } else {
                        out.push_str(&key);
                    }
                    value.write_value(depth, out);
                }
            }
            Self::List(items) => {
                for item in items {
                    indent(depth, out);
                    out.push('-');
                    item.write_item(depth, out);
                }
            }
            Self::Text(_) | Self::Plain(_) | Self::Number(_) | Self::Bool(_) => {
                let _ = writeln!(out, "{}", self.inline());
            }
        }
    }

    /// After a key.
    fn write_value(&self, depth: usize, out: &mut String) {
        if matches!(self, Self::Map(_) | Self::List(_)) && !self.is_empty() {
            out.push_str(":\n");
            self.write(depth + 1, out);
        } else {
            let _ = writeln!(out, ": {}", self.inline());
        }
    }

    /// After the dash of a list: the first key stands beside it.
    fn write_item(&self, depth: usize, out: &mut String) {
        if matches!(self, Self::Map(_) | Self::List(_)) && !self.is_empty() {
            let mut inner = String::new();
            self.write(depth + 1, &mut inner);
            out.push_str("   ");
            out.push_str(inner.trim_start());
        } else {
            let _ = writeln!(out, " {}", self.inline());
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Map(_) => "{}".to_owned(),
            Self::List(_) => "[]".to_owned(),
            Self::Text(text) => scalar(text),
            Self::Plain(word) if word.is_empty() || word == "~" => "null".to_owned(),
            // All that readers take for a number, a switch or the like is made of these; the rest is text.
            Self::Plain(word) if word.chars().all(|c| c.is_ascii_alphanumeric() || "+-_.".contains(c)) => word.clone(),
            Self::Plain(word) => scalar(word),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("    ");
    }
}

/// A text that YAML reads as this very text: as it is where nothing in it means anything, else as JSON, which is YAML too.
fn scalar(text: &str) -> String {
    // What a YAML 1.1 reader takes for something else than a text.
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '_');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./*$".contains(c);
    if starts_well && text.chars().all(is_plain) && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        // JSON lets a few characters stand that YAML wants escaped.
        let unprintable =
            |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        let mut quoted = String::new();
        for c in Value::from(text).to_string().chars() {
            if unprintable(c) {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            } else {
                quoted.push(c);
            }
        }
        quoted
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Node {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

impl From<&[String]> for Node {
    fn from(items: &[String]) -> Self {
        Self::List(items.iter().map(|item| Self::Text(item.clone())).collect())
    }
}

impl FromIterator<(String, Node)> for Node {
    /// Of entries with one key the last one counts: readers refuse a key that stands there twice.
    fn from_iter<I: IntoIterator<Item = (String, Node)>>(entries: I) -> Self {
        let mut map: Vec<(String, Node)> = Vec::new();
        for (key, value) in entries {
            match map.iter_mut().find(|(other, _)| *other == key) {
                Some((_, before)) => *before = value,
                None => map.push((key, value)),
            }
        }
        Self::Map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_indents_by_four() {
        let node = Node::new()
            .with("zebra", Node::new().with("b", 1).with("a", true))
            .with("empty", Node::new())
            .with("list", vec![Node::new().with("name", "x").with("size", 2), Node::from("plain")]);
        assert_eq!(
            node.to_yaml(),
            "zebra:\n    b: 1\n    a: true\nempty: {}\nlist:\n    -   name: x\n        size: 2\n    - plain\n"
        );
    }

    #[test]
    fn of_entries_with_one_key_the_last_counts() {
        let entries = [("a", 1), ("b", 2), ("a", 3)].map(|(key, value)| (key.to_owned(), Node::from(value)));
        assert_eq!(Node::from_iter(entries).to_yaml(), "a: 3\nb: 2\n");
    }

    #[test]
    fn every_text_is_read_back_as_itself() {
        let texts = [
            "dev",
            "true",
            "No",
            "~",
            "",
            "1",
            "1.5",
            "0x10",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "'x'",
            "\"",
            "a\nb",
            "*x",
            "&x",
            "{}",
            "[",
            "%",
            "@",
            "`",
            "/data/x",
            "ü",
            "\u{7f}",
            "<<",
            "=",
            "2001-01-01",
            "a b",
            "*.orders",
            "?",
        ];
        let node = Node::from(texts.map(Node::from).to_vec());
        let read: Vec<String> = serde_saphyr::from_str(&node.to_yaml()).expect("YAML");
        assert_eq!(read, texts);
    }
}
