//! Metrics for Prometheus, and whom they are shown.

use filbert_guest::k8s::EnvVar;
use hazelcast_api::management_center::{MetricsPrinter, Spec};

const USERNAME: &str = "MC_PROMETHEUS_USERNAME";
const PASSWORD: &str = "MC_PROMETHEUS_PASSWORD";

/// The Secret with name and password without which nobody may read metrics, where there is to be one.
fn credentials(spec: &Spec) -> Option<&str> {
    let monitoring = spec.prometheus_monitoring.as_ref()?;
    monitoring.credentials_secret_name.as_deref().filter(|name| !name.is_empty())
}

/// What is run before the start: it says who may read metrics. The password comes from its Secret into the environment and
/// stands in no object.
pub(super) fn command(spec: &Spec) -> Option<String> {
    credentials(spec)?;
    Some(format!(r#"./bin/hz-mc conf set prometheus-auth -H /data "${USERNAME}" "${PASSWORD}""#))
}

/// Who may read metrics.
pub(super) fn variables(spec: &Spec) -> Vec<EnvVar> {
    let of = |secret: &str| {
        [(USERNAME, "username"), (PASSWORD, "password")].map(|(name, key)| EnvVar::from_secret(name, secret, key))
    };
    credentials(spec).map(of).into_iter().flatten().collect()
}

/// What is offered.
pub(super) fn options(spec: &Spec) -> Vec<String> {
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
    use serde_json::json;

    fn spec(monitoring: serde_json::Value) -> Spec {
        serde_json::from_value(json!({"prometheusMonitoring": monitoring})).expect("a specification")
    }

    #[test]
    fn metrics_are_offered_as_people_choose() {
        let exporter =
            json!({"timestampEnabled": false, "printers": ["V2"], "filterMetrics": {"excluded": ["a", "b"]}});
        assert_eq!(
            options(&spec(json!({"exporter": exporter}))),
            ["enabled=true", "timestamp.enabled=false", "filter.metrics.excluded=a,b", "printers=V2"]
                .map(|option| format!("-Dhazelcast.mc.prometheusExporter.{option}"))
        );
    }

    #[test]
    fn whoever_reads_them_gives_a_password_that_stands_nowhere() {
        let with = spec(json!({"exporter": {}, "credentialsSecretName": "scrape"}));
        assert_eq!(
            command(&with).as_deref(),
            Some(
                r#"./bin/hz-mc conf set prometheus-auth -H /data "$MC_PROMETHEUS_USERNAME" "$MC_PROMETHEUS_PASSWORD""#
            )
        );
        let variables = serde_json::to_value(variables(&with)).expect("JSON");
        let from = |key: &str| json!({"secretKeyRef": {"name": "scrape", "key": key}});
        assert_eq!(
            variables,
            json!([
                {"name": USERNAME, "valueFrom": from("username")}, {"name": PASSWORD, "valueFrom": from("password")},
            ])
        );
        for without in [spec(json!({"exporter": {}})), spec(json!({"exporter": {}, "credentialsSecretName": ""}))] {
            assert_eq!((command(&without), super::variables(&without)), (None, Vec::new()));
        }
    }
}
