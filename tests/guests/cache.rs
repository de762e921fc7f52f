//! Compiled code is kept for the next start, and what somebody else put in its place is not run.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use filbert_engine::{Cache, Compiler, Engine, LoadError, NoReads, Settings};
use filbert_tests::modules::{fixture, module};

use crate::compiling::child;
use crate::support::{chain, context, settings};

/// A fresh folder for a cache, not yet made.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("code")
    }

    /// The files of compiled code.
    fn code(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path()).expect("a cache").map(|entry| entry.expect("an entry").path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect()
    }

    fn engine(&self, compiler: Compiler) -> Engine {
        let cache = Cache::Required(self.path());
        Engine::new(Settings { cache, compiler, ..settings() }).expect("an engine")
    }

    async fn compile(&self) {
        self.engine(child()).load("rogue", &fixture("hostile")).await.expect("it loads");
    }

    /// Whether the module loads without a compiler, that is, from the cache; and works.
    async fn serves(&self, wasm: &[u8]) -> bool {
        match self.engine(no_compiler()).load("rogue", wasm).await {
            Ok(module) => {
                // Loaded from a mapping: it must also run.
                module.run(&context("Nothing"), NoReads).await.answer.expect("an answer").expect("a plan");
                true
            }
            Err(LoadError::Compile { .. }) => false,
            Err(error) => panic!("{}", chain(&error)),
        }
    }
}

fn no_compiler() -> Compiler {
    Compiler::Child { program: PathBuf::from("/nowhere/at/all"), args: vec![], env: vec![] }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn code_is_kept_for_the_next_engine() {
    let folder = Folder::new();
    assert!(!folder_serves(&folder).await);
    folder.compile().await;
    assert!(folder_serves(&folder).await);
}

async fn folder_serves(folder: &Folder) -> bool {
    folder.serves(&fixture("hostile")).await
}

#[tokio::test]
async fn the_cache_is_private() {
    let folder = Folder::new();
    folder.compile().await;
    assert_eq!(mode(&folder.path()), 0o700);
    assert_eq!(mode(&folder.path().join("key")), 0o600);
    let code = folder.code();
    assert_eq!(code.len(), 1);
    assert_eq!(mode(&code[0]), 0o600);
    assert_eq!(fs::read_dir(folder.path()).expect("a cache").count(), 2, "nothing is left of the writing");
}

/// What is done to the one file of code, after which it is not run but made anew.
type Damage = fn(&Path);

const DAMAGE: [(&str, Damage); 7] = [
    ("a flipped bit", |file| {
        let mut bytes = fs::read(file).expect("code");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).expect("writable");
    }),
    ("a file cut short", |file| {
        let bytes = fs::read(file).expect("code");
        fs::write(file, &bytes[..bytes.len() - 1]).expect("writable");
    }),
    ("an empty file", |file| fs::write(file, "").expect("writable")),
    ("a file that others may write", |file| {
        fs::set_permissions(file, Permissions::from_mode(0o666)).expect("ours");
    }),
    ("a link to the outside", |file| {
        let outside = file.with_file_name("../outside");
        fs::rename(file, &outside).expect("renamed");
        symlink("../outside", file).expect("linked");
    }),
    ("a folder", |file| {
        fs::remove_file(file).expect("removed");
        fs::create_dir(file).expect("made");
    }),
    ("another key", |file| fs::write(file.with_file_name("key"), [7; 32]).expect("writable")),
];

#[tokio::test]
async fn what_the_cache_did_not_write_is_replaced_and_not_run() {
    for (what, damage) in DAMAGE {
        let folder = Folder::new();
        folder.compile().await;
        damage(&folder.code()[0]);
        assert!(!folder_serves(&folder).await, "{what} is not run");
        folder.compile().await;
        assert!(folder_serves(&folder).await, "{what} is replaced");
    }
}

#[tokio::test]
async fn code_of_one_module_does_not_stand_for_another() {
    let folder = Folder::new();
    folder.compile().await;
    let hostile = folder.code().remove(0);
    folder.engine(child()).load("greeter", &module("hello")).await.expect("it loads");
    let greeter = folder.code().into_iter().find(|path| *path != hostile).expect("a second file");
    fs::copy(&hostile, greeter).expect("copied");
    assert!(!folder.serves(&module("hello")).await);
    assert!(folder_serves(&folder).await);
}

#[tokio::test]
async fn a_key_that_is_none_is_replaced() {
    let folder = Folder::new();
    folder.compile().await;
    fs::write(folder.path().join("key"), "short").expect("writable");
    assert!(!folder_serves(&folder).await, "code under a lost key is not run");
    folder.compile().await;
    assert!(folder_serves(&folder).await);
}

#[tokio::test]
async fn a_folder_that_others_may_enter_is_no_cache() {
    let folder = Folder::new();
    fs::create_dir(folder.path()).expect("made");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("ours");
    let words = format!(
        "code cache `{}` has mode 0755; it must belong to the user who runs this program, with mode 0700",
        folder.path().display()
    );
    let required = Settings { cache: Cache::Required(folder.path()), ..settings() };
    assert_eq!(chain(&Engine::new(required).err().expect("no engine")), words);
    // Where a cache is only preferred, the engine says why it has none, and works.
    let engine = Engine::new(Settings { cache: Cache::Preferred(folder.path()), ..settings() }).expect("an engine");
    assert_eq!(engine.cache_problem().map(|problem| chain(problem)), Some(words));
    engine.load("rogue", &fixture("hostile")).await.expect("it loads");
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    fs::write(folder.path(), "a file").expect("writable");
    let cache = Cache::Required(folder.path().join("below"));
    let error = Engine::new(Settings { cache, ..settings() }).err().expect("no engine");
    assert_eq!(
        chain(&error),
        format!(
            "failed to make a directory in code cache `{}`: Not a directory (os error 20)",
            folder.path().join("below").display()
        )
    );
}
