//! The syntax of names, labels and their like, with Kubernetes' words for what is wrong.
//!
//! Each function answers with the complaints about a text; none means that it is good.

use regex::Regex;
use std::sync::LazyLock;

/// A shape of names: what it is called in messages, its pattern and its longest length.
struct Shape {
    words: &'static str,
    examples: &'static [&'static str],
    pattern: &'static str,
    regex: LazyLock<Regex>,
    longest: usize,
}

macro_rules! shape {
    ($words:literal, $examples:expr, $pattern:literal, $longest:literal) => {
        Shape {
            words: $words,
            examples: &$examples,
            pattern: $pattern,
            regex: LazyLock::new(|| {
                Regex::new(concat!("^(?:", $pattern, ")$")).expect("the pattern is a constant of ours")
            }),
            longest: $longest,
        }
    };
}

static LABEL: Shape = shape!(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    ["my-name", "123-abc"],
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    63
);
static SUBDOMAIN: Shape = shape!(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    ["example.com"],
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    253
);
static LABEL_1035: Shape = shape!(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    ["my-name", "abc-123"],
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    63
);
static QUALIFIED: Shape = shape!(
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    ["MyName", "my.name", "123-abc"],
    "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    63
);
static LABEL_VALUE: Shape = shape!(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    ["MyValue", "my_value", "12345"],
    "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
    63
);
static ENVIRONMENT: Shape = shape!(
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
    [],
    "[ -<>-~]+",
    4096
);
static CONFIG_KEY: Shape = shape!(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    ["key.name", "KEY_NAME", "key-name"],
    "[-._a-zA-Z0-9]+",
    253
);

impl Shape {
    fn complaint(&self) -> String {
        let examples: Vec<String> = self.examples.iter().map(|example| format!("'{example}', ")).collect();
        let examples = if examples.is_empty() { String::new() } else { format!("e.g. {}", examples.join(" or ")) };
        format!("{} ({examples}regex used for validation is '{}')", self.words, self.pattern)
    }

    fn check(&self, text: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        if text.len() > self.longest {
            complaints.push(format!("must be no more than {} characters", self.longest));
        }
        if !self.regex.is_match(text) {
            complaints.push(self.complaint());
        }
        complaints
    }
}

/// A DNS label (RFC 1123).
pub(crate) fn dns_label(text: &str) -> Vec<String> {
    let mut complaints = LABEL.check(text);
    if let Some(complaint) = complaints.last_mut()
        && !LABEL.regex.is_match(text)
        && SUBDOMAIN.regex.is_match(text)
    {
        "must not contain dots".clone_into(complaint);
    }
    complaints
}

/// A DNS subdomain (RFC 1123).
pub(crate) fn dns_subdomain(text: &str) -> Vec<String> {
    SUBDOMAIN.check(text)
}

/// A DNS label that starts with a letter (RFC 1035).
pub(crate) fn dns_label_1035(text: &str) -> Vec<String> {
    LABEL_1035.check(text)
}

/// The value of a label.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    LABEL_VALUE.check(text)
}

/// The name of an environment variable.
pub(crate) fn environment_name(text: &str) -> Vec<String> {
    ENVIRONMENT.check(text)
}

/// A key of a `ConfigMap` or Secret.
pub(crate) fn config_key(text: &str) -> Vec<String> {
    let mut complaints = CONFIG_KEY.check(text);
    match text {
        "." => complaints.push("must not be '.'".to_owned()),
        ".." => complaints.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => complaints.push("must not start with '..'".to_owned()),
        _ => {}
    }
    complaints
}

/// The key of a label, an annotation or a resource: `name` or `prefix/name`.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                complaints.push("prefix part must be non-empty".to_owned());
            } else {
                complaints
                    .extend(dns_subdomain(prefix).into_iter().map(|complaint| format!("prefix part {complaint}")));
            }
            *name
        }
        _ => {
            let text = format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                QUALIFIED.complaint().replacen("name part must", "must", 1)
            );
            complaints.push(text);
            return complaints;
        }
    };
    if name.is_empty() {
        complaints.push("name part must be non-empty".to_owned());
    } else if name.len() > QUALIFIED.longest {
        complaints.push(format!("name part must be no more than {} characters", QUALIFIED.longest));
    }
    if !QUALIFIED.regex.is_match(name) {
        complaints.push(QUALIFIED.complaint());
    }
    complaints
}

/// A name that may stand in a URL path.
pub(crate) fn path_segment(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].into_iter().filter(|part| text.contains(part)).map(|part| format!("may not contain '{part}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_subdomain_is_explained_with_example_and_pattern() {
        assert_eq!(
            dns_subdomain("Bad_Name"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
                 alphanumeric character (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
    }

    #[test]
    fn a_bad_label_has_two_examples() {
        assert_eq!(
            dns_label("C"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
                 alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
    }

    #[test]
    fn good_names_raise_no_complaint() {
        assert!(dns_label("a-1").is_empty());
        assert!(dns_subdomain("a.b-c.example").is_empty());
        assert!(qualified_name("example.dev/My_name").is_empty());
        assert!(label_value("").is_empty());
        assert!(config_key("a.B_c").is_empty());
    }
}
