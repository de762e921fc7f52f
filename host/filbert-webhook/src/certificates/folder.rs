//! Certificates from files that somebody else writes: a mounted Secret of cert-manager, for example.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use filbert_plan::plan::Millis;
use filbert_runtime::clock::SharedClock;
use tracing::{info, warn};

use super::{CertificatesError, Showing};
use crate::certificate::Pair;
use crate::chain::Chain;
use crate::rotation::SETTLING;

/// `tls.crt`, `tls.key` and, where API servers do not trust their issuer anyway, `ca.crt`.
pub struct Folder {
    path: PathBuf,
    clock: SharedClock,
    names: Vec<String>,
    seen: Option<Files>,
    waiting: Option<Waiting>,
    showing: Showing,
}

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    pair: Pair,
    trust: String,
}

/// Files with another authority, which API servers are about to trust.
struct Waiting {
    pair: Pair,
    since: Millis,
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Folder {
    /// Nothing is read before the first look.
    pub fn new(path: PathBuf, clock: SharedClock, names: Vec<String>) -> Self {
        let (seen, waiting, showing) = Default::default();
        Self { path, clock, names, seen, waiting, showing }
    }

    /// What is shown.
    pub fn showing(&self) -> &Showing {
        &self.showing
    }

    /// Takes up what changed. Where another authority signed it, what was shown goes on until API servers have had the time
    /// to hear of that.
    pub(super) fn look(&mut self) -> Result<(), CertificatesError> {
        let files = self.read()?;
        if self.seen.as_ref() != Some(&files) {
            self.take(files)?;
        }
        // The leader writes the configurations, and every replica waits as long: none knows of the others.
        let is_over = |since: Millis| u128::from(self.clock.now().saturating_sub(since)) >= 2 * SETTLING.as_millis();
        if let Some(waiting) = self.waiting.take_if(|waiting| is_over(waiting.since)) {
            self.showing.credentials.replace(&waiting.pair)?;
            info!(folder = %self.path.display(), "certificate of another authority in use");
        }
        Ok(())
    }

    fn take(&mut self, files: Files) -> Result<(), CertificatesError> {
        let Files { pair, trust } = &files;
        // Halfway through a change of theirs, for example.
        pair.certified()?;
        let now = self.clock.now();
        if !trust.is_empty()
            && let Err(unfit) = pair.fits(trust, &self.names, now)
        {
            warn!(folder = %self.path.display(), error = %Chain(&unfit), "API servers will not take this certificate");
        }
        let before = self.seen.as_ref().map_or("", |seen| seen.trust.as_str());
        let is_trusted = before.is_empty() || trust.is_empty() || pair.fits(before, &self.names, now).is_ok();
        if is_trusted {
            self.showing.show(pair, trust)?;
            self.waiting = None;
            info!(folder = %self.path.display(), "certificate in use");
        } else {
            self.showing.vouch(&format!("{}\n{}", trust.trim_end(), before));
            self.waiting = Some(Waiting { pair: pair.clone(), since: now });
        }
        self.seen = Some(files);
        Ok(())
    }

    fn read(&self) -> Result<Files, CertificatesError> {
        let text = |name: &str| {
            let path = self.path.join(name);
            std::fs::read_to_string(&path).map_err(|source| CertificatesError::Read { path, source })
        };
        let trust = match text("ca.crt") {
            Err(CertificatesError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => String::new(),
            other => other?,
        };
        Ok(Files { pair: Pair { chain: text("tls.crt")?, key: text("tls.key")? }, trust })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use filbert_runtime::Clock;

    use super::*;
    use crate::certificate::{Issued, issue};
    use crate::rotation::LIFE;

    /// A clock that can be put forward.
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Millis {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn names() -> Vec<String> {
        vec!["hook.market.svc".to_owned()]
    }

    fn write(folder: &Path, issued: &Issued) {
        for (name, text) in
            [("tls.crt", &issued.pair.chain), ("tls.key", &issued.pair.key), ("ca.crt", &issued.authority)]
        {
            std::fs::write(folder.join(name), text).expect("written");
        }
    }

    fn shown(folder: &Folder) -> Vec<u8> {
        let certificate = folder.showing.credentials.shown().expect("something is shown");
        certificate.cert[0].to_vec()
    }

    fn certificate(issued: &Issued) -> Vec<u8> {
        issued.pair.certified().expect("it can be used").cert[0].to_vec()
    }

    #[test]
    fn another_authority_is_trusted_before_its_certificate_is_used() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(Hand(AtomicU64::new(1_790_000_000_000)));
        let issued = |offset| issue(&names(), clock.now() + offset, LIFE).expect("it can be made");
        let (first, second) = (issued(0), issued(1));
        let mut folder = Folder::new(directory.path().to_owned(), clock.clone(), names());
        let trust = folder.showing.trust();
        assert!(matches!(folder.look(), Err(CertificatesError::Read { .. })), "there is nothing yet");
        write(directory.path(), &first);
        folder.look().expect("the files can be used");
        assert_eq!((shown(&folder), trust.borrow().as_deref()), (certificate(&first), Some(first.authority.as_str())));
        write(directory.path(), &second);
        folder.look().expect("the files can be used");
        assert_eq!(shown(&folder), certificate(&first));
        let both = trust.borrow().clone().expect("somebody vouches");
        for issued in [&first, &second] {
            assert_eq!(issued.pair.fits(&both, &names(), clock.now()), Ok(()));
        }
        clock.0.fetch_add(59_000, Ordering::SeqCst);
        folder.look().expect("the files can be used");
        assert_eq!(shown(&folder), certificate(&first));
        clock.0.fetch_add(1_000, Ordering::SeqCst);
        folder.look().expect("the files can be used");
        assert_eq!(shown(&folder), certificate(&second));
    }

    #[test]
    fn half_a_change_leaves_what_was_shown() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(Hand(AtomicU64::new(1_790_000_000_000)));
        let issued = |offset| issue(&names(), clock.now() + offset, LIFE).expect("it can be made");
        let (first, second) = (issued(0), issued(1));
        let mut folder = Folder::new(directory.path().to_owned(), clock.clone(), names());
        write(directory.path(), &first);
        folder.look().expect("the files can be used");
        std::fs::write(directory.path().join("tls.crt"), &second.pair.chain).expect("written");
        let error = folder.look().expect_err("the key is another").to_string();
        assert_eq!(
            (error.as_str(), shown(&folder)),
            ("the certificate and its private key cannot be used", certificate(&first))
        );
        std::fs::remove_file(directory.path().join("tls.key")).expect("removed");
        assert!(matches!(folder.look(), Err(CertificatesError::Read { .. })));
        assert_eq!(shown(&folder), certificate(&first));
    }

    #[test]
    fn authorities_that_everybody_knows_need_no_file() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(Hand(AtomicU64::new(1_790_000_000_000)));
        let first = issue(&names(), clock.now(), LIFE).expect("it can be made");
        write(directory.path(), &first);
        std::fs::remove_file(directory.path().join("ca.crt")).expect("removed");
        let mut folder = Folder::new(directory.path().to_owned(), clock, names());
        folder.look().expect("the files can be used");
        assert_eq!((shown(&folder), folder.showing.trust().borrow().as_deref()), (certificate(&first), Some("")));
    }
}
