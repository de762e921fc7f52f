//! `filbert plan`: what would be done, and why.

use std::process::ExitCode;

use filbert_runtime::host;
use filbert_runtime::library::Ungoverned;

use crate::cli::{Format, Plan};
use crate::documents;
use crate::failure::{Failure, Outcome};
use crate::show::{self, Detail};
use crate::world::{self, Cluster};

pub(crate) async fn run(options: Plan) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    world::sound(&serving)?;
    // Without a cluster, an empty one of our own stands for it; it also checks the objects as a real one would.
    let embedded = world::embedded();
    let client = match &options.kubeconfig {
        Some(path) => super::explain::client(Some(path)).await?,
        None => embedded.client(),
    };
    let cluster = Cluster::new(client.clone());
    if options.kubeconfig.is_none() {
        cluster.apply_definitions(&serving).await?;
    }
    let mut records = Vec::new();
    for document in &documents {
        let (key, mut object) = cluster.locate(document).await?;
        if options.kubeconfig.is_none() {
            cluster.apply(document).await?;
        }
        let Some(pipeline) = serving.pipeline(&key.resource) else { continue };
        let live = cluster.api.get(&key).await.map_err(world::refused)?;
        if let (Some(_), Some(live)) = (&options.kubeconfig, live.as_ref()) {
            // What would be stored, with the uid and status that the object has.
            object = cluster.api.apply_dry(&key, &object, "filbert-plan").await.unwrap_or_else(|_| live.clone());
        } else if let Some(live) = live {
            object = live;
        }
        records.push(host::describe(client.clone(), pipeline, &key, &object).await);
    }
    if records.is_empty() {
        return Err(Failure::misuse("no pipeline serves any resource of these files")
            .hint("`filbert modules` lists what is loaded; the kind must be one that a Pipeline file names"));
    }
    match options.output {
        Format::Json => println!("{}", serde_json::to_string(&records)?),
        Format::Text => {
            for record in &records {
                print!("{}", show::pass(record, Detail::All));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
