//! The entries of one `ConfigMap`, now and with every change.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::watch_object;

use crate::api::Chain;
use crate::pause::{Pauses, paced};

/// Entries by key: of `data` and of `binaryData`.
pub type Entries = BTreeMap<String, Vec<u8>>;

/// What the `ConfigMap` of this name holds, whenever it changes; nothing where there is none. In place of an answer, why there is
/// none: it is asked for again and again.
pub fn follow(
    client: Client,
    namespace: &str,
    name: &str,
) -> impl Stream<Item = Result<Entries, String>> + Send + use<> {
    let began = std::sync::Arc::new(|| {});
    let api = kube::Api::<ConfigMap>::namespaced(paced(client, began), namespace);
    watch_object(api, name).backoff(Pauses::default()).map(|found| match found {
        Ok(found) => Ok(found.map(entries).unwrap_or_default()),
        Err(error) => Err(Chain(&error).to_string()),
    })
}

fn entries(found: ConfigMap) -> Entries {
    let text = found.data.into_iter().flatten().map(|(key, text)| (key, text.into_bytes()));
    let binary = found.binary_data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0));
    text.chain(binary).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    #[test]
    fn text_and_bytes_are_entries_alike() {
        let found = ConfigMap {
            data: Some([("lamp.yaml".to_owned(), "kind: Module".to_owned())].into()),
            binary_data: Some([("lamp.wasm".to_owned(), ByteString(vec![0, b'a']))].into()),
            ..ConfigMap::default()
        };
        let wanted = [("lamp.wasm", vec![0, b'a']), ("lamp.yaml", b"kind: Module".to_vec())];
        assert_eq!(entries(found), wanted.map(|(key, bytes)| (key.to_owned(), bytes)).into());
    }
}
