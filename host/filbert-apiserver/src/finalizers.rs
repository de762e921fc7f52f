//! Taking finalizers off objects, which may let them go.

use crate::admission::wait;
use crate::core::Core;
use crate::resource::Resource;
use crate::store::Key;
use crate::write::{self, Update, WriteOptions};
use serde_json::Value;

/// Removes one finalizer as `manager`; an object that is gone is as good.
pub(crate) fn remove(core: &Core, resource: &Resource, key: &Key, finalizer: &str, manager: &str) {
    let Ok(current) = core.get(resource, key) else { return };
    let mut object = resource.view(&current);
    let Some(list) = object.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) else { return };
    list.retain(|found| found != finalizer);
    let (options, mut warnings) = (WriteOptions::of(core, manager), Vec::new());
    let target = Update { key, subresource: "" };
    let written = wait(write::update(core, resource, target, object, &options, &mut warnings));
    match written {
        // Somebody wrote in between; they will bring us here again.
        Err(status) if status.code == 409 || status.code == 404 => {}
        Err(status) => tracing::warn!(%key, finalizer, error = %status, "failed to remove a finalizer"),
        Ok(_) => {}
    }
}
