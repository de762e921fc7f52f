//! All that runs beside the passes of the host.

use std::sync::Arc;
use std::time::Duration;

use filbert_kube::Api;
use filbert_runtime::SystemClock;
use filbert_runtime::publish::Publisher;
use filbert_webhook::Reach;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use super::overlay::Overlay;
use super::{Surroundings, admission};
use crate::cli::Run;
use crate::failure::Outcome;

/// How often the modules folder is looked at. Nothing is read while nothing changed.
const LOOK: Duration = Duration::from_secs(1);

/// A part, and what to call it when it fails.
type Part = (&'static str, BoxFuture<'static, Outcome<()>>);

/// Every part. Each runs until the sign comes that the operator is to end, and ends then by itself; one that ends before, or
/// fails, ends the operator.
fn all(around: &Surroundings, overlay: Overlay, admission: Option<(Reach, &Run)>) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![
        ("modules", follow_modules(around.clone(), overlay).boxed()),
        ("publisher", publish(around.clone()).boxed()),
        ("metrics", count(around.clone()).boxed()),
    ];
    if let Some((reach, options)) = admission {
        let (webhooks, watched) = (options.webhooks.clone(), options.watch_namespace.clone());
        parts.push(("admission", admission::serve(around.clone(), webhooks, reach, watched).boxed()));
    }
    parts
}

/// Starts every part.
pub(crate) fn start(
    around: &Surroundings,
    overlay: Overlay,
    admission: Option<(Reach, &Run)>,
) -> JoinSet<(&'static str, Outcome<()>)> {
    all(around, overlay, admission).into_iter().map(|(name, part)| async move { (name, part.await) }).collect()
}

/// Takes up what changes in the modules folder, and in what is laid over it.
async fn follow_modules(around: Surroundings, overlay: Overlay) -> Outcome<()> {
    let library = around.host.library().clone();
    let both = async {
        tokio::join!(library.follow(LOOK), overlay.follow(&library));
    };
    tokio::select! {
        () = both => {}
        () = around.ending.comes() => {}
    }
    Ok(())
}

/// Tells how modules and pipelines stand, in their objects.
async fn publish(around: Surroundings) -> Outcome<()> {
    let Surroundings { fenced, host, leading, ending, .. } = around;
    let publish =
        while_leading(leading, || Publisher::new(Api::new(fenced.clone()), &host, Arc::new(SystemClock)).run());
    tokio::select! {
        () = publish => {}
        () = ending.comes() => {}
    }
    Ok(())
}

/// Does something whenever this replica leads, each time from the beginning, and drops it when it no longer does.
pub(crate) async fn while_leading<F: Future<Output = ()>>(mut leading: watch::Receiver<bool>, begin: impl Fn() -> F) {
    while leading.wait_for(|leading| *leading).await.is_ok() {
        tokio::select! {
            biased;
            // Whoever could say so is gone: the same.
            _ = leading.wait_for(|leading| !leading) => {}
            () = begin() => {}
        }
    }
}

/// Counts passes.
async fn count(around: Surroundings) -> Outcome<()> {
    let Surroundings { host, ending, metrics, .. } = around;
    let mut journal = host.journal();
    let count = async {
        loop {
            match journal.recv().await {
                Ok(record) => metrics.passes.count(&record, &host.world().discovery).await,
                Err(RecvError::Lagged(missed)) => warn!(missed, "passes were too fast to be counted"),
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = count => {}
        () = ending.comes() => {}
    }
    Ok(())
}
