//! The embedded API server held against what nobody here wrote: recorded exchanges with a real one (see `api-server/README.md`)
//! and the runtime of `kube`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "recorded data has the shape it has, and what matches is printed"
)]

#[path = "api_server/admitting.rs"]
mod admitting;
#[path = "api_server/controlling.rs"]
mod controlling;
#[path = "api_server/differences.rs"]
mod differences;
#[path = "api_server/events.rs"]
mod events;
#[path = "api_server/exchange.rs"]
mod exchange;
#[path = "api_server/matcher.rs"]
mod matcher;
#[path = "api_server/reflecting.rs"]
mod reflecting;
#[path = "api_server/runner.rs"]
mod runner;
#[path = "api_server/webhook.rs"]
mod webhook;

use differences::Differences;
use filbert_apiserver::ApiServer;
use matcher::Matcher;
use runner::{Outcome, Runner};
use std::collections::BTreeMap;
use std::path::PathBuf;
use webhook::Webhooks;

/// Replays one topic. Discovery comes first on each server only where it is the topic: it lists what is there.
async fn replay(topic: &str) -> BTreeMap<(String, String), String> {
    let exchanges = exchange::load(topic);
    // The first topics were recorded without controllers, these two with all of them.
    let whole = matches!(topic, "gc" | "controllers");
    let server = ApiServer::builder()
        .namespace_finalisation(whole)
        .garbage_collector(whole)
        .service_accounts(whole)
        .stand_ins(topic == "controllers")
        .build();
    let webhooks = if topic == "admission" { Some(Webhooks::start(&[]).await) } else { None };
    let mut runner = Runner::new(server, webhooks);
    let mut matcher = Matcher::default();
    let mut case = String::new();
    let (mut total, mut equal) = (0, 0);
    let mut found = BTreeMap::new();
    let mut skipped = Vec::new();
    for exchange in &exchanges {
        if case != exchange.case {
            case.clone_from(&exchange.case);
            matcher = Matcher::default();
        }
        let Outcome::Answer(answer) = runner.perform(exchange).await else {
            skipped.push(exchange);
            continue;
        };
        if !exchange.is_compared() {
            continue;
        }
        total += 1;
        match matcher.compare(exchange, &answer, &runner.saved) {
            None => equal += 1,
            Some(difference) => {
                found.insert((exchange.case.clone(), exchange.step.clone()), difference);
            }
        }
    }
    if !skipped.is_empty() {
        println!("{topic}: skipped {} exchanges whose definitions are not here", skipped.len());
    }
    println!("{topic}: {equal} of {total} match");
    found
}

async fn check(topic: &str) {
    let found = replay(topic).await;
    let mut listed = Differences::load();
    let bless = std::env::var_os("BLESS").is_some();
    let problems = listed.compare(topic, &found, bless);
    assert!(problems.is_empty(), "{topic}:\n{}", problems.join("\n"));
}

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/api-server")
}

macro_rules! topics {
    ($($test:ident $topic:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            check($topic).await;
        }
    )*};
}

topics! {
    discovery_is_as_recorded "discovery",
    defaults_are_as_recorded "defaults",
    lives_of_objects_are_as_recorded "crud",
    errors_are_as_recorded "errors",
    patches_are_as_recorded "patch",
    applies_are_as_recorded "apply",
    lists_are_as_recorded "list",
    watches_are_as_recorded "watch",
    custom_resources_are_as_recorded "crd",
    garbage_collection_is_as_recorded "gc",
    admission_is_as_recorded "admission",
    controllers_are_as_recorded "controllers",
}
