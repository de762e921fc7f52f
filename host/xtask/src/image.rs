//! Builds a container image without a container engine: an OCI image layout with one layer, in which there are a static binary
//! and our modules, and nothing else.
//!
//! The same sources make the same bytes: there are no times and no names of people in it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{deploy, guests, project};

/// What is built.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder to write. Default: `image` in cargo's target folder.
    #[arg(long)]
    output: Option<PathBuf>,
    /// How the image is called in the layout's index.
    #[arg(long, default_value = concat!("filbert:", env!("CARGO_PKG_VERSION")))]
    name: String,
}

/// Whom the process runs as: nobody that a system knows.
const USER: u32 = 65532;

/// What the architecture is called by Rust, and in images.
const ARCHITECTURE: (&str, &str) =
    if cfg!(target_arch = "aarch64") { ("aarch64", "arm64") } else { ("x86_64", "amd64") };

/// Builds what goes in, and writes the layout.
pub(crate) fn run(options: &Options) -> Result<()> {
    let output = options.output.clone().unwrap_or_else(|| project::target().join("image"));
    guests::run(&guests::Options::default())?;
    let binary = static_binary()?;
    let mut files = vec![File { path: "filbert".to_owned(), mode: 0o555, bytes: binary }];
    files.extend(modules()?);
    let layer = layer(&files)?;
    let digest = write(&output, &options.name, &layer)?;
    println_line(&format!("{}  {} ({} MiB packed)", digest, output.display(), layer.packed.len() >> 20));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the digest is what a script wants")]
fn println_line(line: &str) {
    println!("{line}");
}

struct File {
    path: String,
    mode: u32,
    bytes: Vec<u8>,
}

struct Layer {
    /// Of the tar, which the configuration names.
    digest: String,
    packed: Vec<u8>,
}

/// The command, linked so that it needs no file of any system.
fn static_binary() -> Result<Vec<u8>> {
    let target = format!("{}-unknown-linux-gnu", ARCHITECTURE.0);
    let flags = format!("target.{target}.rustflags = [\"-Ctarget-feature=+crt-static\"]");
    let mut build = project::cargo();
    build.args(["build", "--release", "--workspace", "--bin", "filbert", "--target", &target, "--config", &flags]);
    project::succeed(&mut build)?;
    let path = project::target().join(&target).join("release/filbert");
    let bytes = fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
    ensure!(
        !wants_interpreter(&bytes)?,
        "`{}` is linked dynamically; is there a static C library (`libc.a`) on this machine?",
        path.display()
    );
    Ok(bytes)
}

/// Whether an ELF file names a program that loads it, as everything does that is linked dynamically.
fn wants_interpreter(elf: &[u8]) -> Result<bool> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, size: usize| -> Result<u64> {
        let bytes = elf.get(at..at.saturating_add(size)).context("the binary is cut off")?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    ensure!(elf.starts_with(b"\x7fELF\x02\x01"), "the binary is no little-endian ELF file of 64 bits");
    let (start, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    for index in 0..count {
        if number(usize::try_from(start + index * size)?, 4)? == PT_INTERP {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The shipped modules with their documents, below `modules/`.
fn modules() -> Result<Vec<File>> {
    let mut files = Vec::new();
    for document in deploy::shipped()? {
        let name = document.file_name().and_then(|name| name.to_str()).context("a file has a name")?.to_owned();
        let component = project::modules().join(&name).with_extension("wasm");
        if component.is_file() {
            let name = name.replace(".yaml", ".wasm");
            files.push(File { path: format!("modules/{name}"), mode: 0o444, bytes: fs::read(&component)? });
        }
        files.push(File { path: format!("modules/{name}"), mode: 0o444, bytes: fs::read(&document)? });
    }
    if !files.iter().any(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "wasm")) {
        bail!("there are no components in `{}`", project::modules().display());
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn layer(files: &[File]) -> Result<Layer> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, owner: u32, mode: u32, bytes: &[u8]| -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(owner.into());
        header.set_gid(owner.into());
        archive.append_data(&mut header, path, bytes).with_context(|| format!("failed to pack `{path}`"))
    };
    add("modules/", tar::EntryType::Directory, 0, 0o555, &[])?;
    // Compiled code; where the root is read-only, something is mounted here.
    add("cache/", tar::EntryType::Directory, USER, 0o700, &[])?;
    for File { path, mode, bytes } in files {
        add(path, tar::EntryType::Regular, 0, *mode, bytes)?;
    }
    let tar = archive.into_inner()?;
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(6));
    gzip.write_all(&tar)?;
    Ok(Layer { digest: digest(&tar), packed: gzip.finish()? })
}

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes the layout anew; answers with the digest of the manifest, under which registries know the image.
fn write(output: &Path, name: &str, layer: &Layer) -> Result<String> {
    if output.exists() {
        ensure!(
            output.join("oci-layout").is_file(),
            "`{}` exists and is no image layout; it is left alone",
            output.display()
        );
        fs::remove_dir_all(output)?;
    }
    let blobs = output.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("failed to make `{}`", blobs.display()))?;
    let blob = |media: &str, bytes: &[u8]| -> Result<Value> {
        let digest = digest(bytes);
        fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes)?;
        Ok(json!({"mediaType": media, "digest": digest, "size": bytes.len()}))
    };
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let labels = json!({
        "org.opencontainers.image.title": repository,
        "org.opencontainers.image.version": tag,
        "org.opencontainers.image.licenses": "Apache-2.0",
    });
    let config = json!({
        "architecture": ARCHITECTURE.1,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": ["/filbert"],
            "Cmd": ["run"],
            "Env": ["FILBERT_MODULES=/modules", "FILBERT_CACHE=/cache"],
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        "history": [{"comment": "cargo xtask image"}],
    });
    let config = blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes())?;
    let packed = blob("application/vnd.oci.image.layer.v1.tar+gzip", &layer.packed)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [packed],
        "annotations": labels,
    });
    let mut manifest = blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes())?;
    let digest = manifest.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(fields) = manifest.as_object_mut() {
        fields.insert("annotations".to_owned(), json!({"org.opencontainers.image.ref.name": name}));
        fields.insert("platform".to_owned(), json!({"architecture": ARCHITECTURE.1, "os": "linux"}));
    }
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest],
    });
    fs::write(output.join("index.json"), index.to_string())?;
    fs::write(output.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<File> {
        vec![
            File { path: "filbert".to_owned(), mode: 0o555, bytes: b"binary".to_vec() },
            File { path: "modules/a.wasm".to_owned(), mode: 0o444, bytes: b"component".to_vec() },
        ]
    }

    fn read(folder: &Path, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap();
        let bytes = fs::read(folder.join("blobs").join(digest.replace(':', "/"))).unwrap();
        assert_eq!(super::digest(&bytes), digest);
        assert_eq!(bytes.len() as u64, descriptor["size"].as_u64().unwrap());
        bytes
    }

    #[test]
    fn every_descriptor_of_a_layout_leads_to_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("image");
        let digest = write(&output, "example.org/filbert:1", &layer(&files()).unwrap()).unwrap();
        let index: Value = serde_json::from_slice(&fs::read(output.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["digest"], digest);
        assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "example.org/filbert:1");
        let manifest: Value = serde_json::from_slice(&read(&output, &index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&read(&output, &manifest["config"])).unwrap();
        assert_eq!(config["config"]["User"], "65532:65532");
        let packed = read(&output, &manifest["layers"][0]);
        let mut tar = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut tar).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], super::digest(&tar));
        let mut archive = tar::Archive::new(tar.as_slice());
        let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap(), entry.header().uid().unwrap())
        };
        let entries: Vec<_> = archive.entries().unwrap().map(entry).collect();
        let expected =
            [("modules/", 0o555, 0), ("cache/", 0o700, 65532), ("filbert", 0o555, 0), ("modules/a.wasm", 0o444, 0)];
        assert_eq!(entries, expected.map(|(path, mode, owner)| (path.to_owned(), mode, owner)));
    }

    #[test]
    fn the_same_files_make_the_same_image() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| write(&folder.path().join(name), "filbert:1", &layer(&files()).unwrap()).unwrap();
        assert_eq!(of("one"), of("two"));
    }

    #[test]
    fn a_folder_that_is_no_layout_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "text").unwrap();
        let error = write(folder.path(), "filbert:1", &layer(&files()).unwrap()).unwrap_err().to_string();
        assert!(error.contains("no image layout"), "{error}");
        assert!(folder.path().join("precious").exists());
    }

    #[test]
    fn a_binary_that_names_an_interpreter_is_linked_dynamically() {
        // Tests themselves are.
        let this = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(wants_interpreter(&this).unwrap());
        assert!(wants_interpreter(b"\x7fELF\x02\x01").unwrap_err().to_string().contains("cut off"));
        assert!(wants_interpreter(b"#!/bin/sh").unwrap_err().to_string().contains("no little-endian ELF"));
    }
}
