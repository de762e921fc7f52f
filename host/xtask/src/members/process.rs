//! A member as a process: started, asked, stopped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// Members start and stop within seconds; on a machine that has much else to do it may take longer.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);
/// With which a virtual machine ends that was asked to, once everything in it has stopped.
const ASKED_TO_STOP: i32 = 143;
/// Where a member tells how it is.
const HEALTH_PORT: u16 = 8081;

/// A running member. It does not outlive this.
pub(super) struct Member {
    child: Child,
    log: PathBuf,
}

/// What a member says of its cluster.
pub(super) struct Seen {
    pub(super) cluster_name: String,
    pub(super) members: u64,
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Member {
    pub(super) fn start(options: &[String], folder: &Path) -> Result<Self> {
        let log = super::log(folder);
        let out = File::create(&log).with_context(|| format!("failed to create `{}`", log.display()))?;
        let mut java = Command::new("java");
        java.args(options).current_dir(folder).stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        // A pod has the name of its host; variables of whoever runs this are none of the member's.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HZ_")) {
            java.env_remove(name);
        }
        let child = java.env("HOSTNAME", "member-0").spawn().context("failed to start `java`")?;
        Ok(Self { child, log })
    }

    /// Waits until it says that it is ready.
    pub(super) fn until_ready(&mut self, address: Ipv4Addr) -> Result<Seen> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended before it was ready ({status}): {}", self.last_words());
            }
            if ask(address, "/hazelcast/health/ready").is_some() {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "it was not ready after {} s", PATIENCE.as_secs());
            thread::sleep(PAUSE);
        }
        let health = ask(address, "/hazelcast/health").context("it does not tell its health")?;
        let health: Value = serde_json::from_str(&health).with_context(|| format!("its health is `{health}`"))?;
        let members = health.get("clusterSize").and_then(Value::as_u64).context("it does not tell how many it sees")?;
        let state = health.get("nodeState").and_then(Value::as_str).unwrap_or_default();
        ensure!(state == "ACTIVE", "it is `{state}` instead of active");
        Ok(Seen { cluster_name: self.cluster_name()?, members })
    }

    /// As it logs it at its start: `Cluster name: dev`.
    fn cluster_name(&self) -> Result<String> {
        let log = self.said()?;
        let name =
            log.lines().find_map(|line| line.split_once("Cluster name: ")).map(|(_, name)| name.trim().to_owned());
        name.context("it does not log the name of its cluster")
    }

    fn said(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("failed to read `{}`", self.log.display()))
    }

    fn last_words(&self) -> String {
        let log = self.said().unwrap_or_default();
        let is_word = |line: &&str| line.contains("Exception") || line.contains("SEVERE") || line.contains("ERROR");
        log.lines().filter(is_word).take(5).collect::<Vec<_>>().join("; ")
    }

    /// Asks it to stop, as Kubernetes does, and waits for it: a member that is asked leaves its cluster and ends by itself.
    pub(super) fn stop(&mut self) -> Result<()> {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        ensure!(asked.context("failed to start `kill`")?.success(), "it cannot be asked to stop");
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.code() == Some(ASKED_TO_STOP), "it did not stop as it should: {status}");
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "it did not stop within {} s", PATIENCE.as_secs());
            thread::sleep(PAUSE);
        }
    }
}

/// The body of an answer 200. Members keep connections open, so it is read by its length.
fn ask(address: Ipv4Addr, path: &str) -> Option<String> {
    let wait = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address, HEALTH_PORT)), wait).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let is_ok = line.split(' ').nth(1) == Some("200");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    is_ok.then(|| String::from_utf8_lossy(&body).into_owned())
}
