//! Label and field selectors, read from the query as Kubernetes reads them.

use crate::store::Stored;
use serde_json::Value;

/// What a label must be.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Greater(i64),
    Less(i64),
}

/// A conjunction of requirements on labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<(String, Test)>);

impl LabelSelector {
    /// Reads `a=b,c in (d,e),!f,g>1`; the error is Kubernetes' text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let mut requirements = Vec::new();
        if tokens.is_empty() {
            return Ok(Self(requirements));
        }
        loop {
            requirements.push(parser.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?);
            match parser.next() {
                None => return Ok(Self(requirements)),
                Some(",") => {}
                Some(other) => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    /// A selector in the form objects have it: `matchLabels` and `matchExpressions`.
    pub(crate) fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        if let Some(labels) = selector.get("matchLabels").and_then(Value::as_object) {
            for (name, value) in labels {
                requirements.push((name.clone(), Test::In(vec![value.as_str().unwrap_or_default().to_owned()])));
            }
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let name = expression.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
            let values = || {
                expression
                    .get("values")
                    .and_then(Value::as_array)
                    .map(|values| values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                    .unwrap_or_default()
            };
            let test = match expression.get("operator").and_then(Value::as_str) {
                Some("In") => Test::In(values()),
                Some("NotIn") => Test::NotIn(values()),
                Some("Exists") => Test::Exists,
                _ => Test::Missing,
            };
            requirements.push((name, test));
        }
        Self(requirements)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Stored) -> bool {
        self.matches_with(|name| object.label(name))
    }

    /// Whether the labels that `find` answers match.
    pub(crate) fn matches_with<'a>(&self, find: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|(name, test)| {
            let value = find(name);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|wanted| wanted != value)),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::Greater(bound) => number().is_some_and(|number| number > *bound),
                Test::Less(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(&letter) = letters.peek() {
        if letter.is_whitespace() {
            letters.next();
        } else if "=!<>".contains(letter) {
            let mut operator = String::new();
            while let Some(&next) = letters.peek().filter(|next| "=!<>".contains(**next)) {
                // `!` before a name is a token of its own; `!=`, `==` are one.
                if operator.len() == 2 {
                    break;
                }
                operator.push(next);
                letters.next();
            }
            tokens.push(operator);
        } else if "(),".contains(letter) {
            tokens.push(letter.to_string());
            letters.next();
        } else {
            let mut word = String::new();
            while let Some(&next) = letters.peek().filter(|next| !next.is_whitespace() && !"=!<>(),".contains(**next)) {
                word.push(next);
                letters.next();
            }
            tokens.push(word);
        }
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<(String, Test), String> {
        let negated = self.peek() == Some("!");
        if negated {
            self.next();
        }
        let name = match self.next() {
            Some(name) if !is_punctuation(name) => name.to_owned(),
            other => return Err(format!("found '{}', expected: identifier", other.unwrap_or_default())),
        };
        check_key(&name)?;
        if negated {
            return Ok((name, Test::Missing));
        }
        match self.peek() {
            None | Some(",") => return Ok((name, Test::Exists)),
            Some(_) => {}
        }
        let operator = self.next().unwrap_or_default();
        let test = match operator {
            "=" | "==" => Test::In(vec![self.value(&name)?]),
            "!=" => Test::NotIn(vec![self.value(&name)?]),
            "in" => Test::In(self.values(&name)?),
            "notin" => Test::NotIn(self.values(&name)?),
            ">" | "gt" => Test::Greater(self.number(&name)?),
            "<" | "lt" => Test::Less(self.number(&name)?),
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        Ok((name, test))
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        match self.peek() {
            None | Some(",") => Ok(String::new()),
            Some(word) if is_punctuation(word) => Err(format!("found '{word}', expected: identifier")),
            Some(word) => {
                self.next();
                check_value(name, 0, word)?;
                Ok(word.to_owned())
            }
        }
    }

    fn number(&mut self, name: &str) -> Result<i64, String> {
        let word = self.value(name)?;
        word.parse().map_err(|_| {
            format!(
                "values[0][{name}]: Invalid value: {word:?}: for 'Gt', 'Lt' operators, the value must be an integer"
            )
        })
    }

    fn values(&mut self, name: &str) -> Result<Vec<String>, String> {
        match self.next() {
            Some("(") => {}
            other => return Err(format!("found '{}' expected: '('", other.unwrap_or_default())),
        }
        let mut values = Vec::new();
        let mut after_comma = true;
        loop {
            match self.next() {
                Some(")") => {
                    if after_comma {
                        values.push(String::new());
                    }
                    return Ok(values);
                }
                Some(",") => {
                    if after_comma {
                        values.push(String::new());
                    }
                    after_comma = true;
                }
                Some(word) if !is_punctuation(word) => {
                    check_value(name, values.len(), word)?;
                    values.push(word.to_owned());
                    after_comma = false;
                }
                other => {
                    return Err(format!("found '{}', expected: ',', ')' or identifier", other.unwrap_or_default()));
                }
            }
        }
    }
}

fn is_punctuation(token: &str) -> bool {
    token.chars().all(|letter| "=!<>(),".contains(letter))
}

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LABEL_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn is_label_text(text: &str) -> bool {
    let ends = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

fn check_value(name: &str, index: usize, value: &str) -> Result<(), String> {
    if value.is_empty() || is_label_text(value) {
        Ok(())
    } else {
        Err(format!("values[{index}][{name}]: Invalid value: {value:?}: {LABEL_VALUE}"))
    }
}

fn check_key(name: &str) -> Result<(), String> {
    let last = name.rsplit('/').next().unwrap_or_default();
    if is_label_text(last) { Ok(()) } else { Err(format!("key: Invalid value: {name:?}: {LABEL_NAME}")) }
}

/// A conjunction of comparisons of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Reads `a=b,c!=d`; the error is Kubernetes' text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for term in split_escaped(text).into_iter().filter(|term| !term.is_empty()) {
            // The earliest operator counts: `a=b!=c` compares `a`.
            let (equal, (name, value)) = match (term.find("!="), term.find('=')) {
                (Some(not), Some(equals)) if not < equals => (false, term.split_once("!=").unwrap_or_default()),
                (_, Some(_)) => {
                    let (name, value) = term.split_once('=').unwrap_or_default();
                    (true, (name, value.strip_prefix('=').unwrap_or(value)))
                }
                (_, None) => return Err(format!("invalid selector: '{text}'; can't understand '{term}'")),
            };
            terms.push((name.to_owned(), equal, value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\")));
        }
        Ok(Self(terms))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _, _)| name.as_str())
    }

    /// With other names for some fields.
    pub(crate) fn renamed(mut self, rename: impl Fn(&str) -> Option<String>) -> Self {
        for (name, _, _) in &mut self.0 {
            if let Some(other) = rename(name) {
                *name = other;
            }
        }
        self
    }

    pub(crate) fn matches(&self, object: &Stored) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let mut parsed: Option<Value> = None;
        self.0.iter().all(|(name, equal, wanted)| {
            let same = match name.as_str() {
                "metadata.name" => *object.key.name == **wanted,
                "metadata.namespace" => *object.key.namespace == **wanted,
                path => {
                    let value = parsed.get_or_insert_with(|| object.value());
                    let found = path.split('.').try_fold(&*value, |value, part| value.get(part));
                    match found {
                        None | Some(Value::Null) => match path {
                            // The only selectable field that is there when it is not written.
                            "spec.unschedulable" | "spec.hostNetwork" => wanted == "false",
                            "status.successful" => wanted == "0",
                            _ => wanted.is_empty(),
                        },
                        Some(Value::String(text)) => text == wanted,
                        Some(other) => {
                            let shown = other.to_string();
                            shown == *wanted
                        }
                    }
                }
            };
            same == *equal
        })
    }
}

fn split_escaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        if letter == ',' && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = letter == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn label_selectors_select_what_they_say() {
        let object = json!({ "metadata": { "labels": { "tide": "low", "depth": "7" } } });
        for (text, expected) in [
            ("tide=low", true),
            ("tide == low,depth", true),
            ("tide!=low", false),
            ("tide in (high, low)", true),
            ("tide notin (low)", false),
            ("!wind", true),
            ("!depth", false),
            ("depth>6", true),
            ("depth<7", false),
            ("", true),
        ] {
            assert_eq!(
                LabelSelector::parse(text).unwrap().matches_with(|name| object["metadata"]["labels"][name].as_str()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_in_kubernetes_words() {
        assert_eq!(
            LabelSelector::parse("a b c").unwrap_err(),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"
        );
        assert_eq!(
            FieldSelector::parse("metadata.name").unwrap_err(),
            "invalid selector: 'metadata.name'; can't understand 'metadata.name'"
        );
    }
}
