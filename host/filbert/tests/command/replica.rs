//! `filbert run` as a running program.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use crate::process::{PATIENCE, Process};
use crate::support::Place;

/// One replica of the operator.
pub(crate) struct Replica {
    pub(crate) process: Process,
    address: String,
}

impl Replica {
    /// With short times. It may not be ready yet.
    pub(crate) fn start(place: &Place, more: &[&str]) -> Self {
        let mut arguments = vec!["run", "--health-listen", "127.0.0.1:0"];
        arguments.extend(["--lease-duration", "4s", "--renew-deadline", "3s", "--renew-every", "250ms"]);
        arguments.extend(more);
        let mut process = Process::start(place.filbert(&arguments));
        let line = process.until_said("serving health and metrics");
        let (_, address) = line.rsplit_once("address=").expect("it says where");
        let address = address.split_whitespace().next().expect("it says where").to_owned();
        Self { process, address }
    }

    /// Status and body of a page.
    pub(crate) fn page(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (code, body.to_owned())
    }

    /// Asks until a page is as wanted.
    pub(crate) async fn until_page(&self, path: &str, is_it: impl Fn(u16, &str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let (code, body) = self.page(path);
            if is_it(code, &body) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never became as expected: {code} {body}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) -> String {
        self.until_page("/readyz", |code, _| code == 200).await
    }

    /// A count of its metrics; 0 where there is none yet.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (code, body) = self.page("/metrics");
        assert_eq!(code, 200, "{body}");
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().expect("a number"))
    }

    /// Waits until a count of its metrics is at least this.
    pub(crate) async fn until_metric(&self, name: &str, at_least: u64) {
        let begun = Instant::now();
        while self.metric(name) < at_least {
            assert!(begun.elapsed() < PATIENCE, "{name} never came to {at_least}: {}", self.page("/metrics").1);
            tokio::task::yield_now().await;
        }
    }
}
