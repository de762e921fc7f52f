//! Built components: `cargo xtask guests` makes them, tests find them here.

use std::path::{Path, PathBuf};

/// The component of this name, from `guests/`.
///
/// # Panics
///
/// Where it has not been built.
pub fn module(name: &str) -> Vec<u8> {
    read(&target().join("modules"), name)
}

/// The component of this name, from `tests/fixtures/`.
///
/// # Panics
///
/// Where it has not been built.
pub fn fixture(name: &str) -> Vec<u8> {
    read(&target().join("fixtures"), name)
}

/// A component written as text.
///
/// # Panics
///
/// Where it is no WebAssembly text.
pub fn from_text(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own text")
}

#[expect(clippy::panic, reason = "a test without its component cannot go on")]
fn read(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("failed to read `{}`: {error}; `cargo xtask guests` builds it", path.display()))
}

/// The target directory: this program is `debug/deps/NAME` in it.
///
/// # Panics
///
/// Where this program does not lie in a target directory.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let folder = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.expect("tests run from cargo's target directory").to_owned()
}
