//! `filbert render`: the objects as plain YAML, for people who want no operator.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use filbert_plan::object::{ObjectKey, TypeMeta};
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Host, PassRecord};
use serde_json::Value;

use crate::cli::Render;
use crate::cluster::{self, Cluster, Part};
use crate::failure::{Hint as _, Outcome};
use crate::{documents, output, settle, world};

pub(crate) async fn run(options: Render) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    world::sound(&serving)?;
    let server = world::embedded();
    let cluster = Cluster::new(server.client());
    cluster.apply_definitions(serving.definitions()).await?;
    let (host, running) = Host::new(server.client(), library.clone(), filbert_runtime::Settings::default());
    let mut journal = host.journal();
    let running = tokio::spawn(running.run());
    let mut keys = Vec::new();
    for document in &documents {
        let key = cluster.apply(document).await?;
        match cluster.part(&serving, key).await? {
            Part::Served(key) => keys.push(key),
            Part::Orphan(_) => return Err(cluster::orphan(&serving, document)),
            Part::Background(_) => {}
        }
    }
    if keys.is_empty() {
        return Err(cluster::nothing_served(&serving));
    }
    let standings = settle::wait(&host, &cluster.api, &keys, options.timeout).await?;
    running.abort();
    if let Some(standing) = standings.iter().find(|standing| !standing.settled) {
        return Err(anyhow!("{}", standing.outcome()).context(format!("{} cannot be rendered", standing.key)))
            .hint("`filbert plan` on the same file shows each step");
    }
    // The last pass of each object has the plan of every step.
    let mut last: BTreeMap<ObjectKey, Arc<PassRecord>> = BTreeMap::new();
    while let Ok(record) = journal.try_recv() {
        last.insert(record.key.clone(), record);
    }
    for key in &keys {
        let Some(record) = last.get(key) else { continue };
        for object in objects(&host, record).await? {
            output::line(format_args!("---\n{}", serde_saphyr::to_string(&object)?.trim_end()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the steps of a pass want to be there, with the namespaces of what belongs to one and without what ties it to an
/// operator.
async fn objects(host: &Host, record: &PassRecord) -> anyhow::Result<Vec<Value>> {
    let plans = record.steps.iter().filter_map(|step| step.plan.as_ref());
    let mut objects: Vec<_> = plans.flat_map(|plan| plan.apply.iter().map(|desired| desired.object.clone())).collect();
    for object in &mut objects {
        let Some(kind) = TypeMeta::of(object) else { continue };
        let served = host.world().discovery.of_type(&kind).await?;
        let belongs = served.is_none_or(|served| served.namespaced);
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { continue };
        if !belongs {
            metadata.remove("namespace");
        } else if let Some(namespace) = &record.key.namespace {
            metadata.entry("namespace").or_insert_with(|| namespace.clone().into());
        }
    }
    Ok(objects)
}
