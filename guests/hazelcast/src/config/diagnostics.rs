//! Diagnostics that members write. They are properties: members read them when they start, in every version. That later
//! versions can be told while they run takes a connection to them.

use filbert_guest::k8s::Map;
use hazelcast_api::hazelcast::{Diagnostics, DiagnosticsOutput, Spec};

use crate::quantity;

/// The only folder besides its volumes in which a member may write.
const FOLDER: &str = "/tmp";
/// Bytes of what members call a megabyte here: people write `50M`.
const MEGABYTE: i64 = 1_000_000;

/// The properties; none where nobody wants diagnostics. Those of plugins come first: what is said in fields counts.
pub(super) fn properties(spec: &Spec, is_lite: bool) -> Map {
    let Some(diagnostics) = &spec.diagnostics else { return Map::new() };
    let Diagnostics {
        // Members of no version take it as a property.
        auto_off_timer_in_minutes: _,
        file_name_prefix,
        include_epoch_time,
        max_rolled_file_count,
        max_rolled_file_size,
        output_type,
        plugin_properties,
        pvc_name,
    } = diagnostics;
    let output = match output_type {
        DiagnosticsOutput::Stdout => "STDOUT",
        DiagnosticsOutput::File => "FILE",
        DiagnosticsOutput::Logger => "LOGGER",
    };
    let megabytes = quantity::bytes(max_rolled_file_size).unwrap_or_default();
    let megabytes = megabytes / MEGABYTE + i64::from(megabytes % MEGABYTE != 0);
    // Members without data have no claims.
    let claim = pvc_name.as_ref().filter(|name| !name.is_empty() && !is_lite);
    let mut properties = plugin_properties.clone();
    let mut put = |name: &str, value: String| properties.insert(format!("hazelcast.diagnostics.{name}"), value);
    put("enabled", true.to_string());
    // Whatever its name says.
    put("stdout", output.to_owned());
    put("include.epoch", include_epoch_time.to_string());
    if *output_type == DiagnosticsOutput::File {
        put("directory", claim.map_or_else(|| FOLDER.to_owned(), |name| format!("/data/{name}")));
        put("max.rolled.file.size.mb", megabytes.max(1).to_string());
        put("max.rolled.file.count", max_rolled_file_count.to_string());
        if let Some(prefix) = file_name_prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
            put("filename.prefix", prefix.clone());
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(diagnostics: Value, is_lite: bool) -> Vec<String> {
        let spec: Spec = serde_json::from_value(json!({"diagnostics": diagnostics})).expect("a specification");
        properties(&spec, is_lite).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn named(properties: &[&str]) -> Vec<String> {
        properties.iter().map(|property| format!("hazelcast.diagnostics.{property}")).collect()
    }

    #[test]
    fn there_are_none_unless_people_want_them() {
        assert_eq!(of(Value::Null, false), Vec::<String>::new());
    }

    #[test]
    fn they_go_to_standard_output_unless_people_say_otherwise() {
        assert_eq!(of(json!({}), false), named(&["enabled=true", "include.epoch=true", "stdout=STDOUT"]));
        let logged = of(json!({"outputType": "LOGGER", "includeEpochTime": false}), false);
        assert_eq!(logged, named(&["enabled=true", "include.epoch=false", "stdout=LOGGER"]));
    }

    #[test]
    fn files_are_on_the_claim_that_people_name_and_else_where_a_member_may_write() {
        let files = json!({
            "outputType": "FILE", "pvcName": "notes", "maxRolledFileSize": "1Mi", "maxRolledFileCount": 3,
            "fileNamePrefix": "library",
        });
        let expected = |folder: &str| {
            let folder = format!("directory={folder}");
            let rest = ["enabled=true", "filename.prefix=library", "include.epoch=true", "max.rolled.file.count=3"];
            let last = ["max.rolled.file.size.mb=2", "stdout=FILE"];
            let all = [&[folder.as_str()][..], &rest[..], &last[..]].concat();
            named(&all)
        };
        assert_eq!(of(files.clone(), false), expected("/data/notes"));
        assert_eq!(of(files, true), expected("/tmp"));
    }

    #[test]
    fn plugins_are_switched_by_their_own_properties() {
        let plugins = json!({"hazelcast.diagnostics.systemlog.enabled": "true", "hazelcast.diagnostics.enabled": "no"});
        let found = of(json!({"pluginProperties": plugins}), false);
        assert_eq!(found, named(&["enabled=true", "include.epoch=true", "stdout=STDOUT", "systemlog.enabled=true"]));
    }
}
