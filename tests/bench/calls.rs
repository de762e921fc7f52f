//! Fresh calls of a guest, in blocks, the best of each.

use std::time::Instant;

use anyhow::Result;
use filbert_engine::{Cache, Engine, Module, NoReads, Settings};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::StepContext;
use filbert_plan::review::{Operation, Review, User};
use filbert_tests::modules::module;
use serde_json::{Value, json};

use crate::report::Report;

/// Blocks, and calls in each. The best block counts: what is slower was disturbed.
const BLOCKS: usize = 30;
const CALLS: u32 = 400;

fn micros(calls: u32, started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn object() -> Value {
    json!({
        "apiVersion": "example.dev/v1", "kind": "Greeting",
        "metadata": {"name": "spring", "namespace": "market", "uid": "0000", "labels": {"season": "spring"}},
        "spec": {"who": "Ann"},
    })
}

fn review() -> Review {
    Review {
        operation: Operation::Create,
        key: ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "market", "spring"),
        sub_resource: None,
        object: Some(object()),
        old_object: None,
        user: User::default(),
        dry_run: false,
        parameters: json!({}),
    }
}

fn context() -> StepContext {
    StepContext {
        step: "greet".to_owned(),
        object: object(),
        status: None,
        parameters: json!({}),
        facts: vec![],
        round: 0,
        answers: vec![],
    }
}

/// Calls one after the other; what one costs, in the best block.
async fn best(mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..BLOCKS {
        let started = Instant::now();
        for _ in 0..CALLS {
            call().await?;
        }
        best = best.min(micros(CALLS, started));
    }
    Ok(best)
}

async fn validations(module: Module, calls: u32) -> Result<()> {
    let review = review();
    for _ in 0..calls {
        module.validate(&review, NoReads).await.answer?;
    }
    Ok(())
}

/// How much more two threads do than one, in the same number of calls each.
async fn scaling(module: &Module) -> Result<f64> {
    const CALLS: u32 = 20_000;
    let spawn = || tokio::spawn(validations(module.clone(), CALLS));
    let (mut one, mut two) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let started = Instant::now();
        spawn().await??;
        one = one.min(micros(CALLS, started));
        let started = Instant::now();
        let (first, second) = (spawn(), spawn());
        first.await??;
        second.await??;
        two = two.min(micros(2 * CALLS, started));
    }
    Ok(one / two)
}

/// From bytes, with the code kept, to the first answer.
async fn first_call(wasm: &[u8]) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let cache = Cache::Required(folder.path().join("code"));
    let engine = Engine::new(Settings { cache, ..Settings::default() })?;
    engine.load("hello", wasm).await?;
    let mut best = f64::MAX;
    for _ in 0..50 {
        let started = Instant::now();
        let module = engine.load("hello", wasm).await?;
        validations(module, 1).await?;
        best = best.min(micros(1, started));
    }
    Ok(best / 1e3)
}

/// Measures all of it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let engine = Engine::new(Settings::default())?;
    let wasm = module("hello");
    let started = Instant::now();
    let module = engine.load("hello", &wasm).await?;
    report.add("hello: compile and probe, one thread", started.elapsed().as_secs_f64() * 1e3, "ms", None, "");
    let (review, context) = (review(), context());
    let instantiation = best(async || {
        module.warm().await?;
        Ok(())
    });
    report.add("instantiation", instantiation.await?, "us", None, "");
    let validate = best(async || {
        module.validate(&review, NoReads).await.answer?;
        Ok(())
    });
    report.add("hello: fresh validate", validate.await?, "us", None, "");
    let step = best(async || {
        module.run(&context, NoReads).await.answer?.map_err(|error| anyhow::anyhow!("{}", error.problem()))?;
        Ok(())
    });
    report.add("hello: fresh step", step.await?, "us", None, "");
    report.add("hello: scaling on two cores", scaling(&module).await?, "x", None, ">= 1.9");
    report.add("hello: file to first call, precompiled", first_call(&wasm).await?, "ms", None, "<= 1 ms");
    Ok(())
}
