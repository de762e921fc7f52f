//! Compares an answer with its template.

use crate::exchange::Exchange;
use crate::runner::Answer;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const TIME: &str = r"(?:20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)|20(?:2[5-9]|[3-9]\d)-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} UTC(?: m=[+-][\d.]+)?)";
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"<(uid|rv|lrv):(\d+)>|<(time|hash|rand|addr|number|age|port)>|\$\{([\w.-]+)\}")
        .expect("the pattern is right")
});

/// What the symbols of a case stand for.
#[derive(Default)]
pub struct Matcher {
    uids: HashMap<String, String>,
    symbols: HashMap<String, String>,
    versions: BTreeMap<u64, u64>,
}

/// The body in the order used for comparison.
fn ordered(value: &Value, unordered: &[&str]) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted = fields.iter().map(|(name, value)| {
                let mut value = ordered(value, unordered);
                if let Value::Array(list) = &mut value {
                    if name == "managedFields" && list.iter().all(Value::is_object) {
                        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                        list.sort_by_key(|entry| {
                            let names =
                                ["operation", "manager", "subresource", "apiVersion"].map(|name| text(entry, name));
                            (names, entry["fieldsV1"].to_string())
                        });
                    } else if unordered.contains(&name.as_str()) {
                        let uuid = Regex::new(UUID).expect("the pattern is right");
                        list.sort_by_key(|entry| uuid.replace_all(&entry.to_string(), "").into_owned());
                    }
                }
                (name.clone(), value)
            });
            Value::Object(sorted.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|value| ordered(value, unordered)).collect(),
        other => other.clone(),
    }
}

/// Several errors come in no fixed order, in the message too.
fn canonical(exchange: &Exchange, body: &Value) -> Value {
    let unordered = exchange.texts("unordered");
    let mut body = ordered(body, &unordered);
    if unordered.contains(&"causes") && body["kind"] == "Status" {
        let causes = body.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
        let mut parts: Vec<String> = causes
            .map(|cause| {
                format!(
                    "{}: {}",
                    cause["field"].as_str().unwrap_or("None"),
                    cause["message"].as_str().unwrap_or("None")
                )
            })
            .collect();
        parts.sort();
        let message = body["message"].as_str().unwrap_or_default().to_owned();
        if let Some((head, rest)) = message.split_once(" is invalid: [")
            && let Some(list) = rest.strip_suffix(']')
            && parts.join(", ").len() == list.len()
        {
            body["message"] = format!("{head} is invalid: [{}]", parts.join(", ")).into();
        }
    }
    body
}

fn patterns(paths: &[&str]) -> Vec<Regex> {
    paths
        .iter()
        .map(|path| {
            let pattern = regex::escape(path).replace(r"\[\*\]", r"\[\d+\]").replace(r"\*", r"[^.\[]+");
            Regex::new(&format!(r"^(?:{pattern}(?:[.\[].*)?)$")).expect("the pattern is right")
        })
        .collect()
}

impl Matcher {
    /// The first difference, if there is one.
    pub fn compare(&mut self, exchange: &Exchange, answer: &Answer, saved: &HashMap<String, Value>) -> Option<String> {
        let wanted = &exchange.value["response"];
        if wanted["status"] != answer.status {
            let body: String = answer.body.to_string().chars().take(300).collect();
            return Some(format!("status: expected {}, got {} {body}", wanted["status"], answer.status));
        }
        if exchange.mode() == "status" {
            return None;
        }
        let mut found = Vec::new();
        let skip = exchange.texts("ignoreHeaders");
        let empty = Map::new();
        let headers = wanted["headers"].as_object().unwrap_or(&empty);
        let names = headers.keys().chain(answer.headers.keys()).collect::<std::collections::BTreeSet<_>>();
        for name in names.into_iter().filter(|name| !skip.contains(&name.as_str())) {
            let wanted = headers.get(name).and_then(Value::as_str).unwrap_or_default();
            let got = answer.headers.get(name).map_or("", String::as_str);
            if let Some(difference) = self.text(wanted, &got.into(), saved) {
                found.push(format!("header {name}: {difference}"));
            }
        }
        let ignore = patterns(&exchange.texts("ignore"));
        self.value(&wanted["body"], &canonical(exchange, &answer.body), saved, &ignore, "", &mut found);
        if exchange.get("hooked") == Some(&Value::Bool(true)) {
            let ignore = patterns(&exchange.texts("ignoreWebhook"));
            let asked = ordered(&answer.reviews.clone().into(), &[]);
            self.value(&wanted["webhookRequests"], &asked, saved, &ignore, "", &mut found);
        }
        // All is compared, so that the symbols are bound, and the first is told.
        found.into_iter().next()
    }

    fn value(
        &mut self,
        wanted: &Value,
        got: &Value,
        saved: &HashMap<String, Value>,
        ignore: &[Regex],
        path: &str,
        found: &mut Vec<String>,
    ) {
        let is_ignored = |path: &str| ignore.iter().any(|pattern| pattern.is_match(path));
        if is_ignored(path) {
            return;
        }
        match (wanted, got) {
            (Value::Object(wanted), Value::Object(got)) => {
                let mut left = got.clone();
                for (name, value) in wanted {
                    let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let key = if left.contains_key(name) || !TOKEN.is_match(name) {
                        Some(name.clone())
                    } else {
                        left.keys().find(|key| self.text(name, &key.as_str().into(), saved).is_none()).cloned()
                    };
                    match key.and_then(|key| left.remove(&key)) {
                        Some(got) => self.value(value, &got, saved, ignore, &at, found),
                        None if is_ignored(&at) => {}
                        None => found.push(format!("{at}: missing, expected {value}")),
                    }
                }
                for (name, value) in left {
                    let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    if !is_ignored(&at) {
                        found.push(format!("{at}: unexpected {value}"));
                    }
                }
            }
            (Value::Array(wanted), Value::Array(got)) => {
                if wanted.len() != got.len() {
                    found.push(format!("{path}: expected {} elements, got {}", wanted.len(), got.len()));
                }
                for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                    self.value(wanted, got, saved, ignore, &format!("{path}[{index}]"), found);
                }
            }
            (Value::String(text), got) => {
                if let Some(difference) = self.text(text, got, saved) {
                    found.push(format!("{path}: {difference}"));
                }
            }
            (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => {}
            (wanted, got) if wanted == got => {}
            (wanted, got) => found.push(format!("{path}: expected {wanted}, got {got}")),
        }
    }

    fn text(&mut self, wanted: &str, got: &Value, saved: &HashMap<String, Value>) -> Option<String> {
        let differs = || Some(format!("expected {wanted:?}, got {got}"));
        let Some(text) = got.as_str() else {
            let name = wanted.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            return if name.is_some_and(|name| saved.get(name) == Some(got)) { None } else { differs() };
        };
        if wanted == text {
            return None;
        }
        let (mut pattern, mut symbols, mut position) = (String::from("(?s)^"), Vec::new(), 0);
        for token in TOKEN.captures_iter(wanted) {
            let whole = token.get(0).expect("a match has a text");
            pattern += &regex::escape(&wanted[position..whole.start()]);
            position = whole.end();
            if let Some(kind) = token.get(1) {
                pattern += "(";
                pattern += if kind.as_str() == "uid" { UUID } else { r"\d+" };
                pattern += ")";
                symbols.push((kind.as_str().to_owned(), token[2].to_owned()));
            } else if let Some(kind) = token.get(3) {
                pattern += match kind.as_str() {
                    "time" => TIME,
                    "hash" => "[0-9A-Za-z]+",
                    "rand" => "[a-z0-9]{5}",
                    "addr" => "[^ ]+",
                    "age" => r"[\dhmsdy]+",
                    _ => r"\d+",
                };
            } else {
                let value =
                    saved.get(&token[4]).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                pattern += &regex::escape(&value.unwrap_or_else(|| whole.as_str().to_owned()));
            }
        }
        if position == 0 {
            return differs();
        }
        pattern += &regex::escape(&wanted[position..]);
        pattern += "$";
        let regex = Regex::new(&pattern).expect("the pattern is right");
        let Some(captured) = regex.captures(text) else { return differs() };
        symbols
            .iter()
            .zip(captured.iter().skip(1))
            .find_map(|((kind, symbol), value)| self.bind(kind, symbol, value.map_or("", |value| value.as_str())))
    }

    fn bind(&mut self, kind: &str, symbol: &str, value: &str) -> Option<String> {
        match kind {
            "uid" => {
                let known = self.uids.entry(symbol.to_owned()).or_insert_with(|| value.to_owned());
                let back = self.symbols.entry(value.to_owned()).or_insert_with(|| symbol.to_owned());
                (known != value || back != symbol).then(|| format!("uid {symbol} is another one"))
            }
            "rv" => {
                let (symbol, value): (u64, u64) = (symbol.parse().ok()?, value.parse().ok()?);
                if let Some(known) = self.versions.get(&symbol).copied() {
                    self.versions.insert(symbol, value);
                    return (known != value).then(|| format!("resourceVersion {symbol} should have stayed"));
                }
                let low = self.versions.range(..symbol).map(|(_, value)| *value).max().unwrap_or(0);
                let high = self.versions.range(symbol + 1..).map(|(_, value)| *value).min();
                self.versions.insert(symbol, value);
                (value <= low || high.is_some_and(|high| value >= high))
                    .then(|| format!("resourceVersion {symbol} is out of order"))
            }
            _ => None,
        }
    }
}
