//! Built components: `cargo xtask guests` makes them, tests find them here.

use std::fmt::Write as _;
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

/// A component whose only purpose is to be compiled: `functions` functions of `size` instructions.
///
/// # Panics
///
/// Where memory is short.
pub fn bomb(functions: usize, size: usize) -> Vec<u8> {
    let mut text = String::from("(component (core module $m\n");
    for index in 0..functions {
        write!(text, "(func (param i64) (result i64) local.get 0").expect("memory");
        for step in 0..size {
            write!(text, " i64.const {} i64.mul local.get 0 i64.xor", index + step).expect("memory");
        }
        text.push_str(")\n");
    }
    text.push_str(") (instance $i) (export \"filbert:operator/module@0.1.0\" (instance $i)))");
    from_text(&text)
}

/// A component that loops before anything of it can be called.
pub fn looping_start() -> Vec<u8> {
    from_text(
        r#"(component
            (core module $m (func $spin (loop (br 0))) (start $spin) (func (export "describe")))
            (core instance $i (instantiate $m))
            (func $describe (canon lift (core func $i "describe")))
            (instance $role (export "describe" (func $describe)))
            (export "filbert:operator/module@0.1.0" (instance $role)))"#,
    )
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
    // By what is in it: whether cargo marks the folder depends on who made it.
    let folder = program.ancestors().find(|folder| folder.join("modules").is_dir());
    folder.expect("`cargo xtask guests` has built the modules into cargo's target directory").to_owned()
}
