//! `filbert dev`: the operator against an embedded API server, every pass shown as it happens.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use filbert_plan::object::ObjectKey;
use filbert_record::Recording;
use filbert_runtime::library::{Ungoverned, short};
use filbert_runtime::{Host, Library, PassRecord};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::cli::{Dev, Format};
use crate::documents;
use crate::failure::{Hint as _, Outcome};
use crate::settle::{self, Standing};
use crate::show::{self, Detail};
use crate::world::{self, Cluster};

/// How often the modules folder is looked at.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) async fn run(options: Dev) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    for problem in serving.problems() {
        eprintln!("warning: {problem}");
    }
    let server = world::embedded();
    let endpoint =
        server.serve(options.listen).await.hint("is the port in use? `--listen 127.0.0.1:0` takes a free one")?;
    let cluster = Cluster::new(server.client());
    cluster.apply_definitions(&serving).await?;
    let kubeconfig = write_kubeconfig(options.write_kubeconfig.as_deref(), &endpoint.kubeconfig())?;
    let settings =
        filbert_runtime::Settings { keep_contexts: options.record.is_some(), ..filbert_runtime::Settings::default() };
    let (host, running) = Host::new(server.client(), library.clone(), settings);
    let journal = host.journal();
    let recorder = options.record.as_deref().map(|folder| start_recorder(folder, host.journal())).transpose()?;
    let running = tokio::spawn(running.run());
    let mut keys = Vec::new();
    for document in &documents {
        let key = cluster.apply(document).await?;
        if serving.pipeline(&key.resource).is_some() {
            keys.push(key);
        }
    }
    for module in serving.modules().values() {
        let description = module.module.description();
        eprintln!("module {} {} ({})", module.module.name(), description.version, short(module.module.digest()));
    }
    eprintln!(
        "API server on {}; pods are simulated. For kubectl:\n  export KUBECONFIG={}",
        endpoint.url,
        kubeconfig.display()
    );
    let code = if options.once {
        let standings = settle::wait(&host, &cluster.api, &keys, options.timeout).await?;
        summary(&standings, options.output)
    } else {
        let show = tokio::spawn(show_passes(journal));
        let follow = tokio::spawn(follow(library));
        eprintln!("changes in {} are taken up at once. Ctrl-C ends.", options.folder.modules.display());
        tokio::signal::ctrl_c().await.context("failed to wait for Ctrl-C")?;
        show.abort();
        follow.abort();
        ExitCode::SUCCESS
    };
    running.abort();
    drop(host);
    if let Some(recorder) = recorder {
        // Ends when the last sender of records is gone; all that was told is then written.
        let _ = running.await;
        recorder.await.context("the recorder panicked")??;
    }
    endpoint.shutdown().await;
    Ok(code)
}

/// Writes every pass into a folder, one file each, numbered in their order.
fn start_recorder(
    folder: &Path,
    mut journal: broadcast::Receiver<Arc<PassRecord>>,
) -> Outcome<JoinHandle<anyhow::Result<()>>> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
    let folder = folder.to_owned();
    Ok(tokio::spawn(async move {
        let mut number = 0_u32;
        loop {
            match journal.recv().await {
                Ok(record) => {
                    let Some(recording) = Recording::of(&record) else { continue };
                    number += 1;
                    let path = folder.join(format!("{number:06}-{}-{}.json", recording.pipeline, record.key.name));
                    std::fs::write(&path, recording.to_json())
                        .with_context(|| format!("failed to write `{}`", path.display()))?;
                }
                Err(RecvError::Lagged(missed)) => eprintln!("warning: {missed} passes were too fast to be recorded"),
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }))
}

async fn follow(library: Arc<Library>) {
    library.follow(LOOK).await;
}

async fn show_passes(mut journal: broadcast::Receiver<Arc<PassRecord>>) {
    loop {
        match journal.recv().await {
            Ok(record) if show::is_worth_showing(&record) => print!("{}", show::pass(&record, Detail::Changes)),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => println!("({missed} passes not shown)"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn write_kubeconfig(to: Option<&Path>, text: &str) -> Outcome<PathBuf> {
    let path = to.map_or_else(
        || std::env::temp_dir().join(format!("filbert-dev-{}.kubeconfig", std::process::id())),
        Path::to_owned,
    );
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
    }
    write_private(&path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
    Ok(path)
}

/// For this user alone: it holds credentials.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn summary(standings: &[Standing], output: Format) -> ExitCode {
    let settled = standings.iter().all(|standing| standing.settled);
    if output == Format::Json {
        let objects: Vec<_> = standings
            .iter()
            .map(|standing| {
                let Standing { key, last, settled } = standing;
                let outcome = last.as_ref().map(|last| &last.outcome);
                json!({"resource": key.resource, "namespace": key.namespace, "name": key.name, "settled": settled, "outcome": outcome})
            })
            .collect();
        println!("{}", json!({"settled": settled, "objects": objects}));
    } else {
        let rows: Vec<_> = standings.iter().map(row).collect();
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, outcome) in rows {
            println!("{name:<width$}  {outcome}");
        }
    }
    if settled { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(standing: &Standing) -> (String, String) {
    let ObjectKey { resource, namespace, name } = &standing.key;
    let kind = standing.last.as_ref().map_or(resource.plural.as_str(), |last| &last.kind);
    let place = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let outcome = match &standing.last {
        None => "had no pass".to_owned(),
        Some(last) => last.outcome.summary(),
    };
    (format!("{kind} {place}{name}"), outcome)
}
