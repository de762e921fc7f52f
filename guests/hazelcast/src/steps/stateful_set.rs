//! The pods of members.

use std::collections::BTreeMap;

use filbert_guest::k8s::{
    ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, Given, KeyToPath, LabelSelector,
    Map, PodDisruptionBudget, PodDisruptionBudgetSpec, PodSpec, PodTemplateSpec, SecretVolumeSource, StatefulSet,
    StatefulSetSpec, TemplateMeta, Volume, VolumeMount,
};
use filbert_guest::{Context, Plan, ReadError, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{
    ClaimsWhenDeleted, Collector, ConfigMapKey, HighAvailabilityMode, IpFamily, LoggingLevel, MemberAccess, Spec,
};
use serde_json::{Value, json};

use super::agent::{self, Agent};
use super::scaling::{self, Scale};
use super::{adoption, claims, configuration};
use super::{client_port, labels, member_access, size, wan};
use crate::checksum::fnv1a;
use crate::edition::Members;
use crate::names::{
    self, ANNOTATION_CHECKSUM, ANNOTATION_MEMBER_ACCESS, ANNOTATION_SERVICE_COUNT, Application, BUCKET_CODE_DIR,
    JET_DIR, NAMESPACES_DIR, URL_CODE_DIR,
};
use crate::{config, pods};

/// How members write their log.
const LOGGING_PATTERN: &str = r#"{"time":"%date{ISO8601}", "level": "%level", "threadName": "%threadName", "logger": "%logger{36}", "msg": "%enc{%m %xEx}{JSON}"}%n"#;

/// The pods of members.
pub struct MemberSet;

impl Step for MemberSet {
    type Resource = Hazelcast;
    const NAME: &'static str = "stateful-set";
    const SUMMARY: &'static str = "the pods of the members";
    const LEAVES: &'static [&'static str] = &[SCALING, adoption::KEPT];

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &scaling::with_size_of_cp(cx)?;
        let claims = claims::of_members(cx)?;
        let backups = cx.fact(&configured(configuration::BACKUPS));
        let Scale { replicas, why, waiting, notes } = Scale::of(cx, backups.as_ref())?;
        let mut annotations = spec.annotations.clone();
        annotations.extend(notes);
        if member_access(spec).is_some() {
            annotations.insert(ANNOTATION_SERVICE_COUNT.to_owned(), size(spec).max(replicas).to_string());
        }
        let mut pods = adoption::pods(cx, cx.name(), template(cx, cx.name(), spec, Role::Data, &claims.mounts)?)?;
        annotations.append(&mut pods.annotations);
        let mut set = StatefulSetSpec::new()
            .replicas(i64::from(replicas))
            .service_name(cx.name())
            .pod_management_policy("Parallel")
            .selector(LabelSelector::new().match_labels(selector(cx)))
            .template(pods.template.clone());
        if !claims.templates.is_empty() {
            set = set.volume_claim_templates(claims.templates);
        }
        let safety = spec.data_safety.clone().unwrap_or_default();
        if let Some(when_deleted) = safety.volume_claims_when_deleted {
            // Those of a member that is no longer wanted always stay: a pause is no end.
            set = set.persistent_volume_claim_retention_policy(
                json!({"whenDeleted": when_deleted, "whenScaled": ClaimsWhenDeleted::Retain}),
            );
        }
        let set = StatefulSet::new(cx.name()).labels(labels(cx)).annotations(annotations).spec(set);
        let plan = pods.tell(Plan::default().apply(set).because(why));
        let plan = match safety.pod_disruption_budget {
            Some(true) => {
                plan.apply(budget(cx)).because("one member at a time may be taken away for the good of a node")
            }
            Some(false) | None => plan,
        };
        // Nothing that follows has to wait for it, and the last step says what is going on.
        Ok(match waiting {
            None => plan,
            Some(waiting) => plan.fact(SCALING, waiting),
        })
    }
}

/// How many members may be taken away at a time. Members without data hold nothing that could be lost.
fn budget(cx: &Context<Hazelcast>) -> PodDisruptionBudget {
    let others = json!({"key": names::LABEL_ROLE, "operator": "DoesNotExist"});
    let members = LabelSelector::new().match_labels(selector(cx)).match_expressions(vec![others]);
    PodDisruptionBudget::new(cx.name())
        .labels(labels(cx))
        .annotations(cx.object().spec.annotations.clone())
        .spec(PodDisruptionBudgetSpec::new().max_unavailable(1_i64).selector(members))
}

/// What the step with the configuration left.
fn configured(fact: &str) -> String {
    format!("{}/{fact}", configuration::Configuration::NAME)
}

/// What this step leaves where there are other pods than people want.
pub(super) const SCALING: &str = "scaling";

/// The pods of members without data. There are none unless people ask for them.
pub struct LiteMembers;

impl Step for LiteMembers {
    type Resource = Hazelcast;
    const NAME: &'static str = "lite-members";
    const SUMMARY: &'static str = "the pods of members without data";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let Some(lite) = config::of_lite_members(&cx.object().spec) else { return Ok(Plan::default()) };
        // Alone they could hold nothing: a cluster that is paused is paused as a whole.
        let count = if size(&cx.object().spec) == 0 { 0 } else { size(&lite) };
        let name = names::lite(cx.name());
        let set = StatefulSetSpec::new()
            .replicas(i64::from(count))
            .service_name(cx.name())
            .pod_management_policy("Parallel")
            .selector(LabelSelector::new().match_labels(Role::Lite.label(selector(cx))))
            .template(template(cx, &name, &lite, Role::Lite, &[])?);
        let set = StatefulSet::new(name)
            .labels(Role::Lite.label(labels(cx)))
            .annotations(cx.object().spec.annotations.clone())
            .spec(set);
        Ok(Plan::default().apply(set).because("members without data are wanted"))
    }
}

/// What a member is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Holds data.
    Data,
    /// Holds none.
    Lite,
}

impl Role {
    /// Labels, with that of the role.
    fn label(self, mut labels: Map) -> Map {
        if self == Self::Lite {
            labels.insert(names::LABEL_ROLE.to_owned(), "lite".to_owned());
        }
        labels
    }

    /// What it starts with.
    fn document(self) -> &'static str {
        match self {
            Self::Data => configuration::DOCUMENT,
            Self::Lite => configuration::LITE_DOCUMENT,
        }
    }
}

fn selector(cx: &Context<Hazelcast>) -> Map {
    Application::Hazelcast.selector(cx.name()).into_iter().collect()
}

/// The pods of the set of this name.
fn template(
    cx: &Context<Hazelcast>,
    set: &str,
    spec: &Spec,
    role: Role,
    claims: &[VolumeMount],
) -> Result<PodTemplateSpec, ReadError> {
    let pods::Marks { labels, mut annotations } =
        pods::marks(cx, set, role.label(labels(cx)), &role.label(selector(cx)), &spec.annotations)?;
    annotations.insert(ANNOTATION_CHECKSUM.to_owned(), config::restart_checksum(spec).to_string());
    if let Some(modules) = &spec.module_deployment {
        // What is fetched is named outside of the pod; a change is to start it again.
        let modules = serde_json::to_string(modules).unwrap_or_default();
        annotations.insert(names::ANNOTATION_MODULES.to_owned(), fnv1a(modules.as_bytes()).to_string());
    }
    let checksums: BTreeMap<String, u32> = cx.fact(&configured(configuration::CHECKSUMS)).unwrap_or_default();
    if let Some(checksum) = checksums.get(role.document()) {
        annotations.insert(names::ANNOTATION_CONFIGURATION.to_owned(), checksum.to_string());
    }
    if let Some(trigger) = code_trigger(cx, spec) {
        annotations.insert(names::ANNOTATION_CODE.to_owned(), trigger);
    }
    if let Some(access) = member_access(spec) {
        annotations.insert(ANNOTATION_MEMBER_ACCESS.to_owned(), access_name(access).to_owned());
    }
    let (mut volumes, mut mounts): (Vec<_>, Vec<_>) = volumes(cx).into_iter().unzip();
    // Where pods of existing installations have things: an order that differs would restart them.
    let data = usize::from(claims.first().is_some_and(|mount| mount.path() == Some(names::PERSISTENCE_DIR)));
    let namespaces = spec.user_code_namespaces.as_ref().map(|_| {
        pods::mount("user-code-namespace", Volume::new().empty_dir(EmptyDirVolumeSource::new()), NAMESPACES_DIR)
    });
    mounts.extend(claims.iter().take(data).cloned());
    mounts.extend(namespaces.iter().map(|(_, mount)| mount.clone()));
    mounts.extend(claims.iter().skip(data).cloned());
    let mut init_containers = Vec::new();
    let mut sidecars = Vec::new();
    if let Some(Agent { sidecar, init, init_config }) = agent::containers(cx.name(), spec, role, &mounts) {
        init_containers.push(init);
        volumes.insert(1, init_config);
        if let Some((sidecar, certificate)) = sidecar {
            sidecars.push(sidecar);
            volumes.push(certificate);
        }
    }
    volumes.extend(namespaces.map(|(volume, _)| volume));
    for (volume, mount) in code_volumes(spec).into_iter().chain(logging_volume(spec)) {
        volumes.push(volume);
        mounts.push(mount);
    }
    let containers: Vec<_> = [member(spec, role, mounts)].into_iter().chain(sidecars).collect();
    let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(cx.name());
    let mut pod = PodSpec::new()
        .service_account_name(account)
        .termination_grace_period_seconds(config::grace_seconds(spec))
        .security_context(pods::security(pods::chooses_users(cx)))
        .containers(containers)
        .volumes(volumes);
    if !init_containers.is_empty() {
        pod = pod.init_containers(init_containers);
    }
    if !spec.image_pull_secrets.is_empty() {
        pod = pod.image_pull_secrets(pods::pull_secrets(&spec.image_pull_secrets));
    }
    let pod = pods::schedule(pod, spec.scheduling.as_ref(), spread(cx));
    let metadata = TemplateMeta::new().labels(labels).annotations(annotations);
    Ok(PodTemplateSpec::new().metadata(metadata).spec(pod))
}

/// What makes pods start again to fetch code from buckets and URLs anew: neither is named in them. That from `ConfigMap`s is
/// fetched anew by the names of their volumes. Pods that an earlier operator made with it do not start again for it.
fn code_trigger(cx: &Context<Hazelcast>, spec: &Spec) -> Option<String> {
    let code = spec.user_code_deployment.as_ref()?;
    let fetches = code.bucket_config.is_some() || !code.bucket_configs.is_empty() || !code.remote_urls.is_empty();
    let trigger = code.trigger_sequence.as_ref().filter(|trigger| fetches && !trigger.is_empty())?;
    let noted = cx.metadata().annotations.get(names::ANNOTATION_LAST_SUCCESSFUL);
    let noted: Option<Spec> = noted.and_then(|text| serde_json::from_str(text).ok());
    let earlier = noted.and_then(|noted| noted.user_code_deployment?.trigger_sequence);
    (earlier.as_ref() != Some(trigger)).then(|| trigger.clone())
}

fn access_name(access: MemberAccess) -> &'static str {
    match access {
        MemberAccess::NodePortExternalIp => "NodePortExternalIP",
        MemberAccess::NodePortNodeName => "NodePortNodeName",
        MemberAccess::LoadBalancer => "LoadBalancer",
    }
}

/// Members of one cluster keep apart from each other, as far as nodes or zones allow, or wait where they do not.
fn spread(cx: &Context<Hazelcast>) -> Vec<Value> {
    let spec = &cx.object().spec;
    let waits = spec.data_safety.as_ref().and_then(|safety| safety.require_spread) == Some(true);
    let key = match spec.high_availability_mode {
        None => return Vec::new(),
        // Nodes of one placement group have no label in common that Kubernetes knows.
        Some(HighAvailabilityMode::Node | HighAvailabilityMode::Placement) => "kubernetes.io/hostname",
        Some(HighAvailabilityMode::Zone) => "topology.kubernetes.io/zone",
    };
    vec![json!({
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": if waits { "DoNotSchedule" } else { "ScheduleAnyway" },
        "labelSelector": {"matchLabels": selector(cx)},
    })]
}

/// The container of a member. It is the first one: people and tools look there.
fn member(spec: &Spec, role: Role, mounts: Vec<VolumeMount>) -> Container {
    let health = |path| pods::probe().http_get(pods::http_get(path, names::REST_PORT));
    let container = Container::new()
        .name("hazelcast")
        .image(Members::of(spec).image())
        .image_pull_policy(spec.image_pull_policy.as_str())
        .env(environment(spec, role))
        .ports(ports(spec))
        .liveness_probe(health("/hazelcast/health/node-state"))
        .readiness_probe(health(readiness_path(Members::of(spec).version)))
        .security_context(pods::container_security())
        .volume_mounts(mounts);
    let container = if spec.env_from.is_empty() { container } else { container.env_from(spec.env_from.clone()) };
    match &spec.resources {
        Some(resources) => container.resources(resources.clone()),
        None => container,
    }
}

/// Where a configuration of the logger is mounted.
const LOGGING_DIR: &str = "/data/logging";

/// `ConfigMap` and key of a configuration of the logger, and the name of its file.
fn logging(spec: &Spec) -> Option<(&str, &ConfigMapKey, &'static str)> {
    let key = spec.logging_configuration.as_ref()?.config_map_key_ref.as_ref()?;
    Some((key.name.as_deref().filter(|name| !name.is_empty())?, key, "log4j2.properties"))
}

fn environment(spec: &Spec, role: Role) -> Vec<Given<EnvVar>> {
    let mut variables = vec![
        EnvVar::of("JAVA_OPTS", java_options(spec, role)),
        EnvVar::of("HZ_PARDOT_ID", "operator"),
        // Members tell nobody about themselves unless people want them to.
        EnvVar::of("HZ_PHONE_HOME_ENABLED", "false"),
        EnvVar::of("LOGGING_PATTERN", LOGGING_PATTERN),
        EnvVar::of("LOGGING_LEVEL", level_name(spec.logging_level)),
        EnvVar::of("CLASSPATH", class_path(spec)),
    ];
    if let Some(licence) = Members::of(spec).licence {
        variables.push(EnvVar::from_secret("HZ_LICENSEKEY", licence, names::LICENCE_KEY));
    }
    if spec.discovery.is_some() {
        // By it members know their own pod. Without it they take the name of their host, which is the same.
        variables.push(EnvVar::from_field("POD_NAME", "metadata.name"));
    }
    if let Some((_, _, file)) = logging(spec) {
        variables.push(EnvVar::of("LOGGING_CONFIG", format!("{LOGGING_DIR}/{file}")));
    }
    pods::variables(variables, &spec.env)
}

fn java_options(spec: &Spec, role: Role) -> String {
    const STALE_JOIN: &str = "-Dhazelcast.stale.join.prevention.duration.seconds";
    let mut options = vec![
        format!("-Dhazelcast.config={}/{}", names::CONFIG_DIR, role.document()),
        "-XX:+UseContainerSupport".to_owned(),
    ];
    let jvm = spec.jvm.clone().unwrap_or_default();
    let memory = jvm.memory.unwrap_or_default();
    for (option, value) in [
        ("InitialRAMPercentage", memory.initial_ram_percentage),
        ("MinRAMPercentage", memory.min_ram_percentage),
        ("MaxRAMPercentage", memory.max_ram_percentage),
    ] {
        options.extend(value.map(|value| format!("-XX:{option}={value}")));
    }
    let says = |key: &str| jvm.args.iter().any(|arg| arg.split('=').next() == Some(key));
    let stale = spec.data_safety.as_ref().and_then(|safety| safety.stale_join_prevention_seconds).unwrap_or(5);
    let stale_join = (!says(STALE_JOIN)).then(|| format!("{STALE_JOIN}={stale}"));
    options.extend(jvm.args.iter().cloned());
    options.extend(stale_join);
    if spec.ip_family == Some(IpFamily::Ipv6) {
        options.extend(["-Djava.net.preferIPv4Stack=false", "-Djava.net.preferIPv6Addresses=true"].map(str::to_owned));
    }
    options.extend(jvm.debug.filter(|debug| debug.enabled).map(|debug| {
        let suspend = if debug.suspend { 'y' } else { 'n' };
        match debug.attach.filter(|attach| !attach.is_empty()) {
            Some(debugger) => {
                format!("-agentlib:jdwp=transport=dt_socket,server=n,suspend={suspend},address={debugger}")
            }
            None => format!("-agentlib:jdwp=transport=dt_socket,server=y,suspend={suspend},address=*:{}", debug.port),
        }
    }));
    let gc = jvm.gc.unwrap_or_default();
    if gc.logging == Some(true) {
        options.push("-verbose:gc".to_owned());
    }
    let collector = gc.collector.map(|collector| match collector {
        Collector::Serial => "-XX:+UseSerialGC",
        Collector::Parallel => "-XX:+UseParallelGC",
        Collector::G1 => "-XX:+UseG1GC",
    });
    options.extend(collector.map(str::to_owned));
    options.join(" ")
}

fn level_name(level: LoggingLevel) -> &'static str {
    match level {
        LoggingLevel::Off => "OFF",
        LoggingLevel::Fatal => "FATAL",
        LoggingLevel::Error => "ERROR",
        LoggingLevel::Warn => "WARN",
        LoggingLevel::Info => "INFO",
        LoggingLevel::Debug => "DEBUG",
        LoggingLevel::Trace => "TRACE",
        LoggingLevel::All => "ALL",
    }
}

fn class_path(spec: &Spec) -> String {
    let config_maps = code_config_maps(spec).into_iter().map(|(name, _)| name);
    let further = config_maps.map(|config_map| format!("{}/*", config_map_code_dir(config_map)));
    let fixed = [format!("{BUCKET_CODE_DIR}/*"), format!("{URL_CODE_DIR}/*")];
    fixed.into_iter().chain(further).collect::<Vec<_>>().join(":")
}

/// `ConfigMap`s with code, each once, with that whose change fetches it again.
fn code_config_maps(spec: &Spec) -> Vec<(&str, &str)> {
    let code = spec.user_code_deployment.iter().map(|code| (&code.config_maps, &code.trigger_sequence));
    let modules = spec.module_deployment.iter().map(|modules| (&modules.config_maps, &modules.trigger_sequence));
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (names, trigger) in code.chain(modules) {
        for name in names {
            if !found.iter().any(|(other, _)| other == name) {
                found.push((name, trigger.as_deref().unwrap_or_default()));
            }
        }
    }
    found
}

fn ports(spec: &Spec) -> Vec<ContainerPort> {
    let port = |name: String, number| ContainerPort::new().name(name).container_port(number).protocol("TCP");
    let mut ports = vec![
        port("hazelcast".to_owned(), client_port(spec)),
        port("member-port".to_owned(), names::MEMBER_PORT),
        port("rest-port".to_owned(), names::REST_PORT),
    ];
    let wan = wan::endpoints(spec);
    ports.extend(wan.iter().flat_map(wan::Endpoint::ports).map(|(name, number)| port(name, number)));
    if wan.is_empty() {
        ports.push(port("wan-port".to_owned(), names::WAN_PORT));
    }
    ports
}

/// Members after 5.2.0 say whether they are ready; before, only that they live. A tag that is no version is a present one.
fn readiness_path(version: &str) -> &'static str {
    let numbers: Vec<u32> = version.split(['.', '-']).take(3).map_while(|part| part.parse().ok()).collect();
    let is_old = !numbers.is_empty() && numbers.as_slice() <= [5, 2, 0].as_slice();
    if is_old { "/hazelcast/health/node-state" } else { "/hazelcast/health/ready" }
}

fn config_map_code_dir(config_map: &str) -> String {
    format!("/opt/hazelcast/userCode/cm/{config_map}")
}

fn volumes(cx: &Context<Hazelcast>) -> Vec<(Volume, VolumeMount)> {
    let document = SecretVolumeSource::new().secret_name(cx.name()).default_mode(pods::FILE_MODE);
    let empty = || Volume::new().empty_dir(EmptyDirVolumeSource::new());
    vec![
        pods::mount("hazelcast-storage", Volume::new().secret(document), names::CONFIG_DIR),
        pods::mount("user-code-bucket", empty(), BUCKET_CODE_DIR),
        pods::mount("user-code-url", empty(), URL_CODE_DIR),
        pods::mount("jet-job-jars-bucket", empty(), JET_DIR),
        // The only place in which a member may write besides its volumes.
        pods::mount("tmp-vol", empty(), "/tmp"),
    ]
}

/// The configuration of the logger, where people write one.
fn logging_volume(spec: &Spec) -> Option<(Volume, VolumeMount)> {
    let (config_map, key, file) = logging(spec)?;
    let item = KeyToPath::new().key(key.key.as_str()).path(file);
    let mut source = ConfigMapVolumeSource::new().name(config_map).default_mode(pods::FILE_MODE).items(vec![item]);
    if let Some(optional) = key.optional {
        source = source.optional(optional);
    }
    Some(pods::mount("logging-configuration", Volume::new().config_map(source), LOGGING_DIR))
}

/// Code from `ConfigMap`s, for the class path and for jobs.
fn code_volumes(spec: &Spec) -> Vec<(Volume, VolumeMount)> {
    let of = |config_map: &str| {
        let source = ConfigMapVolumeSource::new().name(config_map).default_mode(pods::FILE_MODE);
        Volume::new().config_map(source)
    };
    let code = code_config_maps(spec).into_iter().map(|(name, trigger)| {
        pods::mount(&pods::volume_name(&format!("user-code-cm-{name}{trigger}")), of(name), &config_map_code_dir(name))
    });
    let mut jobs: Vec<&String> = Vec::new();
    for name in &spec.jet.config_maps {
        if !jobs.contains(&name) {
            jobs.push(name);
        }
    }
    let jobs = jobs
        .into_iter()
        .map(|name| pods::mount(&pods::volume_name(&format!("jet-cm-{name}")), of(name), &format!("{JET_DIR}/{name}")));
    code.chain(jobs).collect()
}

#[cfg(test)]
mod tests;
