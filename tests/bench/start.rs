//! The program from its start, with code compiled before.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use filbert_tests::modules::target;

use crate::report::{Report, line};

/// Seconds until the program says that it serves, and until it has settled a cluster and ended.
fn run(program: &Path, cache: &Path, kubeconfig: &Path) -> Result<(f64, f64)> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/samples/hazelcast.yaml");
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(["dev", "--once", "--listen", "127.0.0.1:0"])
        .arg("--file")
        .arg(sample)
        .arg("--modules")
        .arg(target().join("modules"))
        .arg("--cache")
        .arg(cache)
        .arg("--write-kubeconfig")
        .arg(kubeconfig)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start `{}`", program.display()))?;
    let mut messages = BufReader::new(child.stderr.take().context("standard error is a pipe")?);
    let mut said = String::new();
    let mut ready = None;
    while ready.is_none() {
        let before = said.len();
        if messages.read_line(&mut said)? == 0 {
            break;
        }
        if said.get(before..).is_some_and(|line| line.starts_with("API server on")) {
            ready = Some(started.elapsed().as_secs_f64());
        }
    }
    messages.read_to_string(&mut said)?;
    let status = child.wait()?;
    ensure!(status.success(), "`{}` ended with {status}:\n{said}", program.display());
    Ok((ready.context("the program never said that it serves")?, started.elapsed().as_secs_f64()))
}

/// Measures all of it.
pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let program = std::env::current_exe()?.with_file_name("filbert");
    let folder = tempfile::tempdir()?;
    let (cache, kubeconfig) = (folder.path().join("code"), folder.path().join("kubeconfig"));
    let (cold, _) = run(&program, &cache, &kubeconfig)?;
    report.add(line("start to ready, nothing compiled before", cold, "s"));
    let (mut ready, mut ended) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let (first, second) = run(&program, &cache, &kubeconfig)?;
        ready = ready.min(first);
        ended = ended.min(second);
    }
    report.add(line("start to ready, with code compiled before", ready, "s").goal("<= 0.25 s"));
    report.add(line("start to a settled cluster and the end", ended, "s"));
    Ok(())
}
