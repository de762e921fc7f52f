//! Single calls of guests, each in a fresh instance, against the same functions compiled natively.
//!
//! Both sides start from the parsed object that the host has and end with the parsed answer that it uses. Natively that
//! is what a component does with a call, without the component.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use filbert_engine::{Engine, Module, NoReads, Settings};
use filbert_guest::__private as native;
use filbert_plan::Document;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::StepContext;
use filbert_plan::review::{Operation, Review, User};
use filbert_tests::modules::module;
use filbert_tests::nothing::Nothing;
use hazelcast::defaults::HazelcastDefaults;
use hazelcast::steps::MemberSet;
use hazelcast::validate::HazelcastRules;
use native::reads::filbert::operator::reviews as raw;
use native::step::exports::filbert::operator::step as raw_step;
use serde_json::{Value, json};

use crate::report::{Report, line};

/// Blocks, and calls in each. The best block counts: what is slower was disturbed.
const BLOCKS: usize = 60;
const CALLS: u32 = 200;

fn micros(calls: u32, started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

/// A cluster with much of what people set, 4 KB of JSON.
pub(crate) fn cluster() -> Result<Value> {
    Ok(serde_json::from_str(include_str!("cluster.json"))?)
}

fn greeting() -> Value {
    json!({
        "apiVersion": "example.dev/v1", "kind": "Greeting",
        "metadata": {"name": "spring", "namespace": "market", "uid": "0000", "labels": {"season": "spring"}},
        "spec": {"who": "Ann"},
    })
}

fn review(key: ObjectKey, object: Value) -> Review {
    Review {
        operation: Operation::Create,
        key,
        sub_resource: None,
        object: Some(object.into()),
        old_object: None,
        user: User::default(),
        dry_run: false,
        parameters: json!({}).into(),
    }
}

fn context(step: &str, object: Value) -> StepContext {
    StepContext {
        step: step.to_owned(),
        object: object.into(),
        status: None,
        parameters: json!({}).into(),
        facts: vec![],
        round: 0,
        answers: vec![],
    }
}

fn text(document: &Document) -> String {
    document.text().to_owned()
}

/// The same, not yet written out as text: both sides begin with that.
fn unwritten(document: &Document) -> Document {
    Document::from(Value::clone(document))
}

fn new_review(review: &Review) -> Review {
    Review { object: review.object.as_ref().map(unwritten), ..review.clone() }
}

fn new_context(context: &StepContext) -> StepContext {
    StepContext { object: unwritten(&context.object), ..context.clone() }
}

/// As a component is asked.
pub(crate) fn raw_review(review: &Review) -> raw::Review {
    let ObjectKey { resource, namespace, name } = &review.key;
    raw::Review {
        operation: raw::Operation::Create,
        key: native::reads::filbert::operator::types::ObjectKey {
            resource: native::reads::filbert::operator::types::ResourceType {
                group: resource.group.clone(),
                version: resource.version.clone(),
                plural: resource.plural.clone(),
            },
            namespace: namespace.clone(),
            name: name.clone(),
        },
        sub_resource: None,
        object: review.object.as_ref().map(text),
        old_object: None,
        user: raw::User { name: review.user.name.clone(), groups: review.user.groups.clone() },
        dry_run: false,
        parameters: text(&review.parameters),
    }
}

fn raw_context(context: &StepContext) -> raw_step::Context {
    raw_step::Context {
        step: context.step.clone(),
        object: text(&context.object),
        status: None,
        parameters: text(&context.parameters),
        facts: vec![],
        round: 0,
        answers: vec![],
    }
}

/// Calls one after the other; what one costs, in the best block.
async fn best(mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    Ok(pair(|| (), async |()| call().await, |()| Ok(())).await?.0)
}

/// The same two ways, in alternating blocks: what one call costs in the best block of each. Each call has an input of
/// its own, made before.
async fn pair<I>(
    input: impl Fn() -> I,
    mut sandboxed: impl AsyncFnMut(&I) -> Result<()>,
    mut native: impl FnMut(&I) -> Result<()>,
) -> Result<(f64, f64)> {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..BLOCKS {
        let inputs: Vec<I> = (0..CALLS).map(|_| input()).collect();
        let started = Instant::now();
        for input in &inputs {
            sandboxed(input).await?;
        }
        best.0 = best.0.min(micros(CALLS, started));
        let inputs: Vec<I> = (0..CALLS).map(|_| input()).collect();
        let started = Instant::now();
        for input in &inputs {
            native(input)?;
        }
        best.1 = best.1.min(micros(CALLS, started));
    }
    Ok(best)
}

/// How much more two threads do than one, in the same number of calls each. More than a processor gives to the same
/// work natively cannot be had.
async fn scaling<F: Future<Output = Result<()>> + Send + 'static>(calls: impl Fn(u32) -> F) -> Result<f64> {
    const CALLS: u32 = 10_000;
    let (mut one, mut two) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let started = Instant::now();
        tokio::spawn(calls(CALLS)).await??;
        one = one.min(micros(CALLS, started));
        let started = Instant::now();
        let (first, second) = (tokio::spawn(calls(CALLS)), tokio::spawn(calls(CALLS)));
        first.await??;
        second.await??;
        two = two.min(micros(2 * CALLS, started));
    }
    Ok(one / two)
}

fn validations(module: &Module, review: &Review, calls: u32) -> impl Future<Output = Result<()>> + Send + 'static {
    let (module, review) = (module.clone(), review.clone());
    async move {
        for _ in 0..calls {
            module.validate(&review, NoReads).await.answer?;
        }
        Ok(())
    }
}

/// Measures all of it.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let engine = Engine::new(Settings::default())?;
    hello(&engine, report).await?;
    hazelcast(&engine, report).await
}

async fn hello(engine: &Engine, report: &mut Report) -> Result<()> {
    let module = engine.load("hello", &module("hello")).await?;
    let key = ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "market", "spring");
    let (review, context) = (review(key, greeting()), context("greet", greeting()));
    let instantiation = best(async || Ok(module.warm().await?)).await?;
    report.add(line("fresh instance, nothing called", instantiation, "us"));
    let validate = best(async || {
        module.validate(&review, NoReads).await.answer?;
        Ok(())
    });
    report.add(line("hello: validate", validate.await?, "us"));
    let step = best(async || {
        module.run(&context, NoReads).await.answer?.map_err(|error| anyhow!("{}", error.problem()))?;
        Ok(())
    });
    report.add(line("hello: step", step.await?, "us"));
    let scaled = scaling(|calls| validations(&module, &review, calls)).await?;
    report.add(line("hello: validate, two threads instead of one", scaled, "x").goal(">= 1.9"));
    Ok(())
}

async fn hazelcast(engine: &Engine, report: &mut Report) -> Result<()> {
    const GOAL: &str = "<= 2.1x native";
    let key = ObjectKey::namespaced(ResourceType::new("hazelcast.com", "v1alpha1", "hazelcasts"), "shop", "orders");
    let admission = engine.load("hazelcast-admission", &module("hazelcast-admission")).await?;
    let workload = engine.load("hazelcast-workload", &module("hazelcast-workload")).await?;
    // Without what defaults fill in, so that there is something to fill in.
    let mut sparse = cluster()?;
    if let Some(spec) = sparse.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|name, _| name != "clusterSize" && name != "repository" && name != "version");
    }
    let sparse = review(key.clone(), sparse);
    let (sandboxed, native) = pair(
        || new_review(&sparse),
        async |sparse| {
            let defaulted = admission.default(sparse, NoReads).await.answer?;
            anyhow::ensure!(matches!(defaulted, Ok(Some(_))), "defaulting filled in nothing");
            Ok(())
        },
        |sparse| {
            let defaulted = native::default::<HazelcastDefaults>(raw_review(sparse));
            let Ok(Some(defaulted)) = defaulted else { anyhow::bail!("defaulting filled in nothing") };
            std::hint::black_box(serde_json::from_str::<Value>(&defaulted)?);
            Ok(())
        },
    )
    .await?;
    report.add(line("Hazelcast: default, fresh instance", sandboxed, "us").against(native).goal(GOAL));
    let full = review(key, cluster()?);
    let (sandboxed, native) = pair(
        || new_review(&full),
        async |full| {
            let verdict = admission.validate(full, NoReads).await.answer?;
            anyhow::ensure!(verdict.violations.is_empty(), "the cluster is not valid: {:?}", verdict.violations);
            Ok(())
        },
        |full| {
            let verdict = native::validate::<HazelcastRules>(raw_review(full));
            anyhow::ensure!(verdict.violations.is_empty(), "the cluster is not valid");
            std::hint::black_box(verdict);
            Ok(())
        },
    )
    .await?;
    report.add(line("Hazelcast: validate, fresh instance", sandboxed, "us").against(native).goal(GOAL));
    let context = context("stateful-set", cluster()?);
    let (sandboxed, native) = pair(
        || new_context(&context),
        async |context| {
            let plan = workload.run(context, Nothing).await.answer?;
            let plan = plan.map_err(|error| anyhow!("{}", error.problem()))?;
            anyhow::ensure!(plan.apply.len() == 1, "the step proposes a StatefulSet");
            Ok(())
        },
        |context| {
            let plan = native::run::<MemberSet>(raw_context(context)).map_err(|error| anyhow!("{error:?}"))?;
            let set = plan.apply.first().context("the step proposes a StatefulSet")?;
            std::hint::black_box(serde_json::from_str::<Value>(&set.object)?);
            Ok(())
        },
    )
    .await?;
    report.add(line("Hazelcast: StatefulSet step, fresh instance", sandboxed, "us").against(native).goal(GOAL));
    let scaled = scaling(|calls| validations(&admission, &full, calls)).await?;
    let natively = scaling(|calls| {
        let full = full.clone();
        async move {
            for _ in 0..calls {
                std::hint::black_box(native::validate::<HazelcastRules>(raw_review(&full)));
            }
            Ok(())
        }
    });
    let natively = natively.await?;
    report.add(line("Hazelcast: validate, two threads instead of one", scaled, "x").against(natively).goal(">= 1.9"));
    Ok(())
}
