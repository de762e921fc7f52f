//! What carrying out a plan does, with plans that no module of ours proposes.

use std::sync::Arc;

use filbert_apiserver::ApiServer;
use filbert_kube::{Api, Caches, Discovery};
use filbert_plan::grant::Grants;
use filbert_plan::managed::{self, Operation};
use filbert_plan::object::{self, ObjectKey};
use filbert_plan::plan::{Desired, Event, Ownership, Severity, StepPlan};
use filbert_runtime::apply::{Applier, ApplyError, Mode, Owner, Writer};
use filbert_runtime::{EffectKind, SystemClock};
use serde_json::{Value, json};

use crate::support::config_map;

/// Carries out plans for a `ConfigMap` that plays the reconciled object.
struct Desk {
    applier: Applier,
    owner: Owner,
    grants: Grants,
}

impl Desk {
    async fn new() -> Self {
        let client = ApiServer::builder().build().client();
        let (api, discovery) = (Api::new(client.clone()), Discovery::new(client.clone()));
        let (caches, _changes) = Caches::new(client, discovery.clone());
        let key = config_map("boss");
        let boss = api.apply(&key, &bare("boss"), "person", true).await.expect("applied");
        let uid = object::uid(&boss).expect("a uid").to_owned();
        let owner = Owner { key, api_version: "v1".to_owned(), kind: "ConfigMap".to_owned(), uid, adoption: None };
        let grants = json!([{"objects": {
            "resource": {"group": "", "version": "v1", "plural": "configmaps"}, "verbs": ["read", "apply", "delete"],
        }}]);
        let grants = serde_json::from_value(grants).expect("grants");
        let (contests, clock) = (Arc::default(), Arc::new(SystemClock));
        let applier = Applier { api, caches, discovery, applied: Arc::default(), contests, clock, mode: Mode::Act };
        Self { applier, owner, grants }
    }

    async fn carry_out(&self, plan: &StepPlan, known: &[ObjectKey]) -> Result<Vec<(EffectKind, String)>, ApplyError> {
        let writer = Writer { grants: &self.grants, manager: "filbert/test/step", owner: &self.owner, known };
        let mut effects = Vec::new();
        self.applier.carry_out(plan, &writer, &mut effects).await?;
        Ok(effects.into_iter().map(|effect| (effect.kind, effect.reason)).collect())
    }

    async fn data(&self, name: &str) -> Value {
        let found = self.applier.api.get(&config_map(name)).await.expect("answered").expect("it is there");
        found.get("data").cloned().unwrap_or_default()
    }
}

fn bare(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}})
}

fn with_data(name: &str, data: &Value) -> Value {
    let mut object = bare(name);
    object["data"] = data.clone();
    object
}

fn proposes(object: Value, ownership: Ownership) -> StepPlan {
    let desired = Desired { object, ownership, reason: "it is wanted".to_owned() };
    StepPlan { apply: vec![desired], ..StepPlan::default() }
}

#[tokio::test]
async fn fields_of_a_shared_object_are_given_up_when_no_longer_proposed() {
    let desk = Desk::new().await;
    let board = config_map("board");
    let theirs = with_data("board", &json!({"theirs": "1"}));
    desk.applier.api.apply(&board, &theirs, "person", true).await.expect("applied");
    let plan = proposes(with_data("board", &json!({"ours": "2"})), Ownership::Shared);
    desk.carry_out(&plan, &[]).await.expect("carried out");
    assert_eq!(desk.data("board").await, json!({"ours": "2", "theirs": "1"}));
    let known = [board.clone()];
    let effects = desk.carry_out(&StepPlan::default(), &known).await.expect("carried out");
    assert_eq!(effects, [(EffectKind::Changed, "the step no longer proposes its fields".to_owned())]);
    assert_eq!(desk.data("board").await, json!({"theirs": "1"}));
    assert_eq!(desk.carry_out(&StepPlan::default(), &known).await.expect("carried out"), []);
}

#[tokio::test]
async fn a_shared_object_that_is_gone_is_not_made_anew_to_give_up_its_fields() {
    let desk = Desk::new().await;
    let board = config_map("board");
    let plan = proposes(with_data("board", &json!({"ours": "2"})), Ownership::Shared);
    desk.carry_out(&plan, &[]).await.expect("carried out");
    desk.applier.api.delete(&board, None).await.expect("deleted");
    assert_eq!(desk.carry_out(&StepPlan::default(), std::slice::from_ref(&board)).await.expect("carried out"), []);
    assert_eq!(desk.applier.api.get(&board).await.expect("answered"), None);
}

#[tokio::test]
async fn a_kept_object_stays_as_it_is_when_no_longer_proposed() {
    let desk = Desk::new().await;
    let plan = proposes(with_data("chest", &json!({"ours": "2"})), Ownership::Kept);
    desk.carry_out(&plan, &[]).await.expect("carried out");
    assert_eq!(desk.carry_out(&StepPlan::default(), &[config_map("chest")]).await.expect("carried out"), []);
    assert_eq!(desk.data("chest").await, json!({"ours": "2"}));
}

#[tokio::test]
async fn what_a_created_object_held_goes_when_it_is_no_longer_proposed() {
    let desk = Desk::new().await;
    let plan = proposes(with_data("board", &json!({"kept": "1", "dropped": "2"})), Ownership::Owned);
    let effects = desk.carry_out(&plan, &[]).await.expect("carried out");
    assert_eq!(effects, [(EffectKind::Created, "it is wanted".to_owned())]);
    let plan = proposes(with_data("board", &json!({"kept": "1"})), Ownership::Owned);
    let effects = desk.carry_out(&plan, &[config_map("board")]).await.expect("carried out");
    assert_eq!(effects, [(EffectKind::Changed, "it is wanted".to_owned())]);
    assert_eq!(desk.data("board").await, json!({"kept": "1"}));
    let board = desk.applier.api.get(&config_map("board")).await.expect("answered").expect("it is there");
    let owners = managed::managers(&board).map(|it| (it.name, it.operation)).collect::<Vec<_>>();
    assert_eq!(owners, [("filbert/test/step".to_owned(), Operation::Apply)], "nobody owns what it was created with");
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_left_as_it_is() {
    let desk = Desk::new().await;
    let board = config_map("board");
    let theirs = desk.applier.api.apply(&board, &with_data("board", &json!({"theirs": "1"})), "person", true).await;
    let plan = proposes(with_data("board", &json!({"ours": "2"})), Ownership::Owned);
    let error = desk.carry_out(&plan, &[]).await.expect_err("refused");
    assert!(matches!(error, ApplyError::Foreign { .. }), "{error}");
    assert_eq!(desk.applier.api.get(&board).await.expect("answered"), Some(theirs.expect("applied")));
}

#[tokio::test]
async fn a_plan_with_an_event_in_another_namespace_is_refused_whole() {
    let desk = Desk::new().await;
    let elsewhere = ObjectKey { namespace: Some("kube-system".to_owned()), ..config_map("board") };
    let event = Event {
        severity: Severity::Warning,
        reason: "Look".to_owned(),
        message: "over there".to_owned(),
        about: Some(elsewhere),
    };
    let plan = StepPlan { events: vec![event], ..proposes(bare("board"), Ownership::Owned) };
    let error = desk.carry_out(&plan, &[]).await.expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the step proposed an event about configmaps/v1 kube-system/board, which is not in the namespace of the reconciled object"
    );
    assert_eq!(desk.applier.api.get(&config_map("board")).await.expect("answered"), None);
}
