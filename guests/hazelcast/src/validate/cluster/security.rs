//! Rules about certificates, and about who may connect.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{Authentication, MemberTls, Realm, Security, Spec, User};
use hazelcast_api::shapes::MutualAuthentication;
use serde_json::Value;

use super::when;

/// HZ-06. A block in which nothing is said is no block.
pub(super) fn certificates_have_a_secret(spec: &Spec) -> Vec<Violation> {
    let says_something = |tls: &MemberTls| {
        tls.for_clients() != MutualAuthentication::None
            || tls.member_authentication.is_some()
            || tls.key_material_duration.is_some()
    };
    let violated = spec.tls.as_ref().is_some_and(|tls| tls.secret_name.is_empty() && says_something(tls));
    when(violated, || Violation::required("spec.tls.secretName", "name the Secret with the certificates"))
}

pub(super) fn realms_have_names_of_their_own(spec: &Spec) -> Vec<Violation> {
    let Some(security) = &spec.security else { return Vec::new() };
    let mut violations = Vec::new();
    for (index, realm) in security.realms.iter().enumerate() {
        let path = format!("spec.security.realms[{index}].name");
        if realm.name.is_empty() {
            violations.push(Violation::required(path, "a realm must have a name"));
        } else if security.realms.iter().take(index).any(|before| before.name == realm.name) {
            violations.push(Violation::duplicate(path, realm.name.as_str(), "another realm has the same name"));
        }
    }
    violations
}

pub(super) fn users_log_in_in_one_way(spec: &Spec) -> Vec<Violation> {
    let realms = spec.security.as_ref().map(|security| security.realms.as_slice()).unwrap_or_default();
    let both = |authentication: &Authentication| authentication.simple.is_some() && !authentication.jaas.is_empty();
    let wrong = realms.iter().enumerate().filter(|(_, realm)| realm.authentication.as_ref().is_some_and(both));
    wrong
        .map(|(index, _)| {
            let path = format!("spec.security.realms[{index}].authentication");
            Violation::forbidden(path, "a realm has either simple or jaas authentication")
        })
        .collect()
}

/// The realm of clients, and its name.
fn realm_of_clients(security: &Security) -> (&str, Option<&Realm>) {
    let name = security.client_authentication.as_ref().map_or("", |authentication| authentication.realm.as_str());
    (name, security.realms.iter().find(|realm| realm.name == name))
}

pub(super) fn clients_have_a_realm(spec: &Spec) -> Vec<Violation> {
    let Some(security) = &spec.security else { return Vec::new() };
    let (name, realm) = realm_of_clients(security);
    when(realm.is_none(), || {
        Violation::not_found("spec.security.clientAuthentication.realm", name, "no entry of realms has this name")
    })
}

/// The users among whom that of the operator must be; nothing where login modules let in whom they like.
fn users(security: &Security) -> Option<&[User]> {
    let (_, realm) = realm_of_clients(security);
    Some(&realm?.authentication.as_ref()?.simple.as_ref()?.users)
}

fn is_operator(security: &Security, user: &User) -> bool {
    user.secret_name == security.operator_client_secret_name
}

pub(super) fn the_operator_is_let_in(spec: &Spec) -> Vec<Violation> {
    let Some(security) = &spec.security else { return Vec::new() };
    let is_missing = |users: &[User]| !users.iter().any(|user| is_operator(security, user));
    when(users(security).is_some_and(is_missing), || {
        let (path, name) = ("spec.security.operatorClientSecretName", security.operator_client_secret_name.as_str());
        Violation::not_found(path, name, "no user of the realm of clients has this Secret")
    })
}

/// The operator must be allowed everything, else it cannot look after the cluster.
pub(super) fn the_operator_may_do_everything(spec: &Spec) -> Vec<Violation> {
    let Some(security) = &spec.security else { return Vec::new() };
    let path = "spec.security.clientPermissions.all";
    let all = security.client_permissions.as_ref().and_then(|permissions| permissions.all.as_ref());
    let Some(all) = all else {
        return vec![Violation::required(path, "the operator must be allowed everything")];
    };
    if all.get("deny").and_then(Value::as_bool) == Some(true) {
        return vec![Violation::forbidden(format!("{path}.deny"), "the operator must be allowed everything")];
    }
    let principal = all.get("principal").and_then(Value::as_str).unwrap_or("*");
    let user = users(security).and_then(|users| users.iter().find(|user| is_operator(security, user)));
    let without = principal != "*" && user.is_some_and(|user| !user.roles.iter().any(|role| role == principal));
    when(without, || {
        Violation::invalid(format!("{path}.principal"), principal, "must be a role of the operator's user")
    })
}
