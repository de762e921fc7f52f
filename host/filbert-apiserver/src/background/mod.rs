//! Controllers of the server: each sees every change of the store, in order, on one thread.

mod definitions;
mod namespaces;

use crate::core::Core;
use crate::store::Told;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};

/// Starts the thread; it ends when the server is gone.
pub(crate) fn start(core: &Arc<Core>) {
    let changes = core.store.tell();
    let weak = Arc::downgrade(core);
    let thread = std::thread::Builder::new().name("filbert-apiserver".to_owned()).spawn(move || run(&weak, &changes));
    if let Err(error) = thread {
        tracing::error!(%error, "failed to start the controllers of the API server");
    }
}

fn run(core: &Weak<Core>, changes: &Receiver<Told>) {
    // Receiving fails once the store is gone, which is the end of the server.
    while let Ok(told) = changes.recv() {
        let Some(core) = core.upgrade() else { return };
        if core.options.namespace_finalisation {
            namespaces::changed(&core, &told);
        }
        definitions::changed(&core, &told);
    }
}
