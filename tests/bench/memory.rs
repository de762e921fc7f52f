//! How much memory this process uses.

use anyhow::{Context as _, Result};

/// Bytes on the heap, as the program asked for them.
pub(crate) fn heap() -> usize {
    crate::HEAP.allocated()
}

/// Bytes of memory that no file backs: `RssAnon` of proc(5).
pub(crate) fn anonymous() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status").context("this measure needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no `RssAnon`")?;
    let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes << 10)
}

/// What each of `count` things takes of the difference, in KiB.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn each(before: usize, after: usize, count: usize) -> f64 {
    (after as f64 - before as f64) / count as f64 / 1024.0
}
