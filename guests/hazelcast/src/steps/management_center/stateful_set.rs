//! The pod of a Management Center, and the configuration with which it reaches its clusters.

use filbert_guest::k8s::{
    Container, ContainerPort, EmptyDirVolumeSource, EnvVar, Given, LabelSelector, Map, PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource, PodSpec, PodTemplateSpec, ResourceRequirements, SecretVolumeSource, StatefulSet,
    StatefulSetSpec, TcpSocketAction, TemplateMeta, Volume, VolumeMount,
};
use filbert_guest::{Context, Plan, ReadError, Step, StepResult};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::{Ldap, Spec};
use serde_json::{Value, json};

use super::super::secrets::condition;
use super::super::{adoption, claims, management_center_labels};
use super::modules::{self, Modules};
use super::{clusters, context_path, ldap, metrics};
use crate::names::{self, Application};
use crate::{edition, pods};

const STORAGE: &str = "mancenter-storage";

/// The pod of a Management Center, and the configuration with which it reaches its clusters.
pub struct CenterSet;

impl Step for CenterSet {
    type Resource = ManagementCenter;
    const NAME: &'static str = "management-center-stateful-set";
    const SUMMARY: &'static str = "the pod of the Management Center";
    const LEAVES: &'static [&'static str] = &[adoption::KEPT];

    fn run(cx: &Context<ManagementCenter>) -> StepResult {
        let spec = &cx.object().spec;
        let (clients, problems) = clusters::clients(cx)?;
        let forgotten = clusters::forgotten(cx)?;
        let ldap = ldap::to_set_up(cx)?;
        let pods = adoption::pods(cx, cx.name(), template(cx, ldap, &forgotten.names)?)?;
        let mut set = StatefulSetSpec::new()
            .replicas(1)
            .selector(LabelSelector::new().match_labels(selector(cx)))
            .template(pods.template.clone());
        let claims = claims::live(cx)?.unwrap_or_else(|| claim(cx).into_iter().collect());
        if !claims.is_empty() {
            set = set.volume_claim_templates(claims);
        }
        let set = StatefulSet::new(cx.name())
            .labels(management_center_labels(cx))
            .annotations(spec.annotations.clone())
            .annotations(pods.annotations.clone())
            .annotations(forgotten.annotation)
            .spec(set);
        let plan = Plan::default().apply(clients).because("how the Management Center reaches its clusters");
        let plan = match modules::instructions(cx) {
            Some(instructions) => {
                plan.apply(instructions).because("tells the init container what to fetch before it starts")
            }
            None => plan,
        };
        let plan = plan.apply(set).because("the Management Center itself").condition(condition(&problems));
        Ok(pods.tell(plan))
    }
}

fn selector(cx: &Context<ManagementCenter>) -> Map {
    Application::ManagementCenter.selector(cx.name()).into_iter().collect()
}

/// The claim that is made; none where there is one already, or nothing is kept.
fn claim(cx: &Context<ManagementCenter>) -> Option<Value> {
    let spec = &cx.object().spec;
    let persistence = spec.persistence.as_ref().filter(|persistence| persistence.enabled)?;
    if existing_claim(spec).is_some() {
        return None;
    }
    let size = persistence.size.as_str().map_or_else(|| persistence.size.to_string(), str::to_owned);
    let mut claim = PersistentVolumeClaimSpec::new()
        .access_modes(vec!["ReadWriteOnce".to_owned()])
        .resources(ResourceRequirements::new().requests(Map::from([("storage".to_owned(), size)])));
    if let Some(class) = &persistence.storage_class {
        claim = claim.storage_class_name(class.as_str());
    }
    let mut metadata = json!({"name": STORAGE, "labels": management_center_labels(cx)});
    if let (false, Some(fields)) = (spec.annotations.is_empty(), metadata.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(spec.annotations));
    }
    Some(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim}))
}

fn existing_claim(spec: &Spec) -> Option<&str> {
    let persistence = spec.persistence.as_ref().filter(|persistence| persistence.enabled)?;
    persistence.existing_volume_claim_name.as_deref().filter(|name| !name.is_empty())
}

fn template(
    cx: &Context<ManagementCenter>,
    ldap: Option<&Ldap>,
    forgotten: &[String],
) -> Result<PodTemplateSpec, ReadError> {
    let spec = &cx.object().spec;
    let keeps_data = spec.persistence.as_ref().is_some_and(|persistence| persistence.enabled);
    let empty = || Volume::new().empty_dir(EmptyDirVolumeSource::new());
    // A claim that is made comes from its template, not from the list of volumes.
    let storage = match existing_claim(spec) {
        Some(claim) => {
            let source = PersistentVolumeClaimVolumeSource::new().claim_name(claim);
            Some(Volume::new().name(STORAGE).persistent_volume_claim(source))
        }
        None => (!keeps_data).then(|| empty().name(STORAGE)),
    };
    let config = SecretVolumeSource::new().secret_name(cx.name()).default_mode(pods::FILE_MODE);
    let (config, config_mount) = pods::mount("config", Volume::new().secret(config), "/config");
    let (tmp, tmp_mount) = pods::mount("tmp-vol", empty(), "/tmp");
    let modules = Modules::of(cx);
    let mut mounts = vec![VolumeMount::at(STORAGE, "/data"), tmp_mount, config_mount];
    mounts.extend(modules.mounts);
    let mut pod = PodSpec::new()
        .security_context(pods::security(pods::chooses_users(cx)))
        .containers(vec![container(spec, environment(spec, ldap, forgotten, modules.variable), mounts)])
        .volumes(storage.into_iter().chain([tmp, config]).chain(modules.volumes).collect::<Vec<_>>());
    if let Some(init) = modules.init {
        pod = pod.init_containers(vec![init]);
    }
    if let Some(account) = spec.service_account_name.as_deref().filter(|account| !account.is_empty()) {
        pod = pod.service_account_name(account);
    }
    if !spec.image_pull_secrets.is_empty() {
        pod = pod.image_pull_secrets(pods::pull_secrets(&spec.image_pull_secrets));
    }
    let pod = pods::schedule(pod, spec.scheduling.as_ref(), Vec::new());
    // Its annotations never were those of its pod.
    let pods::Marks { labels, .. } =
        pods::marks(cx, cx.name(), management_center_labels(cx), &selector(cx), &Map::new())?;
    let mut metadata = TemplateMeta::new().labels(labels);
    if let Some(checksum) = modules.checksum {
        metadata = metadata.annotations(Map::from([(names::ANNOTATION_MODULES.to_owned(), checksum)]));
    }
    Ok(PodTemplateSpec::new().metadata(metadata).spec(pod))
}

fn container(spec: &Spec, environment: Vec<Given<EnvVar>>, mounts: Vec<VolumeMount>) -> Container {
    let root = context_path(spec).trim_end_matches('/');
    let probe = || pods::probe().initial_delay_seconds(10);
    let container = Container::new()
        .name("management-center")
        .image(edition::image(&spec.repository, &spec.version))
        .image_pull_policy(spec.image_pull_policy.as_str())
        .env(environment)
        .ports(vec![
            ContainerPort::new().name("mancenter-port").container_port(names::MANAGEMENT_CENTER_PORT).protocol("TCP"),
        ])
        .liveness_probe(
            probe().http_get(pods::http_get(&format!("{root}/health"), names::MANAGEMENT_CENTER_HEALTH_PORT)),
        )
        .readiness_probe(probe().tcp_socket(TcpSocketAction::new().port(names::MANAGEMENT_CENTER_PORT)))
        .security_context(pods::container_security())
        .volume_mounts(mounts);
    match &spec.resources {
        Some(resources) => container.resources(resources.clone()),
        None => container,
    }
}

fn environment(spec: &Spec, ldap: Option<&Ldap>, forgotten: &[String], jars: Option<EnvVar>) -> Vec<Given<EnvVar>> {
    let licence = edition::licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
    let mut variables = vec![EnvVar::of("MC_INIT_CMD", init_command(spec, ldap, forgotten))];
    // Before the options, which refer to it.
    variables.extend(licence.map(|secret| EnvVar::from_secret("MC_LICENSE_KEY", secret, names::LICENCE_KEY)));
    variables.push(EnvVar::of("JAVA_OPTS", java_options(spec, licence.is_some())));
    variables.extend(ldap.into_iter().flat_map(ldap::variables));
    variables.extend(metrics::variables(spec));
    variables.extend(jars);
    pods::variables(variables, &spec.env)
}

/// What is run before the start: it makes the clusters known, and the directory, and who may read metrics. Whoever sets a
/// directory up forgets readers of metrics, so they come last.
fn init_command(spec: &Spec, ldap: Option<&Ldap>, forgotten: &[String]) -> String {
    let clusters = clusters::commands(spec, forgotten);
    let directory = ldap.into_iter().flat_map(ldap::commands);
    clusters.into_iter().chain(directory).chain(metrics::command(spec)).collect::<Vec<_>>().join(" && ")
}

/// As one word of a shell, whatever is in it.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn java_options(spec: &Spec, licensed: bool) -> String {
    let mut options: Vec<String> = [
        "-Dhazelcast.mc.healthCheck.enable=true",
        "-Dhazelcast.mc.lock.skip=true",
        "-Dhazelcast.mc.tls.enabled=false",
        "-Dmancenter.ssl=false",
        "-Dhazelcast.mc.phone.home.enabled=false",
    ]
    .map(str::to_owned)
    .into();
    if licensed {
        options.push("-Dhazelcast.mc.license=$(MC_LICENSE_KEY)".to_owned());
    }
    let has_ingress = spec.external_connectivity.as_ref().is_some_and(|external| external.ingress.is_some());
    if has_ingress {
        options.push(format!("-Dhazelcast.mc.contextPath={}", context_path(spec)));
    }
    options.extend(metrics::options(spec));
    options.extend(ldap::options(spec));
    options.extend(spec.jvm.iter().flat_map(|jvm| jvm.args.iter().cloned()));
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(spec: Value) -> Plan {
        CenterSet::run(&Context::test("tower", json!({"spec": spec}))).expect("a plan")
    }

    fn set(spec: Value) -> Value {
        plan(spec).find("StatefulSet", "tower").expect("a StatefulSet")
    }

    fn variable(set: &Value, name: &str) -> Option<Value> {
        let env = set["spec"]["template"]["spec"]["containers"][0]["env"].as_array()?;
        env.iter().find(|variable| variable["name"] == name).cloned()
    }

    #[test]
    fn by_default_watches_nothing_and_keeps_its_data() {
        insta::assert_snapshot!(crate::golden(&plan(json!({})).applied()));
    }

    #[test]
    fn readers_of_metrics_come_after_the_directory_that_forgets_them() {
        let set = set(json!({
            "prometheusMonitoring": {"exporter": {}, "credentialsSecretName": "scrape"},
            "securityProvider": {"ldap": {"url": "ldap://north", "credentialsSecretName": "reader"}},
        }));
        let command = variable(&set, "MC_INIT_CMD").expect("a variable")["value"].to_string();
        let at = |part: &str| command.find(part).expect("a command");
        assert!(at("security reset") < at("ldap configure") && at("ldap configure") < at("set prometheus-auth"));
        assert!(variable(&set, "MC_PROMETHEUS_PASSWORD").is_some());
    }

    #[test]
    fn a_directory_is_set_up_with_a_password_that_stands_nowhere() {
        let ldap = json!({"url": "ldap://north", "credentialsSecretName": "reader"});
        let set = set(json!({"securityProvider": {"ldap": ldap}}));
        let command = variable(&set, "MC_INIT_CMD").expect("a variable")["value"].clone();
        assert!(
            command.as_str().is_some_and(|command| command.contains(" && ./bin/hz-mc conf ldap configure")),
            "{command}"
        );
        assert_eq!(
            variable(&set, "MC_LDAP_PASSWORD").expect("a variable")["valueFrom"]["secretKeyRef"],
            json!({"name": "reader", "key": "password"})
        );
    }

    #[test]
    fn its_pod_acts_as_people_say_with_the_variables_that_they_name() {
        let set = set(json!({"env": [{"name": "MINE", "value": "1"}], "serviceAccountName": "me"}));
        assert_eq!(variable(&set, "MINE").expect("a variable")["value"], "1");
        assert_eq!(set["spec"]["template"]["spec"]["serviceAccountName"], "me");
    }

    #[test]
    fn a_licence_comes_before_the_options_that_use_it() {
        let set = set(json!({"licenseKeySecretName": "key"}));
        let names: Vec<_> = set["spec"]["template"]["spec"]["containers"][0]["env"]
            .as_array()
            .expect("env")
            .iter()
            .map(|variable| variable["name"].clone())
            .collect();
        assert_eq!(names, ["MC_INIT_CMD", "MC_LICENSE_KEY", "JAVA_OPTS"]);
    }

    #[test]
    fn all_pages_are_below_the_path_of_an_ingress() {
        let set = set(json!({"externalConnectivity": {"ingress": {"hostname": "h", "path": "/mc"}}}));
        let container = &set["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/mc/health");
        let options = variable(&set, "JAVA_OPTS").expect("a variable")["value"].to_string();
        assert!(options.contains("-Dhazelcast.mc.contextPath=/mc"), "{options}");
    }

    #[test]
    fn data_is_kept_in_a_claim_that_is_made_or_named_or_not_at_all() {
        let volumes = |set: &Value| set["spec"]["template"]["spec"]["volumes"].clone();
        let made = set(json!({}));
        assert_eq!(made["spec"]["volumeClaimTemplates"][0]["metadata"]["name"], "mancenter-storage");
        let named = set(json!({"persistence": {"existingVolumeClaimName": "old"}}));
        assert_eq!(named["spec"].get("volumeClaimTemplates"), None);
        assert_eq!(volumes(&named)[0]["persistentVolumeClaim"]["claimName"], "old");
        let none = set(json!({"persistence": {"enabled": false}}));
        assert_eq!(none["spec"].get("volumeClaimTemplates"), None);
        assert_eq!(volumes(&none)[0], json!({"name": "mancenter-storage", "emptyDir": {}}));
    }
}
