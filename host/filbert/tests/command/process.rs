//! The command as a running program.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing that is waited for takes anywhere near this long; it only keeps a test that is wrong from waiting for ever.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A running program. Ends with the test.
pub(crate) struct Process {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// All that it says is kept.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let (tell, said) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for stream in streams {
            let tell = tell.clone();
            std::thread::spawn(move || {
                // Until the command ends, or the test does.
                BufReader::new(stream).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
            });
        }
        Self { child, said, heard: Vec::new() }
    }

    /// Waits for a line with this text.
    pub(crate) fn until_said(&mut self, text: &str) -> String {
        self.until_all_said(&[text])
    }

    /// Waits until each of these texts was in a line, in any order; answers the last of these lines.
    pub(crate) fn until_all_said(&mut self, texts: &[&str]) -> String {
        let (begun, mut left) = (Instant::now(), texts.to_vec());
        loop {
            // Other lines may go on for ever.
            let Ok(line) = self.said.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) else {
                panic!("{left:?} were never said, but this: {:#?}", self.heard)
            };
            self.heard.push(line.clone());
            left.retain(|text| !line.contains(text));
            if left.is_empty() {
                return line;
            }
        }
    }

    /// All that was said so far.
    pub(crate) fn heard(&mut self) -> &[String] {
        self.heard.extend(self.said.try_iter());
        &self.heard
    }

    /// Ends it as a crash does: it has no time for anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, as a cluster does, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("`kill` starts");
        assert!(asked.success(), "it runs");
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {:#?}", self.heard());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
