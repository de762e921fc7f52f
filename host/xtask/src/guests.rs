//! Builds guests into components.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{component, project};

/// How guests are built.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only check that each component's imports and exports are those listed in its `surface.txt`; fail on a difference.
    #[arg(long)]
    check: bool,
    /// Write the `surface.txt` of each component anew.
    #[arg(long, conflicts_with = "check")]
    bless: bool,
    /// Build only these; all where none is named.
    #[arg(value_name = "PACKAGE")]
    only: Vec<String>,
}

/// One component crate.
struct Guest {
    name: String,
    folder: PathBuf,
}

/// Builds all component crates with one call of cargo and puts the components, and the YAML files that belong to them,
/// below `target/modules`. Files that stay the same are not touched, so that a running operator swaps only what changed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let guests = chosen(guests()?, &options.only)?;
    let mut build = project::cargo();
    build.args(["build", "--profile", "guest", "--target", "wasm32-unknown-unknown"]);
    for guest in &guests {
        build.args(["--package", &guest.name]);
    }
    project::succeed(&mut build)?;
    let modules = project::modules();
    fs::create_dir_all(&modules).with_context(|| format!("failed to make `{}`", modules.display()))?;
    let mut written = 0;
    let mut changed = Vec::new();
    for Guest { name, folder } in &guests {
        let core =
            project::target().join("wasm32-unknown-unknown/guest").join(format!("{}.wasm", name.replace('-', "_")));
        let bytes = fs::read(&core).with_context(|| format!("failed to read `{}`", core.display()))?;
        let component =
            component::componentise(&bytes).with_context(|| format!("failed to make a component of `{name}`"))?;
        let surface = component::surface(&component)?;
        let listed = folder.join("surface.txt");
        if fs::read_to_string(&listed).ok().as_deref() != Some(surface.as_str()) {
            if options.check {
                changed.push(format!("{}: now\n{surface}", listed.display()));
            } else if options.bless || !listed.exists() {
                fs::write(&listed, &surface)?;
            }
        }
        // Test fixtures are kept apart: nobody wants them in an operator.
        let fixture = folder.starts_with(project::root().join("tests"));
        let to = if fixture { project::target().join("fixtures") } else { modules.clone() };
        written += u32::from(replace(&to.join(format!("{name}.wasm")), &component)?);
        for file in yaml_files(folder)? {
            let bytes = fs::read(&file)?;
            let to = modules.join(file.file_name().context("a file has a name")?);
            written += u32::from(replace(&to, &bytes)?);
        }
    }
    if !changed.is_empty() {
        bail!(
            "imports or exports of components changed; if that is meant, run `cargo xtask guests --bless` and review the difference\n{}",
            changed.join("\n")
        );
    }
    eprintln!("{} components in {} ({written} files new or changed)", guests.len(), modules.display());
    Ok(())
}

/// The packages of the workspace that become components: those below `guests` and `tests` that build a `cdylib`.
fn guests() -> Result<Vec<Guest>> {
    let output = project::cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).output()?;
    let output = if output.status.success() {
        output
    } else {
        project::cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output()?
    };
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("`cargo metadata` answered no JSON")?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("`cargo metadata` names no packages")?;
    let is_component = |package: &&Value| {
        let targets = package.get("targets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        targets.iter().any(|target| target.pointer("/crate_types/0").and_then(Value::as_str) == Some("cdylib"))
    };
    packages
        .iter()
        .filter(is_component)
        .map(|package| {
            let text =
                |field: &str| package.get(field).and_then(Value::as_str).context("a package has a name and a manifest");
            let manifest = Path::new(text("manifest_path")?);
            Ok(Guest {
                name: text("name")?.to_owned(),
                folder: manifest.parent().context("a manifest lies in a folder")?.to_owned(),
            })
        })
        .collect()
}

/// Those that were asked for.
fn chosen(guests: Vec<Guest>, only: &[String]) -> Result<Vec<Guest>> {
    if let Some(unknown) = only.iter().find(|name| !guests.iter().any(|guest| guest.name == **name)) {
        let known: Vec<_> = guests.iter().map(|guest| guest.name.as_str()).collect();
        bail!("no component is made of a package `{unknown}`; there are: {}", known.join(", "));
    }
    Ok(guests.into_iter().filter(|guest| only.is_empty() || only.contains(&guest.name)).collect())
}

/// `Module` and `Pipeline` files of a guest.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Replaces a file by renaming, so that a reader sees the old or the new one and never a part. Says whether it changed.
fn replace(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, bytes).with_context(|| format!("failed to write `{}`", new.display()))?;
    fs::rename(&new, path).with_context(|| format!("failed to write `{}`", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn only_what_is_asked_for_is_built_and_a_name_that_is_none_is_refused() {
        let guests = || {
            let guest = |name: &str| Guest { name: name.to_owned(), folder: PathBuf::new() };
            vec![guest("lamp"), guest("shade")]
        };
        let names = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            let chosen = chosen(guests(), &only).map_err(|error| error.to_string())?;
            Ok::<_, String>(chosen.into_iter().map(|guest| guest.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]), Ok(vec!["lamp".to_owned(), "shade".to_owned()]));
        assert_eq!(names(&["shade"]), Ok(vec!["shade".to_owned()]));
        let error = names(&["lamp", "bulb"]).expect_err("there is none");
        assert_eq!(error, "no component is made of a package `bulb`; there are: lamp, shade");
    }

    #[test]
    fn a_file_that_stays_the_same_is_not_touched_and_a_new_one_is_never_seen_in_part() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lamp.wasm");
        let number = || fs::metadata(&path).expect("it is there").ino();
        assert!(replace(&path, b"one").expect("written"));
        let (first, mut open) = (number(), fs::File::open(&path).expect("opened"));
        assert!(!replace(&path, b"one").expect("written"));
        assert_eq!(number(), first);
        assert!(replace(&path, b"other").expect("written"));
        assert_ne!(number(), first, "another file in its place");
        let mut before = String::new();
        std::io::Read::read_to_string(&mut open, &mut before).expect("read");
        assert_eq!(before, "one", "who reads the old file reads all of it");
        let left: Vec<_> =
            fs::read_dir(folder.path()).expect("listed").map(|it| it.expect("listed").file_name()).collect();
        assert_eq!(left, ["lamp.wasm"]);
    }
}
