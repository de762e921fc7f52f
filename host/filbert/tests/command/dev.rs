//! `filbert dev` as a running program, and its server as any client sees it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use filbert_kube::Api;
use filbert_plan::object::ObjectKey;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::support::Place;

/// Nothing that is waited for takes anywhere near this long; it only keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// `filbert dev` at work in a place. Ends with the test.
pub(crate) struct Dev {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
        let mut command = place.filbert(&["dev", "--modules", modules, "-f", file, "--write-kubeconfig", "kubeconfig"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let (tell, said) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for stream in streams {
            let tell = tell.clone();
            std::thread::spawn(move || {
                // Until the command ends, or the test does.
                BufReader::new(stream).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
            });
        }
        let mut dev = Self { child, said, heard: Vec::new() };
        dev.until_said("are taken up at once");
        dev
    }

    /// Waits for a line with this text.
    pub(crate) fn until_said(&mut self, text: &str) -> String {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("`{text}` was never said ({error}), but this: {:#?}", self.heard),
            }
        }
    }

    /// All that was said so far.
    pub(crate) fn heard(&mut self) -> &[String] {
        self.heard.extend(self.said.try_iter());
        &self.heard
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
