//! A cluster, and a namespace of it for one test.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use filbert_apiserver::{ApiServer, Serving};
use filbert_kube::{Api, Discovery};
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::line::Line;
use crate::process::PATIENCE;
use crate::replica::Replica;
use crate::support::{Place, modules};

/// Who writes what a person would.
pub(crate) const PERSON: &str = "person";

/// A cluster, and a namespace of it.
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) api: Api,
    pub(crate) discovery: Discovery,
    pub(crate) namespace: String,
    /// Where it is not the cluster that `cargo xtask e2e` names.
    embedded: Option<Embedded>,
}

/// An embedded server, and the line between it and all others.
struct Embedded {
    _server: ApiServer,
    _serving: Serving,
    line: Line,
}

impl Site {
    /// On the cluster that `cargo xtask e2e` names, or on an embedded server that nobody else uses. With all definitions, and with
    /// the module `hello` in the place.
    pub(crate) async fn new(namespace: &str) -> Self {
        let place = Place::with_hello();
        let embedded = if std::env::var_os("FILBERT_E2E").is_some() {
            let kubeconfig = std::env::var_os("KUBECONFIG").expect("`cargo xtask e2e` sets KUBECONFIG");
            place.write("kubeconfig", &std::fs::read(kubeconfig).expect("it can be read"));
            None
        } else {
            let server = ApiServer::builder().garbage_collector(true).stand_ins(true).build();
            let serving = server.serve(([127, 0, 0, 1], 0).into()).await.expect("a free port");
            let line = Line::to(serving.address).await;
            let kubeconfig = serving.kubeconfig().replace(&serving.url, &format!("https://{}", line.address));
            place.write("kubeconfig", kubeconfig.as_bytes());
            Some(Embedded { _server: server, _serving: serving, line })
        };
        let file = Kubeconfig::from_yaml(&place.read("kubeconfig")).expect("a kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("usable");
        let client = kube::Client::try_from(config).expect("a client");
        let (api, discovery) = (Api::new(client.clone()), Discovery::new(client));
        let site = Self { place, api, discovery, namespace: namespace.to_owned(), embedded };
        site.define().await;
        let metadata = json!({"name": namespace});
        site.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})).await.expect("applied");
        site
    }

    /// All definitions: those in the repository, and those that the first guest brings along.
    async fn define(&self) {
        let mut definitions = Vec::new();
        for file in yaml_files(&repository().join("crds")) {
            definitions.extend(documents(&std::fs::read_to_string(&file).expect("it can be read")));
        }
        let printed = self.place.run(&["crds", "--modules", "modules"]);
        definitions.extend(documents(&String::from_utf8(printed.stdout).expect("text")));
        for definition in &definitions {
            let name = object::name(definition).expect("a name");
            self.apply(definition).await.unwrap_or_else(|error| panic!("{name} is refused: {error}"));
        }
        for definition in &definitions {
            let key = self.key(definition).await.expect("a type of the server");
            self.until(&key, |it| condition(it, "Established") == "True").await;
        }
    }

    /// The same with all built modules.
    pub(crate) fn operator_with_all_modules(&self) -> Replica {
        self.operator(&modules().display().to_string())
    }

    /// A replica of the operator that looks at this namespace only, with short times.
    pub(crate) fn operator(&self, modules: &str) -> Replica {
        self.operator_with("kubeconfig", modules)
    }

    /// The same with a kubeconfig of the place.
    pub(crate) fn operator_with(&self, kubeconfig: &str, modules: &str) -> Replica {
        let namespace = self.namespace.as_str();
        let more = [
            "--kubeconfig",
            kubeconfig,
            "--modules",
            modules,
            "--watch-namespace",
            namespace,
            "--namespace",
            namespace,
        ];
        Replica::start(&self.place, &more)
    }

    /// Where an object belongs: in the namespace of the site, where it belongs in any and says none.
    pub(crate) async fn key(&self, object: &Value) -> Result<ObjectKey, String> {
        let type_meta = TypeMeta::of(object).expect("every object says what it is");
        let begun = Instant::now();
        // A definition that was just made is not served at once.
        let served = loop {
            match self.discovery.of_type(&type_meta).await.map_err(|error| error.detail())? {
                Some(served) => break served,
                None if begun.elapsed() > PATIENCE => return Err(format!("{type_meta:?} is not served")),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let namespace = object::namespace(object).unwrap_or(&self.namespace).to_owned();
        let name = object::name(object).expect("a name").to_owned();
        Ok(ObjectKey { resource: served.resource, namespace: served.namespaced.then_some(namespace), name })
    }

    /// Applies an object as a person would; answers what the server has then, or why it refuses.
    pub(crate) async fn apply(&self, object: &Value) -> Result<Value, String> {
        let (key, object) = self.placed(object).await?;
        self.api.apply(&key, &object, PERSON, true).await.map_err(|error| error.detail())
    }

    /// The same, and nothing is stored.
    pub(crate) async fn try_to_apply(&self, object: &Value) -> Result<Value, String> {
        let (key, object) = self.placed(object).await?;
        self.api.apply_dry(&key, &object, PERSON).await.map_err(|error| error.detail())
    }

    async fn placed(&self, object: &Value) -> Result<(ObjectKey, Value), String> {
        let key = self.key(object).await?;
        let mut object = object.clone();
        if let Some(namespace) = &key.namespace {
            object["metadata"]["namespace"] = namespace.clone().into();
        }
        Ok((key, object))
    }

    /// The key of an object of this namespace.
    pub(crate) fn of(&self, group: &str, version: &str, plural: &str, name: &str) -> ObjectKey {
        ObjectKey::namespaced(ResourceType::new(group, version, plural), &self.namespace, name)
    }

    /// Asks until the object is as wanted. `null` where it is not there.
    pub(crate) async fn until(&self, key: &ObjectKey, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            // A server that is away for a moment is asked again.
            let object = self.api.get(key).await.ok().map(Option::unwrap_or_default);
            if let Some(object) = object.as_ref().filter(|object| is_it(object)) {
                return object.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{key} never became as expected: {object:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Somebody wants a greeting.
    pub(crate) async fn greet(&self, name: &str, who: &str) -> ObjectKey {
        let metadata = json!({"name": name});
        let greeting =
            json!({"apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": metadata, "spec": {"who": who}});
        self.apply(&greeting).await.expect("applied");
        self.of("example.dev", "v1", "greetings", name)
    }

    /// Waits until the greeting says this; answers the object that it is in.
    pub(crate) async fn until_greeted(&self, name: &str, message: &str) -> Value {
        let key = self.of("", "v1", "configmaps", &format!("{name}-greeting"));
        self.until(&key, |it| it["data"]["message"] == message).await
    }

    /// Waits until the operator has nothing left to do for an object.
    pub(crate) async fn until_ready(&self, key: &ObjectKey) -> Value {
        let is_ready = |it: &Value| {
            it["status"]["observedGeneration"] == it["metadata"]["generation"] && condition(it, "Ready") == "True"
        };
        self.until(key, is_ready).await
    }

    /// Nobody can reach the API server from now on; what is under way is cut off.
    pub(crate) async fn take_server_away(&mut self) {
        match &mut self.embedded {
            Some(embedded) => embedded.line.cut().await,
            None => component("stop"),
        }
    }

    /// Everybody can reach it again.
    pub(crate) async fn bring_server_back(&mut self) {
        match &mut self.embedded {
            Some(embedded) => embedded.line.mend().await,
            None => component("start"),
        }
    }

    /// Deletes the namespace with all that is in it.
    pub(crate) async fn leave(self) {
        let key = ObjectKey {
            resource: ResourceType::new("", "v1", "namespaces"),
            namespace: None,
            name: self.namespace.clone(),
        };
        self.api.delete(&key, None).await.expect("deleted");
        self.until(&key, Value::is_null).await;
    }
}

/// Does something to the API server of the bed.
fn component(action: &str) {
    let folder = std::env::var_os("FILBERT_BED").expect("the suite runs in a bed");
    let mut command = std::process::Command::new("bed");
    let command = command.arg("component").arg("--folder").arg(folder).args(["kube-apiserver", action]);
    assert!(command.status().expect("`bed` starts").success(), "{action}");
}

/// The status of a condition of an object.
pub(crate) fn condition<'a>(object: &'a Value, type_: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == type_);
    found.and_then(|condition| condition["status"].as_str()).unwrap_or_default()
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies two levels below it").to_owned()
}

/// The YAML files of a folder, by name.
pub(crate) fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).expect("it can be listed");
    let mut files: Vec<_> = listed.map(|entry| entry.expect("it can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// The documents of a YAML file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}
