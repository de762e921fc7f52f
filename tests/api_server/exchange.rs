//! One recorded exchange.

use serde_json::Value;

/// A line of a case file.
pub struct Exchange {
    pub case: String,
    pub step: String,
    pub value: Value,
}

impl Exchange {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name)
    }

    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn mode(&self) -> &str {
        self.get("compare").and_then(Value::as_str).unwrap_or("full")
    }

    pub fn is_compared(&self) -> bool {
        self.mode() != "none" && self.get("action").is_none() && self.get("async").is_none()
    }
}

/// The exchanges of a topic, in order.
pub fn load(topic: &str) -> Vec<Exchange> {
    let path = crate::data().join("cases").join(format!("{topic}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let value: Value = serde_json::from_str(line).expect("a line is JSON");
            let text = |name: &str| value[name].as_str().expect("an exchange has a name").to_owned();
            Exchange { case: text("case"), step: text("step"), value }
        })
        .collect()
}

/// The value at a dotted path; `[3]` an element, `[type=X]` the element with that field.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    for part in
        path.split_inclusive(['.', '[', ']']).flat_map(|part| part.split(['.', '['])).filter(|part| !part.is_empty())
    {
        let Some(element) = part.strip_suffix(']') else {
            value = value.get(part.replace("~1", "."))?;
            continue;
        };
        let list = value.as_array()?;
        value = if let Some((name, wanted)) = element.split_once('=') {
            list.iter().find(|item| item.get(name).is_some_and(|found| is_shown_as(found, wanted)))?
        } else {
            let index: i64 = element.parse().ok()?;
            let length = i64::try_from(list.len()).ok()?;
            list.get(usize::try_from(if index < 0 { index + length } else { index }).ok()?)?
        };
    }
    Some(value)
}

/// Whether a field has this text, or is a number or truth value that is written so.
fn is_shown_as(found: &Value, wanted: &str) -> bool {
    let shown = found.to_string();
    found.as_str() == Some(wanted) || shown == wanted
}
