//! A cluster that a person names, and its objects by what a person writes.

use anyhow::{Context as _, anyhow};
use filbert_kube::{Api, Discovery};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_plan::pipeline;
use filbert_runtime::Serving;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::cli::ClusterOptions;
use crate::documents::Document;
use crate::failure::{Failure, Hint as _, Outcome};

/// Field manager for objects that a person applies.
const MANAGER: &str = "filbert-dev";

/// A client for the cluster that the options name, or for the one that kubectl would take, and its address. It answers: it
/// was asked.
pub(crate) async fn connect(options: &ClusterOptions) -> Outcome<(kube::Client, String)> {
    let ClusterOptions { kubeconfig, context, request_timeout } = options;
    let choice = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    let hint = "`--kubeconfig` names a file that kubectl could use, `--context` one of its contexts";
    let config = match kubeconfig {
        Some(path) => {
            let unusable = || format!("`{}` is no usable kubeconfig", path.display());
            let file = Kubeconfig::read_from(path).with_context(unusable).hint(hint)?;
            kube::Config::from_custom_kubeconfig(file, &choice).await.with_context(unusable).hint(hint)?
        }
        None if context.is_some() => kube::Config::from_kubeconfig(&choice).await.hint(hint)?,
        None => kube::Config::infer().await.hint("name a kubeconfig with `--kubeconfig`, or set KUBECONFIG")?,
    };
    let url = config.cluster_url.to_string();
    let client = kube::Client::try_from(config).with_context(|| format!("failed to make a client for {url}"))?;
    let silent = || format!("the API server at {url} does not answer");
    match tokio::time::timeout(*request_timeout, client.apiserver_version()).await {
        Ok(answer) => {
            answer.map(drop).with_context(silent).hint("is the cluster running, and is this the right kubeconfig?")?;
        }
        Err(_) => {
            return Err(anyhow!("nothing came within {request_timeout:?}").context(silent()))
                .hint("is the cluster running, and is this the right kubeconfig? `--request-timeout` waits longer");
        }
    }
    Ok((client, url))
}

/// Objects of an API server, by what a person writes.
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) discovery: Discovery,
}

/// What a document is to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// A pipeline serves it.
    Served(ObjectKey),
    /// Of a custom kind that no pipeline serves.
    Orphan(ObjectKey),
    /// Something that resources refer to, or that has nothing to do with them.
    Background(ObjectKey),
}

impl Cluster {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { api: Api::new(client.clone()), discovery: Discovery::new(client) }
    }

    /// Applies definitions, which are then served.
    pub(crate) async fn apply_definitions(&self, definitions: Vec<Value>) -> Outcome<()> {
        for definition in definitions {
            let name = object::name(&definition).unwrap_or_default().to_owned();
            self.api.apply(&definition_key(name), &definition, MANAGER, true).await.map_err(refused)?;
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
            .map_err(|error| anyhow!("{}", error.detail()))
            .with_context(|| {
                format!("the API server refuses {} `{}` ({})", document.type_meta.kind, document.name, document.place)
            })
            .hint("`kubectl explain` and `filbert crds` say which fields there are, and of which type")?;
        Ok(key)
    }

    /// Where a document belongs, and the object with its namespace.
    pub(crate) async fn locate(&self, document: &Document) -> Outcome<(ObjectKey, Value)> {
        let Document { place, object, type_meta, name } = document;
        if type_meta.api_version == pipeline::API_VERSION {
            let error = anyhow!("{} `{name}` ({place}) is no resource to reconcile", type_meta.kind);
            return Err(error)
                .hint("`Module` and `Pipeline` files belong in the modules folder, which `--modules` names");
        }
        let served = self.discovery.of_type(type_meta).await.map_err(refused)?;
        let served = served
            .ok_or_else(|| anyhow!("the API server knows no kind `{}` of `{}`", type_meta.kind, type_meta.api_version))
            .with_context(|| format!("`{name}` ({place}) cannot be placed"))
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

    /// What an object is to the operator.
    pub(crate) async fn part(&self, serving: &Serving, key: ObjectKey) -> Outcome<Part> {
        if let Some(pipeline) = serving.pipeline(&key.resource).filter(|pipeline| pipeline.resource == key.resource) {
            // One without steps only answers reviews.
            return Ok(if pipeline.reconciles() { Part::Served(key) } else { Part::Background(key) });
        }
        // A kind with a definition is somebody's own; only a pipeline would do anything about it.
        let definition = definition_key(key.resource.definition_name());
        let is_custom = self.api.get(&definition).await.map_err(refused)?.is_some();
        Ok(if is_custom { Part::Orphan(key) } else { Part::Background(key) })
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

fn definition_key(name: String) -> ObjectKey {
    let resource = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    ObjectKey { resource, namespace: None, name }
}

/// A custom kind that nobody does anything about.
pub(crate) fn orphan(serving: &Serving, document: &Document) -> Failure {
    let Document { place, type_meta, name, .. } = document;
    let error = anyhow!("no pipeline serves {} of `{}`", type_meta.kind, type_meta.api_version);
    Failure::from(error.context(format!("nothing would be done for `{name}` ({place})"))).hint(served_kinds(serving))
}

/// Files in which no resource is.
pub(crate) fn nothing_served(serving: &Serving) -> Failure {
    Failure::from(anyhow!("no pipeline serves any resource of these files")).hint(served_kinds(serving))
}

fn served_kinds(serving: &Serving) -> String {
    let served: Vec<_> = serving.pipelines().map(|pipeline| pipeline.resource.to_string()).collect();
    let served = if served.is_empty() { "nothing".to_owned() } else { served.join(", ") };
    format!("the pipelines here serve {served}; `filbert modules` says what is loaded")
}

/// An API error with the server's own words as its cause.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn refused(error: filbert_kube::ApiError) -> Failure {
    let detail = error.detail();
    Failure::from(anyhow!(detail).context(error.to_string()))
}
