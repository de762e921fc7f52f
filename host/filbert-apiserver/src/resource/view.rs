//! Objects as one version of their resource shows them.

use super::Resource;
use crate::builtin;
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

    /// Turns an object of any version of this resource into this one.
    pub(crate) fn adopt(&self, object: &mut Value) {
        // No definition gets this far, so this is no stamp of one.
        self.convert(object, u64::MAX);
    }

    /// What decoding does to an object: fields that nobody knows are dropped, and defaults filled in. The error is the
    /// complaint about a value of a wrong type.
    pub(crate) fn complete(&self, object: &mut Value) -> Result<(), String> {
        let (group, version, kind) = (&self.group, &self.version, &self.kind);
        let wrong = match &self.custom {
            Some(_) => builtin::metadata_type_error(object),
            None => builtin::type_error(group, version, kind, object),
        };
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        match &self.custom {
            Some(custom) => {
                custom.schema.prune(object, &mut Vec::new());
                custom.schema.default(object);
            }
            None => builtin::default(group, version, kind, object),
        }
        Ok(())
    }

    /// Turns an object as it is stored into this version.
    fn convert(&self, object: &mut Value, stamp: u64) {
        let api_version = self.api_version();
        let written = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
        let same_version = written == api_version;
        match &self.custom {
            Some(custom) => {
                if same_version && custom.stamp == stamp {
                    return;
                }
                // Defaults are those of the version that it was written in; another version only leaves fields out.
                let schema = custom.versions.get(&written).unwrap_or(&custom.schema);
                schema.prune(object, &mut Vec::new());
                schema.default(object);
                if !same_version {
                    set(object, "apiVersion", api_version.into());
                    custom.schema.prune(object, &mut Vec::new());
                }
            }
            None if !same_version => crate::convert::between(object, &api_version),
            None => {}
        }
    }

    /// An object of this version as it is stored: fields that the stored version does not have are gone.
    pub(crate) fn stored_form(&self, mut object: Value) -> Value {
        match &self.custom {
            Some(custom) => {
                let version = self.storage_version();
                if let Some(storage) = custom.versions.get(&version).filter(|_| version != self.api_version()) {
                    set(&mut object, "apiVersion", version.into());
                    storage.prune(&mut object, &mut Vec::new());
                    // Whoever reads it in the stored version finds the defaults of that version.
                    storage.default(&mut object);
                }
            }
            None => {
                if let Some(version) = crate::convert::storage(&self.group, &self.kind) {
                    crate::convert::between(&mut object, version);
                }
            }
        }
        object
    }

    /// The `apiVersion` of stored objects.
    fn storage_version(&self) -> String {
        let (group, version) = &self.storage;
        format!("{group}/{version}")
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
        match &self.custom {
            Some(custom) => {
                custom.stamp == stored.stamp
                    && stored.has_type(&store::type_prefix(&self.kind, &self.storage_version()))
            }
            None => self.is_stored_form(stored) || crate::convert::storage(&self.group, &self.kind).is_some(),
        }
    }

    /// Whether an object needs no conversion to be shown in this version.
    pub(crate) fn is_stored_form(&self, stored: &Stored) -> bool {
        stored.has_type(&self.type_prefix) && self.custom.as_ref().is_none_or(|custom| custom.stamp == stored.stamp)
    }
}
