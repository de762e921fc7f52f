//! Engines, inputs and reads that the tests use.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use filbert_engine::{Engine, Limits, Module, Query, Read, ReadError, Reads, Scope, Settings};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::StepContext;
use filbert_plan::review::{Operation, Review, User};
use filbert_tests::modules::fixture;
use filbert_tests::nothing::Nothing;
use serde_json::{Value, json};

/// Deadlines that no good call reaches, however busy the machine is.
pub(crate) fn limits() -> Limits {
    let patient = Duration::from_mins(5);
    Limits { memory: 32 << 20, step_deadline: patient, review_deadline: patient, ..Limits::default() }
}

/// Deadlines short enough to wait for.
pub(crate) fn hurried() -> Limits {
    Limits { step_deadline: Duration::from_millis(300), review_deadline: Duration::from_millis(200), ..limits() }
}

pub(crate) fn settings() -> Settings {
    // However often it breaks, each call shows how.
    Settings { limits: limits(), steps: 4, reviews: 4, admissions: 4, patience: None, ..Settings::default() }
}

pub(crate) fn engine() -> Engine {
    Engine::new(settings()).expect("an engine")
}

pub(crate) async fn hostile(engine: &Engine) -> Module {
    engine.load("rogue", &fixture("hostile")).await.expect("the fixture loads")
}

pub(crate) fn context(step: &str) -> StepContext {
    StepContext {
        step: step.to_owned(),
        object: json!({"apiVersion": "example.dev/v1", "kind": "Kite", "metadata": {"name": "spring", "namespace": "market"}}).into(),
        status: None,
        parameters: json!({}).into(),
        facts: vec![],
        round: 0,
        answers: vec![],
    }
}

pub(crate) fn review(parameters: Value) -> Review {
    Review {
        operation: Operation::Create,
        key: ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "kites"), "market", "spring"),
        sub_resource: None,
        object: Some(json!({"metadata": {"name": "spring"}}).into()),
        old_object: None,
        user: User::default(),
        dry_run: false,
        parameters: parameters.into(),
    }
}

/// How the one object of [`World`] is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// At once.
    AtOnce,
    /// After other tasks had a turn.
    Later,
    /// Never.
    Never,
}

/// A world of one object, which counts how often it was read, and of nothing else.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) found: Found,
    pub(crate) read: Vec<(ObjectKey, Scope)>,
}

impl World {
    pub(crate) fn new(found: Found) -> Self {
        Self { found, read: vec![] }
    }
}

impl Reads for World {
    async fn get(&mut self, key: ObjectKey, scope: Scope) -> Read<Result<Option<Arc<str>>, ReadError>> {
        self.read.push((key, scope));
        match self.found {
            Found::AtOnce => {}
            Found::Later => tokio::task::yield_now().await,
            Found::Never => pending().await,
        }
        Ok(Ok(Some(r#"{"kind":"Service"}"#.into())))
    }

    async fn list(&mut self, query: Query, scope: Scope) -> Read<Result<Vec<Arc<str>>, ReadError>> {
        Nothing.list(query, scope).await
    }

    async fn reached(&mut self, moment: u64) -> Read<bool> {
        Nothing.reached(moment).await
    }

    async fn now(&mut self, tick: u64) -> Read<u64> {
        Nothing.now(tick).await
    }

    async fn kubernetes_version(&mut self) -> Read<String> {
        Nothing.kubernetes_version().await
    }

    async fn serves(&mut self, resource: ResourceType) -> Read<bool> {
        Nothing.serves(resource).await
    }

    async fn operator_namespace(&mut self) -> Read<String> {
        Nothing.operator_namespace().await
    }

    async fn watches(&mut self, namespace: String) -> Read<bool> {
        Nothing.watches(namespace).await
    }
}

/// An error and its causes, as a person would read them.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
