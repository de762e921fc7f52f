//! Passes only while this host leads.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Inner, lock, work};

/// Has workers take objects from the queue for as long as this host leads, and forgets what it knew when it no longer does: the
/// next time it starts from what the cluster says, as after a restart.
pub(super) async fn lead(inner: Arc<Inner>, workers: usize, leading: Option<watch::Receiver<bool>>) {
    let crew = || -> JoinSet<()> { (0..workers).map(|_| work(inner.clone())).collect() };
    let Some(mut leading) = leading else {
        crew().join_all().await;
        return;
    };
    while leading.wait_for(|leading| *leading).await.is_ok() {
        let mut crew = crew();
        tokio::select! {
            biased;
            // Whoever could say so is gone: the same.
            _ = leading.wait_for(|leading| !leading) => {}
            // The queue is closed.
            () = async { while crew.join_next().await.is_some() {} } => return,
        }
        // Passes are cut off where they are. Nothing that they have begun is sent after this.
        crew.shutdown().await;
        inner.resign();
        inner.resync().await;
    }
}

/// What failed for want of a server need not wait for the end of its pause.
pub(super) async fn try_again_when_the_server_is_back(inner: Arc<Inner>) {
    let mut recovered = inner.passes.world.caches.recovered();
    while recovered.changed().await.is_ok() {
        inner.queue.try_failed_again();
    }
}

impl Inner {
    /// Forgets what its passes knew. Objects whose pass was cut off wait for another.
    fn resign(&self) {
        lock(&self.kept).clear();
        *lock(&self.interests) = super::Interests::default();
        lock(&self.last).clear();
        self.passes.applier.applied.clear();
        self.passes.applier.contests.clear();
        self.queue.abandon();
    }
}
