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
            None if !same_version => {
                crate::convert::between(object, &api_version);
                set(object, "apiVersion", api_version.into());
                set(object, "kind", self.kind.as_str().into());
            }
            None => {}
        }
    }

    /// The JSON of an object in this version; as it is stored, where that is the same.
    pub(crate) fn json(&self, stored: &Stored) -> Bytes {
        if self.is_stored_form(stored) {
            return stored.json.clone();
        }
        store::write(&self.view(stored)).0
    }

    /// Whether an object needs no conversion to be shown in this version.
    pub(crate) fn is_stored_form(&self, stored: &Stored) -> bool {
        stored.has_type(&self.type_prefix) && self.custom.as_ref().is_none_or(|custom| custom.stamp == stored.stamp)
    }
}
