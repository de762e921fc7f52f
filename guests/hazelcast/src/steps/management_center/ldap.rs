//! A directory that decides whom a Management Center lets in. It is set up before each start, so what is wanted is what holds;
//! the password comes from its Secret into the environment and stands in no object.
//!
//! A connection that is encrypted from its beginning needs nothing but a key store. How the tool that sets a directory up is
//! told of one that becomes so, or of groups within groups, is written down nowhere, and a word that it does not know keeps
//! the Management Center from starting: see [`crate::ignored`].

use filbert_guest::k8s::{EnvVar, StatefulSet};
use filbert_guest::{Context, ReadError};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::{Ldap, Spec};
use serde::Deserialize;

use super::stateful_set::shell_word;
use crate::keystore;

const USERNAME: &str = "MC_LDAP_USERNAME";
const PASSWORD: &str = "MC_LDAP_PASSWORD";
const CONFIGURE: &str = "./bin/hz-mc conf ldap configure -H /data";
/// Certificates for the connection, beside the client configurations. No cluster can be called so: a store of one is named
/// after it alone.
pub(super) const STORE: &str = "security-provider.ldap.jks";
/// The specification with which an earlier operator was done.
const LAST_SUCCESSFUL: &str = "hazelcast.com/last-successful-spec";

/// The directory, where there is one.
pub(super) fn wanted(spec: &Spec) -> Option<&Ldap> {
    spec.security_provider.as_ref()?.ldap.as_ref()
}

/// What is to be set up before a start; nothing where an earlier operator has done it already, so that its pod stays.
pub(super) fn to_set_up(cx: &Context<ManagementCenter>) -> Result<Option<&Ldap>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Past {
        configured: bool,
    }
    let Some(ldap) = wanted(&cx.object().spec) else { return Ok(None) };
    let earlier = cx.metadata().annotations.get(LAST_SUCCESSFUL);
    let earlier: Option<Spec> = earlier.and_then(|spec| Spec::read(spec).ok());
    let was_the_same = earlier.is_some_and(|earlier| wanted(&earlier) == Some(ldap));
    if was_the_same && cx.status::<Past>().unwrap_or_default().configured && runs_without(cx)? {
        return Ok(None);
    }
    Ok(Some(ldap))
}

/// Whether there is a pod that does not set a directory up.
fn runs_without(cx: &Context<ManagementCenter>) -> Result<bool, ReadError> {
    let live = cx.read(StatefulSet::TYPE, cx.name()).fields(&["spec.template.spec.containers"]);
    let live: Option<serde_json::Value> = live.get()?;
    Ok(live.is_some_and(|live| !live.to_string().contains("conf ldap configure")))
}

/// The commands that set it up.
pub(super) fn commands(ldap: &Ldap) -> Vec<String> {
    let groups = |groups: &[String]| groups.join(",");
    let options = [
        ("user-dn", ldap.user_dn.clone()),
        ("group-dn", ldap.group_dn.clone()),
        ("user-search-filter", ldap.user_search_filter.clone()),
        ("group-search-filter", ldap.group_search_filter.clone()),
        ("admin-groups", groups(&ldap.admin_groups)),
        ("read-write-groups", groups(&ldap.user_groups)),
        ("read-only-groups", groups(&ldap.readonly_user_groups)),
        ("metrics-only-groups", groups(&ldap.metrics_only_groups)),
    ];
    let options = options.into_iter().map(|(option, value)| format!(" --{option}={}", shell_word(&value)));
    let configure = format!(
        r#"{CONFIGURE} --url={} --ldap-username="${USERNAME}" --ldap-password="${PASSWORD}"{}"#,
        shell_word(&ldap.url),
        options.collect::<String>()
    );
    vec!["./bin/hz-mc conf security reset -H /data".to_owned(), configure]
}

/// The Secret with certificates for the connection, where it is to be encrypted.
pub(super) fn certificates(spec: &Spec) -> Option<&str> {
    let tls = wanted(spec)?.tls.as_ref()?;
    Some(tls.secret_name.as_str()).filter(|name| !name.is_empty())
}

/// What the virtual machine is told of these certificates: whom to trust, and what to show to a directory that asks for it.
pub(super) fn options(spec: &Spec) -> Vec<String> {
    if certificates(spec).is_none() {
        return Vec::new();
    }
    let store = |what: &str| {
        [("", format!("/config/{STORE}")), ("Password", keystore::PASSWORD.to_owned())]
            .map(|(part, value)| format!("-Dhazelcast.mc.ldap.ssl.{what}Store{part}={value}"))
    };
    [store("trust"), store("key")].concat()
}

/// Who asks the directory.
pub(super) fn variables(ldap: &Ldap) -> [EnvVar; 2] {
    [(USERNAME, "username"), (PASSWORD, "password")]
        .map(|(name, key)| EnvVar::from_secret(name, ldap.credentials_secret_name.as_str(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn provider(url: &str) -> Value {
        json!({"ldap": {
            "url": url, "credentialsSecretName": "reader", "userDN": "dc=example", "groupDN": "ou=groups,dc=example",
            "userSearchFilter": "(cn={0})", "groupSearchFilter": "(it's={0})", "adminGroups": ["boss", "chief"],
            "userGroups": ["crew"], "readonlyUserGroups": ["guests"], "metricsOnlyGroups": ["graphs"],
        }})
    }

    fn center(url: &str) -> Context<ManagementCenter> {
        let before = json!({"securityProvider": provider("ldap://north")}).to_string();
        let annotations = json!({LAST_SUCCESSFUL: before});
        let object = json!({"metadata": {"annotations": annotations}, "spec": {"securityProvider": provider(url)}});
        Context::test("tower", object)
    }

    #[test]
    fn an_encrypted_connection_has_a_store_of_its_own() {
        let of = |tls: Value| {
            let spec = json!({"securityProvider": {"ldap": {"url": "ldaps://north", "tls": tls}}});
            let spec: Spec = serde_json::from_value(spec).expect("a specification");
            (certificates(&spec).map(str::to_owned), options(&spec))
        };
        let (secret, options) = of(json!({"secretName": "harbour", "startTLS": false}));
        assert_eq!(secret.as_deref(), Some("harbour"));
        assert_eq!(
            options,
            [
                "trustStore=/config/security-provider.ldap.jks",
                "trustStorePassword=hazelcast",
                "keyStore=/config/security-provider.ldap.jks",
                "keyStorePassword=hazelcast",
            ]
            .map(|option| format!("-Dhazelcast.mc.ldap.ssl.{option}"))
        );
        assert_eq!(of(Value::Null), (None, Vec::new()));
    }

    fn running(command: &str) -> Value {
        let container = json!({"env": [{"name": "MC_INIT_CMD", "value": command}]});
        json!({"metadata": {"name": "tower"}, "spec": {"template": {"spec": {"containers": [container]}}}})
    }

    #[test]
    fn what_people_write_is_one_word_for_the_shell_and_the_password_is_not_there() {
        let cx = center("ldap://north; rm -r $HOME");
        let [reset, configure] =
            <[String; 2]>::try_from(commands(wanted(&cx.object().spec).expect("a directory"))).expect("two");
        assert_eq!(reset, "./bin/hz-mc conf security reset -H /data");
        assert_eq!(
            configure,
            r#"./bin/hz-mc conf ldap configure -H /data --url='ldap://north; rm -r $HOME' --ldap-username="$MC_LDAP_USERNAME" --ldap-password="$MC_LDAP_PASSWORD" --user-dn='dc=example' --group-dn='ou=groups,dc=example' --user-search-filter='(cn={0})' --group-search-filter='(it'\''s={0})' --admin-groups='boss,chief' --read-write-groups=crew --read-only-groups=guests --metrics-only-groups=graphs"#
        );
    }

    #[test]
    fn what_an_earlier_operator_set_up_is_not_set_up_again_until_it_changes() {
        let done = json!({"configured": true});
        let is_set_up = |cx: Context<ManagementCenter>| to_set_up(&cx).expect("an answer").is_some();
        let without = || running("./bin/mc-conf.sh cluster add");
        assert!(!is_set_up(center("ldap://north").with_status(&done).with(StatefulSet::TYPE, without())));
        assert!(is_set_up(center("ldap://south").with_status(&done).with(StatefulSet::TYPE, without())));
        assert!(is_set_up(center("ldap://north").with(StatefulSet::TYPE, without())));
        assert!(is_set_up(center("ldap://north").with_status(&done)));
        assert!(is_set_up(center("ldap://north").with_status(&done).with(StatefulSet::TYPE, running(CONFIGURE))));
    }
}
