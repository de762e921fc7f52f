//! Modules and pipelines, read from a folder: `*.wasm` components, and YAML files with `Module` and `Pipeline` documents.
//! What is broken is named and the last good version stays in service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use filbert_engine::{Engine, Limits, LoadError, Module};
use filbert_plan::description::Description;
use filbert_plan::grant::Grants;
use filbert_plan::object::{self, ResourceType};
use filbert_plan::pipeline::{self, ModuleSpec, PipelineError, PipelineSpec};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, watch};
use tracing::{info, warn};

/// Something in the folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder or a file in it cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not YAML.
    #[error("`{path}` is not valid YAML: {detail}")]
    Yaml {
        /// Which file.
        path: PathBuf,
        /// What the parser says, with line and column.
        detail: String,
    },
    /// A document that is no `Module` or `Pipeline`, or one with fields that do not belong there.
    #[error("document {index} of `{path}`{title}: {detail}")]
    Document {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        index: usize,
        /// ` (Module blue)`, where known.
        title: String,
        /// What is wrong.
        detail: String,
    },
    /// Two of one name.
    #[error("{kind} `{name}` is defined twice: in `{first}` and in `{second}`; rename or remove one of them")]
    SameName {
        /// `Module` or `Pipeline`.
        kind: &'static str,
        /// Which.
        name: String,
        /// One file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// Two pipelines for one resource type.
    #[error("pipelines `{first}` and `{second}` both serve {resource}; an object has one pipeline")]
    SameResource {
        /// One pipeline.
        first: String,
        /// Another.
        second: String,
        /// What both want to serve.
        resource: String,
    },
    /// The file is another than the module wants.
    #[error("module `{module}`: `{path}` has digest {found}, but its specification wants {wanted}")]
    Digest {
        /// The module.
        module: String,
        /// Its file.
        path: PathBuf,
        /// Digest of the file.
        found: String,
        /// Digest in the specification.
        wanted: String,
    },
    /// The component is refused.
    #[error("failed to load module `{module}` from `{path}`")]
    Load {
        /// The module.
        module: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<LoadError>,
    },
    /// The pipeline does not fit the modules.
    #[error(transparent)]
    Pipeline(Box<PipelineError>),
}

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
    pub parameters: Arc<Value>,
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
    pub parameters: Arc<Value>,
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
    /// Who defaults.
    pub defaulting: Vec<ServingReviewer>,
    /// Who validates.
    pub validation: Vec<ServingReviewer>,
    /// What is done.
    pub steps: Vec<ServingStep>,
    /// Changes when any module, grant or parameter does.
    pub digest: [u8; 32],
}

/// How a module stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleState {
    /// Its name.
    pub name: String,
    /// What is in service; absent where nothing ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Version that it gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it was loaded from.
    pub file: PathBuf,
    /// Why what lies in the folder now is not in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is in service at one moment. A pass holds on to one of these, so it never mixes versions.
#[derive(Clone, Default)]
pub struct Serving {
    /// By resource type, without its version.
    pipelines: BTreeMap<(String, String), Arc<ServingPipeline>>,
    modules: BTreeMap<String, ServingModule>,
    states: Vec<ModuleState>,
    problems: Vec<String>,
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

/// What a module gets that has no `Module` document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ungoverned {
    /// Nothing: it can default and validate, but read and apply nothing.
    NothingGranted,
    /// All that it wishes for. For development.
    WishesGranted,
}

/// The modules and pipelines of one folder.
pub struct Library {
    engine: Engine,
    folder: PathBuf,
    ungoverned: Ungoverned,
    limits: Limits,
    state: Mutex<State>,
    serving: watch::Sender<Arc<Serving>>,
}

#[derive(Default)]
struct State {
    /// Digest of every file as it was read last.
    seen: BTreeMap<PathBuf, [u8; 32]>,
    good: BTreeMap<String, (ServingModule, PathBuf)>,
    pipelines: BTreeMap<String, PipelineSpec>,
}

struct Document {
    path: PathBuf,
    index: usize,
    value: Value,
}

struct Found {
    modules: BTreeMap<String, (PathBuf, ModuleSpec)>,
    pipelines: BTreeMap<String, (PathBuf, PipelineSpec)>,
    problems: Vec<LibraryError>,
}

impl Library {
    /// Nothing is loaded until [`Library::refresh`].
    pub fn new(engine: Engine, folder: PathBuf, ungoverned: Ungoverned, limits: Limits) -> Self {
        let (serving, _) = watch::channel(Arc::new(Serving::default()));
        Self { engine, folder, ungoverned, limits, state: Mutex::default(), serving }
    }

    /// What is in service now.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.borrow().clone()
    }

    /// Tells of every change of what is in service.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Serving>> {
        self.serving.subscribe()
    }

    /// Looks at the folder every so often, for ever, and takes up what changed.
    pub async fn follow(&self, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.refresh(&mut |_| {}).await {
                warn!(error = %error, "modules folder cannot be read");
            }
        }
    }

    /// Looks at the folder and takes up what changed. `progress` hears of each component before it is compiled.
    ///
    /// # Guarantees
    /// What is in service changes in one step, and not at all where nothing changed. A module or pipeline that cannot be
    /// used leaves the last good one in service, and is named in [`Serving::problems`] and its [`ModuleState`].
    ///
    /// # Errors
    /// Only where the folder itself cannot be read.
    pub async fn refresh(&self, progress: &mut (dyn FnMut(&str) + Send)) -> Result<(), LibraryError> {
        let mut state = self.state.lock().await;
        let files = files(&self.folder)?;
        let hashes: BTreeMap<_, _> =
            files.iter().map(|(path, bytes)| (path.clone(), <[u8; 32]>::from(Sha256::digest(bytes)))).collect();
        if state.seen == hashes && !state.seen.is_empty() {
            return Ok(());
        }
        let first = state.seen.is_empty();
        state.seen.clone_from(&hashes);
        let mut found = self.find(&files);
        let mut states = Vec::new();
        let mut loaded = BTreeMap::new();
        for (name, (path, spec)) in &found.modules {
            let outcome = self.take_up(&mut state, name, path, spec, &files, progress).await;
            let problem = match outcome {
                Ok(module) => {
                    let is_new =
                        state.good.get(name).is_none_or(|(old, _)| old.module.digest() != module.module.digest());
                    if is_new && !first {
                        info!(module = name, digest = short(module.module.digest()), "module swapped");
                    }
                    state.good.insert(name.clone(), (module, path.clone()));
                    None
                }
                Err(error) => {
                    let text = chain(&error);
                    let kept = state.good.contains_key(name);
                    warn!(module = name, error = text, kept_last_good = kept, "module not taken up");
                    found.problems.push(error);
                    Some(text)
                }
            };
            let good = state.good.get(name).map(|(module, _)| module.clone());
            states.push(ModuleState {
                name: name.clone(),
                digest: good.as_ref().map(|good| good.module.digest().to_owned()),
                version: good.as_ref().map(|good| good.module.description().version.clone()),
                file: path.clone(),
                problem,
            });
            if let Some(good) = good {
                loaded.insert(name.clone(), good);
            }
        }
        // A module whose file is gone stays in service: a pipeline that still names it keeps working, and says so.
        for (name, (module, path)) in &state.good {
            if !found.modules.contains_key(name) {
                let gone = !hashes.contains_key(path) || found.modules.is_empty();
                states.push(ModuleState {
                    name: name.clone(),
                    digest: Some(module.module.digest().to_owned()),
                    version: Some(module.module.description().version.clone()),
                    file: path.clone(),
                    problem: Some(if gone {
                        "its file is gone; still in service".to_owned()
                    } else {
                        "its Module document is gone; still in service".to_owned()
                    }),
                });
                loaded.insert(name.clone(), module.clone());
            }
        }
        states.sort_by(|a, b| a.name.cmp(&b.name));
        let pipelines = Self::pipelines(&mut state, &mut found, &loaded);
        let problems = found.problems.iter().map(|problem| chain(problem)).collect();
        self.serving.send_replace(Arc::new(Serving { pipelines, modules: loaded, states, problems }));
        Ok(())
    }

    /// Sorts out what the files hold.
    fn find(&self, files: &[(PathBuf, Vec<u8>)]) -> Found {
        let mut found = Found { modules: BTreeMap::new(), pipelines: BTreeMap::new(), problems: Vec::new() };
        for (path, bytes) in files.iter().filter(|(path, _)| is_yaml(path)) {
            match documents(path, bytes) {
                Ok(documents) => {
                    for document in documents {
                        if let Err(error) = found.add(document) {
                            found.problems.push(error);
                        }
                    }
                }
                Err(error) => found.problems.push(error),
            }
        }
        let named: BTreeSet<_> =
            found.modules.values().map(|(_, spec)| self.folder.join(&spec.component.file)).collect();
        for (path, _) in files.iter().filter(|(path, _)| !is_yaml(path) && !named.contains(path)) {
            let Some(name) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let spec =
                ModuleSpec { component: pipeline::ComponentSource { file, digest: None }, ..ModuleSpec::default() };
            match found.modules.get(&name) {
                Some((first, _)) => found.problems.push(LibraryError::SameName {
                    kind: "Module",
                    name,
                    first: first.clone(),
                    second: path.clone(),
                }),
                None => {
                    found.modules.insert(name, (path.clone(), spec));
                }
            }
        }
        found
    }

    async fn take_up(
        &self,
        state: &mut State,
        name: &str,
        path: &Path,
        spec: &ModuleSpec,
        files: &[(PathBuf, Vec<u8>)],
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ServingModule, LibraryError> {
        let file = self.folder.join(&spec.component.file);
        let Some((_, wasm)) = files.iter().find(|(path, _)| *path == file) else {
            let source = std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!("named by module `{name}` in `{}`", path.display()),
            );
            return Err(LibraryError::Read { path: file, source });
        };
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        let hex = hex(&digest);
        if let Some(wanted) = &spec.component.digest
            && *wanted != hex
        {
            return Err(LibraryError::Digest {
                module: name.to_owned(),
                path: file,
                found: hex,
                wanted: wanted.clone(),
            });
        }
        let limits = self.limits(spec);
        let kept =
            state.good.get(name).filter(|(good, _)| good.module.digest() == hex && *good.module.limits() == limits);
        let module = if let Some((good, _)) = kept {
            good.module.clone()
        } else {
            progress(name);
            let loaded = self.engine.load_limited(name, wasm, limits).await;
            loaded.map_err(|source| LibraryError::Load {
                module: name.to_owned(),
                path: file,
                source: Box::new(source),
            })?
        };
        let wishes = Grants(module.description().wants.iter().map(|wish| wish.wanted.clone()).collect());
        // Without a Module document there is no administrator's word.
        let governed = is_yaml(path);
        let grants = match (governed, self.ungoverned) {
            (true, _) => spec.grants.clone(),
            (false, Ungoverned::WishesGranted) => wishes,
            (false, Ungoverned::NothingGranted) => Grants::default(),
        };
        Ok(ServingModule { module, grants: Arc::new(grants) })
    }

    fn limits(&self, spec: &ModuleSpec) -> Limits {
        let mut limits = self.limits;
        if let Some(mib) = spec.limits.memory_mib {
            limits.memory = usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        }
        if let Some(millis) = spec.limits.deadline_millis {
            let deadline = Duration::from_millis(millis);
            (limits.step_deadline, limits.review_deadline) = (deadline, deadline.min(limits.review_deadline));
        }
        limits
    }

    /// Pipelines with their modules. One that does not fit leaves its last good specification in service.
    fn pipelines(
        state: &mut State,
        found: &mut Found,
        modules: &BTreeMap<String, ServingModule>,
    ) -> BTreeMap<(String, String), Arc<ServingPipeline>> {
        let known = Known(modules);
        let mut wanted: BTreeMap<String, PipelineSpec> = BTreeMap::new();
        for (name, (_, spec)) in &found.pipelines {
            let errors = pipeline::check(name, spec, &known);
            if errors.is_empty() {
                state.pipelines.insert(name.clone(), spec.clone());
            }
            for error in errors {
                warn!(pipeline = name, error = %error, "pipeline not taken up");
                found.problems.push(LibraryError::Pipeline(Box::new(error)));
            }
            if let Some(good) = state.pipelines.get(name)
                && pipeline::check(name, good, &known).is_empty()
            {
                wanted.insert(name.clone(), good.clone());
            }
        }
        // Unlike a module, a pipeline that is gone is gone: its objects are then nobody's.
        state.pipelines.retain(|name, _| found.pipelines.contains_key(name));
        let mut serving: BTreeMap<(String, String), Arc<ServingPipeline>> = BTreeMap::new();
        for (name, spec) in wanted {
            let key = (spec.resource.group.clone(), spec.resource.plural.clone());
            if let Some(first) = serving.get(&key) {
                found.problems.push(LibraryError::SameResource {
                    first: first.name.clone(),
                    second: name,
                    resource: spec.resource.to_string(),
                });
                continue;
            }
            if let Some(pipeline) = resolve(&name, &spec, modules) {
                serving.insert(key, Arc::new(pipeline));
            }
        }
        serving
    }
}

/// Puts the modules in. Nothing where one is missing, which [`pipeline::check`] has named.
fn resolve(name: &str, spec: &PipelineSpec, modules: &BTreeMap<String, ServingModule>) -> Option<ServingPipeline> {
    let reviewers = |reviewers: &[pipeline::Reviewer]| -> Option<Vec<ServingReviewer>> {
        let reviewer = |it: &pipeline::Reviewer| {
            Some(ServingReviewer {
                module: modules.get(&it.module)?.clone(),
                parameters: Arc::new(it.parameters.clone()),
            })
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
            parameters: Arc::new(it.parameters.clone()),
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
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(spec).unwrap_or_default());
    for module in spec
        .defaulting
        .iter()
        .chain(&spec.validation)
        .map(|it| &it.module)
        .chain(spec.steps.iter().map(|it| &it.module))
    {
        if let Some(serving) = modules.get(module) {
            hash.update(serving.module.digest());
            hash.update(serde_json::to_vec(&*serving.grants).unwrap_or_default());
        }
    }
    Some(ServingPipeline {
        name: name.to_owned(),
        resource: spec.resource.clone(),
        finalizer,
        defaulting: reviewers(&spec.defaulting)?,
        validation: reviewers(&spec.validation)?,
        steps,
        digest: hash.finalize().into(),
    })
}

struct Known<'a>(&'a BTreeMap<String, ServingModule>);

impl pipeline::Modules for Known<'_> {
    fn description(&self, module: &str) -> Option<&Description> {
        self.0.get(module).map(|serving| serving.module.description())
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn refuses(&self, schema: &Value, parameters: &Value) -> Option<String> {
        match jsonschema::validator_for(schema) {
            Ok(validator) => validator.validate(parameters).err().map(|error| error.to_string()),
            Err(error) => Some(format!("the module's own schema is not valid: {error}")),
        }
    }
}

impl Found {
    fn add(&mut self, document: Document) -> Result<(), LibraryError> {
        let Document { path, index, value } = document;
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let name = object::name(&value).unwrap_or_default().to_owned();
        let title = if name.is_empty() { String::new() } else { format!(" ({kind} {name})") };
        let wrong = |detail: String| LibraryError::Document { path: path.clone(), index, title: title.clone(), detail };
        if api_version != pipeline::API_VERSION || !matches!(kind.as_str(), "Module" | "Pipeline") {
            return Err(wrong(format!(
                "is `{api_version}` `{kind}`; here belong only Module and Pipeline of {}",
                pipeline::API_VERSION
            )));
        }
        if name.is_empty() {
            return Err(wrong("has no `metadata.name`".to_owned()));
        }
        let spec = value.get("spec").cloned().unwrap_or_default();
        let same = |kind, first: &PathBuf| LibraryError::SameName {
            kind,
            name: name.clone(),
            first: first.clone(),
            second: path.clone(),
        };
        if kind == "Module" {
            let spec = ModuleSpec::deserialize(&spec).map_err(|error| wrong(format!("spec: {error}")))?;
            if let Some((first, _)) = self.modules.get(&name) {
                return Err(same("Module", first));
            }
            self.modules.insert(name, (path, spec));
        } else {
            let spec = PipelineSpec::deserialize(&spec).map_err(|error| wrong(format!("spec: {error}")))?;
            if let Some((first, _)) = self.pipelines.get(&name) {
                return Err(same("Pipeline", first));
            }
            self.pipelines.insert(name, (path, spec));
        }
        Ok(())
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Components and YAML files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, LibraryError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LibraryError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let is_wanted = is_yaml(&path) || path.extension().is_some_and(|extension| extension == "wasm");
        if is_wanted && path.is_file() {
            match std::fs::read(&path) {
                Ok(bytes) => files.push((path, bytes)),
                // Removed between the listing and the reading.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn documents(path: &Path, bytes: &[u8]) -> Result<Vec<Document>, LibraryError> {
    let wrong = |detail: String| LibraryError::Yaml { path: path.to_owned(), detail };
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    let values: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| wrong(error.to_string()))?;
    let documents = values.into_iter().enumerate().filter(|(_, value)| !value.is_null());
    Ok(documents.map(|(index, value)| Document { path: path.to_owned(), index: index + 1, value }).collect())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first twelve digits: enough for people.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// An error with its causes: `a: b: c`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
