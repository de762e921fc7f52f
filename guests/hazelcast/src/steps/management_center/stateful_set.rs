//! The pod of a Management Center, and the configuration with which it reaches its clusters.

use filbert_guest::k8s::{
    Container, ContainerPort, EmptyDirVolumeSource, EnvVar, Given, LabelSelector, Map, PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource, PodSpec, PodTemplateSpec, ResourceRequirements, Secret, SecretVolumeSource,
    StatefulSet, StatefulSetSpec, TcpSocketAction, TemplateMeta, Volume, VolumeMount,
};
use filbert_guest::{Context, Plan, ReadError, Step, StepResult};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::{Cluster, Ldap, MetricsPrinter, Spec};
use hazelcast_api::shapes::{MutualAuthentication, Tls};
use serde_json::{Value, json};

use super::super::secrets::{Entries, condition, key_store};
use super::super::{adoption, claims, management_center_labels};
use super::{context_path, ldap};
use crate::config::Node;
use crate::names::{self, Application};
use crate::{edition, keystore, pods};

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
        let (clients, problems) = clients(cx)?;
        let ldap = ldap::to_set_up(cx)?;
        let pods = adoption::pods(cx, cx.name(), template(cx, ldap)?)?;
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
            .spec(set);
        let plan = Plan::default()
            .apply(clients)
            .because("how the Management Center reaches its clusters")
            .apply(set)
            .because("the Management Center itself")
            .condition(condition(&problems));
        Ok(pods.tell(plan))
    }
}

/// The client configurations for all clusters, each with a key store where the connection is encrypted; and what is wrong
/// with certificates. What was there before stays where there is nothing better.
fn clients(cx: &Context<ManagementCenter>) -> Result<(Secret, Vec<String>), ReadError> {
    let spec = &cx.object().spec;
    let mut secret = Secret::new(cx.name())
        .labels(management_center_labels(cx))
        .annotations(spec.annotations.clone())
        .type_("Opaque");
    let mut problems = Vec::new();
    let mut before = None;
    for (index, cluster) in spec.hazelcast_clusters.iter().enumerate() {
        let login = match login(cx, cluster)? {
            None => None,
            Some(Ok(login)) => Some(login),
            Some(Err(problem)) => {
                problems.push(format!("spec.hazelcastClusters[{index}].security.clientSecretName: {problem}"));
                None
            }
        };
        secret = secret.text(format!("{}.yaml", cluster.name), client(cluster, login.as_ref()).to_yaml());
        let Some(tls) = encryption(cluster) else { continue };
        let key = store_name(cluster);
        match key_store(cx, &tls.secret_name)? {
            Ok(store) => secret = secret.text(key, store),
            Err(problem) => {
                problems.push(format!("spec.hazelcastClusters[{index}].tls.secretName: {problem}"));
                if before.is_none() {
                    before = Some(Entries::read(cx, cx.name())?.unwrap_or_default());
                }
                if let Some(store) = before.as_ref().and_then(|before| before.raw(&key)) {
                    secret = secret.entry(key, store);
                }
            }
        }
    }
    Ok((secret, problems))
}

/// Name and password with which the Management Center shows a cluster who it is; or why it has none.
fn login(cx: &Context<ManagementCenter>, cluster: &Cluster) -> Result<Option<Result<Login, String>>, ReadError> {
    let security = cluster.security.as_ref();
    let name = security.and_then(|security| security.client_secret_name.as_deref()).filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok(None) };
    let entries = Entries::read(cx, name)?.unwrap_or_default();
    let login = entries.text("username").zip(entries.text("password"));
    Ok(Some(login.ok_or_else(|| format!("there is no Secret {name} with username and password"))))
}

/// Name and password.
type Login = (String, String);

fn encryption(cluster: &Cluster) -> Option<&Tls> {
    cluster.tls.as_ref().filter(|tls| !tls.secret_name.is_empty())
}

fn store_name(cluster: &Cluster) -> String {
    format!("{}.jks", cluster.name)
}

fn selector(cx: &Context<ManagementCenter>) -> Map {
    Application::ManagementCenter.selector(cx.name()).into_iter().collect()
}

/// The client configuration for one cluster.
fn client(cluster: &Cluster, login: Option<&Login>) -> Node {
    let tls = encryption(cluster);
    let properties = tls.map_or_else(Node::new, |tls| {
        let path = format!("/config/{}", store_name(cluster));
        let store = |node: Node, what: &str| {
            node.with(&format!("{what}Store"), path.as_str()).with(&format!("{what}StorePassword"), keystore::PASSWORD)
        };
        let properties = store(Node::new().with("protocol", "TLSv1.2"), "trust");
        if tls.for_clients() == MutualAuthentication::Required { store(properties, "key") } else { properties }
    });
    let ssl = Node::new()
        .with("enabled", tls.is_some())
        .with("factory-class-name", "com.hazelcast.nio.ssl.BasicSSLContextFactory")
        .with("properties", properties);
    let network = Node::new().with("cluster-members", vec![Node::from(cluster.address.as_str())]).with("ssl", ssl);
    let security = login.map(|(name, password)| {
        let login = Node::new().with("username", name.as_str()).with("password", password.as_str());
        Node::new().with("username-password", login)
    });
    let client = Node::new()
        .with("cluster-name", cluster.name.as_str())
        .with("network", network)
        .with_some("security", security);
    Node::new().with("hazelcast-client", client)
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

fn template(cx: &Context<ManagementCenter>, ldap: Option<&Ldap>) -> Result<PodTemplateSpec, ReadError> {
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
    let mounts = vec![VolumeMount::at(STORAGE, "/data"), tmp_mount, config_mount];
    let mut pod = PodSpec::new()
        .security_context(pods::security(pods::chooses_users(cx)))
        .containers(vec![container(spec, ldap, mounts)])
        .volumes(storage.into_iter().chain([tmp, config]).collect::<Vec<_>>());
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
    Ok(PodTemplateSpec::new().metadata(TemplateMeta::new().labels(labels)).spec(pod))
}

fn container(spec: &Spec, ldap: Option<&Ldap>, mounts: Vec<VolumeMount>) -> Container {
    let root = context_path(spec).trim_end_matches('/');
    let probe = || pods::probe().initial_delay_seconds(10);
    let container = Container::new()
        .name("management-center")
        .image(edition::image(&spec.repository, &spec.version))
        .image_pull_policy(spec.image_pull_policy.as_str())
        .env(environment(spec, ldap))
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

fn environment(spec: &Spec, ldap: Option<&Ldap>) -> Vec<Given<EnvVar>> {
    let licence = edition::licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
    let mut variables = vec![EnvVar::of("MC_INIT_CMD", init_command(spec, ldap))];
    // Before the options, which refer to it.
    variables.extend(licence.map(|secret| EnvVar::from_secret("MC_LICENSE_KEY", secret, names::LICENCE_KEY)));
    variables.push(EnvVar::of("JAVA_OPTS", java_options(spec, licence.is_some())));
    variables.extend(ldap.into_iter().flat_map(ldap::variables));
    pods::variables(variables, &spec.env)
}

/// What is run before the start: it makes the clusters known, and the directory. A changed client configuration replaces the
/// earlier one.
fn init_command(spec: &Spec, ldap: Option<&Ldap>) -> String {
    let add = |cluster: &Cluster| {
        let file = shell_word(&format!("/config/{}.yaml", cluster.name));
        format!("./bin/mc-conf.sh cluster add --lenient=true -H /data --client-config {file}")
    };
    let clusters = spec.hazelcast_clusters.iter().map(add);
    clusters.chain(ldap.into_iter().flat_map(ldap::commands)).collect::<Vec<_>>().join(" && ")
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
    options.extend(metrics(spec));
    options.extend(spec.jvm.iter().flat_map(|jvm| jvm.args.iter().cloned()));
    options.join(" ")
}

/// What is offered to Prometheus.
fn metrics(spec: &Spec) -> Vec<String> {
    let Some(monitoring) = &spec.prometheus_monitoring else { return Vec::new() };
    let exporter = monitoring.exporter.clone().unwrap_or_default();
    let filter = exporter.filter_metrics.unwrap_or_default();
    let printers: Vec<_> = exporter
        .printers
        .iter()
        .map(|printer| match printer {
            MetricsPrinter::V1 => "V1".to_owned(),
            MetricsPrinter::V2 => "V2".to_owned(),
        })
        .collect();
    let option = |name: &str, value: String| format!("-Dhazelcast.mc.prometheusExporter.{name}={value}");
    let lists = [
        ("filter.metrics.included", filter.included),
        ("filter.metrics.excluded", filter.excluded),
        ("printers", printers),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| option(name, list.join(",")));
    let switches = [("enabled", true), ("timestamp.enabled", exporter.timestamp_enabled)];
    switches.into_iter().map(|(name, on)| option(name, on.to_string())).chain(lists).collect()
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
    fn makes_its_clusters_known() {
        let plan = plan(
            json!({"hazelcastClusters": [{"address": "library", "name": "dev"}, {"address": "shop.east", "name": "a b"}]}),
        );
        let set = plan.find("StatefulSet", "tower").expect("a StatefulSet");
        assert_eq!(
            variable(&set, "MC_INIT_CMD").expect("a variable")["value"],
            "./bin/mc-conf.sh cluster add --lenient=true -H /data --client-config /config/dev.yaml && \
             ./bin/mc-conf.sh cluster add --lenient=true -H /data --client-config '/config/a b.yaml'"
        );
        let secret = plan.find("Secret", "tower").expect("a Secret");
        assert_eq!(secret["data"].as_object().expect("data").keys().collect::<Vec<_>>(), ["a b.yaml", "dev.yaml"]);
    }

    #[test]
    fn a_client_configuration_names_cluster_and_address() {
        let cluster = Cluster { address: "library".into(), name: "dev".into(), security: None, tls: None };
        insta::assert_snapshot!(client(&cluster, None).to_yaml());
    }

    #[test]
    fn an_encrypted_connection_has_a_store_of_its_own() {
        let of = |mutual: &str| {
            let tls = json!({"secretName": "harbour", "mutualAuthentication": mutual});
            json!({"hazelcastClusters": [{"address": "library", "name": "dev", "tls": tls}]})
        };
        let client = |spec: Value| {
            let spec: Spec = serde_json::from_value(spec).expect("a specification");
            let read: Value =
                serde_saphyr::from_str(&client(&spec.hazelcast_clusters[0], None).to_yaml()).expect("YAML");
            read["hazelcast-client"]["network"]["ssl"].clone()
        };
        let trust = json!({"protocol": "TLSv1.2", "trustStore": "/config/dev.jks", "trustStorePassword": "hazelcast"});
        assert_eq!((&client(of("None"))["properties"], &client(of("None"))["enabled"]), (&trust, &json!(true)));
        assert_eq!(client(of("Required"))["properties"]["keyStore"], "/config/dev.jks");
        let missing = plan(of("None"));
        assert_eq!(missing.conditions(), [("ReferencesUsable", filbert_guest::Status::False, "Unusable")]);
        let encoded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        let (certificate, key) = (keystore::tests::CERTIFICATE, keystore::tests::KEY);
        let harbour = json!({"metadata": {"name": "harbour"}, "data": {"tls.crt": encoded(certificate), "tls.key": encoded(key)}});
        let cx = Context::test("tower", json!({"spec": of("None")})).with(Secret::TYPE, harbour);
        let found = CenterSet::run(&cx).expect("a plan");
        assert!(found.find("Secret", "tower").expect("a Secret")["data"]["dev.jks"].is_string());
        assert_eq!(found.conditions(), [("ReferencesUsable", filbert_guest::Status::True, "AllUsable")]);
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
    fn a_cluster_with_security_is_told_who_asks() {
        let clusters = json!([{"address": "library", "security": {"clientSecretName": "login"}}]);
        let cx = || Context::test("tower", json!({"spec": {"hazelcastClusters": clusters}}));
        let missing = CenterSet::run(&cx()).expect("a plan");
        assert_eq!(missing.conditions(), [("ReferencesUsable", filbert_guest::Status::False, "Unusable")]);
        let login = json!({"metadata": {"name": "login"}, "data": {"username": "Ym9zcw==", "password": "bm8="}});
        let found = CenterSet::run(&cx().with(Secret::TYPE, login)).expect("a plan");
        let document = found.find("Secret", "tower").expect("a Secret")["data"]["dev.yaml"].clone();
        let bytes = filbert_guest::k8s::from_base64(document.as_str().expect("base64")).expect("base64");
        let read: Value = serde_saphyr::from_str(&String::from_utf8(bytes).expect("text")).expect("YAML");
        assert_eq!(
            read["hazelcast-client"]["security"]["username-password"],
            json!({"username": "boss", "password": "no"})
        );
    }

    #[test]
    fn metrics_are_offered_as_people_choose() {
        let exporter =
            json!({"timestampEnabled": false, "printers": ["V2"], "filterMetrics": {"excluded": ["a", "b"]}});
        let set = set(json!({
            "prometheusMonitoring": {"exporter": exporter}, "env": [{"name": "MINE", "value": "1"}], "serviceAccountName": "me",
        }));
        let options = variable(&set, "JAVA_OPTS").expect("a variable")["value"].to_string();
        for option in ["enabled=true", "timestamp.enabled=false", "filter.metrics.excluded=a,b", "printers=V2"] {
            assert!(options.contains(&format!("-Dhazelcast.mc.prometheusExporter.{option}")), "{options}");
        }
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
