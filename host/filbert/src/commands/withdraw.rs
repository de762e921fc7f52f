//! `filbert withdraw`: API servers ask an operator that is gone no more.

use std::process::ExitCode;

use filbert_kube::Api;

use crate::cli::Withdraw;
use crate::cluster::{self, refused};
use crate::failure::Outcome;
use crate::output;

pub(crate) async fn run(options: &Withdraw) -> Outcome<ExitCode> {
    let (client, url) = cluster::connect(&options.cluster).await?;
    filbert_webhook::withdraw(&Api::new(client), &options.name).await.map_err(refused)?;
    output::note(format_args!("the API server at {url} has no webhook configuration `{}` any more", options.name));
    Ok(ExitCode::SUCCESS)
}
