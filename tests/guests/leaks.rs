//! Nothing is left behind: no descriptor, no mapping, no memory.
//!
//! Counted in a process of its own, because other tests open and map things at the same time.

use std::process::Command;

use filbert_engine::{Engine, NoReads};

use crate::misdeed::Misdeed;
use crate::support::{Found, World, context, engine, hostile, review};

#[test]
fn nothing_is_left_of_calls_that_broke() {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program)
        .args(["--exact", "leaks::counted_in_a_process_of_its_own", "--ignored", "--nocapture"])
        .output()
        .expect("the test program starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What this process holds: descriptors, mappings, bytes of memory.
fn held() -> (usize, usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("descriptors").count();
    let mappings = std::fs::read_to_string("/proc/self/maps").expect("mappings").lines().count();
    let statm = std::fs::read_to_string("/proc/self/statm").expect("memory");
    let pages: usize = statm.split(' ').nth(1).expect("resident pages").parse().expect("a number");
    (descriptors, mappings, pages * 4096)
}

#[tokio::test]
#[ignore = "counts what the whole process holds; run by `nothing_is_left_of_calls_that_broke`"]
async fn counted_in_a_process_of_its_own() {
    // Those that break by themselves. A loop costs its deadline each time, and ends like a read that never comes.
    const MISDEEDS: [Misdeed; 8] = [
        Misdeed::Nothing,
        Misdeed::Memory,
        Misdeed::Stack,
        Misdeed::ShadowStack,
        Misdeed::Panic,
        Misdeed::LogFlood,
        Misdeed::HugeAnswer,
        Misdeed::InvalidJson,
    ];
    let engine = engine();
    let module = hostile(&engine).await;
    let round = async |times: usize| {
        for misdeed in MISDEEDS {
            let (context, review) = (context(&misdeed.name()), review(misdeed.name().into()));
            for _ in 0..times {
                let ran = module.run(&context, NoReads).await.answer.is_ok();
                assert_eq!(ran, misdeed == Misdeed::Nothing);
                let validated = module.validate(&review, NoReads).await.answer.is_ok();
                assert_eq!(validated, misdeed == Misdeed::Nothing);
            }
        }
        for _ in 0..times {
            let context = context("Read");
            // Cut off in the middle of a read.
            assert!(futures::poll!(std::pin::pin!(module.run(&context, World::new(Found::Never)))).is_pending());
        }
        load_again(&engine).await;
    };
    round(10).await;
    let before = held();
    round(60).await;
    let after = held();
    assert_eq!((after.0, after.1 <= before.1 + 16), (before.0, true), "{before:?} became {after:?}");
    assert!(after.2 <= before.2 + (8 << 20), "{before:?} became {after:?}");
}

/// A module that is loaded and dropped leaves nothing either.
async fn load_again(engine: &Engine) {
    for _ in 0..3 {
        drop(hostile(engine).await);
    }
}
