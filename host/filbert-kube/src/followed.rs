//! One object, followed by its name.

use std::sync::Arc;

use filbert_plan::object::ObjectKey;
use futures::StreamExt as _;
use kube::Client;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::watch_object;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::warn;

use crate::api::Chain;

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Seen {
    /// The server has not answered yet.
    #[default]
    Unknown,
    /// It is not there.
    Absent,
    /// It was so when the server told of it last.
    There(Arc<Value>),
}

/// Follows one object until it is dropped. It asks for no more than a grant for this one name allows.
#[derive(Debug)]
pub struct Followed {
    seen: watch::Receiver<Seen>,
    task: AbortHandle,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followed {
    /// Begins at once, and goes on by itself, with growing pauses, where the server does not answer. `kind` is that of the
    /// objects of the key's type.
    ///
    /// # Assumptions
    /// It is called on a tokio runtime.
    pub fn new(client: Client, key: &ObjectKey, kind: &str) -> Self {
        let resource = &key.resource;
        let kind = GroupVersionKind::gvk(&resource.group, &resource.version, kind);
        let api_resource = ApiResource::from_gvk_with_plural(&kind, &resource.plural);
        let api: kube::Api<DynamicObject> = match &key.namespace {
            Some(namespace) => kube::Api::namespaced_with(client, namespace, &api_resource),
            None => kube::Api::all_with(client, &api_resource),
        };
        let (sender, seen) = watch::channel(Seen::Unknown);
        let key = key.clone();
        let task = tokio::spawn(async move {
            let mut changes = std::pin::pin!(watch_object(api, &key.name).default_backoff());
            while let Some(change) = changes.next().await {
                match change {
                    Ok(None) => drop(sender.send_replace(Seen::Absent)),
                    Ok(Some(object)) => {
                        let object = serde_json::to_value(object).unwrap_or_default();
                        sender.send_replace(Seen::There(Arc::new(object)));
                    }
                    Err(error) => warn!(%key, error = %Chain(&error), "watch failed, trying again"),
                }
            }
        });
        Self { seen, task: task.abort_handle() }
    }

    /// What is known now. What changes from here on is told by [`Followed::changed`].
    pub fn seen(&mut self) -> Seen {
        self.seen.borrow_and_update().clone()
    }

    /// Ends when there is something new. May be cut off.
    pub async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            // Its task ends with this value and not before.
            std::future::pending::<()>().await;
        }
    }

    /// What is known as soon as anything is.
    pub async fn known(&mut self) -> Seen {
        loop {
            match self.seen() {
                Seen::Unknown => self.changed().await,
                known => return known,
            }
        }
    }
}
