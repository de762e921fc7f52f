//! What a call is given, what it hands back, and how calls share an engine.

use filbert_engine::{CallError, Level, Limits, NoReads, Retry, Role, Scope};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_tests::modules::{fixture, looping_start, module};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::misdeed::Misdeed;
use crate::support::{Found, World, chain, context, engine, hostile, hurried, limits, review};

#[tokio::test]
async fn a_step_proposes_what_it_read_and_hands_the_reads_back() {
    let module = hostile(&engine()).await;
    let called = module.run(&context("Read"), World::new(Found::Later)).await;
    let plan = called.answer.expect("an answer").expect("a plan");
    assert_eq!(plan.apply[0].object, json!({"kind": "Service"}));
    let service = ObjectKey::namespaced(ResourceType::new("", "v1", "services"), "market", "blue");
    assert_eq!(called.reads.read, [(service, Scope::Whole)]);
    assert!(called.spent.memory >= 1 << 20, "{} bytes", called.spent.memory);
}

#[tokio::test]
async fn a_read_that_never_ends_ends_at_the_deadline() {
    let module = engine().load_limited("rogue", &fixture("hostile"), hurried()).await.expect("it loads");
    let called = module.run(&context("Read"), World::new(Found::Never)).await;
    let error = called.answer.expect_err("no answer");
    assert_eq!(chain(&error), "module `rogue` broke in `step.run`: deadline: no answer within 300ms");
    assert_eq!((error.category(), error.retry()), ("deadline", Retry::WithBackoff));
    assert_eq!(called.reads.read.len(), 1, "what was read is known also where there is no answer");
}

#[tokio::test]
async fn admission_does_not_wait_for_a_read() {
    let module = hostile(&engine()).await;
    let called = module.validate(&review(json!("Read")), World::new(Found::Later)).await;
    let error = called.answer.expect_err("no answer");
    assert_eq!(
        chain(&error),
        "a read of module `rogue` in `validation.validate` ended the call: `objects.get` would have to wait, which admission does not"
    );
    assert_eq!((error.category(), error.retry()), ("aborted", Retry::WithBackoff));
}

#[tokio::test]
async fn a_call_that_broke_on_its_inputs_is_not_tried_again() {
    let module = hostile(&engine()).await;
    let error = module.run(&context("Panic"), NoReads).await.answer.expect_err("no answer");
    assert_eq!((error.category(), error.retry()), ("panic", Retry::WhenChanged));
}

#[tokio::test]
async fn the_log_of_a_broken_call_is_kept() {
    let module = hostile(&engine()).await;
    let spent = module.run(&context("Panic"), NoReads).await.spent;
    assert_eq!(spent.log.len(), 1);
    assert_eq!(spent.log[0].level, Level::Error);
    assert!(spent.log[0].message.ends_with("the milk is spilt"), "{}", spent.log[0].message);
    let flood = module.run(&context("LogFlood"), NoReads).await.spent;
    assert_eq!((flood.log.len(), flood.log_dropped), (200, 3001));
}

#[tokio::test]
async fn a_missing_role_is_named() {
    let module = engine().load("greeter", &module("hello")).await.expect("it loads");
    assert_eq!(module.roles(), [Role::Module, Role::Validation, Role::Step]);
    let error = module.default(&review(Value::Null), NoReads).await.answer.expect_err("no such role");
    assert_eq!(error, CallError::NoRole { module: "greeter".to_owned(), role: "defaulting" });
    assert_eq!((error.category(), error.retry()), ("no-role", Retry::WhenChanged));
}

#[tokio::test]
async fn a_step_error_is_an_answer() {
    let module = engine().load("greeter", &module("hello")).await.expect("it loads");
    let answer = module.run(&context("dance"), NoReads).await.answer.expect("an answer");
    assert_eq!(answer.expect_err("no plan").problem().reason, "UnknownStep");
}

#[tokio::test]
async fn a_module_is_described_by_itself_and_named_by_its_digest() {
    let engine = engine();
    let wasm = module("hello");
    let module = engine.load("greeter", &wasm).await.expect("it loads");
    assert_eq!((module.name(), module.description().name.as_str()), ("greeter", "hello"));
    assert_eq!(module.description().steps[0].name, "greet");
    assert_eq!((module.digest().len(), module.size()), (64, wasm.len()));
    assert!(module.surface().to_string().contains("export filbert:operator/step@0.1.0 {run, finalize}\n"));
}

/// More calls than the pool has places: they wait for each other, and none fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_a_place() {
    let module = hostile(&engine()).await;
    let (context, review) = (context("Read"), review(json!("Nothing")));
    let steps = join_all((0..100).map(|_| module.run(&context, World::new(Found::Later))));
    let reviews = join_all((0..100).map(|_| module.validate(&review, NoReads)));
    let (steps, reviews) = tokio::join!(steps, reviews);
    assert!(steps.iter().all(|called| called.answer.is_ok()));
    assert!(reviews.iter().all(|called| called.answer.is_ok()));
}

/// A module at its own limit keeps no place from others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_hangs_takes_only_its_own_places() {
    let engine = engine();
    let other = hostile(&engine).await;
    let limits = Limits { concurrency: 2, ..limits() };
    let hanging = engine.load_limited("sloth", &fixture("hostile"), limits).await.expect("loads");
    let hung: Vec<_> = (0..10)
        .map(|_| {
            let hanging = hanging.clone();
            tokio::spawn(async move { hanging.run(&context("Read"), World::new(Found::Never)).await.answer })
        })
        .collect();
    // Each of these gets its turn although ten calls of the other hang.
    for _ in 0..10 {
        tokio::task::yield_now().await;
        other.run(&context("Nothing"), NoReads).await.answer.expect("an answer").expect("a plan");
    }
    assert!(hung.iter().all(|call| !call.is_finished()));
    hung.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A call cut off by whoever made it leaves its place to the next.
#[tokio::test]
async fn a_call_that_is_dropped_gives_its_place_back() {
    let module = hostile(&engine()).await;
    for _ in 0..20 {
        let context = context("Read");
        let call = module.run(&context, World::new(Found::Never));
        assert!(futures::poll!(std::pin::pin!(call)).is_pending());
    }
    module.run(&context("Nothing"), NoReads).await.answer.expect("an answer").expect("a plan");
}

/// The same inputs give the same bytes; `describe` is only asked once, so this is about steps.
#[tokio::test]
async fn the_same_inputs_give_the_same_answer_in_every_engine() {
    let (one, other) = (hostile(&engine()).await, hostile(&engine()).await);
    let first = one.run(&context("Read"), World::new(Found::AtOnce)).await.answer;
    assert_eq!(first, other.run(&context("Read"), World::new(Found::Later)).await.answer);
    assert_eq!(Misdeed::ALL.len(), one.description().steps.len());
}

/// A start function runs before anything else of a guest, so it is under the same limits.
#[tokio::test]
async fn a_loop_in_a_start_function_ends_at_the_deadline() {
    let error = engine().load_limited("starter", &looping_start(), hurried()).await.err().expect("it does not load");
    assert_eq!(
        chain(&error),
        "module `starter` failed its probe: module `starter` broke in `module.describe`: deadline: no answer within 200ms"
    );
    assert_eq!((error.category(), error.retry()), ("probe", Retry::WithBackoff));
}
