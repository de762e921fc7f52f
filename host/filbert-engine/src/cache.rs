//! Compiled code, kept between starts: private to this user, authenticated, replaced where it is not what it should be.
//!
//! The directory holds a key and one file for each module and engine setting. A file is machine code followed by an
//! HMAC-SHA-256 over its name and the code. It gets its name when it is complete and is never changed afterwards.

use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tracing::{debug, warn};

use crate::load::hex;

const KEY: &str = "key";
const CODE: &str = ".code";
const PART: &str = ".part";

/// Bytes of an authentication code, and of the key.
const MAC: usize = 32;

/// All files together. A module of the SDK takes about 1 MB, one in JavaScript 40 MB.
const LARGEST: u64 = 1 << 30;

/// A code cache that can be used.
#[derive(Debug)]
pub(crate) struct CodeCache {
    path: PathBuf,
    dir: Dir,
    key: [u8; MAC],
}

/// Why a directory cannot be used as code cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refuses.
    #[error("failed to {action} in code cache `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The cache.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// Somebody else could put code there.
    #[error("code cache `{}` {what}; it must belong to the user who runs this program, with mode 0700", path.display())]
    NotPrivate {
        /// The cache.
        path: PathBuf,
        /// `belongs to user 1000`.
        what: String,
    },
}

/// The name of what one engine makes of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeName(String);

impl CodeName {
    pub(crate) fn new(engine: &wasmtime::Engine, digest: &str) -> Self {
        /// Feeds what an engine says of itself to SHA-256.
        struct Feed(Sha256);
        impl Hasher for Feed {
            fn write(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }
            fn finish(&self) -> u64 {
                0
            }
        }
        let mut feed = Feed(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut feed);
        let settings = hex(&feed.0.finalize());
        let settings = settings.get(..16).unwrap_or(&settings);
        Self(format!("{digest}-{settings}{CODE}"))
    }
}

impl CodeCache {
    /// Opens the directory, or makes it. Nothing outside it is touched, whatever links lie in it.
    pub(crate) fn open(path: &Path) -> Result<Self, CacheError> {
        let fail = |action| move |source| CacheError::File { action, path: path.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail("make a directory"))?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(fail("open the directory"))?;
        let metadata = dir.dir_metadata().map_err(fail("look at the directory"))?;
        private(&metadata).map_err(|what| CacheError::NotPrivate { path: path.to_owned(), what })?;
        let mut cache = Self { path: path.to_owned(), dir, key: [0; MAC] };
        cache.key = cache.key().map_err(fail("read or make the key"))?;
        Ok(cache)
    }

    /// Code that was kept under this name, or nothing. What lies there and is not ours is removed.
    pub(crate) fn get(&self, name: &CodeName) -> Option<std::fs::File> {
        let problem = match self.authentic(name) {
            Ok(file) => return Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error,
        };
        warn!(file = name.0, cache = %self.path.display(), error = %problem, "ignored a file in the code cache");
        self.forget(name);
        None
    }

    /// Removes what is kept under this name.
    pub(crate) fn forget(&self, name: &CodeName) {
        if let Err(error) = self.dir.remove_file(&name.0).or_else(|_| self.dir.remove_dir_all(&name.0)) {
            debug!(file = name.0, %error, "left a file in the code cache");
        }
    }

    /// Keeps code. Another process may keep the same at the same time: either file is good.
    pub(crate) fn put(&self, name: &CodeName, code: &[u8]) -> Result<(), CacheError> {
        let fail = |action| move |source| CacheError::File { action, path: self.path.clone(), source };
        self.make_room(code.len() as u64).map_err(fail("make room"))?;
        let mac = self.mac(name, |mac| {
            mac.update(code);
            Ok(())
        });
        let mac = mac.map_err(fail("authenticate code"))?.finalize().into_bytes();
        self.write_whole(&name.0, &[code, &mac]).map_err(fail("keep code"))
    }

    fn authentic(&self, name: &CodeName) -> io::Result<std::fs::File> {
        let mut file = self.dir.open(&name.0)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        private(&metadata).map_err(io::Error::other)?;
        let size = metadata.len().checked_sub(MAC as u64).ok_or_else(|| io::Error::other("it is too short"))?;
        let mac = self.mac(name, |mac| {
            let mut chunk = vec![0; 256 << 10];
            let mut code = (&mut file).take(size);
            loop {
                match code.read(&mut chunk)? {
                    0 => return Ok(()),
                    read => mac.update(chunk.get(..read).unwrap_or_default()),
                }
            }
        })?;
        let mut found = [0; MAC];
        file.read_exact(&mut found)?;
        mac.verify_slice(&found).map_err(|_| io::Error::other("it was not written by this cache"))?;
        Ok(file.into_std())
    }

    fn mac(&self, name: &CodeName, feed: impl FnOnce(&mut Hmac<Sha256>) -> io::Result<()>) -> io::Result<Hmac<Sha256>> {
        let mut mac = Hmac::new_from_slice(&self.key).map_err(io::Error::other)?;
        // The name is part of it, so that no file can stand for another.
        mac.update(name.0.as_bytes());
        feed(&mut mac)?;
        Ok(mac)
    }

    /// The key, made at the first use.
    fn key(&self) -> io::Result<[u8; MAC]> {
        for _ in 0..2 {
            match self.read_key() {
                Ok(key) => return Ok(key),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    warn!(cache = %self.path.display(), %error, "replaced the key of the code cache");
                    self.dir.remove_file(KEY)?;
                }
            }
            let mut key = [0; MAC];
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            self.write_whole(KEY, &[&key])?;
            // Read back: of two processes that begin together, one has put its key in place of the other's.
        }
        self.read_key()
    }

    fn read_key(&self) -> io::Result<[u8; MAC]> {
        let mut file = self.dir.open(KEY)?;
        let metadata = file.metadata()?;
        private(&metadata).map_err(io::Error::other)?;
        if !metadata.is_file() || metadata.len() != MAC as u64 {
            return Err(io::Error::other("it has not the size of a key"));
        }
        let mut key = [0; MAC];
        file.read_exact(&mut key)?;
        Ok(key)
    }

    /// Writes a file that appears under its name only when it is complete.
    fn write_whole(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut salt = [0; 8];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let part = format!("{}{PART}", hex(&salt));
        let written = self.write_part(&part, parts).and_then(|()| self.dir.rename(&part, &self.dir, name));
        if written.is_err() {
            // The first error is the one to tell.
            drop(self.dir.remove_file(&part));
        }
        written
    }

    fn write_part(&self, part: &str, parts: &[&[u8]]) -> io::Result<()> {
        let options = OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
        let mut file: File = self.dir.open_with(part, &options)?;
        parts.iter().try_for_each(|bytes| file.write_all(bytes))?;
        // A power cut would otherwise leave a name without its bytes; the code would be found damaged, which costs only
        // time, but the key would be gone.
        file.sync_data()
    }

    /// Removes the oldest code until there is room, and parts that a crash has left.
    fn make_room(&self, wanted: u64) -> io::Result<()> {
        let mut code = Vec::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let hour_ago = i64::try_from(now.saturating_sub(3600)).unwrap_or(i64::MAX);
        for entry in self.dir.entries()? {
            let entry: DirEntry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Gone meanwhile: another process makes room too.
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.mtime();
            if name.ends_with(CODE) {
                code.push((modified, name, metadata.len()));
            } else if name.ends_with(PART) && modified < hour_ago {
                self.dir.remove_file(&name)?;
            }
        }
        code.sort();
        let mut total = code.iter().map(|(_, _, size)| size).sum::<u64>().saturating_add(wanted);
        for (_, name, size) in code {
            if total <= LARGEST {
                break;
            }
            self.dir.remove_file(&name)?;
            total = total.saturating_sub(size);
        }
        Ok(())
    }
}

/// Whether nobody but this user can change what the metadata are of.
fn private(metadata: &Metadata) -> Result<(), String> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(format!("belongs to user {}, not {user}", metadata.uid()));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 { Err(format!("has mode {mode:04o}")) } else { Ok(()) }
}
