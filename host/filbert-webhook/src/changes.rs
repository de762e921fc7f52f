//! Waiting for the next value of somebody who may be gone.

use tokio::sync::watch;

/// Ends with the next value. Who is gone changes nothing any more.
pub(crate) async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
