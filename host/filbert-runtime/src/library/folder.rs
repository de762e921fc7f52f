//! What lies in the modules folder: components, and YAML files with `Module` and `Pipeline` documents.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use filbert_plan::object;
use filbert_plan::pipeline::{self, ComponentSource, ModuleSpec, PipelineSpec};
use serde::Deserialize as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Something in the folder that cannot be read, or not be understood.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or a file in it cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not YAML.
    #[error("`{}` is not valid YAML: {detail}", path.display())]
    Yaml {
        /// Which file.
        path: PathBuf,
        /// What the parser says, with line and column.
        detail: String,
    },
    /// A document that is no `Module` or `Pipeline`, or one with fields that do not belong there.
    #[error("document {index} of `{}`{title}: {detail}", path.display())]
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
    #[error("{kind} `{name}` is defined twice: in `{}` and in `{}`; rename or remove one of them", first.display(), second.display())]
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
}

impl FolderError {
    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::Yaml { path, .. } | Self::Document { path, .. } => path,
            Self::SameName { second, .. } => second,
        }
    }

    /// A CamelCase word for conditions and events.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "NotReadable",
            Self::Yaml { .. } => "NotYaml",
            Self::Document { .. } => "BadDocument",
            Self::SameName { .. } => "SameName",
        }
    }
}

/// A `Module` or `Pipeline` with the file that it comes from.
#[derive(Debug, Clone)]
pub(super) struct Sourced<T> {
    pub(super) path: PathBuf,
    pub(super) spec: T,
}

/// One document of a YAML file.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Module(String, ModuleSpec),
    Pipeline(String, PipelineSpec),
}

/// The files of a folder at one moment.
pub(super) struct Contents {
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    /// Files that are there and cannot be read.
    pub(super) unreadable: BTreeMap<PathBuf, io::Error>,
}

/// What a folder's files are at one moment: equal where nothing changed.
pub(super) type Fingerprint = BTreeMap<PathBuf, Result<[u8; 32], io::ErrorKind>>;

/// What the file system says of a folder's files without reading them, behind links: length, time of the last change, also of who may read it, number.
/// Links are how a folder that a ConfigMap is mounted to is changed.
pub(super) type Stamp = BTreeMap<PathBuf, Option<(u64, i64, i64, u64)>>;

/// The stamp of a folder at this moment.
///
/// # Errors
/// Only where the folder itself cannot be read.
pub(super) fn stamp(folder: &Path) -> Result<Stamp, FolderError> {
    use std::os::unix::fs::MetadataExt as _;
    let failed = |source| FolderError::Read { path: folder.to_owned(), source };
    let mut stamp = Stamp::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_yaml(&path) || is_component(&path) {
            let metadata = std::fs::metadata(&path).ok();
            stamp.insert(path, metadata.map(|it| (it.len(), it.ctime(), it.ctime_nsec(), it.ino())));
        }
    }
    Ok(stamp)
}

impl Contents {
    /// Components and YAML files of a folder. A file that cannot be read spoils no other.
    ///
    /// # Errors
    /// Only where the folder itself cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Read { path: folder.to_owned(), source };
        let mut contents = Self { files: BTreeMap::new(), unreadable: BTreeMap::new() };
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if !is_yaml(&path) && !is_component(&path) {
                continue;
            }
            match std::fs::read(&path) {
                Ok(bytes) => {
                    contents.files.insert(path, bytes);
                }
                // Removed between the listing and the reading.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    contents.unreadable.insert(path, error);
                }
            }
        }
        Ok(contents)
    }

    /// Takes these files for files of the folder.
    pub(super) fn lay_over(&mut self, folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
        for (name, bytes) in files {
            let path = folder.join(name);
            if is_yaml(&path) || is_component(&path) {
                self.unreadable.remove(&path);
                self.files.insert(path, bytes.clone());
            }
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let files = self.files.iter().map(|(path, bytes)| (path.clone(), Ok(Sha256::digest(bytes).into())));
        files.chain(self.unreadable.iter().map(|(path, error)| (path.clone(), Err(error.kind())))).collect()
    }

    /// Why this file cannot be read.
    pub(super) fn problem(&self, path: &Path) -> FolderError {
        let source = match self.unreadable.get(path) {
            Some(error) => io::Error::new(error.kind(), error.to_string()),
            None => io::Error::new(io::ErrorKind::NotFound, "there is no such file"),
        };
        FolderError::Read { path: path.to_owned(), source }
    }
}

/// The documents of each file that was understood last.
pub(super) type Understood = BTreeMap<PathBuf, Vec<Document>>;

/// All modules and pipelines that a folder holds.
#[derive(Default)]
pub(super) struct Found {
    /// By name. Those with a `.wasm` path have no document.
    pub(super) modules: BTreeMap<String, Sourced<ModuleSpec>>,
    pub(super) pipelines: BTreeMap<String, Sourced<PipelineSpec>>,
    pub(super) problems: Vec<FolderError>,
}

impl Found {
    /// Sorts out what the files hold. Of a YAML file that cannot be understood, what it said before still counts.
    pub(super) fn sort_out(folder: &Path, contents: &Contents, understood: &mut Understood) -> Self {
        let mut found = Self::default();
        for path in contents.files.keys().chain(contents.unreadable.keys()).filter(|path| is_yaml(path)) {
            let (documents, problems) = match contents.files.get(path) {
                Some(bytes) => documents(path, bytes),
                None => (Vec::new(), vec![contents.problem(path)]),
            };
            if problems.is_empty() || !understood.contains_key(path) {
                understood.insert(path.clone(), documents);
            }
            found.problems.extend(problems);
        }
        understood.retain(|path, _| contents.files.contains_key(path) || contents.unreadable.contains_key(path));
        for (path, documents) in &*understood {
            for document in documents {
                found.add(path, document);
            }
        }
        found.add_ungoverned(folder, contents);
        found
    }

    fn add(&mut self, path: &Path, document: &Document) {
        let (kind, name, first) = match document {
            Document::Module(name, _) => ("Module", name, self.modules.get(name).map(|first| &first.path)),
            Document::Pipeline(name, _) => ("Pipeline", name, self.pipelines.get(name).map(|first| &first.path)),
        };
        if let Some(first) = first {
            let (first, second) = (first.clone(), path.to_owned());
            self.problems.push(FolderError::SameName { kind, name: name.clone(), first, second });
            return;
        }
        let path = path.to_owned();
        match document.clone() {
            Document::Module(name, spec) => drop(self.modules.insert(name, Sourced { path, spec })),
            Document::Pipeline(name, spec) => drop(self.pipelines.insert(name, Sourced { path, spec })),
        }
    }

    /// Components that no document names are modules called like their files.
    fn add_ungoverned(&mut self, folder: &Path, contents: &Contents) {
        let named: BTreeSet<_> = self.modules.values().map(|module| folder.join(&module.spec.component.file)).collect();
        let components = contents.files.keys().chain(contents.unreadable.keys()).filter(|path| is_component(path));
        for path in components.filter(|path| !named.contains(*path)) {
            let (Some(stem), Some(file)) = (path.file_stem(), path.file_name()) else { continue };
            let name = stem.to_string_lossy().into_owned();
            if let Some(first) = self.modules.get(&name) {
                let (first, second) = (first.path.clone(), path.clone());
                self.problems.push(FolderError::SameName { kind: "Module", name, first, second });
                continue;
            }
            let component = ComponentSource { file: file.to_string_lossy().into_owned(), digest: None };
            let spec = ModuleSpec { component, ..ModuleSpec::default() };
            self.modules.insert(name, Sourced { path: path.clone(), spec });
        }
    }
}

/// What a YAML file says, as far as it can be understood, and what cannot.
fn documents(path: &Path, bytes: &[u8]) -> (Vec<Document>, Vec<FolderError>) {
    let wrong = |detail: String| (Vec::new(), vec![FolderError::Yaml { path: path.to_owned(), detail }]);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return wrong(error.to_string()),
    };
    let values: Vec<Value> = match serde_saphyr::from_multiple(text) {
        Ok(values) => values,
        // In one line: this is said in logs and conditions.
        Err(error) => return wrong(error.without_snippet().to_string()),
    };
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
        match document(path, index + 1, value) {
            Ok(document) => documents.push(document),
            Err(problem) => problems.push(problem),
        }
    }
    (documents, problems)
}

fn document(path: &Path, index: usize, value: &Value) -> Result<Document, FolderError> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let name = object::name(value).unwrap_or_default().to_owned();
    let title = if name.is_empty() { String::new() } else { format!(" ({kind} {name})") };
    let wrong = |detail: String| FolderError::Document { path: path.to_owned(), index, title: title.clone(), detail };
    if api_version != pipeline::API_VERSION || !matches!(kind, "Module" | "Pipeline") {
        return Err(wrong(format!(
            "is `{api_version}` `{kind}`; here belong only Module and Pipeline of {}",
            pipeline::API_VERSION
        )));
    }
    if name.is_empty() {
        return Err(wrong("has no `metadata.name`".to_owned()));
    }
    let spec = value.get("spec").cloned().unwrap_or_default();
    let unfit = |error: serde_json::Error| wrong(format!("spec: {error}"));
    Ok(if kind == "Module" {
        Document::Module(name, ModuleSpec::deserialize(spec).map_err(unfit)?)
    } else {
        Document::Pipeline(name, PipelineSpec::deserialize(spec).map_err(unfit)?)
    })
}

pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn is_component(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}
