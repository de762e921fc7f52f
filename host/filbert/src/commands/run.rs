//! `filbert run`: the operator on a cluster, as one of any number of replicas.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use filbert_kube::{Election, LeaseSettings};
use filbert_runtime::library::{Ungoverned, short};
use filbert_runtime::{Host, Library, Settings, Watching};
use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::cli::{LeaseOptions, Run};
use crate::failure::{Failure, Outcome};
use crate::operator::health::{Check, Health, Listener};
use crate::operator::metrics::Metrics;
use crate::operator::overlay::Overlay;
use crate::operator::{Ending, Surroundings, admission, parts};
use crate::{cluster, signals, world};

pub(crate) async fn run(options: Run) -> Outcome<ExitCode> {
    sensible(&options.lease)?;
    let (health, metrics) = (Health::default(), Arc::new(Metrics::new()));
    health.ask("modules", || Check::NotReady("being loaded".to_owned()));
    // Before anything that takes long: a port that is taken is told at once, and probes are answered meanwhile.
    let listener = Listener::bind(options.health_listen).await?;
    info!(address = %listener.address, "serving health and metrics");
    let listening = tokio::spawn(listener.run(health.clone(), metrics.clone()));
    let begun = tokio::select! {
        begun = Operator::begin(&options, health, metrics) => begun?,
        ended = signals::to_end() => return ended.map(|()| ExitCode::SUCCESS),
    };
    let outcome = begun.run(options.drain).await;
    listening.abort();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Times with which no two replicas act at once.
fn sensible(lease: &LeaseOptions) -> Outcome<()> {
    let LeaseOptions { lease: _, lease_duration, renew_deadline, renew_every } = lease;
    let wrong =
        |text: &str| Err(Failure::misuse(text).hint("`--help` says what each is for, and shows what fits together"));
    if renew_deadline >= lease_duration {
        return wrong(
            "`--renew-deadline` must be shorter than `--lease-duration`: a replica must cease to act before another may begin",
        );
    }
    if *renew_every * 6 / 5 >= *renew_deadline {
        return wrong("`--renew-every` must be shorter than `--renew-deadline`, by a fifth at least");
    }
    if renew_every.is_zero() {
        return wrong("`--renew-every` must not be nothing");
    }
    Ok(())
}

/// An operator at work.
struct Operator {
    host: Host,
    passes: JoinHandle<()>,
    parts: tokio::task::JoinSet<(&'static str, Outcome<()>)>,
    end: watch::Sender<bool>,
    /// Ends the election, which gives the lease back.
    resign: watch::Sender<bool>,
    election: JoinHandle<()>,
}

impl Operator {
    async fn begin(options: &Run, health: Health, metrics: Arc<Metrics>) -> Outcome<Self> {
        let (client, url) = cluster::connect(&options.cluster).await?;
        let namespace = options.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        let reach = admission::reach(&options.webhooks, &namespace)?;
        let (config_maps, patience) = (&options.module_config_maps, options.cluster.request_timeout);
        let overlay = Overlay::begin(&client, &namespace, config_maps, patience).await;
        let library = world::library_under(&options.folder, Ungoverned::NothingGranted, overlay.files()).await?;
        let election = Election::new(client.clone(), lease(&options.lease, namespace.clone()));
        let (tenure, leading) = (election.tenure().clone(), election.tenure().subscribe());
        let fenced = tenure.fence(client.clone());
        let settings = Settings {
            workers: options.workers,
            operator_namespace: namespace.clone(),
            watch_namespace: options.watch_namespace.clone(),
            leading: Some(leading.clone()),
            ..Settings::default()
        };
        let (host, running) = Host::new(fenced.clone(), library.clone(), settings);
        let (end, ending) = Ending::new();
        ask(&health, &host, &election, ending.clone());
        metrics.look_at(host.clone(), leading.clone());
        let around = Surroundings {
            client,
            fenced,
            host: host.clone(),
            leading,
            ending,
            namespace: namespace.into(),
            health,
            metrics,
        };
        // Before the first pass: all of them are counted.
        let parts = parts::start(&around, overlay, reach.map(|reach| (reach, options)));
        let passes = tokio::spawn(running.run());
        let (resign, resigned) = Ending::new();
        let election = tokio::spawn(election.run(resigned.comes()));
        info!(
            version = env!("CARGO_PKG_VERSION"),
            revision = option_env!("FILBERT_REVISION").unwrap_or("unknown"),
            cluster = url,
            modules = modules(&library),
            namespace = options.watch_namespace.as_deref().unwrap_or("all"),
            "started"
        );
        Ok(Self { host, passes, parts, end, resign, election })
    }

    /// Until somebody wants it to end, or a part of it cannot go on.
    async fn run(mut self, drain: Duration) -> Outcome<()> {
        let outcome = tokio::select! {
            ended = signals::to_end() => ended,
            ended = self.parts.join_next() => Err(part_ended(ended)),
            _ = &mut self.passes => Err(anyhow!("passes ended by themselves").into()),
        };
        info!("ending: passes that run may end within {drain:?}");
        let ended = tokio::select! {
            ended = tokio::time::timeout(drain, self.drain()) => ended.is_ok(),
            again = signals::to_end() => {
                again?;
                false
            }
        };
        if !ended {
            warn!("passes were cut off; what they had not done yet is done by whoever leads next");
        }
        // Nothing acts any more when the lease is given back.
        self.passes.abort();
        self.parts.abort_all();
        self.resign.send_replace(true);
        // It is cancelled or has panicked; neither is of use to anybody now.
        let _ = self.election.await;
        info!("ended");
        outcome
    }

    async fn drain(&mut self) {
        self.end.send_replace(true);
        self.host.drain().await;
        // Nothing acts any more, so another may, while reviews are still answered.
        self.resign.send_replace(true);
        while self.parts.join_next().await.is_some() {}
    }
}

fn part_ended(ended: Option<Result<(&'static str, Outcome<()>), tokio::task::JoinError>>) -> Failure {
    match ended {
        Some(Ok((_, Err(failure)))) => failure,
        Some(Ok((name, Ok(())))) => anyhow!("`{name}` ended by itself").into(),
        Some(Err(error)) => anyhow!(error).context("a part of the operator panicked").into(),
        None => anyhow!("the operator has no parts").into(),
    }
}

fn lease(options: &LeaseOptions, namespace: String) -> LeaseSettings {
    let LeaseOptions { lease, lease_duration, renew_deadline, renew_every } = options.clone();
    LeaseSettings {
        namespace,
        name: lease,
        identity: identity(),
        duration: lease_duration,
        renew_deadline,
        retry: renew_every,
        now: Arc::new(Timestamp::now),
    }
}

/// Says where this process runs; no other has the same.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "filbert" } else { host.trim() };
    format!("{host}_{:016x}", fastrand::u64(..))
}

/// Every module in service: `hello 0.1.0 (1f2e3d4c5b6a)`.
fn modules(library: &Library) -> String {
    let serving = library.serving();
    let module = |module: &filbert_engine::Module| {
        format!("{} {} ({})", module.name(), module.description().version, short(module.digest()))
    };
    serving.modules().values().map(|serving| module(&serving.module)).collect::<Vec<_>>().join(", ")
}

/// What readiness depends on.
fn ask(health: &Health, host: &Host, election: &Election, ending: Ending) {
    let (of_modules, of_watches, holder) = (host.clone(), host.clone(), election.holder());
    let tenure = election.tenure().clone();
    health.ask("modules", move || {
        let serving = of_modules.library().serving();
        let (modules, pipelines) = (serving.modules().len(), serving.pipelines().count());
        match serving.problems() {
            [] => Check::Well(format!("{modules} in service, {pipelines} pipelines")),
            problems if pipelines == 0 => Check::NotReady(problems.join("; ")),
            problems => Check::Named(problems.join("; ")),
        }
    });
    health.ask("watches", move || {
        let (mut opening, mut refused) = (Vec::new(), Vec::new());
        let watches = of_watches.watches();
        for (pipeline, watching) in &watches {
            match watching {
                Watching::Open => {}
                Watching::Opening => opening.push(pipeline.as_str()),
                Watching::Refused(reason) => refused.push(format!("pipeline {pipeline}: {reason}")),
            }
        }
        if !opening.is_empty() {
            Check::NotReady(format!("the objects of {} are being listed", opening.join(", ")))
        } else if refused.is_empty() {
            Check::Well(format!("the objects of {} pipelines are known", watches.len()))
        } else {
            Check::Named(refused.join("; "))
        }
    });
    health.ask("lease", move || match (tenure.holds(), holder.borrow().as_deref()) {
        (true, _) => Check::Well("this replica acts".to_owned()),
        (false, Some(holder)) => Check::Well(format!("{holder} acts")),
        (false, None) => Check::Named("nobody is known to act".to_owned()),
    });
    health.ask("end", move || {
        if ending.has_come() { Check::NotReady("ending".to_owned()) } else { Check::Well("not in sight".to_owned()) }
    });
}
