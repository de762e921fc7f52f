//! Configuration documents mean the same to every reader of YAML, of version 1.1 and of 1.2: a text that people wrote stays
//! that text, whatever it looks like, as a value and as a key.
//!
//! With `FILBERT_DOCUMENTS` naming a folder, the documents are left there for `cargo xtask oracle`, each beside what it means
//! as JSON: other readers have their say too.
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects cannot go on"
)]

use std::fmt::Write as _;
use std::path::PathBuf;

use granit_parser::{Event, Parser, ScalarStyle};
use hazelcast::config::{self, Inputs, Layout, Node, Referred};
use hazelcast_api::{Hazelcast, definition};
use serde_json::{Map, Value, json};

mod specifications;

use specifications::{Dice, ODD, likely_specifications};

/// How many documents of each sort are tried.
const DOCUMENTS: u64 = 300;

/// Letters of which texts are made: those that mean something in YAML, those that cannot be seen, those beyond ASCII.
const LETTERS: &str = "aeE01_.:-+~#&*!|>'\"%@`{}[],?=<\\/ \t\n\r\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}\u{feff}\u{fffd}\u{fffe}ä€😀\u{10ffff}";

fn text(dice: &mut Dice) -> String {
    if dice.one_in(2) {
        return (*dice.pick(&ODD)).to_owned();
    }
    let letters: Vec<char> = LETTERS.chars().collect();
    // Now and then a key that is longer than readers look ahead.
    let length = if dice.one_in(50) { 1_100 } else { dice.below(12) };
    (0..length).map(|_| *dice.pick(&letters)).collect()
}

fn node(dice: &mut Dice, depth: usize) -> Node {
    match dice.below(if depth == 0 { 4 } else { 6 }) {
        0 => Node::Number([0, 1, -1, 5701, i64::MIN, i64::MAX][dice.below(6)]),
        1 => Node::Bool(dice.one_in(2)),
        2 | 3 => Node::Text(text(dice)),
        4 => Node::List((0..dice.below(4)).map(|_| node(dice, depth - 1)).collect()),
        _ => (0..dice.below(5)).map(|_| (text(dice), node(dice, depth - 1))).collect(),
    }
}

/// What a document means.
fn meaning(node: &Node) -> Value {
    match node {
        Node::Map(entries) => {
            let map: Map<_, _> = entries.iter().map(|(key, value)| (key.clone(), meaning(value))).collect();
            assert_eq!(map.len(), entries.len(), "no key stands there twice: {entries:?}");
            map.into()
        }
        Node::List(items) => items.iter().map(meaning).collect(),
        Node::Text(text) => json!(text),
        Node::Number(number) => json!(number),
        Node::Bool(value) => json!(value),
        Node::Plain(word) => unreachable!("nobody wrote `{word}`"),
    }
}

/// A word without quotes, as any reader takes it; nothing where readers may differ.
fn word(word: &str) -> Option<Value> {
    const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"];
    let digits = word.strip_prefix('-').unwrap_or(word);
    match word {
        "true" => return Some(true.into()),
        "false" => return Some(false.into()),
        _ if digits == "0" || (digits.bytes().all(|c| c.is_ascii_digit()) && digits.starts_with(|c| c != '0')) => {
            return word.parse::<i64>().ok().map(Value::from);
        }
        _ => {}
    }
    // Numbers, dates, times and infinities begin with a digit, a sign or a point; marks of YAML with none of these.
    let begins_like_text = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    (begins_like_text && !WORDS.contains(&word.to_ascii_lowercase().as_str())).then(|| word.into())
}

/// The document as a reader takes it that is sure of every word.
fn read(text: &str) -> Value {
    let mut events = Parser::new_from_str(text);
    let mut next = || -> Event<'_> {
        loop {
            let (event, _) = events.next().expect("more").unwrap_or_else(|error| panic!("{error}: {text}"));
            if event.is_node() || matches!(event, Event::SequenceEnd | Event::MappingEnd) {
                return event;
            }
        }
    };
    let first = next();
    value(first, &mut next)
}

fn value<'a>(event: Event<'a>, next: &mut impl FnMut() -> Event<'a>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => {
            word(&text).unwrap_or_else(|| panic!("readers differ about what `{text}` means"))
        }
        Event::Scalar(text, ..) => text.into_owned().into(),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next() {
                    Event::SequenceEnd => return items.into(),
                    item => items.push(value(item, next)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            loop {
                let key = match next() {
                    Event::MappingEnd => return map.into(),
                    key => value(key, next),
                };
                let Value::String(key) = key else { panic!("the key {key} is no text") };
                let first = next();
                let there = map.insert(key.clone(), value(first, next));
                assert_eq!(there, None, "the key `{key}` stands there twice");
            }
        }
        other => panic!("nothing of ours: {other:?}"),
    }
}

fn check(name: &str, document: &Node) {
    let (text, wanted) = (document.to_yaml(), meaning(document));
    assert_eq!(read(&text), wanted, "{text}");
    let by_another: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(by_another, wanted, "{text}");
    if let Some(folder) = std::env::var_os("FILBERT_DOCUMENTS").map(PathBuf::from) {
        std::fs::write(folder.join(format!("{name}.yaml")), text).expect("written");
        std::fs::write(folder.join(format!("{name}.json")), canonical(&wanted)).expect("written");
    }
}

/// JSON in ASCII, the keys in alphabetical order.
fn canonical(value: &Value) -> String {
    let quoted = |text: &str| {
        let mut quoted = String::from('"');
        for unit in text.encode_utf16() {
            match u8::try_from(unit).ok().filter(|byte| (0x20..0x7f).contains(byte) && !b"\"\\".contains(byte)) {
                Some(byte) => quoted.push(char::from(byte)),
                None => write!(quoted, "\\u{unit:04x}").expect("memory"),
            }
        }
        quoted + "\""
    };
    match value {
        Value::Object(fields) => {
            // By UTF-16, as Java sorts.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<_>>());
            let fields: Vec<_> =
                fields.into_iter().map(|(key, value)| format!("{}:{}", quoted(key), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

#[test]
fn every_text_stays_the_same_text_as_a_value_and_as_a_key() {
    for (number, odd) in ODD.into_iter().enumerate() {
        let document = Node::new().with(odd, odd).with("list", vec![Node::new().with(odd, odd), Node::from(odd)]);
        check(&format!("odd-{number}"), &document);
    }
    for seed in 1..=DOCUMENTS {
        let dice = &mut Dice::new(seed);
        check(&format!("texts-{seed}"), &Node::new().with("of", node(dice, 4)));
    }
}

#[test]
fn whatever_people_write_into_a_specification_means_the_same_to_every_reader_of_its_document() {
    for (number, spec) in likely_specifications(&definition::hazelcasts(), DOCUMENTS).enumerate() {
        let cluster: Hazelcast = serde_json::from_value(json!({"spec": spec})).expect("what the schema admits");
        let inputs = Inputs {
            name: "library",
            namespace: "default",
            spec: &cluster.spec,
            api_token: Some("0123"),
            is_lite: number % 5 == 0,
            referred: &Referred::default(),
            layout: Layout::default(),
        };
        check(&format!("specification-{number}"), &config::document(config::sections(inputs)));
    }
}
