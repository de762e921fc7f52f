//! Admission reviews: all replicas answer, and the one that leads keeps API servers asking.

use anyhow::{Context as _, anyhow};
use filbert_kube::Api;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_webhook::admission::Source;
use filbert_webhook::{Admission, Installation, Options, Reach};
use serde_json::{Value, json};

use super::Surroundings;
use super::health::Check;
use crate::cli::WebhookOptions;
use crate::failure::{Failure, Hint as _, Outcome};

/// The port of the Service that API servers ask.
const PORT: u16 = 443;

/// Where API servers find this operator; nothing where it answers no reviews.
///
/// # Errors
/// Where what is asked for does not fit together.
pub(crate) fn reach(options: &WebhookOptions, namespace: &str) -> Outcome<Option<Reach>> {
    let WebhookOptions { webhook_listen, webhook_service, webhook_url, .. } = options;
    match (webhook_listen, webhook_service, webhook_url) {
        (None, None, None) => Ok(None),
        (Some(_), Some(name), None) => {
            Ok(Some(Reach::Service { namespace: namespace.to_owned(), name: name.clone(), port: PORT }))
        }
        (Some(_), None, Some(url)) => Ok(Some(Reach::Url(url.clone()))),
        (Some(_), ..) => Err(Failure::misuse("with `--webhook-listen`, API servers must be told where that is")
            .hint("`--webhook-service` names a Service of the operator's namespace, `--webhook-url` an address")),
        (None, ..) => Err(Failure::misuse("nobody would answer at the webhooks")
            .hint("`--webhook-listen 0.0.0.0:9443` says where this process listens")),
    }
}

/// Answers until the operator is to end, and a little longer.
pub(crate) async fn serve(
    around: Surroundings,
    options: WebhookOptions,
    reach: Reach,
    watched: Option<String>,
) -> Outcome<()> {
    let Surroundings { client, host, leading, ending, namespace, health, .. } = around;
    let Some(listen) = options.webhook_listen else { return Ok(()) };
    let owner = match &options.webhook_owner {
        Some(name) => Some(owner(&Api::new(client.clone()), name).await?),
        None => None,
    };
    let installation = Installation {
        name: options.webhook_name,
        namespace: namespace.to_string(),
        watched: watched.map(|namespace| vec![namespace]),
        owner,
    };
    let mut admission = Options::new(listen, reach, installation);
    admission.source = match options.webhook_certificates {
        Some(folder) => Source::Folder(folder),
        None => match admission.source {
            Source::Made { life, .. } => Source::Made { secret: options.webhook_secret, life },
            other @ Source::Folder(_) => other,
        },
    };
    let admission = Admission::start(&host, client, leading, admission)
        .await
        .context("admission cannot begin")
        .hint("does another program use the port? `--webhook-listen` takes another address")?;
    let trust = admission.trust();
    health.ask("admission", move || {
        let is_there = trust.borrow().is_some();
        if is_there {
            Check::Well("reviews are answered".to_owned())
        } else {
            Check::NotReady("there is no certificate yet".to_owned())
        }
    });
    admission.run(ending.comes()).await.context("admission ended")?;
    Ok(())
}

/// What webhook configurations go with: a `ClusterRole` that came with the deployment.
async fn owner(api: &Api, name: &str) -> Outcome<Value> {
    let resource = ResourceType::new("rbac.authorization.k8s.io", "v1", "clusterroles");
    let key = ObjectKey { resource, namespace: None, name: name.to_owned() };
    let hint = "`--webhook-owner` names a ClusterRole that is removed with the operator";
    let found = api.get(&key).await.with_context(|| format!("`{name}` cannot be read")).hint(hint)?;
    let uid = found.as_ref().and_then(filbert_plan::object::uid);
    let uid = uid.ok_or_else(|| anyhow!("there is no ClusterRole `{name}`")).hint(hint)?;
    Ok(json!({"apiVersion": key.resource.api_version(), "kind": "ClusterRole", "name": name, "uid": uid}))
}
