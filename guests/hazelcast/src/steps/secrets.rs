//! Secrets that are read: certificates for connections, and what a step itself wrote before.

use std::collections::BTreeMap;

use filbert_guest::k8s::{Secret, from_base64};
use filbert_guest::{Condition, Context, ReadError, Resource, Status};
use serde::Deserialize;

use crate::keystore;

/// The entries of a Secret, decoded when they are asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entries {
    data: Option<BTreeMap<String, String>>,
}

impl Entries {
    /// Those of the Secret of this name; nothing where there is none.
    pub(super) fn read<R: Resource>(cx: &Context<R>, name: &str) -> Result<Option<Self>, ReadError> {
        cx.read(Secret::TYPE, name).fields(&["data"]).get()
    }

    /// An entry as it is stored, in base64.
    pub(super) fn raw(&self, key: &str) -> Option<&str> {
        self.data.as_ref()?.get(key).map(String::as_str)
    }

    /// All entries that are texts.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let keys = self.data.iter().flat_map(BTreeMap::keys);
        keys.filter_map(|key| Some((key.clone(), self.text(key)?))).collect()
    }

    /// An entry as text; nothing where it is none.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        String::from_utf8(from_base64(self.raw(key)?)?).ok()
    }
}

/// Why something that is named is of no use; nothing where it is not there at all, which those say who look for it.
pub(super) type Problem = Option<String>;

/// A key store with the certificates of the Secret of this name; or why there can be none.
pub(super) fn key_store<R: Resource>(cx: &Context<R>, secret: &str) -> Result<Result<Vec<u8>, Problem>, ReadError> {
    let Some(entries) = Entries::read(cx, secret)? else { return Ok(Err(None)) };
    let part = |key: &str| entries.text(key).unwrap_or_default();
    let store = keystore::jks(&part("tls.crt"), &part("tls.key"), &part("ca.crt"));
    Ok(store.map_err(|problem| Some(format!("the Secret {secret}: {problem}"))))
}

/// Whether what the specification names, and is there, is of use. What is not there is said in `ReferencesResolved`.
pub(super) fn condition(problems: &[String]) -> Condition {
    if problems.is_empty() {
        return Condition::new("ReferencesUsable", Status::True, "AllUsable", "");
    }
    Condition::new("ReferencesUsable", Status::False, "Unusable", problems.join("; "))
}
