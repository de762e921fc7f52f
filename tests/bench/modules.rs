//! What it costs to load a module, and to keep it.

use std::time::Instant;

use anyhow::Result;
use filbert_engine::{Cache, Engine, Module, NoReads, Settings};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::review::{Operation, Review, User};
use filbert_tests::modules::module;
use serde_json::json;

use crate::memory;
use crate::report::{Report, line};

/// Modules kept at once.
const MODULES: u8 = 40;

async fn call(module: &Module) -> Result<()> {
    let object = json!({
        "apiVersion": "example.dev/v1", "kind": "Greeting", "metadata": {"name": "spring", "namespace": "market"},
        "spec": {"who": "Ann"},
    });
    let review = Review {
        operation: Operation::Create,
        key: ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "market", "spring"),
        sub_resource: None,
        object: Some(object.into()),
        old_object: None,
        user: User::default(),
        dry_run: false,
        parameters: json!({}).into(),
    };
    module.validate(&review, NoReads).await.answer?;
    Ok(())
}

/// The same component with another digest: a custom section at its end, which means nothing.
fn variant(wasm: &[u8], number: u8) -> Vec<u8> {
    let mut variant = wasm.to_vec();
    // Section 0, two bytes long: a name of length one.
    variant.extend([0, 2, 1, b'0' + number]);
    variant
}

/// Measures all of it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = || Settings { cache: Cache::Required(folder.path().join("code")), ..Settings::default() };
    let wasm = module("hello");
    let engine = Engine::new(settings())?;
    let started = Instant::now();
    engine.load("hello", &wasm).await?;
    report.add(line("hello: compile and load", started.elapsed().as_secs_f64() * 1e3, "ms"));
    let file = folder.path().join("hello.wasm");
    std::fs::write(&file, &wasm)?;
    let mut first_call = f64::MAX;
    for _ in 0..50 {
        let started = Instant::now();
        let module = engine.load("hello", &std::fs::read(&file)?).await?;
        call(&module).await?;
        first_call = first_call.min(started.elapsed().as_secs_f64() * 1e3);
    }
    report.add(line("hello: file to first answer, compiled before", first_call, "ms").goal("<= 1 ms"));
    for number in 0..MODULES {
        engine.load("hello", &variant(&wasm, number)).await?;
    }
    drop(engine);
    // An engine that has compiled nothing: what compiling leaves behind would be counted too.
    let engine = Engine::new(settings())?;
    let before = memory::anonymous()?;
    let mut kept = Vec::new();
    for number in 0..MODULES {
        let module = engine.load("hello", &variant(&wasm, number)).await?;
        call(&module).await?;
        kept.push(module);
    }
    let each = memory::each(before, memory::anonymous()?, kept.len());
    report.add(line("hello: memory of an idle module, after one call", each, "KiB"));
    Ok(())
}
