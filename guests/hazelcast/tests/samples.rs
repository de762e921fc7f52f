//! The samples that people begin with are valid.

use std::fs;
use std::path::Path;

use filbert_guest::{Defaulting, Defaults, Review, Validation};
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use serde_json::{Value, json};

fn objections<V, D>(object: &Value) -> Vec<String>
where
    V: Validation,
    D: Defaulting,
{
    let spec = object.get("spec").cloned().unwrap_or_default();
    let defaulted = Defaults::test::<D>("sample", &json!({"spec": spec}));
    let verdict = V::validate(&Review::test("sample", &defaulted));
    verdict.violations.iter().map(ToString::to_string).collect()
}

#[test]
fn samples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/samples");
    let mut judged = 0;
    for file in fs::read_dir(folder).expect("samples") {
        let file = file.expect("a file").path();
        let text = fs::read_to_string(&file).expect("text");
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        for object in objects {
            let found = match object.get("kind").and_then(Value::as_str) {
                Some("Hazelcast") => objections::<HazelcastRules, HazelcastDefaults>(&object),
                Some("ManagementCenter") => objections::<ManagementCenterRules, ManagementCenterDefaults>(&object),
                _ => continue,
            };
            judged += 1;
            assert_eq!(found, Vec::<String>::new(), "{}", file.display());
        }
    }
    assert!(judged > 10, "only {judged} samples");
}
