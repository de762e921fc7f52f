//! `filbert plan`: what would be done, and why.

use std::process::ExitCode;

use filbert_runtime::host;
use filbert_runtime::library::Ungoverned;

use crate::cli::{Format, Plan};
use crate::cluster::{self, Cluster, Part};
use crate::failure::Outcome;
use crate::show::{self, Detail};
use crate::{documents, output, world};

pub(crate) async fn run(options: Plan) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    world::sound(&serving)?;
    // Without a cluster, an empty one of our own stands for it; it also checks the objects as a real one would.
    let embedded = world::embedded();
    let named = options.cluster.is_named();
    let client = if named { cluster::connect(&options.cluster).await?.0 } else { embedded.client() };
    let cluster = Cluster::new(client.clone());
    if !named {
        cluster.apply_definitions(serving.definitions()).await?;
    }
    // All are there before the first is planned for: a resource may stand before what it refers to.
    let mut located = Vec::new();
    for document in &documents {
        let (key, object) = cluster.locate(document).await?;
        if !named {
            cluster.apply(document).await?;
        }
        match cluster.part(&serving, key).await? {
            Part::Served(key) => located.push((key, object)),
            Part::Orphan(_) => return Err(cluster::orphan(&serving, document)),
            Part::Background(_) => {}
        }
    }
    let mut records = Vec::new();
    for (key, mut object) in located {
        let Some(pipeline) = serving.pipeline(&key.resource) else { continue };
        let live = cluster.api.get(&key).await.map_err(cluster::refused)?;
        if let (true, Some(live)) = (named, live.as_ref()) {
            // What would be stored, with the uid and status that the object has.
            object = cluster.api.apply_dry(&key, &object, "filbert-plan").await.unwrap_or_else(|_| live.clone());
        } else if let Some(live) = live {
            object = live;
        }
        records.push(host::describe(client.clone(), pipeline, &key, &object).await);
    }
    if records.is_empty() {
        return Err(cluster::nothing_served(&serving));
    }
    match options.output {
        Format::Json => output::line(serde_json::to_string(&records)?)?,
        Format::Text => {
            for record in &records {
                output::data(show::pass(record, Detail::All, options.secrets.shown()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
