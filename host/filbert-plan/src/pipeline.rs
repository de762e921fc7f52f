//! The two resources of our own, as files or objects: `Module` says where a component comes from and what it may do,
//! `Pipeline` says which modules serve one resource type, in which order. One without steps is a plain admission policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::description::Description;
use crate::grant::Grants;
use crate::object::ResourceType;

mod admission;

pub use admission::{
    Admission, DEFAULT_OPERATIONS, DEFAULT_TIMEOUT, FailurePolicy, LabelExpression, LabelSelector, MatchCondition,
    NAMESPACE_NAME, SelectorOperator, is_built_in, never_asked,
};

/// API version of both kinds.
pub const API_VERSION: &str = "filbert.dev/v1alpha1";

/// `spec` of a `Module`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleSpec {
    /// Where the component comes from.
    pub component: ComponentSource,
    /// What it may do; the upper bound of what it gets.
    #[serde(default)]
    pub grants: Grants,
    /// Bounds on each of its calls.
    #[serde(default)]
    pub limits: Limits,
}

/// Where a component comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComponentSource {
    /// A file below the modules directory.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal. Where given, any other file is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Bounds on each call of a module; absent ones are the host's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// MiB of linear memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Milliseconds, including the time that reads take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_millis: Option<u64>,
}

/// `spec` of a `Pipeline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineSpec {
    /// Whose objects it serves.
    pub resource: ResourceType,
    /// The finalizer that the host puts on every object. Absent: [`DEFAULT_FINALIZER`], and only where a step has something to
    /// finalize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalizer: Option<String>,
    /// Whose installations it takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// How the API server asks about its objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Box<Admission>>,
    /// Which modules default the object, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defaulting: Vec<Reviewer>,
    /// Which modules validate it; all are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<Reviewer>,
    /// What is done for an object that is valid, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PipelineStep>,
}

/// Whose installations a pipeline takes over: how what an earlier operator left is told from what belongs to somebody
/// else. Objects with a controller reference to the resource are recognised without any of this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adoption {
    /// Field managers under which the earlier operator wrote. Their fields become those of the steps, so that what no step
    /// says goes; fields of anybody else stay theirs. One of them that writes later is still at work.
    pub managers: Vec<String>,
    /// Labels of objects that it left without a controller reference; `{name}` stands for the name of the resource. Empty:
    /// there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Adoption {
    /// Whether an object that has no controller was left by the earlier operator for the resource of this name.
    pub fn recognises(&self, live: &Value, name: &str) -> bool {
        let labels = live.pointer("/metadata/labels");
        !self.labels.is_empty()
            && self.labels.iter().all(|(key, value)| {
                let found = labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
                found == Some(&value.replace("{name}", name))
            })
    }
}

/// The finalizer of pipelines that name none.
pub const DEFAULT_FINALIZER: &str = "filbert.dev/finalizer";

/// A module that defaults or validates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reviewer {
    /// Its name.
    pub module: String,
    /// Handed to it with each review.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    pub parameters: Value,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineStep {
    /// Its name in this pipeline; that of the module's step where absent. Part of the field manager, so it must not
    /// change while objects that it applied exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The module's name.
    pub module: String,
    /// Which of the module's steps.
    pub step: String,
    /// Handed to it with each call.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    pub parameters: Value,
    /// What becomes of later steps when this one fails.
    #[serde(default)]
    pub on_failure: OnFailure,
}

impl PipelineStep {
    /// Its name in this pipeline.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.step)
    }
}

/// What becomes of later steps when one fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// They do not run.
    #[default]
    Stop,
    /// They run all the same.
    Continue,
}

impl PipelineSpec {
    /// What an administrator should know of it. Nothing of it keeps the pipeline from being used.
    pub fn warnings(&self) -> Vec<String> {
        if self.defaulting.is_empty() && self.validation.is_empty() {
            return Vec::new();
        }
        self.admission.clone().unwrap_or_default().warnings(&self.resource)
    }
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// What is wrong with a pipeline, given the modules there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// No module of this name.
    #[error("pipeline `{pipeline}` names module `{module}` at `{path}`, which is not loaded; loaded: {known}")]
    MissingModule {
        /// The pipeline.
        pipeline: String,
        /// The missing module.
        module: String,
        /// Where in the pipeline.
        path: String,
        /// What there is.
        known: String,
    },
    /// The module has no such step.
    #[error(
        "pipeline `{pipeline}` names step `{step}` of module `{module}` at `{path}`, which it does not have; it has: {known}"
    )]
    MissingStep {
        /// The pipeline.
        pipeline: String,
        /// The module.
        module: String,
        /// The missing step.
        step: String,
        /// Where in the pipeline.
        path: String,
        /// What there is.
        known: String,
    },
    /// The module does not play this role.
    #[error("pipeline `{pipeline}` wants module `{module}` at `{path}` to do {role}, which it does not export")]
    MissingRole {
        /// The pipeline.
        pipeline: String,
        /// The module.
        module: String,
        /// `defaulting`, `validation`, `step`.
        role: &'static str,
        /// Where in the pipeline.
        path: String,
    },
    /// The step does not take objects of this type.
    #[error(
        "pipeline `{pipeline}` gives {resource} to step `{step}` of module `{module}` at `{path}`, which takes only {takes}"
    )]
    WrongResource {
        /// The pipeline.
        pipeline: String,
        /// The module.
        module: String,
        /// The step.
        step: String,
        /// What the pipeline serves.
        resource: String,
        /// What the step takes.
        takes: String,
        /// Where in the pipeline.
        path: String,
    },
    /// Two steps of one name.
    #[error("pipeline `{pipeline}` has two steps called `{step}`; give one of them another `name`")]
    SameName {
        /// The pipeline.
        pipeline: String,
        /// The name.
        step: String,
    },
    /// The step needs a fact that no earlier step leaves.
    #[error(
        "pipeline `{pipeline}` takes step `{step}` at `{path}`, which needs the fact `{fact}`; no earlier step leaves it. Earlier steps leave: {known}"
    )]
    MissingFact {
        /// The pipeline.
        pipeline: String,
        /// The step, by its name in the pipeline.
        step: String,
        /// As the step would see it: `step/name`.
        fact: String,
        /// Where in the pipeline.
        path: String,
        /// What there is.
        known: String,
    },
    /// A parameter that the module's schema refuses.
    #[error("pipeline `{pipeline}` has parameters at `{path}` that module `{module}` refuses: {message}")]
    Parameters {
        /// The pipeline.
        pipeline: String,
        /// The module.
        module: String,
        /// Where in the pipeline.
        path: String,
        /// What the schema says.
        message: String,
    },
}

/// What [`check`] needs to know of a loaded module.
pub trait Modules {
    /// What the module of this name said of itself.
    fn description(&self, module: &str) -> Option<&Description>;
    /// Names of all modules, sorted.
    fn names(&self) -> Vec<String>;
    /// What the JSON Schema has against the parameters, if anything.
    fn refuses(&self, schema: &Value, parameters: &Value) -> Option<String>;
}

/// Everything that is wrong with a pipeline, given the modules there are.
pub fn check(name: &str, spec: &PipelineSpec, modules: &impl Modules) -> Vec<PipelineError> {
    let mut errors = Vec::new();
    let mut module_of = |module: &str, path: &str| {
        let found = modules.description(module);
        if found.is_none() {
            let known = modules.names();
            errors.push(PipelineError::MissingModule {
                pipeline: name.to_owned(),
                module: module.to_owned(),
                path: path.to_owned(),
                known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            });
        }
        found
    };
    let mut further = Vec::new();
    let roles = [("defaulting", &spec.defaulting), ("validation", &spec.validation)];
    for (role, reviewers) in roles {
        for (index, reviewer) in reviewers.iter().enumerate() {
            let path = format!("spec.{role}[{index}]");
            let Some(description) = module_of(&reviewer.module, &path) else { continue };
            let subjects = if role == "defaulting" { &description.defaults } else { &description.validates };
            let Some(subject) = subjects.iter().find(|subject| covers(&subject.resource, &spec.resource)) else {
                further.push(PipelineError::MissingRole {
                    pipeline: name.to_owned(),
                    module: reviewer.module.clone(),
                    role,
                    path,
                });
                continue;
            };
            if let Some(message) = modules.refuses(&subject.parameters, &reviewer.parameters) {
                let (pipeline, module) = (name.to_owned(), reviewer.module.clone());
                further.push(PipelineError::Parameters {
                    pipeline,
                    module,
                    path: format!("{path}.parameters"),
                    message,
                });
            }
        }
    }
    let mut names = BTreeSet::new();
    let mut facts = BTreeSet::new();
    for (index, step) in spec.steps.iter().enumerate() {
        let path = format!("spec.steps[{index}]");
        if !names.insert(step.name()) {
            further.push(PipelineError::SameName { pipeline: name.to_owned(), step: step.name().to_owned() });
        }
        let Some(description) = module_of(&step.module, &path) else { continue };
        let Some(found) = description.steps.iter().find(|known| known.name == step.step) else {
            let known: Vec<_> = description.steps.iter().map(|step| step.name.as_str()).collect();
            further.push(PipelineError::MissingStep {
                pipeline: name.to_owned(),
                module: step.module.clone(),
                step: step.step.clone(),
                path,
                known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            });
            continue;
        };
        further.extend(found.needs.iter().filter(|fact| !facts.contains(*fact)).map(|fact| {
            PipelineError::MissingFact {
                pipeline: name.to_owned(),
                step: step.name().to_owned(),
                fact: fact.clone(),
                path: path.clone(),
                known: if facts.is_empty() {
                    "none".to_owned()
                } else {
                    facts.iter().cloned().collect::<Vec<_>>().join(", ")
                },
            }
        }));
        facts.extend(found.leaves.iter().map(|fact| format!("{}/{fact}", step.name())));
        if !found.takes.is_empty() && !found.takes.iter().any(|takes| covers(takes, &spec.resource)) {
            let takes: Vec<_> = found.takes.iter().map(ToString::to_string).collect();
            further.push(PipelineError::WrongResource {
                pipeline: name.to_owned(),
                module: step.module.clone(),
                step: step.step.clone(),
                resource: spec.resource.to_string(),
                takes: takes.join(", "),
                path: path.clone(),
            });
        }
        if let Some(message) = modules.refuses(&found.parameters, &step.parameters) {
            let (pipeline, module) = (name.to_owned(), step.module.clone());
            further.push(PipelineError::Parameters { pipeline, module, path: format!("{path}.parameters"), message });
        }
    }
    errors.extend(further);
    errors
}

/// Whether `pattern`, in which `*` stands for any version or plural, covers the resource type.
pub fn covers(pattern: &ResourceType, resource: &ResourceType) -> bool {
    pattern.group == resource.group
        && (pattern.version == "*" || pattern.version == resource.version)
        && (pattern.plural == "*" || pattern.plural == resource.plural)
}

#[cfg(test)]
mod tests;
