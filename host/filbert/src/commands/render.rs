//! `filbert render`: the objects as plain YAML, for people who want no operator.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use filbert_plan::object::ObjectKey;
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Host, PassRecord};
use serde_json::Value;

use crate::cli::Render;
use crate::documents;
use crate::failure::{Failure, Hint as _, Outcome};
use crate::settle;
use crate::world::{self, Cluster};

pub(crate) async fn run(options: Render) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    world::sound(&serving)?;
    let server = world::embedded();
    let cluster = Cluster::new(server.client());
    cluster.apply_definitions(&serving).await?;
    let (host, running) = Host::new(server.client(), library.clone(), filbert_runtime::Settings::default());
    let mut journal = host.journal();
    let running = tokio::spawn(running.run());
    let mut keys = Vec::new();
    for document in &documents {
        let key = cluster.apply(document).await?;
        if serving.pipeline(&key.resource).is_some() {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err(Failure::misuse("no pipeline serves any resource of these files")
            .hint("`filbert modules` lists what is loaded; the kind must be one that a Pipeline file names"));
    }
    let standings = settle::wait(&host, &cluster.api, &keys, options.timeout).await?;
    running.abort();
    if let Some(standing) = standings.iter().find(|standing| !standing.settled) {
        let outcome = standing.last.as_ref().map_or_else(|| "had no pass".to_owned(), |last| last.outcome.summary());
        return Err(anyhow!("{outcome}").context(format!("{} cannot be rendered", standing.key)))
            .hint("`filbert plan` on the same file shows each step");
    }
    // The last pass of each object has the plan of every step.
    let mut last: BTreeMap<ObjectKey, Arc<PassRecord>> = BTreeMap::new();
    while let Ok(record) = journal.try_recv() {
        last.insert(record.key.clone(), record);
    }
    for key in &keys {
        let Some(record) = last.get(key) else { continue };
        for object in objects(record) {
            println!("---\n{}", serde_saphyr::to_string(&object)?.trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the steps of a pass want to be there, with namespaces and without what ties it to an operator.
fn objects(record: &PassRecord) -> Vec<Value> {
    let plans = record.steps.iter().filter_map(|step| step.plan.as_ref());
    let mut objects: Vec<_> = plans.flat_map(|plan| plan.apply.iter().map(|desired| desired.object.clone())).collect();
    for object in &mut objects {
        if let (Some(metadata), Some(namespace)) =
            (object.get_mut("metadata").and_then(Value::as_object_mut), &record.key.namespace)
        {
            metadata.entry("namespace").or_insert_with(|| namespace.clone().into());
        }
    }
    objects
}
