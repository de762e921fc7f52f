//! `filbert explain`: for each step of a resource what it reads, proposes and applied, and why it waits. Guests are pure
//! functions, so asking them again about what is stored now says what the operator sees.

use std::process::ExitCode;

use anyhow::anyhow;
use filbert_plan::object::ObjectKey;
use filbert_runtime::host;
use filbert_runtime::library::Ungoverned;

use crate::cli::{Explain, Format};
use crate::cluster::{self, Cluster, refused};
use crate::failure::{Failure, Hint as _, Outcome};
use crate::show::{self, Detail};
use crate::{output, world};

pub(crate) async fn run(options: Explain) -> Outcome<ExitCode> {
    let Some((kind, name)) = options.resource.split_once('/') else {
        return Err(
            Failure::misuse(format!("`{}` is not KIND/NAME", options.resource)).hint("for example `greeting/spring`")
        );
    };
    let (client, _) = cluster::connect(&options.cluster).await?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    let cluster = Cluster::new(client.clone());
    let wanted = kind.to_lowercase();
    let mut found = None;
    for pipeline in serving.pipelines() {
        let served = cluster.discovery.of_resource(&pipeline.resource).await.map_err(refused)?;
        if let Some(served) = served
            && (served.kind.to_lowercase() == wanted
                || served.resource.plural == wanted
                || format!("{wanted}s") == served.resource.plural)
        {
            found = Some((pipeline.clone(), served));
            break;
        }
    }
    let Some((pipeline, served)) = found else {
        let known: Vec<_> = serving.pipelines().map(|pipeline| pipeline.resource.plural.as_str()).collect();
        return Err(anyhow!("no pipeline serves `{kind}`"))
            .hint(format!("there are pipelines for {}", known.join(", ")));
    };
    let namespace = served.namespaced.then(|| options.namespace.clone());
    let key = ObjectKey { resource: pipeline.resource.clone(), namespace, name: name.to_owned() };
    let object = cluster.api.get(&key).await.map_err(refused)?;
    let object = object.ok_or_else(|| anyhow!("{key} does not exist")).hint("`--namespace` says where to look")?;
    let record = host::describe(client, &pipeline, &key, &object).await;
    match options.output {
        Format::Json => output::line(serde_json::to_string(&record)?)?,
        Format::Text => {
            output::data(show::pass(&record, Detail::All, options.secrets.shown()))?;
            output::data(show::reported(&object))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
