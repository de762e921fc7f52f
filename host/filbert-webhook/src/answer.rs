//! What an API server is told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::review::{Violation, ViolationKind};
use json_patch::Patch;
use serde::Serialize;
use serde_json::Value;

use crate::review::{API_VERSION, KIND, Kind};

/// Longest warning that API servers hand on whole, in bytes.
const LONGEST_WARNING: usize = 256;

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// That of the request.
    pub uid: String,
    /// Whether it is carried out.
    pub decision: Decision,
    /// Shown to whoever asked, whatever the decision.
    pub warnings: Vec<String>,
    /// Kept in the audit log, under names that the API server prefixes with that of the webhook.
    pub audit: BTreeMap<String, String>,
}

/// Whether a request is carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is, with the object changed so.
    Allowed(Option<Patch>),
    /// The object may not be as it is.
    Invalid {
        /// The kind of the object.
        kind: Kind,
        /// Its name; empty where the API server makes one up.
        name: String,
        /// What is wrong with it; all of it at once. Never empty.
        violations: Vec<Violation>,
    },
    /// Nobody could judge, and the pipeline wants to be safe.
    Unjudged {
        /// HTTP status: 429 where it is worth trying again at once, 503 where later, 500 where something is broken.
        code: u16,
        /// CamelCase word of the Kubernetes API.
        reason: &'static str,
        /// For people.
        message: String,
    },
}

impl Decision {
    /// Allowed as it is.
    pub fn unchanged() -> Self {
        Self::Allowed(None)
    }

    /// Allowed, with what differs between the two. An empty difference is none.
    pub fn changed(before: &Value, after: &Value) -> Self {
        let patch = json_patch::diff(before, after);
        Self::Allowed((!patch.0.is_empty()).then_some(patch))
    }

    /// Judged by what is wrong with the object.
    pub fn judged(kind: &Kind, name: &str, violations: Vec<Violation>) -> Self {
        if violations.is_empty() {
            return Self::unchanged();
        }
        Self::Invalid { kind: kind.clone(), name: name.to_owned(), violations }
    }
}

/// An `AdmissionReview` with an answer in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "is_empty")]
    audit_annotations: &'a BTreeMap<String, String>,
}

fn is_empty(annotations: &BTreeMap<String, String>) -> bool {
    annotations.is_empty()
}

/// `metav1.Status`, as far as it is filled in.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    outcome: &'static str,
    code: u16,
    reason: &'static str,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    kind: &'a str,
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'static str,
    message: String,
    field: &'a str,
}

impl Answer {
    /// As the API server reads it.
    pub fn to_json(&self) -> Vec<u8> {
        let (mut patch, mut status) = (None, None);
        match &self.decision {
            Decision::Allowed(changes) => {
                // Paths and JSON values: nothing that could fail to serialise.
                patch =
                    changes.as_ref().map(|changes| STANDARD.encode(serde_json::to_vec(changes).unwrap_or_default()));
            }
            Decision::Invalid { kind, name, violations } => status = Some(invalid(kind, name, violations)),
            Decision::Unjudged { code, reason, message } => {
                let message = message.as_str().into();
                status = Some(Status { outcome: "Failure", code: *code, reason, message, details: None });
            }
        }
        let response = Response {
            uid: &self.uid,
            allowed: status.is_none(),
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            status,
            warnings: self.warnings.iter().map(|warning| shortened(warning)).collect(),
            audit_annotations: &self.audit,
        };
        // Strings, numbers, lists and maps with string keys.
        serde_json::to_vec(&Told { api_version: API_VERSION, kind: KIND, response }).unwrap_or_default()
    }
}

/// A `Status` as API servers answer for an object that their own rules refuse.
fn invalid<'a>(kind: &'a Kind, name: &'a str, violations: &'a [Violation]) -> Status<'a> {
    let texts: Vec<_> = violations.iter().map(Violation::to_string).collect();
    let said = match texts.as_slice() {
        [only] => only.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    let title = if kind.group.is_empty() { kind.kind.clone() } else { format!("{}.{}", kind.kind, kind.group) };
    let causes = violations.iter().map(cause).collect();
    Status {
        outcome: "Failure",
        code: 422,
        reason: "Invalid",
        message: format!("{title} \"{name}\" is invalid: {said}").into(),
        details: Some(Details { name, group: &kind.group, kind: &kind.kind, causes }),
    }
}

fn cause(violation: &Violation) -> Cause<'_> {
    let text = violation.to_string();
    // The field stands beside the message, so it is not repeated there.
    let message = text.split_once(": ").map_or(text.as_str(), |(_, message)| message);
    Cause { reason: cause_type(violation.kind), message: message.to_owned(), field: &violation.path }
}

/// `metav1.CauseType`.
fn cause_type(kind: ViolationKind) -> &'static str {
    match kind {
        ViolationKind::Required => "FieldValueRequired",
        ViolationKind::Invalid => "FieldValueInvalid",
        ViolationKind::NotSupported => "FieldValueNotSupported",
        ViolationKind::Forbidden => "FieldValueForbidden",
        ViolationKind::Duplicate => "FieldValueDuplicate",
        ViolationKind::NotFound => "FieldValueNotFound",
        ViolationKind::TooLong => "FieldValueTooLong",
        ViolationKind::TooMany => "FieldValueTooMany",
        ViolationKind::TypeInvalid => "FieldValueTypeInvalid",
        ViolationKind::Internal => "InternalError",
    }
}

/// API servers cut longer warnings anyway, in the middle of a word.
fn shortened(warning: &str) -> Cow<'_, str> {
    const MORE: &str = "…";
    if warning.len() <= LONGEST_WARNING {
        return warning.into();
    }
    let end = warning.floor_char_boundary(LONGEST_WARNING - MORE.len());
    let (kept, _) = warning.split_at(end);
    format!("{kept}{MORE}").into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.to_json()).expect("JSON")
    }

    fn answer(decision: Decision) -> Value {
        read(&Answer { uid: "u-1".to_owned(), decision, warnings: vec![], audit: BTreeMap::new() })
    }

    fn greeting() -> Kind {
        Kind { group: "example.dev".to_owned(), version: "v1".to_owned(), kind: "Greeting".to_owned() }
    }

    fn violation(kind: ViolationKind, path: &str, value: Option<Value>, message: &str) -> Violation {
        Violation { kind, path: path.to_owned(), value, message: message.to_owned() }
    }

    #[test]
    fn what_is_allowed_as_it_is_says_nothing_more() {
        let nothing = json!({"a": 1});
        for decision in [Decision::unchanged(), Decision::changed(&nothing, &nothing)] {
            assert_eq!(
                answer(decision),
                json!({"apiVersion": API_VERSION, "kind": KIND, "response": {"uid": "u-1", "allowed": true}})
            );
        }
    }

    #[test]
    fn what_is_filled_in_is_a_patch_that_makes_the_object_so() {
        let before = json!({"spec": {"jet": {}, "list": [1]}});
        let after = json!({"spec": {"jet": {"enabled": true}, "list": [1, 2], "a/b": "~"}});
        let told = answer(Decision::changed(&before, &after));
        assert_eq!(told["response"]["patchType"], "JSONPatch");
        let patch = STANDARD.decode(told["response"]["patch"].as_str().expect("a patch")).expect("base64");
        let patch: Patch = serde_json::from_slice(&patch).expect("a JSON patch");
        let mut patched = before;
        json_patch::patch(&mut patched, &patch).expect("it applies");
        assert_eq!(patched, after);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_as_the_api_server_would() {
        let told = answer(Decision::judged(
            &greeting(),
            "spring",
            vec![
                violation(ViolationKind::Required, "spec.who", None, "somebody must be greeted"),
                violation(ViolationKind::Invalid, "spec.size", Some(json!(-1)), "must be positive"),
            ],
        ));
        assert_eq!(told["response"]["allowed"], false);
        assert_eq!(
            told["response"]["status"],
            json!({
                "status": "Failure", "code": 422, "reason": "Invalid",
                "message": "Greeting.example.dev \"spring\" is invalid: [spec.who: Required value: somebody must be greeted, spec.size: Invalid value: -1: must be positive]",
                "details": {
                    "name": "spring", "group": "example.dev", "kind": "Greeting",
                    "causes": [
                        {"reason": "FieldValueRequired", "field": "spec.who", "message": "Required value: somebody must be greeted"},
                        {"reason": "FieldValueInvalid", "field": "spec.size", "message": "Invalid value: -1: must be positive"},
                    ],
                },
            })
        );
    }

    #[test]
    fn who_cannot_judge_says_why() {
        let message = "module `polite` took longer than 50 ms".to_owned();
        let told = answer(Decision::Unjudged { code: 500, reason: "InternalError", message: message.clone() });
        assert_eq!(
            told["response"],
            json!({
                "uid": "u-1", "allowed": false,
                "status": {"status": "Failure", "code": 500, "reason": "InternalError", "message": message},
            })
        );
    }

    #[test]
    fn warnings_are_short_enough_to_be_handed_on_whole() {
        let warnings = vec!["unwise".to_owned(), "é".repeat(200)];
        let audit = BTreeMap::from([("module".to_owned(), "polite".to_owned())]);
        let told = read(&Answer { uid: "u-1".to_owned(), decision: Decision::unchanged(), warnings, audit });
        assert_eq!(told["response"]["warnings"][0], "unwise");
        let long = told["response"]["warnings"][1].as_str().expect("a text");
        assert!(long.len() <= LONGEST_WARNING && long.ends_with("é…"), "{long}");
        assert_eq!(told["response"]["auditAnnotations"], json!({"module": "polite"}));
    }
}
