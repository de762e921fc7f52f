//! What is in service at one moment: modules with what they may do, pipelines with one version of each module, and how
//! each of them stands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use filbert_engine::Module;
use filbert_plan::Document;
use filbert_plan::description::Description;
use filbert_plan::grant::Grants;
use filbert_plan::object::ResourceType;
use filbert_plan::pipeline::{self, ModuleSpec, PipelineSpec};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A module in service.
#[derive(Clone)]
pub struct ServingModule {
    /// Compiled and probed.
    pub module: Module,
    /// What it may do.
    pub grants: Arc<Grants>,
}

/// A module with its parameters, as a pipeline names it.
#[derive(Clone)]
pub struct ServingReviewer {
    /// The module.
    pub module: ServingModule,
    /// Handed to it.
    pub parameters: Document,
}

/// A step of a pipeline, with its module.
#[derive(Clone)]
pub struct ServingStep {
    /// Its name in the pipeline.
    pub name: String,
    /// Its name in the module.
    pub step: String,
    /// The module.
    pub module: ServingModule,
    /// Handed to it.
    pub parameters: Document,
    /// Whether later steps run when it fails.
    pub on_failure: pipeline::OnFailure,
    /// Whether it has something to finalize.
    pub finalizes: bool,
    /// Its field manager.
    pub manager: String,
}

/// A pipeline in service: one version of each of its modules, for a whole pass.
#[derive(Clone)]
pub struct ServingPipeline {
    /// Its name.
    pub name: String,
    /// What it serves.
    pub resource: ResourceType,
    /// The finalizer that its objects get, if any.
    pub finalizer: Option<String>,
    /// Whose installations it takes over.
    pub adoption: Option<Arc<pipeline::Adoption>>,
    /// How the API server asks about its objects.
    pub admission: Arc<pipeline::Admission>,
    /// Who defaults.
    pub defaulting: Vec<ServingReviewer>,
    /// Who validates.
    pub validation: Vec<ServingReviewer>,
    /// What is done.
    pub steps: Vec<ServingStep>,
    /// Changes when any module, grant or parameter does.
    pub digest: [u8; 32],
}

/// Whether what lies in the folder is in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum InService {
    /// It is.
    Serving,
    /// It is not; what was there before is.
    LastGood,
    /// It is not, and nothing else is.
    Refused,
}

impl InService {
    pub(super) fn new(is_serving: bool, has_problem: bool) -> Self {
        match (is_serving, has_problem) {
            (false, _) => Self::Refused,
            (true, true) => Self::LastGood,
            (true, false) => Self::Serving,
        }
    }

    /// A CamelCase word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "Serving",
            Self::LastGood => "LastGood",
            Self::Refused => "Refused",
        }
    }
}

/// How a module stands, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleState {
    /// Its name.
    pub name: String,
    /// Whether what lies in the folder is in service.
    pub state: InService,
    /// What is in service; absent where nothing ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Version that it gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Version of the contract that it was built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// `defaulting`, `validation`, `step`: what it can be called for.
    pub roles: Vec<String>,
    /// Names of its steps.
    pub steps: Vec<String>,
    /// Where it was loaded from: the file of its document, or the component itself.
    pub file: PathBuf,
    /// Why what lies in the folder now is not in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The same as a CamelCase word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What its document says, or would say: with the grants that it has.
    #[serde(skip)]
    pub spec: ModuleSpec,
}

impl ModuleState {
    /// What it can be called for, in one line: `validation, step greet`.
    pub fn serves(&self) -> String {
        let roles = self.roles.iter().filter(|role| *role != "step").cloned();
        roles.chain(self.steps.iter().map(|step| format!("step {step}"))).collect::<Vec<_>>().join(", ")
    }
}

/// How a pipeline stands, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineState {
    /// Its name.
    pub name: String,
    /// Whether what lies in the folder is in service.
    pub state: InService,
    /// Whose objects it serves.
    pub resource: ResourceType,
    /// `STEP (MODULE)`, in their order, as they are in service.
    pub steps: Vec<String>,
    /// Its file.
    pub file: PathBuf,
    /// Why what lies in the folder now is not in service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What an administrator should know of it, although it is in service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The first of them as a CamelCase word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What its document says.
    #[serde(skip)]
    pub spec: PipelineSpec,
}

/// What is in service at one moment. A pass holds on to one of these, so it never mixes versions.
#[derive(Clone, Default)]
pub struct Serving {
    /// By resource type, without its version.
    pub(super) pipelines: BTreeMap<(String, String), Arc<ServingPipeline>>,
    pub(super) modules: BTreeMap<String, ServingModule>,
    pub(super) states: Vec<ModuleState>,
    pub(super) pipeline_states: Vec<PipelineState>,
    pub(super) problems: Vec<String>,
}

impl Serving {
    /// The pipeline that serves a resource type.
    pub fn pipeline(&self, resource: &ResourceType) -> Option<&Arc<ServingPipeline>> {
        self.pipelines.get(&(resource.group.clone(), resource.plural.clone()))
    }

    /// All pipelines.
    pub fn pipelines(&self) -> impl Iterator<Item = &Arc<ServingPipeline>> {
        self.pipelines.values()
    }

    /// All modules in service, by name.
    pub fn modules(&self) -> &BTreeMap<String, ServingModule> {
        &self.modules
    }

    /// How each module stands, by name.
    pub fn states(&self) -> &[ModuleState] {
        &self.states
    }

    /// How each pipeline stands, by name.
    pub fn pipeline_states(&self) -> &[PipelineState] {
        &self.pipeline_states
    }

    /// What is wrong with the folder.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Definitions that modules bring along, by name, each once.
    pub fn definitions(&self) -> Vec<Value> {
        let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
        for module in self.modules.values() {
            for kind in &module.module.description().kinds {
                definitions.insert(kind.resource.definition_name(), kind.definition.clone());
            }
        }
        definitions.into_values().collect()
    }
}

impl ServingPipeline {
    /// Puts the modules in. Nothing where one is missing, which [`pipeline::check`] has named.
    pub(super) fn resolve(name: &str, spec: &PipelineSpec, modules: &BTreeMap<String, ServingModule>) -> Option<Self> {
        let reviewers = |reviewers: &[pipeline::Reviewer]| -> Option<Vec<ServingReviewer>> {
            let reviewer = |it: &pipeline::Reviewer| {
                let module = modules.get(&it.module)?.clone();
                Some(ServingReviewer { module, parameters: it.parameters.clone().into() })
            };
            reviewers.iter().map(reviewer).collect()
        };
        let step = |it: &pipeline::PipelineStep| {
            let module = modules.get(&it.module)?.clone();
            let finalizes = module.module.description().steps.iter().any(|step| step.name == it.step && step.finalizes);
            Some(ServingStep {
                name: it.name().to_owned(),
                step: it.step.clone(),
                module,
                parameters: it.parameters.clone().into(),
                on_failure: it.on_failure,
                finalizes,
                manager: format!("filbert/{name}/{}", it.name()),
            })
        };
        let steps: Vec<_> = spec.steps.iter().map(step).collect::<Option<_>>()?;
        let finalizer = spec
            .finalizer
            .clone()
            .or_else(|| steps.iter().any(|step| step.finalizes).then(|| pipeline::DEFAULT_FINALIZER.to_owned()));
        let mut pipeline = Self {
            name: name.to_owned(),
            resource: spec.resource.clone(),
            finalizer,
            adoption: spec.adoption.clone().map(Arc::new),
            admission: spec.admission.clone().unwrap_or_default().into(),
            defaulting: reviewers(&spec.defaulting)?,
            validation: reviewers(&spec.validation)?,
            steps,
            digest: [0; 32],
        };
        pipeline.seal();
        Some(pipeline)
    }

    /// The same modules with other grants.
    pub(super) fn regranted(&self, grants_of: impl Fn(&Module) -> Option<Arc<Grants>>) -> Self {
        let mut pipeline = self.clone();
        let reviewers = pipeline.defaulting.iter_mut().chain(&mut pipeline.validation).map(|it| &mut it.module);
        for module in reviewers.chain(pipeline.steps.iter_mut().map(|step| &mut step.module)) {
            if let Some(grants) = grants_of(&module.module) {
                module.grants = grants;
            }
        }
        pipeline.seal();
        pipeline
    }

    /// Changes when passes could come to something else. How the API server asks is nothing to them.
    fn seal(&mut self) {
        let mut hash = Sha256::new();
        let mut feed = |part: &[u8]| {
            // With its length, so that no two sequences of parts look the same.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        feed(&json(&(&self.name, &self.resource, &self.finalizer, self.adoption.as_deref())));
        for reviewers in [&self.defaulting, &self.validation] {
            feed(&reviewers.len().to_le_bytes());
            for ServingReviewer { module, parameters } in reviewers {
                feed(module.module.digest().as_bytes());
                feed(&json(&(&*module.grants, parameters)));
            }
        }
        for step in &self.steps {
            let ServingStep { name, step, module, parameters, on_failure, finalizes: _, manager } = step;
            feed(module.module.digest().as_bytes());
            feed(&json(&(name, step, manager, on_failure, &*module.grants, parameters)));
        }
        self.digest = hash.finalize().into();
    }

    /// Whether its objects get passes. Without steps it is a plain admission policy: they are somebody else's.
    pub fn reconciles(&self) -> bool {
        !self.steps.is_empty()
    }

    /// `STEP (MODULE)`, in their order.
    pub(super) fn step_names(&self) -> Vec<String> {
        self.steps.iter().map(|step| format!("{} ({})", step.name, step.module.module.name())).collect()
    }
}

/// A parameter that a closed schema does not have.
fn unknown(schema: &Value, parameters: &Value) -> Option<String> {
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return None;
    }
    let known: Vec<_> =
        schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|it| it.keys()).collect();
    let name = parameters.as_object()?.keys().find(|name| !known.contains(name))?;
    let known: Vec<_> = known.into_iter().map(String::as_str).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Some(format!("there is no parameter `{name}`; there are: {known}"))
}

/// Types of ours, which all have a JSON form.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// What pipelines are checked against.
pub(super) struct Known<'a>(pub(super) &'a BTreeMap<String, ServingModule>);

impl pipeline::Modules for Known<'_> {
    fn description(&self, module: &str) -> Option<&Description> {
        self.0.get(module).map(|serving| serving.module.description())
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn refuses(&self, schema: &Value, parameters: &Value) -> Option<String> {
        if let Some(unknown) = unknown(schema, parameters) {
            return Some(unknown);
        }
        match jsonschema::validator_for(schema) {
            Ok(validator) => validator.validate(parameters).err().map(|error| {
                let path = error.instance_path().to_string();
                let name = path.trim_start_matches('/').replace('/', ".");
                if name.is_empty() { error.to_string() } else { format!("`{name}`: {error}") }
            }),
            Err(error) => Some(format!("the module's own schema is not valid: {error}")),
        }
    }
}
