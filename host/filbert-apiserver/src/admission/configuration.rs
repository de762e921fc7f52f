//! Webhook configurations as the server uses them: read when they change, in the order in which webhooks are called.

use super::call::{Place, PlaceError};
use crate::core::{Core, text};
use crate::crd::Condition;
use crate::resource::CollectionId;
use crate::selector::LabelSelector;
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

pub(crate) const GROUP: &str = "admissionregistration.k8s.io";

/// The two kinds of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Mutating,
    Validating,
}

impl Side {
    fn collection(self) -> CollectionId {
        CollectionId::new(
            GROUP,
            match self {
                Self::Mutating => "mutatingwebhookconfigurations",
                Self::Validating => "validatingwebhookconfigurations",
            },
        )
    }
}

/// What a webhook wants to see.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) groups: Vec<String>,
    pub(super) versions: Vec<String>,
    /// Resource and subresource; both may be `*`.
    pub(super) resources: Vec<(String, String)>,
    pub(super) operations: Vec<String>,
    /// `Namespaced`, `Cluster` or `*`.
    pub(super) scope: String,
}

/// Where a webhook is.
#[derive(Debug)]
enum Client {
    Url(String),
    Service { namespace: String, name: String, port: u16, path: String },
}

/// One webhook of a configuration.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) rules: Vec<Rule>,
    pub(super) namespaces: LabelSelector,
    pub(super) objects: LabelSelector,
    /// Whether a rule for one version of a resource stands for the others.
    pub(super) takes_equivalents: bool,
    pub(super) conditions: Vec<Condition>,
    pub(super) ignores_failure: bool,
    pub(super) wants_later_changes: bool,
    pub(super) timeout: Duration,
    /// The version of the review: `v1` or `v1beta1`.
    pub(super) version: &'static str,
    client: Client,
    /// Certificates in PEM.
    authorities: Arc<[u8]>,
}

/// The webhooks of one side, in order.
type List = Arc<Vec<Hook>>;

struct Cached {
    revision: u64,
    list: List,
}

struct Watched {
    side: Side,
    /// The revision of the last change of a configuration.
    latest: watch::Receiver<u64>,
    cached: Mutex<Cached>,
}

/// All webhooks that are configured.
pub(crate) struct Hooks([Watched; 2]);

impl Hooks {
    pub(crate) fn new(store: &Store) -> Self {
        Self([Side::Mutating, Side::Validating].map(|side| Watched {
            side,
            latest: store.changes(&side.collection()),
            cached: Mutex::new(Cached { revision: 0, list: List::default() }),
        }))
    }

    /// The webhooks of one side as they are configured now.
    pub(super) fn of(&self, side: Side, store: &Store) -> List {
        let Self([mutating, validating]) = self;
        let watched = if side == Side::Mutating { mutating } else { validating };
        let latest = *watched.latest.borrow();
        let mut cached = watched.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.revision != latest {
            // Listed after the revision was looked up: what is written in between is read twice, never missed.
            let configurations = store.list(&watched.side.collection(), None, None).objects;
            let hooks = configurations.iter().flat_map(|stored| read(side, &stored.value())).collect();
            *cached = Cached { revision: latest, list: Arc::new(hooks) };
        }
        cached.list.clone()
    }
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn each<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn read(side: Side, configuration: &Value) -> Vec<Hook> {
    each(configuration, "webhooks").map(|webhook| hook(side, webhook)).collect()
}

fn hook(side: Side, webhook: &Value) -> Hook {
    let selector = |name: &str| LabelSelector::from_object(webhook.get(name).unwrap_or(&Value::Null));
    let versions = texts(webhook, "admissionReviewVersions");
    let seconds = webhook.get("timeoutSeconds").and_then(Value::as_u64).unwrap_or(10);
    let bundle = text(webhook, "/clientConfig/caBundle");
    Hook {
        name: text(webhook, "/name").to_owned(),
        side,
        rules: each(webhook, "rules").map(rule).collect(),
        namespaces: selector("namespaceSelector"),
        objects: selector("objectSelector"),
        takes_equivalents: text(webhook, "/matchPolicy") != "Exact",
        conditions: each(webhook, "matchConditions")
            .filter_map(|condition| Condition::compile(text(condition, "/expression")))
            .collect(),
        ignores_failure: text(webhook, "/failurePolicy") == "Ignore",
        wants_later_changes: text(webhook, "/reinvocationPolicy") == "IfNeeded",
        timeout: Duration::from_secs(seconds),
        version: versions.iter().find_map(|version| REVIEWS.into_iter().find(|known| known == version)).unwrap_or("v1"),
        client: client(webhook),
        authorities: STANDARD.decode(bundle).unwrap_or_default().into(),
    }
}

/// Versions of the review that this server speaks.
pub(super) const REVIEWS: [&str; 2] = ["v1", "v1beta1"];

fn rule(rule: &Value) -> Rule {
    let named = texts(rule, "resources");
    let resources = named.iter().map(|resource| {
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        (resource.to_owned(), part.to_owned())
    });
    Rule {
        groups: texts(rule, "apiGroups"),
        versions: texts(rule, "apiVersions"),
        resources: resources.collect(),
        operations: texts(rule, "operations"),
        scope: match text(rule, "/scope") {
            "" => "*".to_owned(),
            scope => scope.to_owned(),
        },
    }
}

fn client(webhook: &Value) -> Client {
    let Some(service) = webhook.pointer("/clientConfig/service") else {
        return Client::Url(text(webhook, "/clientConfig/url").to_owned());
    };
    let port = service.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    Client::Service {
        namespace: text(service, "/namespace").to_owned(),
        name: text(service, "/name").to_owned(),
        port: port.unwrap_or(443),
        path: text(service, "/path").to_owned(),
    }
}

impl Hook {
    /// Where to call it now.
    pub(super) fn place(&self, core: &Core) -> Result<Place, PlaceError> {
        let authorities = self.authorities.clone();
        match &self.client {
            Client::Url(url) => Place::of_url(url, authorities),
            Client::Service { namespace, name, port, path } => {
                let host = format!("{name}.{namespace}.svc");
                let path = if path.starts_with('/') { path.clone() } else { format!("/{path}") };
                let url = format!("https://{host}:{port}{path}");
                let address = core.admission.routes.resolve(core, namespace, name, *port);
                Ok(Place::of_service(url, host, address, path, authorities))
            }
        }
    }
}
