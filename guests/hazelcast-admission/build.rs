//! Makes the definitions from the types, so that the component brings along what `crds/` shows.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for (name, definition) in hazelcast_api::definition::all() {
        let file = Path::new(&out).join(name).with_extension("json");
        fs::write(file, definition.to_string()).expect("the output directory is writable");
    }
}
