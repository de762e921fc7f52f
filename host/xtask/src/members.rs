//! Real open source members, started with the very documents that samples render to.
//!
//! A member runs as a plain Java process at a loopback address of its own. What a pod gives it, it is given as properties of
//! the virtual machine: where the Kubernetes API is, with which certificate and token, in which namespace. A stand-in
//! answers for that API, and a file for the name service. Its document is not touched.

mod api;
mod process;

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use self::api::Api;
use self::process::Member;
use crate::samples::Sample;
use crate::{java, samples};

/// Versions of members that are started.
const VERSIONS: [&str; 2] = ["5.5.0", "5.7.0"];
/// The image of members that need no licence.
const OPEN_SOURCE: &str = "docker.io/hazelcast/hazelcast:";
/// What loopback addresses of members begin with: far from those that anything else listens at.
const NETWORK: [u8; 2] = [127, 83];

/// A cluster that can be started: its document, and what is expected of it.
struct Cluster {
    /// Of its sample, and the file.
    title: String,
    /// Of its resource.
    name: String,
    document: String,
    /// What clients and members call it.
    called: String,
}

/// How members are tried.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Take the command and the components as they were built last, so that this can run beside a build.
    #[arg(long)]
    built: bool,
}

/// Starts a member for each document and each version; says so and succeeds where there is no Java.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(missing) = java::missing() {
        eprintln!("skipped: no `{missing}` on the path, so no member starts with our configuration documents");
        return Ok(ExitCode::SUCCESS);
    }
    let mut clusters = Vec::new();
    if !options.built {
        samples::build()?;
    }
    for sample in samples::render()? {
        clusters.extend(of_sample(&sample)?);
    }
    ensure!(!clusters.is_empty(), "no sample renders to a document for open source members");
    let folder = java::folder().join("members");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    let mut failed = BTreeSet::new();
    for (major, version) in (1..).zip(VERSIONS) {
        let jar = java::member(version)?;
        let archive = java::folder().join(format!("hazelcast-{version}.jsa"));
        for (minor, cluster) in (1..).zip(&clusters) {
            let address = Ipv4Addr::new(NETWORK[0], NETWORK[1], major, minor);
            let folder = folder.join(version).join(cluster.title.as_str());
            if let Err(error) = start(cluster, &jar, &archive, &folder, address) {
                eprintln!("{} with {version}: {error:#}", cluster.title);
                eprintln!("  its log is {}", folder.join("log").display());
                failed.insert(format!("{} with {version}", cluster.title));
            }
        }
        let well = clusters.len() - failed.iter().filter(|title| title.ends_with(version)).count();
        eprintln!("Hazelcast {version} starts with {well} of {} documents", clusters.len());
    }
    ensure!(failed.is_empty(), "members do not do what is expected: {}", Vec::from_iter(failed).join(", "));
    Ok(ExitCode::SUCCESS)
}

/// The documents of a sample that open source members can start with: those of sets that have their image.
fn of_sample(sample: &Sample) -> Result<Vec<Cluster>> {
    let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let is_open = |set: &&Value| {
        text(set, "/spec/template/spec/containers/0/image").is_some_and(|image| image.starts_with(OPEN_SOURCE))
    };
    let sets = sample.objects.iter().filter(|object| object.get("kind").is_some_and(|kind| kind == "StatefulSet"));
    let Some(name) = sets.filter(is_open).find_map(|set| text(set, "/metadata/name")) else { return Ok(Vec::new()) };
    let documents = sample.documents()?.into_iter().filter(|document| document.text.starts_with("hazelcast:"));
    documents
        .map(|document| {
            let read: Value = serde_saphyr::from_str(&document.text)?;
            let called = text(&read, "/hazelcast/cluster-name").unwrap_or_else(|| "dev".to_owned());
            let title = format!("{}-{}", sample.name, document.file.trim_end_matches(".yaml"));
            Ok(Cluster { title, name: name.clone(), document: document.text, called })
        })
        .collect()
}

/// Starts one member, looks at it, and stops it as a pod is stopped.
fn start(cluster: &Cluster, jar: &Path, archive: &Path, folder: &Path, address: Ipv4Addr) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    let document = folder.join("hazelcast.yaml");
    fs::write(&document, &cluster.document)?;
    let hosts = folder.join("hosts");
    fs::write(&hosts, format!("{address} {}.default.svc.cluster.local\n", cluster.name))?;
    let api = Api::serve(address, &format!("{}-0", cluster.name))?;
    let mut member = Member::start(&options(cluster, jar, archive, &document, &hosts, &api, address)?, folder)?;
    let seen = member.until_ready(address)?;
    ensure!(seen.members == 1, "it sees {} members instead of itself alone", seen.members);
    ensure!(
        seen.cluster_name == cluster.called,
        "it calls its cluster `{}` instead of `{}`",
        seen.cluster_name,
        cluster.called
    );
    member.stop()
}

/// What Java is told: the member, its document, and what only a pod would know.
fn options(
    cluster: &Cluster,
    jar: &Path,
    archive: &Path,
    document: &Path,
    hosts: &Path,
    api: &Api,
    address: Ipv4Addr,
) -> Result<Vec<String>> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is no text");
    let join = "-Dhz.advanced-network.join.kubernetes";
    // Classes that a member needs at its start, kept by the first one that starts.
    let classes = if archive.is_file() { "SharedArchiveFile" } else { "ArchiveClassesAtExit" };
    let mut options = vec![
        format!("-XX:{classes}={}", text(archive)?),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-Xmx128m".to_owned(),
        format!("-Dhazelcast.config={}", text(document)?),
        // Ports are those of the document, so that each member needs an address of its own.
        format!("-Dhazelcast.local.localAddress={address}"),
        "-Dhazelcast.socket.bind.any=false".to_owned(),
        "-Djava.net.preferIPv4Stack=true".to_owned(),
        "-Dhazelcast.phone.home.enabled=false".to_owned(),
        format!("-Djdk.net.hosts.file={}", text(hosts)?),
    ];
    if !cluster.document.contains("service-dns:") {
        options.extend([
            format!("{join}.namespace=default"),
            format!("{join}.kubernetes-master={}", api.url()),
            format!("{join}.api-token=none"),
            format!("{join}.ca-certificate={}", api::CERTIFICATE),
        ]);
    }
    options.extend(["-cp".to_owned(), text(jar)?, "com.hazelcast.core.server.HazelcastMemberStarter".to_owned()]);
    Ok(options)
}

/// Where a member writes what it says.
fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}
