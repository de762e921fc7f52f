//! A cluster as its users hold it.

use super::call::Target;
use super::keeper::Keeper;
use super::link::Link;
use super::options::Options;
use super::view::View;
use crate::Uuid;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The connections that requests can take now.
pub(super) type Links = Arc<Mutex<BTreeMap<Uuid, Arc<Link>>>>;

/// A cluster that is kept connected. Copies share the connections; the last one that is dropped ends them.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    views: watch::Sender<View>,
    links: Links,
    turn: AtomicUsize,
    close: Arc<Notify>,
    keeper: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("view", &*self.shared.views.borrow()).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Begins to connect, and returns at once. Must be called within a tokio runtime.
    pub fn connect(options: Options) -> Self {
        let (views, _) = watch::channel(View::new(Instant::now()));
        let links = Links::default();
        let close = Arc::new(Notify::new());
        let keeper = Keeper::new(options, views.clone(), Arc::clone(&links));
        let keeper = tokio::spawn(keeper.run(Arc::clone(&close))).abort_handle();
        Self { shared: Arc::new(Shared { views, links, turn: AtomicUsize::new(0), close, keeper }) }
    }

    /// What is known of the cluster, now and whenever it changes.
    pub fn views(&self) -> watch::Receiver<View> {
        self.shared.views.subscribe()
    }

    /// What is known of the cluster now.
    pub fn view(&self) -> View {
        self.shared.views.borrow().clone()
    }

    /// Ends all connections, and returns before they have ended. Requests under way fail, and so do all later ones.
    pub fn close(&self) {
        self.shared.close.notify_one();
    }

    /// A connection for the target.
    pub(super) fn route(&self, target: Target) -> Option<Arc<Link>> {
        let links = lock(&self.shared.links);
        let live = |link: &&Arc<Link>| !link.ended();
        let any = || {
            let count = links.values().filter(live).count();
            let turn = self.shared.turn.fetch_add(1, Ordering::Relaxed).checked_rem(count)?;
            links.values().filter(live).nth(turn)
        };
        let link = match target {
            Target::Any => any(),
            Target::Member(uuid) => links.get(&uuid).filter(live),
            Target::Partition(id) => {
                let view = self.shared.views.borrow();
                let owner = view.partitions.as_ref().and_then(|partitions| partitions.owners.get(&id));
                owner.and_then(|owner| links.get(owner)).filter(live).or_else(any)
            }
        };
        link.cloned()
    }
}

pub(super) fn lock(links: &Links) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, Arc<Link>>> {
    // Nothing that holds the lock can leave the map half changed.
    links.lock().unwrap_or_else(PoisonError::into_inner)
}
