//! Taking over from an earlier operator: what it owned becomes ours, so that what no step says goes. Only then is an
//! object as its step says: as one owner among others, a step could not take anything away.

use filbert_kube::ApiError;
use filbert_plan::managed;
use filbert_plan::object::{self, ObjectKey};
use serde_json::Value;

use super::{Applier, Owner};

/// How often it is tried where others change the object at the same time.
const ATTEMPTS: u32 = 5;

impl Owner {
    /// `Greeting market/blue`.
    pub fn title(&self) -> String {
        let place = self.key.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {place}{}", self.kind, self.key.name)
    }

    /// Field managers of the operator whose installations are taken over.
    pub fn predecessors(&self) -> &[String] {
        self.adoption.as_ref().map(|adoption| adoption.managers.as_slice()).unwrap_or_default()
    }
}

impl Applier {
    /// Makes the fields that `from` own those of the applier `to`. No value changes. Answers the object as it is then;
    /// nothing where it is gone.
    ///
    /// # Errors
    /// [`ApiError`]; also where somebody is always faster.
    pub(crate) async fn take_over(
        &self,
        key: &ObjectKey,
        live: Option<Value>,
        from: &[String],
        to: &str,
        subresource: &str,
    ) -> Result<Option<Value>, ApiError> {
        let mut live = match live {
            Some(live) => Some(live),
            None => self.api.get(key).await?,
        };
        let mut attempts = 0;
        while let Some(found) = live {
            let Some(entries) = managed::moved(&found, from, to, subresource) else { return Ok(Some(found)) };
            let version = object::text(&found, "/metadata/resourceVersion").unwrap_or_default();
            attempts += 1;
            match self.api.set_managed_fields(key, &entries, version).await {
                Ok(stored) => {
                    self.caches.note(key, &stored);
                    return Ok(Some(stored));
                }
                Err(error) if error.is_conflict() && attempts < ATTEMPTS => live = self.api.get(key).await?,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
