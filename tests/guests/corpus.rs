//! What `cargo xtask fuzz` found worth keeping: specifications that reach everything that there is to reach. None makes
//! anything break, natively or in the real components.

use filbert_engine::{CallError, Module};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::StepContext;
use filbert_plan::review::{Operation, Review, User};
use filbert_tests::modules::module;
use filbert_tests::nothing::Nothing;
use filbert_tests::world::engine;
use serde_json::{Value, json};

use crate::support::chain;
use crate::target;

/// Modules of which our kinds are made.
const MODULES: [&str; 5] =
    ["hazelcast-admission", "hazelcast-access", "hazelcast-network", "hazelcast-workload", "hazelcast-status"];

fn corpus() -> Vec<Value> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus.jsonl");
    let text = std::fs::read_to_string(file).expect("the corpus");
    let inputs: Vec<_> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(inputs.len() > 100, "there are only {} inputs", inputs.len());
    inputs
}

#[test]
fn no_input_of_the_corpus_breaks_anything_natively() {
    for input in corpus() {
        assert!(target::run(&input), "an input names a kind and has a specification: {input}");
    }
}

/// An answer, or how the module broke.
fn answer<T>(answer: Result<T, CallError>, what: &str, input: &Value) -> T {
    answer.unwrap_or_else(|error| panic!("{what} of {input}: {}", chain(&error)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_input_of_the_corpus_breaks_a_component() {
    let engine = engine();
    let mut modules: Vec<Module> = Vec::new();
    for name in MODULES {
        modules.push(engine.load(name, &module(name)).await.expect("it loads"));
    }
    let (mut stored, mut refused) = (0, 0);
    for input in corpus() {
        let plural = format!("{}s", input["kind"].as_str().expect("a kind").to_lowercase());
        let key = ObjectKey::namespaced(ResourceType::new("hazelcast.com", "v1alpha1", &plural), "default", "library");
        let object = |spec: &Value| {
            json!({
                "apiVersion": "hazelcast.com/v1alpha1", "kind": input["kind"], "spec": spec,
                "metadata": {"name": "library", "namespace": "default", "uid": "1", "generation": 1},
            })
        };
        let mut wanted = object(&input["spec"]);
        if plural != "hazelcastendpoints" {
            let review = |object: &Value, old: Option<Value>| Review {
                operation: if old.is_some() { Operation::Update } else { Operation::Create },
                key: key.clone(),
                sub_resource: None,
                object: Some(object.clone().into()),
                old_object: old.map(Into::into),
                user: User::default(),
                dry_run: false,
                parameters: json!({}).into(),
            };
            let admission = &modules[0];
            let defaulted = admission.default(&review(&wanted, None), Nothing).await.answer;
            match answer(defaulted, "defaulting", &input) {
                Ok(Some(defaulted)) => wanted = defaulted,
                Ok(None) => {}
                Err(_) => {
                    refused += 1;
                    continue;
                }
            }
            if let Some(old) = input.get("old") {
                answer(
                    admission.validate(&review(&wanted, Some(object(old))), Nothing).await.answer,
                    "a change",
                    &input,
                );
            }
            let verdict = admission.validate(&review(&wanted, None), Nothing).await.answer;
            if !answer(verdict, "validation", &input).violations.is_empty() {
                refused += 1;
                continue;
            }
        }
        stored += 1;
        for module in &modules {
            for step in module.description().steps.iter().filter(|step| step.takes.contains(&key.resource)) {
                let context = StepContext {
                    step: step.name.clone(),
                    object: wanted.clone().into(),
                    status: None,
                    parameters: json!({}).into(),
                    facts: vec![],
                    round: 0,
                    answers: vec![],
                };
                // An error of a step is an answer.
                let _ = answer(module.run(&context, Nothing).await.answer, &step.name, &input);
            }
        }
    }
    assert!(stored > 20 && refused > 20, "{stored} are stored, {refused} refused: both have to be tried");
}
