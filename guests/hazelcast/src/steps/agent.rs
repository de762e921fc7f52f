//! The helper beside each member, and its run before a member starts.
//!
//! Members of earlier operators always had it. It moves code and backups between pods and object stores, which this
//! version does not ask it to do, and it starts only with a certificate that this version does not make. So pods have it
//! only where the specification has an `agent` block: those of existing installations do, and keep their pods.

use filbert_guest::k8s::{
    ConfigMapVolumeSource, Container, ContainerPort, EnvVar, SecretVolumeSource, Volume, VolumeMount,
};

use crate::{edition, names, pods};

/// The Secret with the certificate of all agents of a namespace.
pub(super) const CERTIFICATE: &str = "hazelcast-agent-cert";
const CERTIFICATE_DIR: &str = "/var/run/secrets/hazelcast";
const INIT_DIR: &str = "/opt/data/config/";

/// What pods have for the agent.
pub(super) struct Agent {
    /// Beside the member.
    pub(super) sidecar: Container,
    /// Before the member.
    pub(super) init: Container,
    /// The instructions for the run before the member.
    pub(super) init_config: Volume,
    /// The certificate of the agent.
    pub(super) certificate: Volume,
}

/// The containers of the agent, with the data of the member mounted in both.
pub(super) fn containers(cluster: &str, agent: &hazelcast_api::hazelcast::Agent, data: &[VolumeMount]) -> Agent {
    let image = edition::image(&agent.repository, &agent.version);
    let data = || data.iter().filter(|mount| mount.path() == Some(names::PERSISTENCE_DIR)).cloned();
    let certificate = SecretVolumeSource::new().secret_name(CERTIFICATE).default_mode(pods::FILE_MODE);
    let (certificate, certificate_mount) = pods::mount(CERTIFICATE, Volume::new().secret(certificate), CERTIFICATE_DIR);
    let init_config = ConfigMapVolumeSource::new().name(names::init_config(cluster)).default_mode(pods::FILE_MODE);
    let (init_config, init_mount) = pods::mount("agent-config-volume", Volume::new().config_map(init_config), INIT_DIR);
    let health = || pods::probe().http_get(pods::http_get("/health", names::AGENT_PORT));
    let file = |name, file| EnvVar::of(name, format!("{CERTIFICATE_DIR}/{file}")).into();
    let mut sidecar_mounts = vec![
        certificate_mount,
        VolumeMount::at("jet-job-jars-bucket", "/opt/hazelcast/jetJobJars"),
        VolumeMount::at("user-code-bucket", "/opt/hazelcast/userCode/bucket"),
    ];
    sidecar_mounts.extend(data());
    let mut sidecar = Container::new()
        .name("sidecar-agent")
        .image(image.as_str())
        .args(vec!["sidecar".to_owned()])
        .ports(vec![ContainerPort::new().name("sidecar-agent").container_port(names::AGENT_PORT).protocol("TCP")])
        .env(vec![file("BACKUP_CA", "ca.crt"), file("BACKUP_CERT", "tls.crt"), file("BACKUP_KEY", "tls.key")])
        .liveness_probe(health())
        .readiness_probe(health())
        .security_context(pods::container_security())
        .volume_mounts(sidecar_mounts);
    if let Some(resources) = &agent.resources {
        sidecar = sidecar.resources(resources.clone());
    }
    let init = Container::new()
        .name("init-container")
        .image(image)
        .image_pull_policy("IfNotPresent")
        .args(vec!["execute-multiple-commands".to_owned()])
        .env(vec![
            EnvVar::of("CONFIG_FILE", format!("{INIT_DIR}config.yaml")).into(),
            EnvVar::from_field("HOSTNAME", "metadata.name").into(),
        ])
        .security_context(pods::container_security())
        .volume_mounts([init_mount].into_iter().chain(data()).collect::<Vec<_>>());
    Agent { sidecar, init, init_config, certificate }
}
