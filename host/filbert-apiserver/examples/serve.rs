//! Serves an empty API server until interrupted: `cargo run -p filbert-apiserver --example serve -- KUBECONFIG [stand-ins] [gc] [bare]`.

use filbert_apiserver::ApiServer;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let server = ApiServer::builder()
        .stand_ins(has("stand-ins"))
        .garbage_collector(has("gc"))
        .namespace_finalisation(!has("bare"))
        .build();
    let serving = server.serve(([127, 0, 0, 1], 0).into()).await?;
    let path = arguments.first().ok_or("a path for the kubeconfig is needed")?;
    std::fs::write(path, serving.kubeconfig())?;
    std::fs::write(format!("{path}.token"), &serving.token)?;
    std::fs::write(format!("{path}.url"), &serving.url)?;
    tokio::signal::ctrl_c().await?;
    serving.shutdown().await;
    Ok(())
}
