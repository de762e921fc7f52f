//! A folder to work in, and the command started in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own, gone after the test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With the built module `hello` and its pipeline in `modules`.
    pub(crate) fn with_hello() -> Self {
        let place = Self::new();
        std::fs::create_dir(place.path("modules")).expect("made");
        for file in ["hello.wasm", "hello.yaml"] {
            place.write(&format!("modules/{file}"), &built(file));
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("text")
    }

    /// Replaces some text of a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{name}` has `{from}`");
        self.write(name, text.replace(from, to).as_bytes());
    }

    /// The command, to be started here. No variable of ours that happens to be set reaches it, and compiled code is kept
    /// from test to test.
    pub(crate) fn filbert(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_filbert"));
        command.current_dir(self.folder.path()).args(arguments);
        for name in [
            "LOG",
            "MODULES",
            "LISTEN",
            "WRITE_KUBECONFIG",
            "RECORD",
            "KUBECONFIG",
            "CONTEXT",
            "REQUEST_TIMEOUT",
            "TIMEOUT",
            "NAMESPACE",
            "WATCH_NAMESPACE",
            "LEASE",
            "HEALTH_LISTEN",
            "LOG_FORMAT",
        ] {
            command.env_remove(format!("FILBERT_{name}"));
        }
        command.env_remove("KUBECONFIG").env("FILBERT_CACHE", target().join("test-code"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.filbert(arguments).output().expect("the command starts")
    }

    /// Text in which this folder is called `DIR`.
    pub(crate) fn neutral(&self, text: &[u8]) -> String {
        String::from_utf8_lossy(text).replace(&self.folder.path().display().to_string(), "DIR")
    }
}

/// A file of `target/modules`.
pub(crate) fn built(file: &str) -> Vec<u8> {
    let path = modules().join(file);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("failed to read `{}`: {error}; `cargo xtask guests` builds it", path.display()))
}

/// Where all built modules are.
pub(crate) fn modules() -> PathBuf {
    target().join("modules")
}

pub(crate) fn target() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().expect("it lies in cargo's target directory").to_owned()
}
