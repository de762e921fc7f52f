//! The one place where compiled code is taken on trust.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Machine code that a compiler of ours made.
pub(crate) enum Code<'a> {
    /// Just made by this process or its compiling child.
    Fresh(&'a [u8]),
    /// Kept, and authenticated through this very descriptor.
    Kept(&'a File),
}

/// Makes compiled code callable; a kept file is mapped, not read.
///
/// # Errors
///
/// The code was made by another version or with other settings.
#[expect(unsafe_code, reason = "machine code cannot be checked, only trusted")]
pub(crate) fn load(engine: &Engine, code: &Code<'_>) -> wasmtime::Result<Component> {
    let mut read = Vec::new();
    let bytes = match code {
        Code::Fresh(bytes) => bytes,
        Code::Kept(file) => {
            // A path that leads to the descriptor we authenticated, whatever has become of the name meanwhile.
            let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            if path.exists() {
                // SAFETY: `Kept` is made by the cache alone, after it found under this descriptor an authentication code
                // that only this user's key makes, over exactly what a compiler of ours wrote. Files in the cache are
                // never changed once they have a name, and nobody else may enter the directory.
                return unsafe { Component::deserialize_file(engine, path) };
            }
            let mut file: &File = file;
            file.rewind()?;
            file.read_to_end(&mut read)?;
            read.as_slice()
        }
    };
    // SAFETY: `Fresh` is the output of `Engine::precompile_component`, from this process or from a child that was started
    // from the program the operator names and whose output nobody else could write to; the other bytes are as above.
    unsafe { Component::deserialize(engine, bytes) }
}
