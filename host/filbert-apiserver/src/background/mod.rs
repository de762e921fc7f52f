//! Controllers of the server: each sees every change of the store, in order, on one thread.

mod accounts;
mod definitions;
mod garbage;
mod namespaces;
mod protection;

use crate::controllers::StandIns;
use crate::core::Core;
use crate::resource::Resource;
use crate::store::{Key, Told};
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Changes that are taken before the stand-ins act on them.
const MOST_AT_ONCE: usize = 256;

/// When what the stand-ins could not do is tried again, if nothing happens before.
const AGAIN: Duration = Duration::from_secs(1);

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
    let mut garbage = garbage::Garbage::default();
    let mut stand_ins = StandIns::default();
    if let Some(core) = core.upgrade().filter(|core| core.options.service_accounts) {
        accounts::begin(&core);
    }
    loop {
        let first = if stand_ins.has_failed() {
            changes.recv_timeout(AGAIN)
        } else {
            changes.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        // Receiving fails for good once the store is gone, which is the end of the server.
        if matches!(first, Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        let Some(core) = core.upgrade() else { return };
        let options = &core.options;
        let mut handled = 0;
        // Several at a time, but not for ever: the stand-ins look at the outcome of many changes once.
        for told in first.into_iter().chain(changes.try_iter()).take(MOST_AT_ONCE) {
            if options.namespace_finalisation {
                namespaces::changed(&core, &told);
                protection::changed(&core, &told);
            }
            definitions::changed(&core, &told);
            if options.service_accounts {
                accounts::changed(&core, &told);
            }
            if options.garbage_collector {
                garbage.changed(&core, &told);
            }
            if options.stand_ins {
                stand_ins.changed(&core, &told);
            }
            handled += 1;
        }
        if handled == 0 {
            stand_ins.again();
        }
        stand_ins.act(&core);
        core.handled.fetch_add(handled, Ordering::Release);
    }
}

/// Changes an object as a controller does: no checks, no field manager, no write where nothing changes.
pub(crate) fn change(core: &Core, resource: &Resource, key: &Key, edit: impl Fn(&mut Value)) {
    for _ in 0..crate::write::ATTEMPTS {
        let Some(current) = core.store.get(&resource.collection, key) else { return };
        let old = current.value();
        let mut new = old.clone();
        edit(&mut new);
        if new == old || core.store.replace(&resource.collection, key, current.revision, new, current.stamp).is_ok() {
            return;
        }
    }
    tracing::warn!(%key, "gave up changing an object that others keep changing");
}
