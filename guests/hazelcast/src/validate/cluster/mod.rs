//! Rules for a cluster.

mod claims;
mod cp;
mod discovery;
mod edition;
mod jvm;
mod network;
mod security;
mod storage;
mod warnings;

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{ExposureType, MemberAccess, Spec};

use super::{Rule, when};
pub(super) use network::wan_names_name_services;
pub(super) use warnings::warnings;

/// All rules about the specification alone, in the order in which people see their violations.
pub(super) const RULES: &[Rule<Spec>] = &[
    ("HZ-02", one_address_has_no_access_by_member),
    ("HZ-04", discovery_is_reachable),
    ("HZ-06", security::certificates_have_a_secret),
    ("HZ-08", storage::persistence_has_a_claim),
    ("HZ-09", storage::the_claim_has_access_modes),
    ("HZ-10", storage::partial_start_allows_loss),
    ("HZ-12", size_is_bounded),
    ("HZ-13", network::wan_services_are_of_known_types),
    ("HZ-14", network::wan_ports_do_not_overlap),
    ("HZ-15", network::wan_ports_are_free),
    ("HZ-17", storage::lossless_restart_has_persistence),
    ("HZ-18", |spec| jvm::twice(spec, jvm::initial_memory)),
    ("HZ-19", |spec| jvm::twice(spec, jvm::most_memory)),
    ("HZ-20", |spec| jvm::twice(spec, jvm::most_of_little_memory)),
    ("HZ-21", |spec| jvm::twice(spec, jvm::logging)),
    ("HZ-22", |spec| jvm::twice(spec, jvm::serial)),
    ("HZ-23", |spec| jvm::twice(spec, jvm::parallel)),
    ("HZ-24", |spec| jvm::twice(spec, jvm::g1)),
    ("HZ-28", storage::persistence_has_pooled_memory),
    ("HZ-29", storage::the_catalogue_has_persistence),
    ("HZ-30", storage::devices_have_native_memory),
    ("HZ-31", storage::devices_have_claims),
    ("HZ-32", storage::claims_of_devices_have_access_modes),
    ("HZ-33", cp::it_has_a_size_that_works),
    ("HZ-34", cp::it_has_a_claim),
    ("HZ-35", cp::sessions_outlive_their_heartbeat),
    ("HZ-36", cp::sessions_end_before_their_member_is_removed),
    ("HZ-N01", custom_configuration_is_in_one_place),
    ("HZ-N02", claims::data_is_on_one_claim),
    ("HZ-N03", claims::names_lead_to_claims),
    ("HZ-N04", claims::names_are_of_their_own),
    ("HZ-N05", jvm::diagnostics_are_in_one_place),
    ("HZ-N06", jvm::a_debugger_has_an_address),
    ("HZ-N07", network::ports_of_a_pod_differ),
    ("HZ-N08", network::shared_services_are_there),
    ("HZ-N09", variables_have_names),
    ("HZ-N10", lite_members_are_not_negative),
    ("HZ-N11", discovery::members_are_chosen_in_one_way),
    ("HZ-N12", discovery::fields_go_with_the_mode),
    ("HZ-N13", discovery::lists_of_labels_are_of_one_length),
    ("HZ-N14", discovery::names_tell_no_zones),
    ("HZ-N15", discovery::names_lead_to_no_single_member),
    ("HZ-N16", discovery::the_api_has_one_address),
    ("HZ-N17", security::realms_have_names_of_their_own),
    ("HZ-N18", security::users_log_in_in_one_way),
    ("HZ-N19", security::clients_have_a_realm),
    ("HZ-N20", security::the_operator_is_let_in),
    ("HZ-N21", security::the_operator_may_do_everything),
    ("HZ-N22", edition::open_source_has_no_enterprise_features),
    ("HZ-N23", network::ports_of_nodes_lead_somewhere),
    ("HZ-N24", network::ranges_are_of_addresses),
];

/// The largest cluster.
const MAX_SIZE: i32 = 300;

/// HZ-01: the name becomes that of a Service.
pub(super) fn name(name: &str) -> Vec<Violation> {
    let is_label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_alphabetic())
            && label.ends_with(|last: char| last.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    // A name that is still to be made has none yet.
    if name.is_empty() || name.split('.').all(is_label) {
        return Vec::new();
    }
    let message = "must begin with a letter and consist of letters, digits and dashes, so that it can name a Service";
    vec![Violation::invalid("metadata.name", name, message)]
}

/// HZ-02.
fn one_address_has_no_access_by_member(spec: &Spec) -> Vec<Violation> {
    let violated = spec
        .expose_externally
        .as_ref()
        .is_some_and(|exposure| exposure.type_ == ExposureType::Unisocket && exposure.member_access.is_some());
    when(violated, || {
        Violation::forbidden("spec.exposeExternally.memberAccess", "has no meaning where all members share one address")
    })
}

/// HZ-03: whoever says nothing gets it all the same, and members that look for addresses by other means.
pub(super) fn node_ports_have_addresses(spec: &Spec, node_discovery: bool) -> Vec<Violation> {
    let by_address = spec.expose_externally.as_ref().is_some_and(|exposure| {
        exposure.type_ == ExposureType::Smart && exposure.member_access == Some(MemberAccess::NodePortExternalIp)
    });
    when(by_address && !node_discovery, || {
        let message = "members may not read nodes here, so they do not learn the addresses of theirs";
        Violation::invalid("spec.exposeExternally.memberAccess", "NodePortExternalIP", message)
    })
}

/// HZ-04.
fn discovery_is_reachable(spec: &Spec) -> Vec<Violation> {
    let Some(exposure) = &spec.expose_externally else { return Vec::new() };
    let kind = exposure.discovery_service_type.as_str();
    when(!["NodePort", "LoadBalancer"].contains(&kind), || {
        Violation::invalid("spec.exposeExternally.discoveryServiceType", kind, "must be NodePort or LoadBalancer")
    })
}

/// HZ-12.
fn size_is_bounded(spec: &Spec) -> Vec<Violation> {
    when(spec.cluster_size > MAX_SIZE, || {
        Violation::invalid("spec.clusterSize", spec.cluster_size, format!("must be at most {MAX_SIZE}"))
    })
}

/// Whether a text is there and says something.
fn given(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn custom_configuration_is_in_one_place(spec: &Spec) -> Vec<Violation> {
    let both = given(spec.custom_config_cm_name.as_ref()) && given(spec.custom_config_secret_name.as_ref());
    when(both, || {
        let message = "cannot be used together with customConfigCmName";
        Violation::forbidden("spec.customConfigSecretName", message)
    })
}

fn variables_have_names(spec: &Spec) -> Vec<Violation> {
    let lite = spec.lite_member.as_ref().map(|lite| lite.env.as_slice()).unwrap_or_default();
    let mut violations = super::variables_have_names("spec.env", &spec.env);
    violations.extend(super::variables_have_names("spec.liteMember.env", lite));
    violations
}

fn lite_members_are_not_negative(spec: &Spec) -> Vec<Violation> {
    let count = spec.lite_member.as_ref().and_then(|lite| lite.count).unwrap_or_default();
    when(count < 0, || Violation::invalid("spec.liteMember.count", count, "must be at least 0"))
}

#[cfg(test)]
mod tests;
