//! `filbert dev` as a running program, and its server as any client sees it.

use std::time::Instant;

use filbert_kube::Api;
use filbert_plan::object::ObjectKey;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::process::{PATIENCE, Process};
use crate::support::Place;

/// `filbert dev` at work in a place. Ends with the test.
pub(crate) struct Dev(Process);

impl Dev {
    /// With the module `hello` that the place has, and one resource for it.
    pub(crate) fn start(place: &Place) -> Self {
        place.write(
            "resources.yaml",
            b"apiVersion: example.dev/v1\nkind: Greeting\nmetadata: {name: spring}\nspec: {who: Ann}\n",
        );
        Self::with(place, "modules", "resources.yaml")
    }

    /// With a folder of modules and a file of resources.
    pub(crate) fn with(place: &Place, modules: &str, file: &str) -> Self {
        let arguments = ["dev", "--modules", modules, "-f", file, "--write-kubeconfig", "kubeconfig"];
        let mut process = Process::start(place.filbert(&arguments));
        process.until_said("are taken up at once");
        Self(process)
    }

    /// Waits for a line with this text.
    pub(crate) fn until_said(&mut self, text: &str) -> String {
        self.0.until_said(text)
    }

    /// All that was said so far.
    pub(crate) fn heard(&mut self) -> &[String] {
        self.0.heard()
    }
}

/// The embedded server, as any client sees it.
pub(crate) async fn client(place: &Place) -> kube::Client {
    let file = Kubeconfig::from_yaml(&place.read("kubeconfig")).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("usable");
    kube::Client::try_from(config).expect("a client")
}

/// The same, with our own requests.
pub(crate) async fn api(place: &Place) -> Api {
    Api::new(client(place).await)
}

/// Asks until the object is as wanted.
pub(crate) async fn until(api: &Api, key: &ObjectKey, is_it: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let object = api.get(key).await.expect("an answer").unwrap_or_default();
        if is_it(&object) {
            return object;
        }
        assert!(begun.elapsed() < PATIENCE, "{key} never became as expected: {object:#}");
        tokio::task::yield_now().await;
    }
}
