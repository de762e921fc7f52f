//! What several commands set up: an engine, the modules, an embedded API server.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use filbert_apiserver::ApiServer;
use filbert_engine::{Cache, Compiler, Engine, Limits, Settings};
use filbert_kube::{Api, Discovery};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Library, Serving};
use serde_json::{Value, json};

use crate::cli::ModuleFolder;
use crate::documents::Document;
use crate::failure::{Failure, Hint as _, Outcome};

/// Field manager for objects that a person applies.
const MANAGER: &str = "filbert-dev";

/// An engine with the operator's settings.
pub(crate) fn engine(cache: Option<PathBuf>) -> Outcome<Engine> {
    let program =
        std::env::current_exe().context("failed to find this program, which compiles modules in a child process")?;
    let settings = Settings {
        cache: cache.map_or(Cache::Off, Cache::Required),
        compiler: Compiler::Child { program, args: vec!["compile-module".into()] },
        ..Settings::default()
    };
    Engine::new(settings)
        .hint("a cache folder must belong to this user and be writable; leave `--cache` out to go on without")
}

/// The modules of a folder, compiled.
pub(crate) async fn library(folder: &ModuleFolder, ungoverned: Ungoverned) -> Outcome<Arc<Library>> {
    let engine = engine(folder.cache.clone())?;
    let library = Library::new(engine, folder.modules.clone(), ungoverned, Limits::default());
    library
        .refresh(&mut |module| eprintln!("compiling {module}"))
        .await
        .hint("`--modules` names the folder with components; `cargo xtask guests` makes ours in target/modules")?;
    Ok(Arc::new(library))
}

/// Fails where anything in the folder cannot be used: for commands that run once and could only mislead.
pub(crate) fn sound(serving: &Serving) -> Outcome<()> {
    match serving.problems().first() {
        None => Ok(()),
        Some(first) => {
            let more = serving.problems().len() - 1;
            let error = if more == 0 { anyhow!("{first}") } else { anyhow!("{first} (and {more} more)") };
            Err(Failure::from(error.context("the modules folder is not usable as it is")))
                .hint("`filbert modules` lists what is in service and what is not")
        }
    }
}

/// Objects of an API server, by what a person writes.
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) discovery: Discovery,
}

impl Cluster {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { api: Api::new(client.clone()), discovery: Discovery::new(client) }
    }

    /// Applies the definitions that modules bring along, and waits until they are served.
    pub(crate) async fn apply_definitions(&self, serving: &Serving) -> Outcome<()> {
        let definitions = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        for definition in serving.definitions() {
            let name = object::name(&definition).unwrap_or_default().to_owned();
            let key = ObjectKey { resource: definitions.clone(), namespace: None, name };
            self.api.apply(&key, &definition, MANAGER, true).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Applies a document; answers its key.
    pub(crate) async fn apply(&self, document: &Document) -> Outcome<ObjectKey> {
        let (key, object) = self.locate(document).await?;
        if let Some(namespace) = &key.namespace {
            self.ensure_namespace(namespace).await?;
        }
        self.api
            .apply(&key, &object, MANAGER, true)
            .await
            .map_err(|error| anyhow!("{}", error.detail()).context(error))
            .with_context(|| {
                format!("the API server refuses {} `{}` ({})", document.type_meta.kind, document.name, document.place)
            })
            .map_err(Failure::from)?;
        Ok(key)
    }

    /// Where a document belongs, and the object with its namespace.
    pub(crate) async fn locate(&self, document: &Document) -> Outcome<(ObjectKey, Value)> {
        let Document { place, object, type_meta, name } = document;
        let served = self.discovery.of_type(type_meta).await.map_err(refused)?;
        let served = served
            .ok_or_else(|| anyhow!("nobody serves {type_meta} (`{name}` in {place})"))
            .hint("is the kind spelt right? A custom kind needs a module that brings its definition along, or the definition itself before it in the file")?;
        let mut object = object.clone();
        let namespace = served.namespaced.then(|| object::namespace(&object).unwrap_or("default").to_owned());
        if let (Some(namespace), Some(metadata)) =
            (&namespace, object.get_mut("metadata").and_then(Value::as_object_mut))
        {
            metadata.insert("namespace".to_owned(), namespace.clone().into());
        }
        Ok((ObjectKey { resource: served.resource, namespace, name: name.clone() }, object))
    }

    async fn ensure_namespace(&self, name: &str) -> Outcome<()> {
        let namespaces = ResourceType::new("", "v1", "namespaces");
        let key = ObjectKey { resource: namespaces, namespace: None, name: name.to_owned() };
        if self.api.get(&key).await.map_err(refused)?.is_none() {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            self.api.apply(&key, &namespace, MANAGER, true).await.map_err(refused)?;
        }
        Ok(())
    }
}

/// An API error with the server's own words as its cause.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn refused(error: filbert_kube::ApiError) -> Failure {
    let detail = error.detail();
    Failure::from(anyhow!(detail).context(error.to_string()))
}

/// An embedded API server with controllers that act as if pods ran.
pub(crate) fn embedded() -> ApiServer {
    ApiServer::builder().garbage_collector(true).stand_ins(true).build()
}
