//! Arbitrary specifications, guided by what code they reach.
//!
//! The compiler instruments code for libFuzzer with options that every toolchain has; libFuzzer itself comes as source in a
//! crate and wants a C++ compiler. What it found worth keeping is `tests/fuzz/corpus.jsonl`, an input a line, which tests go
//! through as well: natively and in the real components.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::project;

/// How the compiler is asked for instrumentation.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// The largest input, in bytes. Larger ones reach nothing that smaller ones do not.
const LARGEST: usize = 8_192;

/// The largest input that is kept, in bytes: people are to be able to read what is committed.
const LARGEST_KEPT: usize = 1_000;

/// How long, and what becomes of what is found.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long inputs are tried, in seconds, besides the time for building.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Where chance begins. With the same code and the same corpus the same seed tries the same inputs.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Write the inputs that reach anything of their own back to `tests/fuzz/corpus.jsonl`.
    #[arg(long)]
    keep: bool,
}

/// Tries inputs; says so and succeeds where there is no C++ compiler.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if !has_cpp_compiler() {
        eprintln!("skipped: no C++ compiler, so libFuzzer cannot be built and no specification is tried");
        return Ok(ExitCode::SUCCESS);
    }
    let program = build()?;
    let folder = project::target().join("fuzz/run");
    let (inputs, found) = (folder.join("inputs"), folder.join("found"));
    for folder in [&inputs, &found] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    }
    let corpus = project::root().join("tests/fuzz/corpus.jsonl");
    let kept = fs::read_to_string(&corpus).with_context(|| format!("failed to read `{}`", corpus.display()))?;
    for (number, input) in kept.lines().enumerate() {
        fs::write(inputs.join(number.to_string()), input)?;
    }
    let mut fuzz = fuzzer(&program, &found);
    fuzz.arg(format!("-max_total_time={}", options.seconds)).arg(format!("-seed={}", options.seed));
    let status = fuzz.arg("-print_final_stats=1").arg(&inputs).status().context("failed to start the fuzzer")?;
    for file in fs::read_dir(&found)? {
        let file = file?.path();
        let input = fs::read_to_string(&file).unwrap_or_default();
        eprintln!("`{}` breaks it: {input}", file.display());
    }
    ensure!(status.success(), "an input breaks something: mend it, and put the input into `{}`", corpus.display());
    if options.keep {
        keep(&program, &folder, &inputs, &corpus)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn has_cpp_compiler() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join("c++").is_file())
}

fn fuzzer(program: &Path, found: &Path) -> Command {
    let mut fuzz = Command::new(program);
    fuzz.arg(format!("-max_len={LARGEST}")).args(["-timeout=60", "-rss_limit_mb=2048", "-verbosity=0"]);
    fuzz.arg(format!("-artifact_prefix={}/", found.display()));
    fuzz
}

/// Everything in it is instrumented, so it has a folder of its own below the target directory.
fn build() -> Result<PathBuf> {
    let host = host()?;
    let target = project::target().join("fuzz");
    let mut build = project::cargo();
    build.args(["build", "--quiet", "--release", "--manifest-path", "tests/fuzz/Cargo.toml", "--target", &host]);
    build.env("RUSTFLAGS", FLAGS.join(" ")).env("CARGO_TARGET_DIR", &target);
    project::succeed(&mut build)?;
    Ok(target.join(host).join("release/fuzz"))
}

/// The triple of this machine. With it named, build scripts and macros are not instrumented.
fn host() -> Result<String> {
    let told =
        Command::new("rustc").arg("-vV").current_dir(project::root()).output().context("failed to ask `rustc`")?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc` does not name this machine")?.to_owned())
}

/// Leaves out what reaches nothing that others do not reach, and writes the rest down in alphabetical order.
fn keep(program: &Path, folder: &Path, inputs: &Path, corpus: &Path) -> Result<()> {
    let merged = folder.join("merged");
    if merged.exists() {
        fs::remove_dir_all(&merged)?;
    }
    fs::create_dir_all(&merged)?;
    let mut merge = fuzzer(program, folder);
    // By what code they reach, not by how often or with which values.
    project::succeed(merge.args(["-merge=1", "-use_counters=0", "-use_cmp=0"]).arg(&merged).arg(inputs))?;
    let mut lines = BTreeSet::new();
    for file in fs::read_dir(&merged)? {
        let input: serde_json::Value = serde_json::from_slice(&fs::read(file?.path())?)?;
        let line = input.to_string() + "\n";
        if line.len() <= LARGEST_KEPT {
            lines.insert(line);
        }
    }
    fs::write(corpus, lines.iter().map(String::as_str).collect::<String>())
        .with_context(|| format!("failed to write `{}`", corpus.display()))?;
    eprintln!("kept {} inputs", lines.len());
    Ok(())
}
