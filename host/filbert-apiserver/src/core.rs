//! The state of one server, and what every handler needs of it.

use crate::admission::{Admission, Hooks};
use crate::clock::Clock;
use crate::controllers::PodFate;
use crate::error::Status;
use crate::message::User;
use crate::resource::{CollectionId, Registry, Resource, registry};
use crate::store::{Key, Store, Stored};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What is switched on.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Options {
    pub(crate) clock: Clock,
    pub(crate) history: usize,
    pub(crate) namespace_finalisation: bool,
    pub(crate) garbage_collector: bool,
    pub(crate) service_accounts: bool,
    pub(crate) stand_ins: bool,
    /// What becomes of simulated pods.
    pub(crate) fate: Arc<dyn Fn(&Value) -> PodFate + Send + Sync>,
}

pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) admission: Admission,
    registry: RwLock<Arc<Registry>>,
    definitions: Mutex<BTreeMap<String, Vec<Arc<Resource>>>>,
    requests: Mutex<BTreeMap<(String, String), u64>>,
    /// Bearer tokens and who they are.
    pub(crate) tokens: Mutex<HashMap<String, User>>,
    /// Changes that the controllers have dealt with.
    pub(crate) handled: AtomicU64,
    /// Objects that simulated controllers could not create.
    pub(crate) refused: AtomicU64,
}

impl Core {
    pub(crate) fn new(options: Options) -> Self {
        let store = Store::new(options.history);
        Self {
            admission: Admission::new(Hooks::new(&store)),
            store,
            options,
            registry: RwLock::new(Arc::new(Registry::new(&BTreeMap::new()))),
            definitions: Mutex::new(BTreeMap::new()),
            requests: Mutex::new(BTreeMap::new()),
            tokens: Mutex::new(HashMap::new()),
            handled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves what `definition` says from now on, or nothing of it when it is `None`.
    pub(crate) fn define(&self, name: &str, definition: Option<&Value>) {
        let mut definitions = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        match definition {
            Some(definition) => {
                // Objects keep the stamp they were written under; the generation changes with the schema and with nothing else.
                let stamp = definition.pointer("/metadata/generation").and_then(Value::as_u64).unwrap_or_default();
                let known = definitions.get(name).and_then(|served| served.first()?.custom.as_ref());
                if known.is_some_and(|known| known.stamp == stamp) {
                    return;
                }
                definitions.insert(name.to_owned(), registry::of_definition(definition, stamp));
            }
            None => {
                definitions.remove(name);
            }
        }
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Registry::new(&definitions));
    }

    pub(crate) fn count(&self, verb: &str, resource: &str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((verb.to_owned(), resource.to_owned())).or_insert(0) += 1;
    }

    pub(crate) fn requests(&self) -> BTreeMap<(String, String), u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn get(&self, resource: &Resource, key: &Key) -> Result<Arc<Stored>, Status> {
        self.store
            .get(&resource.collection, key)
            .ok_or_else(|| Status::not_found(&resource.group, &resource.plural, &key.name))
    }

    /// Adds what a cluster has from the beginning.
    pub(crate) fn seed(&self) {
        let now = self.options.clock.seconds();
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let namespace = json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {
                    "name": name, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": now,
                    "labels": { "kubernetes.io/metadata.name": name },
                },
                "spec": { "finalizers": ["kubernetes"] },
                "status": { "phase": "Active" },
            });
            // An empty store holds nothing that this could collide with.
            let created = self.store.create(&CollectionId::new("", "namespaces"), Key::new("", name), namespace, 0);
            debug_assert!(created.is_ok(), "the store was not empty");
        }
    }
}

/// Sets a member of an object; nothing happens to other values.
pub(crate) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
