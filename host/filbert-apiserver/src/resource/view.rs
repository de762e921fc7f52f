//! Objects as one version of their resource shows them.

use super::Resource;
use crate::core::set;
use crate::store::{self, Stored};
use bytes::Bytes;
use serde_json::Value;

impl Resource {
    /// The state of an object that this version shows.
    pub(crate) fn view(&self, stored: &Stored) -> Value {
        let mut object = stored.value();
        self.convert(&mut object, stored.stamp);
        object
    }

    /// Turns an object as it is stored into this version.
    fn convert(&self, object: &mut Value, stamp: u64) {
        let api_version = self.api_version();
        let same_version = object.get("apiVersion").and_then(Value::as_str) == Some(&*api_version);
        match &self.custom {
            Some(custom) => {
                if same_version && custom.stamp == stamp {
                    return;
                }
                set(object, "apiVersion", api_version.into());
                custom.schema.prune(object, &mut Vec::new());
                custom.schema.default(object);
            }
            None if !same_version => crate::convert::between(object, &api_version),
            None => {}
        }
    }

    /// An object of this version as it is stored.
    pub(crate) fn stored_form(&self, mut object: Value) -> Value {
        if self.custom.is_none()
            && let Some(version) = crate::convert::storage(&self.group, &self.kind)
        {
            crate::convert::between(&mut object, version);
        }
        object
    }

    /// The JSON of an object in this version; as it is stored, where that is the same.
    pub(crate) fn json(&self, stored: &Stored) -> Bytes {
        if self.is_stored_form(stored) {
            return stored.json.clone();
        }
        store::write(&self.view(stored)).0
    }

    /// Whether writing an object again as this version shows it would leave it as it is stored.
    pub(crate) fn is_kept_as_written(&self, stored: &Stored) -> bool {
        self.is_stored_form(stored)
            || (self.custom.is_none() && crate::convert::storage(&self.group, &self.kind).is_some())
    }

    /// Whether an object needs no conversion to be shown in this version.
    pub(crate) fn is_stored_form(&self, stored: &Stored) -> bool {
        stored.has_type(&self.type_prefix) && self.custom.as_ref().is_none_or(|custom| custom.stamp == stored.stamp)
    }
}
