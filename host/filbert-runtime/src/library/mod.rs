//! Modules and pipelines, read from a folder: `*.wasm` components, and YAML files with `Module` and `Pipeline` documents.
//! What is broken is named and the last good version stays in service.

mod folder;
mod pipelines;
mod serving;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use filbert_engine::{Engine, Limits, LoadError, Module, Retry};
use filbert_plan::grant::Grants;
use filbert_plan::pipeline::{ModuleSpec, PipelineError};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, watch};
use tracing::{info, warn};

pub use folder::FolderError;
pub use serving::{
    InService, ModuleState, PipelineState, Serving, ServingModule, ServingPipeline, ServingReviewer, ServingStep,
};

use folder::{Contents, Fingerprint, Found, Sourced, Stamp, Understood};

/// A load that takes longer than this is worth a word.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(200);
/// Pauses before what failed for want of time or memory is tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Something in the folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It cannot be read, or not be understood.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A document names a file that is not there.
    #[error("module `{module}` has no component: `{}` names `{}`", document.display(), path.display())]
    NoComponent {
        /// The module.
        module: String,
        /// The file of its document.
        document: PathBuf,
        /// The file that should be there.
        path: PathBuf,
        /// Why it is not.
        #[source]
        source: FolderError,
    },
    /// Two pipelines for one resource type.
    #[error("pipelines `{first}` and `{second}` both serve {resource}; an object has one pipeline")]
    SameResource {
        /// The pipeline that does.
        first: String,
        /// The one that would, too.
        second: String,
        /// What both want to serve.
        resource: String,
    },
    /// The file is another than the module wants.
    #[error("module `{module}`: `{}` has digest {found}, but its specification wants {wanted}", path.display())]
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
    #[error("failed to load module `{module}` from `{}`", path.display())]
    Load {
        /// The module.
        module: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<LoadError>,
    },
    /// A new version wants more than the one in service did, and nobody granted it.
    #[error(
        "a new version of module `{module}` ({found}) is held back until its `Module` grants it to {wanted}, which it wants for this reason: {reason}"
    )]
    WantsMore {
        /// The module.
        module: String,
        /// First digits of the new version's digest.
        found: String,
        /// The first thing beyond the grant.
        wanted: String,
        /// Why the module wants it.
        reason: String,
    },
    /// The pipeline does not fit the modules.
    #[error(transparent)]
    Pipeline(Box<PipelineError>),
}

impl LibraryError {
    /// A CamelCase word for conditions and events.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.reason(),
            Self::NoComponent { .. } => "NoComponent",
            Self::SameResource { .. } => "SameResource",
            Self::Digest { .. } => "OtherDigest",
            Self::Load { .. } => "NotLoaded",
            Self::WantsMore { .. } => "WantsMore",
            Self::Pipeline(_) => "BadPipeline",
        }
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::Load { source, .. } if source.retry() == Retry::WithBackoff)
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
    /// What the file system said before the folder was read, and whether it has been read since that was first said: a file
    /// that changes twice within the smallest time that the file system knows looks the same after the second.
    stamp: Option<(Stamp, bool)>,
    /// Files that count as if they lay in the folder, before those that do.
    overlay: BTreeMap<String, Vec<u8>>,
    seen: Option<Fingerprint>,
    understood: Understood,
    good: BTreeMap<String, Good>,
    /// Components that were compiled and are not in service, by name: they need not be compiled again.
    held: BTreeMap<String, Module>,
    /// Components that were refused for good, by name, with digest and limits.
    refused: BTreeMap<String, (String, Limits, Arc<LoadError>)>,
    pipelines: BTreeMap<String, Arc<ServingPipeline>>,
    again: Option<(Instant, Duration)>,
}

/// The last version of a module that could be used.
struct Good {
    module: Module,
    spec: ModuleSpec,
    governed: bool,
    path: PathBuf,
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

    /// Tells when a module is left alone because it burns its budget, and when it is called again.
    pub fn pauses(&self) -> watch::Receiver<u64> {
        self.engine.pauses()
    }

    /// Where the modules are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From the next look on, these files count as if they lay in the folder, instead of those of the same names that do.
    pub async fn lay_over(&self, files: BTreeMap<String, Vec<u8>>) {
        let mut state = self.state.lock().await;
        (state.overlay, state.stamp) = (files, None);
    }

    /// Looks at the folder every so often, for ever, and takes up what changed.
    pub async fn follow(&self, every: Duration) {
        let mut said = None;
        loop {
            tokio::time::sleep(every).await;
            let problem = self.refresh(&mut |_| {}).await.err().map(|error| chain(&error));
            if let Some(error) = problem.as_ref().filter(|_| problem != said) {
                warn!(error, "modules folder cannot be read; what was in service stays");
            }
            said = problem;
        }
    }

    /// Looks at the folder and takes up what changed. `progress` hears of each component that takes a while to compile.
    ///
    /// # Guarantees
    /// What is in service changes in one step, and not at all where nothing changed. A module or pipeline that cannot be
    /// used leaves the last good one in service, and is named in [`Serving::problems`] and its [`ModuleState`].
    ///
    /// # Errors
    /// Only where the folder itself cannot be read.
    pub async fn refresh(&self, progress: &mut (dyn FnMut(&str) + Send)) -> Result<(), LibraryError> {
        let mut state = self.state.lock().await;
        let is_due = state.again.is_some_and(|(moment, _)| moment <= Instant::now());
        let stamp = folder::stamp(&self.folder)?;
        let is_known = state.stamp.as_ref().is_some_and(|(known, _)| *known == stamp);
        if is_known && !is_due && state.stamp.as_ref().is_some_and(|(_, is_read_again)| *is_read_again) {
            return Ok(());
        }
        let mut contents = Contents::read(&self.folder)?;
        contents.lay_over(&self.folder, &state.overlay);
        state.stamp = Some((stamp, is_known));
        let fingerprint = contents.fingerprint();
        if state.seen.as_ref() == Some(&fingerprint) && !is_due {
            return Ok(());
        }
        let is_first = state.seen.is_none();
        state.seen = Some(fingerprint);
        let Found { modules, pipelines, problems } = Found::sort_out(&self.folder, &contents, &mut state.understood);
        for problem in &problems {
            warn!(error = chain(problem), "not understood");
        }
        // A document that cannot be understood concerns all that its file said before.
        let misunderstood = |path: &Path| {
            problems.iter().find(|problem| problem.path() == path).map(|problem| (chain(problem), problem.reason()))
        };
        let stale_pipelines: BTreeMap<_, _> =
            pipelines.iter().filter_map(|(name, found)| Some((name.clone(), misunderstood(&found.path)?))).collect();
        let stale_modules: BTreeMap<_, _> =
            modules.iter().filter_map(|(name, found)| Some((name.clone(), misunderstood(&found.path)?))).collect();
        let mut problems: Vec<LibraryError> = problems.into_iter().map(LibraryError::from).collect();
        let mut again = false;
        let mut states = Vec::new();
        for (name, found) in &modules {
            let problem = match self.take_up(&mut state, name, found, &contents, progress).await {
                Ok(is_new) => {
                    let version = state.good.get(name).map(|good| &good.module).filter(|_| is_new && !is_first);
                    if let Some(module) = version {
                        info!(module = name, digest = short(module.digest()), "module swapped");
                    }
                    stale_modules.get(name).cloned()
                }
                Err(error) => {
                    let (text, reason) = (chain(&error), error.reason());
                    let kept = state.good.contains_key(name);
                    warn!(module = name, error = text, kept_last_good = kept, "module not taken up");
                    again |= error.may_pass();
                    problems.push(error);
                    Some((text, reason))
                }
            };
            states.push(module_state(name, state.good.get(name), found, problem));
        }
        // A module whose file is gone stays in service: a pipeline that still names it keeps working, and says so.
        for (name, good) in state.good.iter().filter(|(name, _)| !modules.contains_key(*name)) {
            let found = Sourced { path: good.path.clone(), spec: good.spec.clone() };
            let problem = ("it is gone from the folder; still in service".to_owned(), "Gone");
            states.push(module_state(name, Some(good), &found, Some(problem)));
        }
        states.sort_by(|a, b| a.name.cmp(&b.name));
        let loaded = state.good.iter().map(|(name, good)| {
            (name.clone(), ServingModule { module: good.module.clone(), grants: self.grants(good).into() })
        });
        let loaded: BTreeMap<_, _> = loaded.collect();
        let (pipelines, pipeline_states) =
            pipelines::take_up(&mut state.pipelines, &pipelines, &stale_pipelines, &loaded, &mut problems);
        state.again = again.then(|| {
            let pause = state.again.map_or(FIRST_PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
            (Instant::now() + pause, pause)
        });
        let problems = problems.iter().map(|problem| chain(problem)).collect();
        self.serving.send_replace(Arc::new(Serving { pipelines, modules: loaded, states, pipeline_states, problems }));
        Ok(())
    }

    /// Puts what was found in service; says whether it is another version than before.
    async fn take_up(
        &self,
        state: &mut State,
        name: &str,
        found: &Sourced<ModuleSpec>,
        contents: &Contents,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<bool, LibraryError> {
        let Sourced { path, spec } = found;
        let governed = folder::is_yaml(path);
        if let Some(good) = state.good.get_mut(name) {
            // What the administrator says holds for the version in service too, whatever becomes of the new one.
            (good.spec, good.governed, good.path) = (spec.clone(), governed, path.clone());
        }
        let file = self.folder.join(&spec.component.file);
        let Some(wasm) = contents.files.get(&file) else {
            let source = contents.problem(&file);
            let (module, document) = (name.to_owned(), path.clone());
            return Err(if governed {
                LibraryError::NoComponent { module, document, path: file, source }
            } else {
                source.into()
            });
        };
        let digest = hex(&Sha256::digest(wasm));
        if let Some(wanted) = spec.component.digest.clone().filter(|wanted| *wanted != digest) {
            return Err(LibraryError::Digest { module: name.to_owned(), path: file, found: digest, wanted });
        }
        let module = self.load(state, name, wasm, &file, &digest, self.limits(spec), progress).await?;
        let in_service = state.good.get(name);
        let is_new = in_service.is_none_or(|good| good.module.digest() != digest);
        if let Some(good) = in_service.filter(|_| is_new && governed)
            && let Some((wanted, reason)) = beyond(&module, &good.module, &spec.grants)
        {
            let (module_name, found) = (name.to_owned(), short(&digest).to_owned());
            state.held.insert(name.to_owned(), module);
            return Err(LibraryError::WantsMore { module: module_name, found, wanted, reason });
        }
        state.held.remove(name);
        state.good.insert(name.to_owned(), Good { module, spec: spec.clone(), governed, path: path.clone() });
        Ok(is_new)
    }

    #[expect(clippy::too_many_arguments, reason = "all that a load depends on")]
    async fn load(
        &self,
        state: &mut State,
        name: &str,
        wasm: &[u8],
        file: &Path,
        digest: &str,
        limits: Limits,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Module, LibraryError> {
        let refuse = |source| LibraryError::Load { module: name.to_owned(), path: file.to_owned(), source };
        let compiled = [state.good.get(name).map(|good| &good.module), state.held.get(name)];
        let is_same = |module: &&Module| module.digest() == digest && *module.limits() == limits;
        if let Some(module) = compiled.into_iter().flatten().find(is_same) {
            return Ok(module.clone());
        }
        if let Some((refused, under, error)) = state.refused.get(name)
            && refused == digest
            && *under == limits
        {
            return Err(refuse(error.clone()));
        }
        let mut loading = Box::pin(self.engine.load_limited(name, wasm, limits));
        let loaded = if let Ok(loaded) = tokio::time::timeout(ANNOUNCED_AFTER, &mut loading).await {
            loaded
        } else {
            progress(name);
            loading.await
        };
        loaded.map_err(|error| {
            let error = Arc::new(error);
            if error.retry() == Retry::WhenChanged {
                state.refused.insert(name.to_owned(), (digest.to_owned(), limits, error.clone()));
            }
            refuse(error)
        })
    }

    /// What a module may do. An administrator's word is the upper bound, and what the module wishes for the other.
    fn grants(&self, good: &Good) -> Grants {
        let wishes = wishes(&good.module);
        match (good.governed, self.ungoverned) {
            (true, _) => good.spec.grants.intersection(&wishes),
            (false, Ungoverned::WishesGranted) => wishes,
            (false, Ungoverned::NothingGranted) => Grants::default(),
        }
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
}

fn wishes(module: &Module) -> Grants {
    Grants(module.description().wants.iter().map(|wish| wish.wanted.clone()).collect())
}

/// The first wish of a new version that is neither granted nor one that the version in service had already: an
/// administrator who granted less than was asked for has decided that, and the next version is not held back for it.
fn beyond(new: &Module, old: &Module, granted: &Grants) -> Option<(String, String)> {
    let mut bound = granted.clone();
    bound.0.extend(wishes(old).0);
    let wishes = wishes(new);
    let beyond = wishes.first_beyond(&bound)?;
    let reason = new.description().wants.iter().find(|wish| wish.wanted == *beyond).map(|wish| wish.reason.clone());
    Some((beyond.to_string(), reason.unwrap_or_default()))
}

fn module_state(
    name: &str,
    good: Option<&Good>,
    found: &Sourced<ModuleSpec>,
    problem: Option<(String, &'static str)>,
) -> ModuleState {
    let module = good.map(|good| &good.module);
    let description = module.map(Module::description);
    let mut spec = found.spec.clone();
    if let Some(good) = good.filter(|good| !good.governed) {
        spec.grants = wishes(&good.module);
    }
    let exports = module.map(|module| module.surface().exports.as_slice()).unwrap_or_default();
    let exports: Vec<_> = exports.iter().filter_map(|export| export.name.rsplit_once('/')?.1.split_once('@')).collect();
    let roles = exports.iter().map(|(role, _)| (*role).to_owned()).filter(|role| role != "module");
    ModuleState {
        name: name.to_owned(),
        state: InService::new(good.is_some(), problem.is_some()),
        digest: module.map(|module| module.digest().to_owned()),
        version: description.map(|description| description.version.clone()),
        contract: exports.first().map(|(_, version)| (*version).to_owned()),
        roles: roles.collect(),
        steps: description.into_iter().flat_map(|it| &it.steps).map(|step| step.name.clone()).collect(),
        file: found.path.clone(),
        reason: problem.as_ref().map(|(_, reason)| *reason),
        problem: problem.map(|(text, _)| text),
        spec,
    }
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
