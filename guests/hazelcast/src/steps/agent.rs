//! The helper beside each member, and its run before a member starts.
//!
//! Members of earlier operators always had it. It moves code and backups between pods and object stores. Beside a member it
//! starts only with a certificate that this version does not make (where it is missing, the step with references says so), so
//! it is there only where the specification has an `agent` block: pods of existing installations have one, and stay as they are. Before a member, or a Management Center, it
//! runs where there is something to fetch, too.

use filbert_guest::k8s::{
    ConfigMapVolumeSource, Container, ContainerPort, EnvVar, SecretVolumeSource, Volume, VolumeMount,
};
use filbert_guest::{Context, ReadError, ResourceType};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{LocalRestore, ModuleDeployment, Restore, Spec};
use hazelcast_api::shapes::{Bucket, BucketSource};
use serde::Deserialize;

use super::stateful_set::Role;
use crate::checksum::fnv1a;
use crate::config::{Layout, Node};
use crate::names::{BUCKET_CODE_DIR, JET_DIR, NAMESPACES_DIR};
use crate::{edition, names, pods};

const CERTIFICATE_DIR: &str = "/var/run/secrets/hazelcast";
const INIT_DIR: &str = "/opt/data/config/";
/// Where backups are below the data, unless people say otherwise.
const BACKUP_DIR: &str = "/hot-backup";

/// What pods have for the agent.
pub(super) struct Agent {
    /// Beside the member, with its certificate.
    pub(super) sidecar: Option<(Container, Volume)>,
    /// Before the member.
    pub(super) init: Container,
    /// The instructions for the run before the member.
    pub(super) init_config: Volume,
}

/// What is fetched into one folder: buckets, each with its Secret, and URLs.
type Fetched<'a> = (Vec<(&'a str, &'a str)>, Vec<&'a str>);

/// What the agent fetches before a member starts, for the class path and for jobs.
struct Sources<'a> {
    code: Fetched<'a>,
    jobs: Fetched<'a>,
    restore: Option<&'a Restore>,
}

/// The single bucket of earlier specifications, and those of a list.
fn buckets<'a>(single: Option<&'a Bucket>, list: &'a [BucketSource]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let single = single.map(|bucket| (bucket.bucket_uri.as_str(), bucket.secret().unwrap_or_default()));
    let list =
        list.iter().map(|bucket| (bucket.bucket_uri.as_str(), bucket.secret_name.as_deref().unwrap_or_default()));
    single.into_iter().chain(list)
}

impl<'a> Sources<'a> {
    fn of(spec: &'a Spec) -> Self {
        let code = spec.user_code_deployment.iter();
        let modules = spec.module_deployment.iter();
        let code_buckets =
            code.clone().flat_map(|code| buckets(code.bucket_config.as_ref(), &code.bucket_configs)).chain(
                modules.clone().flat_map(|modules| buckets(modules.bucket_config.as_ref(), &modules.bucket_configs)),
            );
        let code_urls = code.flat_map(|code| &code.remote_urls).chain(modules.flat_map(|modules| &modules.remote_urls));
        Self {
            code: (code_buckets.collect(), code_urls.map(String::as_str).collect()),
            jobs: (
                buckets(spec.jet.bucket_config.as_ref(), &spec.jet.bucket_configs).collect(),
                spec.jet.remote_urls.iter().map(String::as_str).collect(),
            ),
            restore: spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref()),
        }
    }

    fn has_code(&self) -> bool {
        !self.code.0.is_empty() || !self.code.1.is_empty()
    }

    fn has_jobs(&self) -> bool {
        !self.jobs.0.is_empty() || !self.jobs.1.is_empty()
    }
}

/// The Secrets that the run before a member reads; nothing where it reads none. That of a `HotBackup` is not known here.
pub(super) fn credentials(spec: &Spec) -> Option<Vec<String>> {
    let sources = Sources::of(spec);
    let restore = sources.restore.and_then(|restore| restore.bucket_config.as_ref()).and_then(Bucket::secret);
    let buckets = sources.code.0.iter().chain(&sources.jobs.0).map(|(_, secret)| *secret).chain(restore);
    let mut names: Vec<_> = buckets.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then_some(names)
}

/// The containers of the agent, with the data of the member mounted in both; nothing where it has nothing to do. Beside a
/// member without data it has nothing to do.
pub(super) fn containers(cluster: &str, spec: &Spec, role: Role, mounts: &[VolumeMount]) -> Option<Agent> {
    let sources = Sources::of(spec);
    let is_beside = spec.agent.is_some() && role == Role::Data;
    if !is_beside && !sources.has_code() && !sources.has_jobs() && sources.restore.is_none() {
        return None;
    }
    let agent = spec.agent.clone().unwrap_or_default();
    let image = edition::image(&agent.repository, &agent.version);
    let at = |path: &'static str| mounts.iter().filter(move |mount| mount.path() == Some(path)).cloned();
    let mut init_mounts = Vec::new();
    if sources.has_code() {
        init_mounts.extend(at(BUCKET_CODE_DIR));
    }
    if sources.has_jobs() {
        init_mounts.extend(at(JET_DIR));
    }
    init_mounts.extend(at(names::PERSISTENCE_DIR).chain(at(NAMESPACES_DIR)));
    let (init, init_config) = run_before(cluster, &image, init_mounts);
    let init = match spec.init_container.as_ref().and_then(|container| container.resources.as_ref()) {
        Some(resources) => init.resources(resources.clone()),
        None => init,
    };
    let sidecar_mounts = [JET_DIR, BUCKET_CODE_DIR, names::PERSISTENCE_DIR, NAMESPACES_DIR].into_iter().flat_map(at);
    let sidecar = is_beside.then(|| sidecar(&agent, image, sidecar_mounts));
    Some(Agent { sidecar, init, init_config })
}

/// The container that runs before others of a pod, with these volumes, and the volume with its instructions: those that are
/// kept beside the resource of this name.
pub(super) fn run_before(resource: &str, image: &str, volumes: Vec<VolumeMount>) -> (Container, Volume) {
    let instructions = ConfigMapVolumeSource::new().name(names::init_config(resource)).default_mode(pods::FILE_MODE);
    let (instructions, mount) = pods::mount("agent-config-volume", Volume::new().config_map(instructions), INIT_DIR);
    let container = Container::new()
        .name("init-container")
        .image(image)
        .image_pull_policy("IfNotPresent")
        .args(vec!["execute-multiple-commands".to_owned()])
        .env(vec![
            EnvVar::of("CONFIG_FILE", format!("{INIT_DIR}config.yaml")).into(),
            EnvVar::from_field("HOSTNAME", "metadata.name").into(),
        ])
        .security_context(pods::container_security())
        .volume_mounts([mount].into_iter().chain(volumes).collect::<Vec<_>>());
    (container, instructions)
}

fn sidecar(
    agent: &hazelcast_api::hazelcast::Agent,
    image: String,
    mounts: impl Iterator<Item = VolumeMount>,
) -> (Container, Volume) {
    let certificate = SecretVolumeSource::new().secret_name(names::AGENT_CERTIFICATE).default_mode(pods::FILE_MODE);
    let (certificate, certificate_mount) =
        pods::mount(names::AGENT_CERTIFICATE, Volume::new().secret(certificate), CERTIFICATE_DIR);
    let health = || pods::probe().http_get(pods::http_get("/health", names::AGENT_PORT));
    let file = |name, file| EnvVar::of(name, format!("{CERTIFICATE_DIR}/{file}")).into();
    let mut sidecar = Container::new()
        .name("sidecar-agent")
        .image(image)
        .args(vec!["sidecar".to_owned()])
        .ports(vec![ContainerPort::new().name("sidecar-agent").container_port(names::AGENT_PORT).protocol("TCP")])
        .env(vec![file("BACKUP_CA", "ca.crt"), file("BACKUP_CERT", "tls.crt"), file("BACKUP_KEY", "tls.key")])
        .liveness_probe(health())
        .readiness_probe(health())
        .security_context(pods::container_security())
        .volume_mounts([certificate_mount].into_iter().chain(mounts).collect::<Vec<_>>());
    if let Some(resources) = &agent.resources {
        sidecar = sidecar.resources(resources.clone());
    }
    (sidecar, certificate)
}

/// What the agent is told to do before a member starts.
pub(super) struct Instructions {
    /// The document that it reads. The agent knows its keys.
    pub(super) document: Node,
    /// What keeps something from being told.
    pub(super) problem: Option<String>,
}

/// Everything that is to be fetched, each into its folder: nothing takes the place of anything else.
pub(super) fn instructions(cx: &Context<Hazelcast>, layout: Layout) -> Result<Instructions, ReadError> {
    let sources = Sources::of(&cx.object().spec);
    let download = downloads(&[(&sources.code, BUCKET_CODE_DIR), (&sources.jobs, JET_DIR)]);
    let (restore, problem) = match sources.restore {
        None => (Node::new(), None),
        Some(source) => match restore(cx, source, layout)? {
            Ok(restore) => (restore, None),
            Err(problem) => (Node::new(), Some(problem)),
        },
    };
    let container = Node::new().with_any("download", download).with_any("restore", restore);
    Ok(Instructions { document: Node::new().with("initContainer", container), problem })
}

/// What is fetched into which folder.
fn downloads(folders: &[(&Fetched<'_>, &str)]) -> Node {
    let buckets = folders
        .iter()
        .flat_map(|((buckets, _), folder)| buckets.iter().map(move |(uri, secret)| download(uri, secret, folder)));
    let urls = folders
        .iter()
        .filter(|((_, urls), _)| !urls.is_empty())
        .map(|((_, urls), folder)| Node::new().with("destination", *folder).with("urls", urls.join(",")));
    Node::new().with_any("buckets", buckets.collect::<Vec<_>>()).with_any("urls", urls.collect::<Vec<_>>())
}

/// What the agent is told where it fetches jars alone; nothing where there is nothing to fetch.
pub(super) fn fetching(modules: &ModuleDeployment) -> Option<Node> {
    let buckets = buckets(modules.bucket_config.as_ref(), &modules.bucket_configs).collect();
    let fetched: Fetched<'_> = (buckets, modules.remote_urls.iter().map(String::as_str).collect());
    if fetched.0.is_empty() && fetched.1.is_empty() {
        return None;
    }
    let download = downloads(&[(&fetched, BUCKET_CODE_DIR)]);
    Some(Node::new().with("initContainer", Node::new().with("download", download)))
}

fn download(uri: &str, secret: &str, folder: &str) -> Node {
    Node::new().with("destination", folder).with("secretName", secret).with("bucketURI", uri)
}

/// A `HotBackup`, as far as restoring it goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Backup {
    spec: BackupSpec,
    status: BackupStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BackupSpec {
    #[serde(rename = "bucketURI")]
    bucket_uri: String,
    secret: Option<String>,
    secret_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BackupStatus {
    state: String,
    #[serde(rename = "backupUUIDs")]
    backup_uuids: Vec<String>,
}

/// Where `HotBackup`s are served.
pub const BACKUPS: ResourceType = ResourceType::new("hazelcast.com", "v1alpha1", "hotbackups");

/// What is restored from where; or a sentence that says why nothing is.
fn restore(cx: &Context<Hazelcast>, source: &Restore, layout: Layout) -> Result<Result<Node, String>, ReadError> {
    let base = layout.base_dir();
    let id = restore_id(source);
    if let Some(bucket) = &source.bucket_config {
        return Ok(Ok(from_bucket(&bucket.bucket_uri, bucket.secret().unwrap_or_default(), base, &id)));
    }
    if let Some(local) = &source.local_config {
        let folder = local.backup_folder.as_deref().unwrap_or_default();
        let source = local.base_dir.as_deref().filter(|dir| !dir.is_empty()).unwrap_or(base);
        let backups = local.backup_dir.as_deref().filter(|dir| !dir.is_empty()).unwrap_or(BACKUP_DIR);
        return Ok(Ok(from_volume(folder, source, backups, base, &id)));
    }
    let Some(name) = source.hot_backup_resource_name.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(Ok(Node::new()));
    };
    let problem = |problem: &str| {
        Ok(Err(format!("spec.persistence.restore.hotBackupResourceName: {problem}; nothing is restored until then")))
    };
    if !cx.serves(BACKUPS) {
        return problem("this API server knows no HotBackup");
    }
    let read = cx.read(BACKUPS, name).fields(&["spec", "status.state", "status.backupUUIDs"]);
    let Some(backup) = read.get::<Backup>()? else { return problem(&format!("there is no HotBackup {name}")) };
    if backup.status.state != "Success" {
        return problem(&format!("the HotBackup {name} has not succeeded"));
    }
    let Some(first) = backup.status.backup_uuids.first() else {
        return problem(&format!("the HotBackup {name} names no backup"));
    };
    if backup.spec.bucket_uri.is_empty() {
        let folder = first.rsplit_once('/').map_or(first.as_str(), |(folder, _)| folder);
        return Ok(Ok(from_volume(folder, base, BACKUP_DIR, base, &id)));
    }
    let bucket = Bucket { bucket_uri: String::new(), secret: backup.spec.secret, secret_name: backup.spec.secret_name };
    Ok(Ok(from_bucket(&folder_of_backup(first), bucket.secret().unwrap_or_default(), base, &id)))
}

fn from_bucket(uri: &str, secret: &str, base: &str, id: &str) -> Node {
    let bucket =
        Node::new().with("bucket", uri).with("destination", base).with("secretName", secret).with("restoreID", id);
    Node::new().with("bucket", bucket)
}

fn from_volume(folder: &str, source: &str, backups: &str, base: &str, id: &str) -> Node {
    let volume = Node::new()
        .with("backupSequenceFolderName", folder)
        .with("backupSourceBaseDir", source)
        .with("backupDestinationBaseDir", base)
        .with("backupDir", backups)
        .with("restoreID", id);
    Node::new().with("pvc", volume)
}

/// The bucket with the backups of all members, of the key of one: the prefix without its last part.
fn folder_of_backup(key: &str) -> String {
    let Some((bucket, query)) = key.split_once('?') else { return String::new() };
    let parts = query.split('&').map(|part| match part.strip_prefix("prefix=") {
        Some(prefix) => {
            let prefix = prefix.replace("%2F", "/").replace("%2f", "/");
            let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("prefix={}/", folder.trim_end_matches('/'))
        }
        None => part.to_owned(),
    });
    format!("{bucket}?{}", parts.collect::<Vec<_>>().join("&"))
}

/// By which the agent knows that it did this restore before: a hash of what people wrote, as earlier operators take it.
fn restore_id(source: &Restore) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut fields = Vec::new();
    if let Some(bucket) = &source.bucket_config {
        fields.push(format!(
            r#""bucketConfig":{{"secret":{},"secretName":{},"bucketURI":{}}}"#,
            text(bucket.secret.as_deref().unwrap_or_default()),
            text(bucket.secret_name.as_deref().unwrap_or_default()),
            text(&bucket.bucket_uri),
        ));
    }
    if let Some(name) = source.hot_backup_resource_name.as_deref().filter(|name| !name.is_empty()) {
        fields.push(format!(r#""hotBackupResourceName":{}"#, text(name)));
    }
    if let Some(local) = &source.local_config {
        let LocalRestore { backup_dir, backup_folder, base_dir, pvc_name_prefix } = local;
        let prefix = serde_json::to_value(pvc_name_prefix).ok().and_then(|it| it.as_str().map(str::to_owned));
        let parts = [
            ("pvcNamePrefix", &prefix),
            ("baseDir", base_dir),
            ("backupDir", backup_dir),
            ("backupFolder", backup_folder),
        ];
        let parts = parts.into_iter().filter_map(|(name, value)| {
            Some(format!(r#""{name}":{}"#, text(value.as_deref().filter(|value| !value.is_empty())?)))
        });
        fields.push(format!(r#""localConfig":{{{}}}"#, parts.collect::<Vec<_>>().join(",")));
    }
    fnv1a(format!("{{{}}}", fields.join(",")).as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(cx: &Context<Hazelcast>) -> Value {
        let Instructions { document, problem } = instructions(cx, Layout::BaseDir).expect("instructions");
        let read: Value = serde_saphyr::from_str(&document.to_yaml()).expect("YAML");
        json!({"do": read["initContainer"], "problem": problem})
    }

    fn cluster(spec: Value) -> Context<Hazelcast> {
        Context::test("library", json!({"spec": spec}))
    }

    #[test]
    fn nothing_to_do_is_told_as_ever() {
        let Instructions { document, .. } = instructions(&cluster(json!({})), Layout::BaseDir).expect("instructions");
        assert_eq!(document.to_yaml(), "initContainer: {}\n");
    }

    #[test]
    fn every_source_is_fetched_into_its_folder() {
        let bucket = |secret: &str| json!({"bucketURI": "s3://shelf", "secretName": secret});
        let told = told(&cluster(json!({
            "userCodeDeployment": {"bucketConfig": bucket("a"), "remoteURLs": ["https://x/1.jar", "https://x/2.jar"]},
            "jet": {"bucketConfig": {"bucketURI": "gs://jobs", "secret": "b"}, "remoteURLs": ["https://x/3.jar"]},
        })));
        let (code, jobs) = ("/opt/hazelcast/userCode/bucket", "/opt/hazelcast/jetJobJars");
        assert_eq!(
            told["do"]["download"],
            json!({
                "buckets": [
                    {"destination": code, "secretName": "a", "bucketURI": "s3://shelf"},
                    {"destination": jobs, "secretName": "b", "bucketURI": "gs://jobs"},
                ],
                "urls": [
                    {"destination": code, "urls": "https://x/1.jar,https://x/2.jar"},
                    {"destination": jobs, "urls": "https://x/3.jar"},
                ],
            })
        );
    }

    #[test]
    fn several_buckets_and_modules_are_fetched_too() {
        let source = |uri: &str| json!({"bucketURI": uri, "secretName": "cloud"});
        let told = told(&cluster(json!({
            "userCodeDeployment": {"bucketConfig": source("s3://a"), "bucketConfigs": [source("s3://b")]},
            "moduleDeployment": {"bucketConfigs": [source("s3://c")], "remoteURLs": ["https://x/1.jar"]},
            "jet": {"bucketConfigs": [source("s3://d")]},
        })));
        let buckets: Vec<_> = told["do"]["download"]["buckets"]
            .as_array()
            .expect("buckets")
            .iter()
            .map(|bucket| bucket["bucketURI"].clone())
            .collect();
        assert_eq!(buckets, ["s3://a", "s3://b", "s3://c", "s3://d"]);
        assert_eq!(told["do"]["download"]["urls"][0]["urls"], "https://x/1.jar");
    }

    fn restoring(restore: Value) -> Context<Hazelcast> {
        cluster(json!({"persistence": {"restore": restore}}))
    }

    #[test]
    fn a_backup_is_restored_from_a_bucket() {
        let told =
            told(&restoring(json!({"bucketConfig": {"secretName": "br-secret", "bucketURI": "gs://bucket/backup"}})));
        assert_eq!(
            told["do"]["restore"]["bucket"],
            json!({
                "bucket": "gs://bucket/backup", "destination": "/data/persistence/base-dir", "secretName": "br-secret",
                "restoreID": "1647580122",
            })
        );
    }

    #[test]
    fn a_backup_is_restored_from_the_volume() {
        let told = told(&restoring(json!({"localConfig": {"backupFolder": "backup-1", "backupDir": "/saved"}})));
        let mut volume = told["do"]["restore"]["pvc"].clone();
        volume.as_object_mut().expect("an object").remove("restoreID");
        assert_eq!(
            volume,
            json!({
                "backupSequenceFolderName": "backup-1", "backupSourceBaseDir": "/data/persistence/base-dir",
                "backupDestinationBaseDir": "/data/persistence/base-dir", "backupDir": "/saved",
            })
        );
    }

    fn hot_backup(spec: Value, state: &str, keys: Value) -> Context<Hazelcast> {
        let status = json!({"state": state, "backupUUIDs": keys});
        restoring(json!({"hotBackupResourceName": "my-hb"}))
            .with_served(BACKUPS)
            .with(BACKUPS, json!({"metadata": {"name": "my-hb"}, "spec": spec, "status": status}))
    }

    #[test]
    fn a_hot_backup_is_restored_from_where_it_was_put() {
        let local = told(&hot_backup(json!({}), "Success", json!(["backup-9/one", "backup-9/two"])));
        assert_eq!(local["do"]["restore"]["pvc"]["backupSequenceFolderName"], "backup-9");
        assert_eq!(local["do"]["restore"]["pvc"]["restoreID"], "1515158674");
        let key = "s3://shelf?prefix=library%2F2022-06-02%2Fone.tar.gz&region=north";
        let spec = json!({"bucketURI": "s3://shelf", "secretName": "cloud"});
        let external = told(&hot_backup(spec, "Success", json!([key])));
        let bucket = &external["do"]["restore"]["bucket"];
        assert_eq!(bucket["bucket"], "s3://shelf?prefix=library/2022-06-02/&region=north");
        assert_eq!(bucket["secretName"], "cloud");
    }

    #[test]
    fn a_hot_backup_that_cannot_be_restored_is_named() {
        #[expect(clippy::useless_vec, reason = "an array of these is too large for the stack")]
        for (cx, words) in vec![
            (restoring(json!({"hotBackupResourceName": "my-hb"})), "knows no HotBackup"),
            (restoring(json!({"hotBackupResourceName": "my-hb"})).with_served(BACKUPS), "no HotBackup my-hb"),
            (hot_backup(json!({}), "InProgress", json!([])), "has not succeeded"),
            (hot_backup(json!({}), "Success", json!([])), "names no backup"),
        ] {
            let told = told(&cx);
            assert!(told["problem"].as_str().is_some_and(|problem| problem.contains(words)), "{told}");
            assert_eq!(told["do"], json!({}));
        }
    }
}
