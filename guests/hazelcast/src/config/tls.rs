//! Encrypted connections of members and clients. Endpoints for health and for other clusters have none.

use hazelcast_api::hazelcast::{MemberTls, Spec};
use hazelcast_api::shapes::MutualAuthentication;

use super::Node;
use crate::keystore::PASSWORD;

/// The key store of members, in the folder of their configuration.
pub const MEMBER_STORE: &str = "hazelcast.jks";

/// Between members.
pub(super) fn of_members(spec: &Spec) -> Node {
    spec.tls.as_ref().map_or_else(Node::new, |tls| ssl(tls, tls.for_members()))
}

/// Towards clients.
pub(super) fn of_clients(spec: &Spec) -> Node {
    spec.tls.as_ref().map_or_else(Node::new, |tls| ssl(tls, tls.for_clients()))
}

fn ssl(tls: &MemberTls, mutual: MutualAuthentication) -> Node {
    if tls.secret_name.is_empty() {
        return Node::new();
    }
    let mutual = match mutual {
        MutualAuthentication::None => None,
        MutualAuthentication::Optional => Some("OPTIONAL"),
        MutualAuthentication::Required => Some("REQUIRED"),
    };
    let path = format!("{}/{MEMBER_STORE}", crate::names::CONFIG_DIR);
    let mut properties = Node::new().with("protocol", "TLS").with_some("mutualAuthentication", mutual);
    properties = store(properties, "key", &path);
    if mutual.is_some() {
        properties = store(properties, "trust", &path);
    }
    section(properties.with_some("keyMaterialDuration", tls.key_material_duration.as_deref().and_then(iso_duration)))
}

/// A duration as Kubernetes writes it (`1h30m`) as Java reads it (`PT5400S`). The schema refuses what is none.
fn iso_duration(text: &str) -> Option<String> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("h", 3_600.0), ("m", 60.0), ("s", 1.0)];
    let mut rest = text.trim_start_matches('+');
    if rest == "0" {
        return Some("PT0S".to_owned());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after.strip_prefix(unit)?;
    }
    let text = format!("{seconds:.9}");
    Some(format!("PT{}S", text.trim_end_matches('0').trim_end_matches('.')))
}

/// What members and clients call the section for encryption.
pub(crate) fn section(properties: Node) -> Node {
    Node::new()
        .with("enabled", true)
        .with("factory-class-name", "com.hazelcast.nio.ssl.BasicSSLContextFactory")
        .with("properties", properties)
}

/// With a `key` or `trust` store.
pub(crate) fn store(properties: Node, what: &str, path: &str) -> Node {
    properties
        .with(&format!("{what}Store"), path)
        .with(&format!("{what}StorePassword"), PASSWORD)
        .with(&format!("{what}StoreType"), "JKS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_java_reads_them() {
        for (text, iso) in [
            ("30m", Some("PT1800S")),
            ("1h30m", Some("PT5400S")),
            ("1.5s", Some("PT1.5S")),
            ("250ms", Some("PT0.25S")),
            ("0", Some("PT0S")),
            ("0s", Some("PT0S")),
            ("+10s", Some("PT10S")),
            ("5", None),
            ("1x", None),
        ] {
            assert_eq!(iso_duration(text).as_deref(), iso, "{text}");
        }
    }
}
