//! The command line: types only.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use filbert_webhook::HttpsUrl;

use crate::differences::Secrets;

/// Kubernetes operator host: every opinion it acts on is a sandboxed WebAssembly component that can be replaced while it
/// runs.
#[derive(Parser)]
#[command(name = "filbert", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What to log to stderr: `info`, `debug`, `filbert_runtime=debug,guest=info`.
    #[arg(long, env = "FILBERT_LOG", global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the operator on a cluster, as one of any number of replicas.
    ///
    /// The cluster is that of `--kubeconfig`, `--context` or KUBECONFIG; in a pod its own. The definitions must be there
    /// (`filbert crds` prints them). Of all replicas one acts, the others are ready to. SIGTERM ends it once the passes that
    /// run have ended.
    Run(Box<Run>),
    /// Run the operator against an embedded API server and show every pass.
    Dev(Dev),
    /// Show what would be done for the resources of a file, step by step, each action with its reason.
    ///
    /// Without `--kubeconfig` and `--context` the plan is for an empty cluster, in which there is only what the files hold.
    /// Nothing is changed anywhere.
    Plan(Plan),
    /// Print the objects for the resources of a file as plain YAML, for use without an operator.
    ///
    /// The files may also hold the `Secret`s and `ConfigMap`s that the resources refer to; only what the operator makes is
    /// printed.
    Render(Render),
    /// Show for each step of a resource what it reads, proposes and applied, and why it waits.
    ///
    /// The steps are asked again about what is stored now; nothing is changed. `keep` is what is as it should be.
    Explain(Explain),
    /// Call the guests of recordings again and compare their answers, byte by byte.
    Replay(Replay),
    /// Look at components.
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Show which modules and pipelines are in service, and why what lies in the folder is not.
    ///
    /// With `--kubeconfig` or `--context` the operator that works on that cluster is asked; `filbert dev` says which
    /// kubeconfig is its own. Without them this is what an operator that starts now would make of the folder. Exit code 1
    /// where not all is in service.
    Modules(Modules),
    /// Print the custom resource definitions: those of modules and pipelines, and those that the modules bring along.
    Crds(Crds),
    /// Print what a cluster needs to run the operator with the modules of a folder: definitions, roles, a Deployment.
    ///
    /// The roles are made from the grants of the modules that pipelines name, and allow nothing else. With `--rbac` only they are
    /// printed, for an operator that was installed otherwise.
    Manifests(Manifests),
    /// Remove the webhook configurations of an operator that was removed.
    ///
    /// Where they have an owner, they go with it by themselves. An operator that ends leaves them: it cannot tell a restart from
    /// its removal. One that still runs puts them back.
    Withdraw(Withdraw),
    /// Compile a component under limits; started by the operator itself.
    #[command(hide = true)]
    CompileModule,
}

impl Command {
    /// What is logged where nobody says otherwise: commands that show passes themselves stay quiet.
    pub(crate) fn default_log(&self) -> &'static str {
        match self {
            Self::Run(_) => "info,kube_client=off,kube_runtime=off",
            Self::Dev(_) => "warn,filbert_runtime::library=info,filbert_runtime::host=error,kube_client=off",
            // What becomes of requests, commands say themselves.
            _ => "error,kube_client=off",
        }
    }

    /// How it is logged.
    pub(crate) fn log_format(&self) -> LogFormat {
        match self {
            Self::Run(options) => options.log_format,
            _ => LogFormat::Text,
        }
    }
}

/// How lines of the log look.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// Where modules are, and what they may do.
#[derive(Args, Clone)]
pub(crate) struct ModuleFolder {
    /// Folder with components (`*.wasm`) and `Module` and `Pipeline` files (`*.yaml`).
    #[arg(long, env = "FILBERT_MODULES", default_value = "modules", value_name = "DIR")]
    pub(crate) modules: PathBuf,
    /// Folder for compiled code. It must belong to this user, and to nobody else.
    #[arg(long, env = "FILBERT_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
}

/// Which cluster, as for kubectl.
#[derive(Args, Clone)]
pub(crate) struct ClusterOptions {
    /// The cluster's kubeconfig.
    #[arg(long, env = "FILBERT_KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one where absent.
    #[arg(long, env = "FILBERT_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// How long to wait for the API server's first answer.
    #[arg(long, env = "FILBERT_REQUEST_TIMEOUT", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    pub(crate) request_timeout: Duration,
}

impl ClusterOptions {
    /// Whether anybody named a cluster.
    pub(crate) fn is_named(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }
}

/// What is shown of Secrets.
#[derive(Args, Clone, Copy)]
pub(crate) struct SecretOptions {
    /// Show what differs in Secrets; else only how large it is.
    #[arg(long, env = "FILBERT_SHOW_SECRETS")]
    show_secrets: bool,
}

impl SecretOptions {
    /// As differences are shown.
    pub(crate) fn shown(self) -> Secrets {
        if self.show_secrets { Secrets::Shown } else { Secrets::Hidden }
    }
}

/// How data is printed.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    /// Look at the objects of this namespace only; without it, at those of all.
    #[arg(long, env = "FILBERT_WATCH_NAMESPACE", value_name = "NAMESPACE")]
    pub(crate) watch_namespace: Option<String>,
    /// The operator's own namespace, where its lease is; that of the pod or of the kubeconfig's context where absent.
    #[arg(long, env = "FILBERT_NAMESPACE", value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Every `ConfigMap` of these names in the operator's namespace: what they hold counts as files of the modules folder, instead of those of
    /// the same names that lie there. Where several hold one file, the last counts.
    #[arg(
        long,
        env = "FILBERT_MODULE_CONFIG_MAPS",
        value_delimiter = ',',
        default_value = "filbert-modules",
        value_name = "NAME"
    )]
    pub(crate) module_config_maps: Vec<String>,
    #[command(flatten)]
    pub(crate) lease: LeaseOptions,
    #[command(flatten)]
    pub(crate) webhooks: WebhookOptions,
    /// Where `/livez`, `/readyz` and `/metrics` are served, without encryption; port 0 takes a free one.
    #[arg(long, env = "FILBERT_HEALTH_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    pub(crate) health_listen: SocketAddr,
    /// Passes at the same time.
    #[arg(long, env = "FILBERT_WORKERS", default_value_t = 16, value_name = "NUMBER")]
    pub(crate) workers: usize,
    /// How long passes that run may take when the operator is to end.
    #[arg(long, env = "FILBERT_DRAIN", default_value = "20s", value_parser = duration, value_name = "DURATION")]
    pub(crate) drain: Duration,
    /// How lines of the log look.
    #[arg(long, env = "FILBERT_LOG_FORMAT", value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
}

/// How API servers ask for reviews.
#[derive(Args, Clone)]
#[expect(clippy::struct_field_names, reason = "fields are called as the flags, which stand among others")]
pub(crate) struct WebhookOptions {
    /// Where admission reviews are answered, over HTTPS. Without it the same modules judge only when a resource is reconciled.
    #[arg(long, env = "FILBERT_WEBHOOK_LISTEN", value_name = "ADDRESS")]
    pub(crate) webhook_listen: Option<SocketAddr>,
    /// The Service of the operator's namespace by which API servers reach that, on port 443.
    #[arg(long, env = "FILBERT_WEBHOOK_SERVICE", value_name = "NAME", conflicts_with = "webhook_url")]
    pub(crate) webhook_service: Option<String>,
    /// The address by which API servers reach that, where the operator runs outside of the cluster.
    #[arg(long, env = "FILBERT_WEBHOOK_URL", value_name = "URL")]
    pub(crate) webhook_url: Option<HttpsUrl>,
    /// Name of both webhook configurations. Each operator of a cluster has its own.
    #[arg(long, env = "FILBERT_WEBHOOK_NAME", default_value = "filbert", value_name = "NAME")]
    pub(crate) webhook_name: String,
    /// A `ClusterRole` with which the webhook configurations go. Without it they stay until `filbert withdraw`.
    #[arg(long, env = "FILBERT_WEBHOOK_OWNER", value_name = "NAME")]
    pub(crate) webhook_owner: Option<String>,
    /// The Secret of the operator's namespace in which it keeps certificates that it makes itself.
    #[arg(long, env = "FILBERT_WEBHOOK_SECRET", default_value = "filbert-certificates", value_name = "NAME")]
    pub(crate) webhook_secret: String,
    /// A folder with `tls.crt`, `tls.key` and `ca.crt` that somebody else keeps current, instead of that Secret.
    #[arg(long, env = "FILBERT_WEBHOOK_CERTIFICATES", value_name = "DIR")]
    pub(crate) webhook_certificates: Option<PathBuf>,
}

/// Which of several replicas acts.
#[derive(Args, Clone)]
pub(crate) struct LeaseOptions {
    /// The lease that replicas take from each other.
    #[arg(long, env = "FILBERT_LEASE", default_value = "filbert", value_name = "NAME")]
    pub(crate) lease: String,
    /// How long the other replicas wait for a sign of life before one of them acts.
    #[arg(long, env = "FILBERT_LEASE_DURATION", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub(crate) lease_duration: Duration,
    /// How long a replica acts that could not renew its lease.
    #[arg(long, env = "FILBERT_RENEW_DEADLINE", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    pub(crate) renew_deadline: Duration,
    /// How often the lease is looked at and renewed.
    #[arg(long, env = "FILBERT_RENEW_EVERY", default_value = "2s", value_parser = duration, value_name = "DURATION")]
    pub(crate) renew_every: Duration,
}

#[derive(Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// Resources to apply: YAML files, or `-` for standard input.
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Exit when every resource has settled: 0 where all did, 1 where not.
    #[arg(long)]
    pub(crate) once: bool,
    /// How long `--once` waits.
    #[arg(long, env = "FILBERT_TIMEOUT", default_value = "60s", value_parser = duration, value_name = "DURATION")]
    pub(crate) timeout: Duration,
    /// Where the embedded API server listens; port 0 takes a free one.
    #[arg(long, env = "FILBERT_LISTEN", default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Where the kubeconfig is written.
    #[arg(long, env = "FILBERT_WRITE_KUBECONFIG", value_name = "FILE")]
    pub(crate) write_kubeconfig: Option<PathBuf>,
    /// Write a recording of every pass into this folder, to be replayed with `filbert replay`.
    #[arg(long, env = "FILBERT_RECORD", value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) secrets: SecretOptions,
    /// With `--once`: how the summary is printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// The resources, and what they refer to: YAML files, or `-` for standard input.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    #[command(flatten)]
    pub(crate) secrets: SecretOptions,
    /// How the plan is printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Render {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// The resources, with the `Secret`s and `ConfigMap`s that they refer to: YAML files, or `-` for standard input.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How long to wait until all is known.
    #[arg(long, env = "FILBERT_TIMEOUT", default_value = "60s", value_parser = duration, value_name = "DURATION")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// Which resource: `hazelcast/NAME`; kind or plural before the slash.
    #[arg(value_name = "KIND/NAME")]
    pub(crate) resource: String,
    /// Its namespace.
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    #[command(flatten)]
    pub(crate) secrets: SecretOptions,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// Recordings, as `filbert dev --record DIR` writes them.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) recordings: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ModuleCommand {
    /// Print what a component says of itself, its imports, exports and size.
    Inspect {
        /// The component.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How it is printed.
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

#[derive(Args)]
pub(crate) struct Modules {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    /// How they are printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Crds {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
}

#[derive(Args)]
pub(crate) struct Manifests {
    #[command(flatten)]
    pub(crate) folder: ModuleFolder,
    /// Print the roles only, and what binds them.
    #[arg(long)]
    pub(crate) rbac: bool,
    /// The operator's own namespace.
    #[arg(short, long, default_value = "filbert-system")]
    pub(crate) namespace: String,
    /// Look at the objects of this namespace only, with rights in this namespace only; without it, at those of all.
    #[arg(long, env = "FILBERT_WATCH_NAMESPACE", value_name = "NAMESPACE")]
    pub(crate) watch_namespace: Option<String>,
    /// The operator's image; that of the chart where absent.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
}

#[derive(Args)]
pub(crate) struct Withdraw {
    /// Name of the configurations.
    #[arg(long, env = "FILBERT_WEBHOOK_NAME", default_value = "filbert", value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
}

/// `30s`, `2m`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let wrong = || format!("`{text}` is no duration; `30s`, `2m` and `500ms` are");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        _ => Err(wrong()),
    }
}
