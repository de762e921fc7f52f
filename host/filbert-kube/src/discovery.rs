//! Which resource types the API server serves. Asked once for each group version, and again when something is missing:
//! a definition may have been created since.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use filbert_plan::object::{ResourceType, TypeMeta};
use kube::Client;
use tokio::sync::Mutex;

use crate::api::ApiError;

/// How long an absent type is believed to be absent. A definition that was just created is served within a second.
const BELIEVED_ABSENT: Duration = Duration::from_secs(1);
/// How long the version of the API server is believed.
const VERSION_HOLDS: Duration = Duration::from_mins(10);

/// A resource type that the server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Where.
    pub resource: ResourceType,
    /// `StatefulSet`.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Discovery {
    client: Client,
    known: Arc<Mutex<Known>>,
    version: Arc<Mutex<Option<(Instant, String)>>>,
}

/// Types of each group version, and when the server was asked.
type Known = BTreeMap<String, (Instant, Vec<Served>)>;

impl Discovery {
    /// Knows nothing yet.
    pub fn new(client: Client) -> Self {
        Self { client, known: Arc::default(), version: Arc::default() }
    }

    /// The resource type of an object, by its API version and kind.
    pub async fn of_type(&self, type_meta: &TypeMeta) -> Result<Option<Served>, ApiError> {
        self.find(&type_meta.api_version, |served| served.kind == type_meta.kind).await
    }

    /// What is known of a resource type, or nothing where the server does not serve it.
    pub async fn of_resource(&self, resource: &ResourceType) -> Result<Option<Served>, ApiError> {
        self.find(&resource.api_version(), |served| served.resource.plural == resource.plural).await
    }

    /// `1.35`: major and minor only. Asked for again after ten minutes, so that an upgrade is seen.
    pub async fn kubernetes_version(&self) -> Result<String, ApiError> {
        let mut known = self.version.lock().await;
        if let Some((asked, version)) = &*known
            && asked.elapsed() < VERSION_HOLDS
        {
            return Ok(version.clone());
        }
        let info = self
            .client
            .apiserver_version()
            .await
            .map_err(|error| ApiError::new("ask for the version", "the API server", error))?;
        let version = format!("{}.{}", info.major, info.minor.trim_end_matches('+'));
        *known = Some((Instant::now(), version.clone()));
        Ok(version)
    }

    async fn find(&self, api_version: &str, is_it: impl Fn(&Served) -> bool) -> Result<Option<Served>, ApiError> {
        // Held across the request, so that many passes that miss the same type ask once.
        let mut known = self.known.lock().await;
        if let Some((asked, types)) = known.get(api_version) {
            if let Some(found) = types.iter().find(|served| is_it(served)) {
                return Ok(Some(found.clone()));
            }
            if asked.elapsed() < BELIEVED_ABSENT {
                return Ok(None);
            }
        }
        let types = self.ask(api_version).await?;
        let found = types.iter().find(|served| is_it(served)).cloned();
        known.insert(api_version.to_owned(), (Instant::now(), types));
        Ok(found)
    }

    async fn ask(&self, api_version: &str) -> Result<Vec<Served>, ApiError> {
        let answer = match api_version.split_once('/') {
            None => self.client.list_core_api_resources(api_version).await,
            Some(_) => self.client.list_api_group_resources(api_version).await,
        };
        let list = match answer {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
            Err(error) => return Err(ApiError::new("discover", api_version, error)),
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let types = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
        Ok(types
            .map(|resource| Served {
                resource: ResourceType::new(group, version, resource.name),
                kind: resource.kind,
                namespaced: resource.namespaced,
            })
            .collect())
    }
}
