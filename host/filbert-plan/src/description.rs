//! What a module says of itself. Mirrors interface `module` of the contract (`wit/module.wit`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grant::Grant;
use crate::object::ResourceType;

/// What `describe()` answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Description {
    /// Lower case with dashes.
    pub name: String,
    /// Semantic version of the module.
    pub version: String,
    /// One line for people.
    pub summary: String,
    /// Kinds whose definition the module brings along.
    pub kinds: Vec<ServedKind>,
    /// The steps it can take.
    pub steps: Vec<StepDescription>,
    /// What it defaults.
    pub defaults: Vec<ReviewSubject>,
    /// What it validates.
    pub validates: Vec<ReviewSubject>,
    /// What it would like to be granted.
    pub wants: Vec<Wish>,
    /// Inputs with their expected answers.
    pub self_tests: Vec<SelfTest>,
}

/// A kind whose definition a module brings along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedKind {
    /// Where it is served.
    pub resource: ResourceType,
    /// `Greeting`.
    pub kind: String,
    /// A `CustomResourceDefinition`.
    pub definition: Value,
}

/// A step that a module can take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepDescription {
    /// As named in a pipeline.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Empty for a step that takes any kind.
    pub takes: Vec<ResourceType>,
    /// JSON Schema of its parameters.
    pub parameters: Value,
    /// Whether `finalize` does anything.
    pub finalizes: bool,
    /// Names of facts it may leave.
    pub leaves: Vec<String>,
    /// Names of facts it cannot do without.
    pub needs: Vec<String>,
}

/// What a module defaults or validates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewSubject {
    /// `*` for version or plural stands for any.
    pub resource: ResourceType,
    /// JSON Schema of its parameters.
    pub parameters: Value,
}

/// A capability that a module would like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// What.
    pub wanted: Grant,
    /// Why, for the administrator who decides.
    pub reason: String,
}

/// An input with its expected answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// For people.
    pub name: String,
    /// A recording of one call.
    pub recording: Value,
}
