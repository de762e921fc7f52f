//! `filbert dev`: the operator against an embedded API server, every pass shown as it happens.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use filbert_plan::definition;
use filbert_plan::object::ObjectKey;
use filbert_record::Recording;
use filbert_runtime::library::{Ungoverned, short};
use filbert_runtime::publish::Publisher;
use filbert_runtime::{Host, PassRecord, Serving, SystemClock};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::cli::Dev;
use crate::cluster::{self, Cluster, Part};
use crate::differences::Secrets;
use crate::documents::Document;
use crate::failure::{Hint as _, Outcome};
use crate::show::{self, Detail};
use crate::{documents, output, settle, signals, world};

/// How often the modules folder is looked at.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) async fn run(options: Dev) -> Outcome<ExitCode> {
    let documents = documents::read(&options.files)?;
    let server = world::embedded();
    // Before anything is compiled: a port that is taken is told at once.
    let endpoint = server
        .serve(options.listen)
        .await
        .hint("does another program use the port? `--listen 127.0.0.1:0` takes a free one")?;
    let library = world::library(&options.folder, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    let cluster = Cluster::new(server.client());
    let own = definition::all().into_iter().map(|(_, definition)| definition);
    cluster.apply_definitions(own.chain(serving.definitions()).collect()).await?;
    let kubeconfig = WrittenKubeconfig::write(options.write_kubeconfig.as_deref(), &endpoint.kubeconfig())?;
    let settings =
        filbert_runtime::Settings { keep_contexts: options.record.is_some(), ..filbert_runtime::Settings::default() };
    let (host, running) = Host::new(server.client(), library.clone(), settings);
    let journal = host.journal();
    let recorder = options.record.as_deref().map(|folder| start_recorder(folder, host.journal())).transpose()?;
    let running = tokio::spawn(running.run());
    let publisher = Publisher::new(cluster.api.clone(), &host, Arc::new(SystemClock));
    let publisher = tokio::spawn(publisher.run());
    // Whatever comes of it, the operator ends before the server does, and so without complaints about it.
    let work = async {
        let keys = apply(&cluster, &serving, &documents, options.once).await?;
        for module in serving.modules().values() {
            let description = module.module.description();
            let (name, digest) = (module.module.name(), short(module.module.digest()));
            output::note(format_args!("module {name} {} ({digest})", description.version));
        }
        output::note(format_args!(
            "API server on {}; pods are simulated. For kubectl:\n  export KUBECONFIG={}",
            endpoint.url,
            kubeconfig.path.display()
        ));
        if options.once {
            let standings = settle::wait(&host, &cluster.api, &keys, options.timeout).await?;
            settle::summary(&standings, options.output, options.timeout)
        } else {
            let folder = options.folder.modules.display();
            output::note(format_args!("changes in {folder} are taken up at once. Ctrl-C ends."));
            let secrets = options.secrets.shown();
            tokio::select! {
                ended = show_passes(journal, secrets) => ended,
                ended = signals::to_end() => ended.map(|()| ExitCode::SUCCESS),
                () = library.follow(LOOK) => Ok(ExitCode::SUCCESS),
            }
        }
    };
    let outcome = work.await;
    running.abort();
    publisher.abort();
    drop(host);
    if let Some(recorder) = recorder {
        // Ends when the last sender of records is gone; all that was told is then written.
        let _ = running.await;
        recorder.await.context("the recorder panicked")??;
    }
    endpoint.shutdown().await;
    outcome
}

/// Applies what the files hold; answers the objects that the operator has something to do for.
async fn apply(cluster: &Cluster, serving: &Serving, documents: &[Document], once: bool) -> Outcome<Vec<ObjectKey>> {
    let mut keys = Vec::new();
    for document in documents {
        let key = cluster.apply(document).await?;
        match cluster.part(serving, key).await? {
            Part::Served(key) => keys.push(key),
            Part::Orphan(_) if once => return Err(cluster::orphan(serving, document)),
            Part::Orphan(key) => {
                output::note(format_args!("warning: no pipeline serves {key} yet; nothing is done for it"));
            }
            Part::Background(_) => {}
        }
    }
    if once && keys.is_empty() && !documents.is_empty() {
        return Err(cluster::nothing_served(serving));
    }
    Ok(keys)
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
                Err(RecvError::Lagged(missed)) => {
                    output::note(format_args!("warning: {missed} passes were too fast to be recorded"));
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }))
}

async fn show_passes(mut journal: broadcast::Receiver<Arc<PassRecord>>, secrets: Secrets) -> Outcome<ExitCode> {
    loop {
        match journal.recv().await {
            Ok(record) if show::is_worth_showing(&record) => {
                output::data(show::pass(&record, Detail::Changes, secrets))?;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => output::line(format_args!("({missed} passes not shown)"))?,
            Err(RecvError::Closed) => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// For this user alone: it holds credentials. Where nobody said where to, it goes with the server it is for.
struct WrittenKubeconfig {
    path: PathBuf,
    is_ours: bool,
}

impl WrittenKubeconfig {
    fn write(to: Option<&Path>, text: &str) -> Outcome<Self> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let ours = || std::env::temp_dir().join(format!("filbert-dev-{}.kubeconfig", std::process::id()));
        let path = to.map_or_else(ours, Path::to_owned);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(Self { path, is_ours: to.is_none() })
    }
}

impl Drop for WrittenKubeconfig {
    fn drop(&mut self) {
        if self.is_ours {
            // Left behind, it is of no use to anybody.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
