//! Modules from `ConfigMaps`: a step is swapped with `kubectl` alone.

use std::collections::BTreeMap;
use std::time::Duration;

use filbert_kube::entries::{self, Entries};
use filbert_runtime::Library;
use filbert_runtime::library::chain;
use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll, select_all};
use tracing::{info, warn};

/// What several `ConfigMaps` hold, as it changes.
pub(crate) struct Overlay {
    changes: SelectAll<BoxStream<'static, (String, Result<Entries, String>)>>,
    /// In the order in which they count.
    names: Vec<String>,
    held: BTreeMap<String, Entries>,
}

impl Overlay {
    /// Waits until each was answered for, or refused, but not longer than `patience`: an operator that is started anew must not act by
    /// modules that were replaced.
    pub(crate) async fn begin(client: &kube::Client, namespace: &str, names: &[String], patience: Duration) -> Self {
        let names: Vec<_> = names.iter().filter(|name| !name.is_empty()).cloned().collect();
        let follow = |name: &String| {
            let (changes, name) = (entries::follow(client.clone(), namespace, name), name.clone());
            changes.map(move |entries| (name.clone(), entries)).boxed()
        };
        let changes = select_all(names.iter().map(follow));
        let mut missing = names.clone();
        let mut overlay = Self { changes, names, held: BTreeMap::new() };
        let all = async {
            while !missing.is_empty() {
                let Some(name) = overlay.next().await else { return };
                missing.retain(|waited_for| *waited_for != name);
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            warn!(config_maps = missing.join(", "), "the API server does not say what they hold; going on without");
        }
        overlay
    }

    /// Takes up the next change; answers of which.
    async fn next(&mut self) -> Option<String> {
        let (name, entries) = self.changes.next().await?;
        match entries {
            Ok(entries) => {
                if !entries.is_empty() || self.held.contains_key(&name) {
                    let files = entries.keys().cloned().collect::<Vec<_>>().join(", ");
                    info!(config_map = name, files, "modules from a ConfigMap");
                }
                self.held.insert(name.clone(), entries);
            }
            Err(error) => warn!(config_map = name, error, "modules from a ConfigMap cannot be had, trying again"),
        }
        Some(name)
    }

    /// All files; of those of one name the last.
    pub(crate) fn files(&self) -> Entries {
        self.names.iter().filter_map(|name| self.held.get(name)).flat_map(Entries::clone).collect()
    }

    /// Has the library take up every change, for ever.
    pub(crate) async fn follow(mut self, library: &Library) {
        while self.next().await.is_some() {
            library.lay_over(self.files()).await;
            if let Err(error) = library.refresh(&mut |_| {}).await {
                warn!(error = chain(&error), "modules folder cannot be read; what was in service stays");
            }
        }
    }
}
