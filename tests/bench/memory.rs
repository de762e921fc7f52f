//! How much memory this process uses.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Bytes on the heap, as the program asked for them.
pub(crate) fn heap() -> usize {
    crate::HEAP.allocated()
}

/// The same, once tasks that were ended have let go of what they had. Looks for a few seconds at most.
pub(crate) async fn heap_at_rest() -> usize {
    let mut last = heap();
    let mut unchanged = 0;
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = heap();
        unchanged = if now == last { unchanged + 1 } else { 0 };
        last = now;
        if unchanged == 20 {
            break;
        }
    }
    last
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
