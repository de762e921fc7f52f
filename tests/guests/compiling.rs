//! A module that is made to be expensive to compile costs a child process, and words that reach whoever loads it.

use std::path::PathBuf;
use std::time::Duration;

use filbert_engine::{CompileLimits, Compiler, Engine, NoReads, Retry, Settings};
use filbert_tests::modules::{bomb, fixture, from_text};

use crate::support::{chain, context, settings};

pub(crate) fn child() -> Compiler {
    Compiler::Child { program: PathBuf::from(env!("CARGO_BIN_EXE_compile-child")), args: vec![], env: vec![] }
}

fn engine(compile_limits: CompileLimits) -> Engine {
    Engine::new(Settings { compiler: child(), compile_limits, ..settings() }).expect("an engine")
}

async fn refusal(limits: CompileLimits, wasm: &[u8]) -> (String, Retry) {
    let error = engine(limits).load("bomb", wasm).await.err().expect("it is not loaded");
    (chain(&error), error.retry())
}

#[tokio::test]
async fn a_child_compiles_what_the_engine_runs() {
    let module = engine(CompileLimits::default()).load("rogue", &fixture("hostile")).await.expect("it loads");
    module.run(&context("Nothing"), NoReads).await.answer.expect("an answer").expect("a plan");
}

#[tokio::test]
async fn a_compiler_that_needs_too_much_memory_is_stopped() {
    let limits = CompileLimits { memory: 32 << 20, ..CompileLimits::default() };
    let told = refusal(limits, &bomb(2_000, 200)).await;
    assert_eq!(
        told,
        (
            "failed to compile module `bomb`: the compiler needed more than 32 MiB of memory".to_owned(),
            Retry::WhenChanged
        )
    );
}

#[tokio::test]
async fn a_compiler_that_takes_too_long_is_stopped() {
    let limits = CompileLimits { time: Duration::from_millis(30), ..CompileLimits::default() };
    let told = refusal(limits, &bomb(2_000, 200)).await;
    assert_eq!(
        told,
        ("failed to compile module `bomb`: the compiler did not finish within 30ms".to_owned(), Retry::WithBackoff)
    );
}

#[tokio::test]
async fn what_would_be_too_much_is_not_compiled() {
    let limits = CompileLimits { functions: 100, function_size: 4096, size: 1 << 20, ..CompileLimits::default() };
    for (wasm, words) in [
        (bomb(101, 1), "it has 101 functions; 100 are allowed"),
        (bomb(1, 2_000), "it has 13940 bytes in one function; 4096 are allowed"),
        (vec![0; (1 << 20) + 1], "it has 1048577 bytes; 1048576 are allowed"),
    ] {
        let (told, retry) = refusal(limits, &wasm).await;
        assert_eq!((told.as_str(), retry), (format!("`bomb` is no module: {words}").as_str(), Retry::WhenChanged));
    }
}

#[tokio::test]
async fn the_words_of_the_compiler_reach_whoever_loads() {
    // Well formed, and wrong: an instruction without its operands.
    let wasm = from_text(
        r#"(component (core module (func i32.add drop)) (instance $i) (export "filbert:operator/module@0.1.0" (instance $i)))"#,
    );
    let (told, retry) = refusal(CompileLimits::default(), &wasm).await;
    assert!(told.starts_with("failed to compile module `bomb`: "), "{told}");
    assert!(told.contains("type mismatch: expected i32 but nothing on stack"), "{told}");
    assert_eq!(retry, Retry::WhenChanged);
}

#[tokio::test]
async fn a_compiler_that_cannot_be_started_is_named() {
    let compiler = Compiler::Child { program: PathBuf::from("/nowhere/at/all"), args: vec![], env: vec![] };
    let engine = Engine::new(Settings { compiler, ..settings() }).expect("an engine");
    let error = engine.load("rogue", &fixture("hostile")).await.err().expect("it is not loaded");
    assert_eq!(
        chain(&error),
        "failed to compile module `rogue`: failed to start the compiler: No such file or directory (os error 2)"
    );
    assert_eq!(error.retry(), Retry::WithBackoff);
}

/// Threads and other proposals that make answers depend on more than the inputs are off.
#[tokio::test]
async fn what_would_make_answers_differ_is_refused() {
    for (module, word) in [
        ("(memory 1 1 shared)", "threads must be enabled"),
        (
            "(func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))",
            "relaxed SIMD support is not enabled",
        ),
    ] {
        let wasm = from_text(&format!(
            r#"(component (core module {module}) (instance $i) (export "filbert:operator/module@0.1.0" (instance $i)))"#
        ));
        let (told, _) = refusal(CompileLimits::default(), &wasm).await;
        assert!(told.contains(word), "{told}");
    }
}
