//! The clusters that a Management Center watches over: how it reaches each, and how it is told of them.

use filbert_guest::k8s::{Map, Secret, StatefulSet};
use filbert_guest::{Context, Metadata, ReadError};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::{Cluster, Spec};
use hazelcast_api::shapes::{MutualAuthentication, Tls};
use serde::Deserialize;

use super::super::management_center_labels;
use super::super::secrets::{Entries, Problem, key_store};
use super::ldap;
use super::stateful_set::shell_word;
use crate::config::Node;
use crate::{keystore, names};

/// The client configurations for all clusters, each with a key store where the connection is encrypted; and what is wrong
/// with certificates. What was there before stays where there is nothing better.
pub(super) fn clients(cx: &Context<ManagementCenter>) -> Result<(Secret, Vec<String>), ReadError> {
    let spec = &cx.object().spec;
    let mut secret = Secret::new(cx.name())
        .labels(management_center_labels(cx))
        .annotations(spec.annotations.clone())
        .type_("Opaque");
    let mut problems = Vec::new();
    let mut stores = Vec::new();
    for (index, cluster) in spec.hazelcast_clusters.iter().enumerate() {
        let login = match login(cx, cluster)? {
            None => None,
            Some(Ok(login)) => Some(login),
            Some(Err(problem)) => {
                let problem =
                    problem.map(|it| format!("spec.hazelcastClusters[{index}].security.clientSecretName: {it}"));
                problems.extend(problem);
                None
            }
        };
        secret = secret.text(format!("{}.yaml", cluster.name), client(cluster, login.as_ref()).to_yaml());
        if let Some(tls) = encryption(cluster) {
            let path = format!("spec.hazelcastClusters[{index}].tls.secretName");
            stores.push((path, store_name(cluster), tls.secret_name.as_str()));
        }
    }
    let directory = ldap::certificates(spec);
    let directory =
        directory.map(|it| ("spec.securityProvider.ldap.tls.secretName".to_owned(), ldap::STORE.to_owned(), it));
    stores.extend(directory);
    let mut before = None;
    for (path, key, certificates) in stores {
        match key_store(cx, certificates)? {
            Ok(store) => secret = secret.text(key, store),
            Err(problem) => {
                problems.extend(problem.map(|problem| format!("{path}: {problem}")));
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
fn login(cx: &Context<ManagementCenter>, cluster: &Cluster) -> Result<Option<Result<Login, Problem>>, ReadError> {
    let security = cluster.security.as_ref();
    let name = security.and_then(|security| security.client_secret_name.as_deref()).filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok(None) };
    let Some(entries) = Entries::read(cx, name)? else { return Ok(Some(Err(None))) };
    let login = entries.text("username").zip(entries.text("password"));
    Ok(Some(login.ok_or_else(|| Some(format!("the Secret {name} has no username and password")))))
}

/// Name and password.
type Login = (String, String);

fn encryption(cluster: &Cluster) -> Option<&Tls> {
    cluster.tls.as_ref().filter(|tls| !tls.secret_name.is_empty())
}

fn store_name(cluster: &Cluster) -> String {
    format!("{}.jks", cluster.name)
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

/// Clusters that were watched over once.
pub(super) struct Forgotten {
    /// Those that are no longer, in alphabetical order.
    pub(super) names: Vec<String>,
    /// On the `StatefulSet`: all that ever were.
    pub(super) annotation: Map,
}

/// What a Management Center is told to forget: it keeps what it was told once, as long as it keeps anything.
pub(super) fn forgotten(cx: &Context<ManagementCenter>) -> Result<Forgotten, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Live {
        metadata: Metadata,
    }
    let spec = &cx.object().spec;
    if !spec.persistence.as_ref().is_some_and(|persistence| persistence.enabled) {
        return Ok(Forgotten { names: Vec::new(), annotation: Map::new() });
    }
    let live: Option<Live> = cx.read(StatefulSet::TYPE, cx.name()).fields(&["metadata.annotations"]).get()?;
    let known = live.and_then(|mut live| live.metadata.annotations.remove(names::ANNOTATION_CLUSTERS));
    let known: Vec<String> = known.and_then(|known| serde_json::from_str(&known).ok()).unwrap_or_default();
    let is_wanted = |name: &String| spec.hazelcast_clusters.iter().any(|cluster| cluster.name == *name);
    let mut names: Vec<_> = known.iter().filter(|name| !is_wanted(name)).cloned().collect();
    let mut all: Vec<_> = known.into_iter().chain(spec.hazelcast_clusters.iter().map(|it| it.name.clone())).collect();
    for list in [&mut names, &mut all] {
        list.sort();
        list.dedup();
    }
    let annotation = if all.is_empty() {
        Map::new()
    } else {
        Map::from([(names::ANNOTATION_CLUSTERS.to_owned(), serde_json::to_string(&all).unwrap_or_default())])
    };
    Ok(Forgotten { names, annotation })
}

/// What is run before the start. A changed client configuration replaces the earlier one; that a cluster which is to be
/// forgotten is not known any more is no reason not to start.
pub(super) fn commands(spec: &Spec, forgotten: &[String]) -> Vec<String> {
    let forget = |name: &String| format!("(./bin/mc-conf.sh cluster remove -H /data -cn={} || true)", shell_word(name));
    let add = |cluster: &Cluster| {
        let file = shell_word(&format!("/config/{}.yaml", cluster.name));
        format!("./bin/mc-conf.sh cluster add --lenient=true -H /data --client-config {file}")
    };
    forgotten.iter().map(forget).chain(spec.hazelcast_clusters.iter().map(add)).collect()
}

#[cfg(test)]
mod tests {
    use filbert_guest::{Plan, Step};
    use serde_json::{Value, json};

    use super::super::CenterSet;
    use super::*;

    fn plan(spec: Value) -> Plan {
        CenterSet::run(&Context::test("tower", json!({"spec": spec}))).expect("a plan")
    }

    fn variable(set: &Value, name: &str) -> Option<Value> {
        let env = set["spec"]["template"]["spec"]["containers"][0]["env"].as_array()?;
        env.iter().find(|variable| variable["name"] == name).cloned()
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
        let with = |certificates: Value| {
            let harbour = json!({"metadata": {"name": "harbour"}, "data": certificates});
            let cx = Context::test("tower", json!({"spec": of("None")})).with(Secret::TYPE, harbour);
            CenterSet::run(&cx).expect("a plan")
        };
        let useless = with(json!({}));
        assert_eq!(useless.conditions(), [("ReferencesUsable", filbert_guest::Status::False, "Unusable")]);
        let encoded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        let (certificate, key) = (keystore::tests::CERTIFICATE, keystore::tests::KEY);
        let found = with(json!({"tls.crt": encoded(certificate), "tls.key": encoded(key)}));
        assert!(found.find("Secret", "tower").expect("a Secret")["data"]["dev.jks"].is_string());
        assert_eq!(found.conditions(), [("ReferencesUsable", filbert_guest::Status::True, "AllUsable")]);
    }

    #[test]
    fn an_encrypted_connection_to_a_directory_has_its_store_beside_those_of_clusters() {
        let encoded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        let (certificate, key) = (keystore::tests::CERTIFICATE, keystore::tests::KEY);
        let harbour = json!({"metadata": {"name": "harbour"}, "data": {"tls.crt": encoded(certificate), "tls.key": encoded(key)}});
        let ldap = json!({"url": "ldaps://north", "tls": {"secretName": "harbour", "startTLS": false}});
        let cx = Context::test("tower", json!({"spec": {"securityProvider": {"ldap": ldap}}}));
        let found = CenterSet::run(&cx.with(Secret::TYPE, harbour)).expect("a plan");
        assert!(found.find("Secret", "tower").expect("a Secret")["data"][ldap::STORE].is_string());
        let set = found.find("StatefulSet", "tower").expect("a StatefulSet");
        let options = variable(&set, "JAVA_OPTS").expect("a variable")["value"].to_string();
        assert!(options.contains("-Dhazelcast.mc.ldap.ssl.trustStore=/config/"), "{options}");
    }

    #[test]
    fn a_cluster_with_security_is_told_who_asks() {
        let clusters = json!([{"address": "library", "security": {"clientSecretName": "login"}}]);
        let cx = || Context::test("tower", json!({"spec": {"hazelcastClusters": clusters}}));
        let useless = json!({"metadata": {"name": "login"}, "data": {"username": "Ym9zcw=="}});
        let useless = CenterSet::run(&cx().with(Secret::TYPE, useless)).expect("a plan");
        assert_eq!(useless.conditions(), [("ReferencesUsable", filbert_guest::Status::False, "Unusable")]);
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
    fn a_cluster_that_is_no_longer_wanted_is_forgotten_until_it_is_wanted_again() {
        let run = |clusters: &[&str], there: Option<&Value>| {
            let clusters: Vec<_> = clusters.iter().map(|name| json!({"name": name, "address": "a"})).collect();
            let mut cx = Context::test("tower", json!({"spec": {"hazelcastClusters": clusters}}));
            if let Some(there) = there {
                let mut there = there.clone();
                there["metadata"]["labels"][names::LABEL_OWNER] = "0000".into();
                cx = cx.with(StatefulSet::TYPE, there);
            }
            let set = CenterSet::run(&cx).expect("a plan").find("StatefulSet", "tower").expect("a StatefulSet");
            let command =
                variable(&set, "MC_INIT_CMD").expect("a variable")["value"].as_str().expect("text").to_owned();
            (set, command)
        };
        let (both, command) = run(&["dev", "a b"], None);
        assert!(!command.contains("remove"), "{command}");
        let (one, command) = run(&["dev"], Some(&both));
        let begin = "(./bin/mc-conf.sh cluster remove -H /data -cn='a b' || true) && ./bin/mc-conf.sh cluster add";
        assert!(command.starts_with(begin), "{command}");
        assert_eq!(one["metadata"]["annotations"][names::ANNOTATION_CLUSTERS], r#"["a b","dev"]"#);
        assert_eq!(run(&["dev"], Some(&one)).1, command, "it does not start again for it");
        let (_, command) = run(&["dev", "a b"], Some(&one));
        assert!(!command.contains("remove"), "{command}");
    }
}
