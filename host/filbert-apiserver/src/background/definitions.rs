//! Deletes the objects of definitions that are being deleted.

use crate::core::Core;
use crate::resource::CollectionId;
use crate::store::{Key, Told};

pub(super) fn changed(core: &Core, told: &Told) {
    let definitions = CollectionId::new("apiextensions.k8s.io", "customresourcedefinitions");
    let (id, change) = (&told.collection, &told.change);
    let name = if *id == definitions {
        change.object.key.name.to_string()
    } else if change.deleted {
        format!("{}.{}", id.plural, id.group)
    } else {
        return;
    };
    let Some(stored) = core.store.get(&definitions, &Key::new("", &name)) else { return };
    if stored.is_terminating {
        crate::definitions::clean_up(core, &stored);
    }
}
