//! What defaulting and validation are asked and answer. Mirrors interfaces `reviews`, `defaulting` and `validation`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Document;

use crate::object::ObjectKey;

/// One admission request, or a stored object under review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// What is being done.
    pub operation: Operation,
    /// To which object.
    pub key: ObjectKey,
    /// `status` or `scale`, where the request is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_resource: Option<String>,
    /// What would be stored; absent for a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Document>,
    /// What is stored now; absent for a creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_object: Option<Document>,
    /// Who asks.
    pub user: User,
    /// Nothing will be stored whatever the answer.
    pub dry_run: bool,
    /// From the pipeline.
    pub parameters: Document,
}

/// What is being done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
    /// A connection to it is opened (`exec`, `proxy`).
    Connect,
}

/// Who asks, as the API server authenticated them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User name.
    pub name: String,
    /// Sorted.
    pub groups: Vec<String>,
}

/// What validation answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Empty to admit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// Shown to whoever asks, admitted or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One field error, in the words of the Kubernetes API server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// What is wrong with the field.
    pub kind: ViolationKind,
    /// `spec.maps[2].name`; empty for the object as a whole.
    pub path: String,
    /// What was found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// For people.
    pub message: String,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of the Kubernetes API server's field errors")]
pub enum ViolationKind {
    Required,
    Invalid,
    NotSupported,
    Forbidden,
    Duplicate,
    NotFound,
    TooLong,
    TooMany,
    TypeInvalid,
    Internal,
}

impl ViolationKind {
    /// The words with which the API server begins such an error.
    pub fn title(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::Duplicate => "Duplicate value",
            Self::NotFound => "Not found",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

impl fmt::Display for Violation {
    /// `spec.size: Invalid value: 301: must be at most 300`, as the API server writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "<nil>" } else { &self.path };
        write!(f, "{path}: {}", self.kind.title())?;
        let shows_value = !matches!(
            self.kind,
            ViolationKind::Required
                | ViolationKind::Forbidden
                | ViolationKind::TooLong
                | ViolationKind::TooMany
                | ViolationKind::Internal
        );
        if let (true, Some(value)) = (shows_value, &self.value) {
            write!(f, ": {value}")?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}
