//! Rules about how members find each other.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{Discovery, DiscoveryMode, ExposureType, Spec};

use super::{given, when};

fn path(field: &str) -> String {
    format!("spec.discovery.{field}")
}

/// The ways to choose members that are taken.
fn ways(discovery: &Discovery) -> Vec<&'static str> {
    [
        ("serviceName", discovery.service_name.is_some()),
        ("serviceLabelName", discovery.service_label_name.is_some()),
        ("podLabelName", discovery.pod_label_name.is_some()),
        ("wholeNamespace", discovery.whole_namespace == Some(true)),
    ]
    .into_iter()
    .filter_map(|(field, taken)| taken.then_some(field))
    .collect()
}

pub(super) fn members_are_chosen_in_one_way(spec: &Spec) -> Vec<Violation> {
    let ways = spec.discovery.as_ref().map(ways).unwrap_or_default();
    when(ways.len() > 1, || {
        Violation::forbidden("spec.discovery", format!("choose members in one way, not by {}", ways.join(" and ")))
    })
}

/// Members refuse settings of one mode beside those of the other.
pub(super) fn fields_go_with_the_mode(spec: &Spec) -> Vec<Violation> {
    let Some(discovery) = &spec.discovery else { return Vec::new() };
    let of_api = [
        ("apiToken", discovery.api_token.is_some()),
        ("caCertificate", discovery.ca_certificate.is_some()),
        ("exposeExternally", discovery.expose_externally.is_some()),
        ("kubernetesApiRetries", discovery.kubernetes_api_retries.is_some()),
        ("kubernetesMaster", discovery.kubernetes_master.is_some()),
        ("namespace", discovery.namespace.is_some()),
        ("podLabelName", discovery.pod_label_name.is_some()),
        ("podLabelValue", discovery.pod_label_value.is_some()),
        ("resolveNotReadyAddresses", discovery.resolve_not_ready_addresses.is_some()),
        ("serviceLabelName", discovery.service_label_name.is_some()),
        ("serviceLabelValue", discovery.service_label_value.is_some()),
        ("serviceName", discovery.service_name.is_some()),
        ("servicePerPodLabelName", discovery.service_per_pod_label_name.is_some()),
        ("servicePerPodLabelValue", discovery.service_per_pod_label_value.is_some()),
        ("useNodeNameAsExternalAddress", discovery.use_node_name_as_external_address.is_some()),
        ("wholeNamespace", discovery.whole_namespace.is_some()),
    ];
    let of_names = [
        ("serviceDns", discovery.service_dns.is_some()),
        ("serviceDnsTimeoutSeconds", discovery.service_dns_timeout_seconds.is_some()),
    ];
    let (others, message): (&[(&str, bool)], _) = match discovery.mode {
        DiscoveryMode::Api => (&of_names, "has no meaning with mode API"),
        DiscoveryMode::Dns => (&of_api, "has no meaning with mode DNS"),
    };
    let set = others.iter().filter(|(_, set)| *set);
    set.map(|(field, _)| Violation::forbidden(path(field), message)).collect()
}

/// Labels and values belong together in their order.
pub(super) fn lists_of_labels_are_of_one_length(spec: &Spec) -> Vec<Violation> {
    let Some(discovery) = &spec.discovery else { return Vec::new() };
    let pairs = [
        (
            "serviceLabelName",
            &discovery.service_label_name,
            "serviceLabelValue",
            &discovery.service_label_value,
            "true",
        ),
        ("podLabelName", &discovery.pod_label_name, "podLabelValue", &discovery.pod_label_value, ""),
        (
            "servicePerPodLabelName",
            &discovery.service_per_pod_label_name,
            "servicePerPodLabelValue",
            &discovery.service_per_pod_label_value,
            "true",
        ),
    ];
    let length = |text: &str| text.split(',').count();
    let one = |(name, names, value, values, otherwise): (_, &Option<String>, &str, &Option<String>, &str)| {
        let names = names.as_deref()?;
        let values = values.as_deref().unwrap_or(otherwise);
        (length(names) != length(values)).then(|| {
            let message = format!("must list as many values as {name} lists labels ({})", length(names));
            Violation::invalid(path(value), values, message)
        })
    };
    pairs.into_iter().filter_map(one).collect()
}

fn by_name(spec: &Spec) -> Option<&Discovery> {
    spec.discovery.as_ref().filter(|discovery| discovery.mode == DiscoveryMode::Dns)
}

/// Zones and nodes are known to the Kubernetes API alone.
pub(super) fn names_tell_no_zones(spec: &Spec) -> Vec<Violation> {
    when(by_name(spec).is_some() && spec.high_availability_mode.is_some(), || {
        let message = "the name service tells nothing about zones and nodes: needs spec.discovery.mode API";
        Violation::forbidden("spec.highAvailabilityMode", message)
    })
}

/// The Service of an exposed cluster has one address for all members, and the name service does not know their public ones.
pub(super) fn names_lead_to_no_single_member(spec: &Spec) -> Vec<Violation> {
    let (Some(discovery), Some(exposure)) = (by_name(spec), &spec.expose_externally) else { return Vec::new() };
    let message = if exposure.type_ == ExposureType::Smart {
        "members do not learn their public addresses from the name service: needs mode API, or exposeExternally of type Unisocket"
    } else if !given(discovery.service_dns.as_ref()) {
        "the Service of a cluster that is exposed is not headless: name a headless one in serviceDns"
    } else {
        return Vec::new();
    };
    vec![Violation::forbidden(path("mode"), message)]
}

pub(super) fn the_api_has_one_address(spec: &Spec) -> Vec<Violation> {
    let here = spec.discovery.as_ref().and_then(|discovery| discovery.kubernetes_master.as_deref());
    let there = spec.kubernetes_master.as_deref();
    match (here, there) {
        (Some(here), Some(there)) if here != there => {
            let message = "spec.kubernetesMaster says otherwise";
            vec![Violation::duplicate(path("kubernetesMaster"), here, message)]
        }
        _ => Vec::new(),
    }
}
