//! Compiles, limits and calls guests; the one crate that names wasmtime.
