use super::{accept_names, check_definition, check_definition_update};
use serde_json::{Value, json};

const NOW: &str = "2030-01-01T00:00:00Z";

fn version(name: &str, storage: bool, schema: &Value) -> Value {
    json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}})
}

fn definition(plural: &str, kind: &str, versions: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.example.dev")},
        "spec": {
            "group": "example.dev", "scope": "Namespaced", "versions": versions,
            "names": {"plural": plural, "kind": kind, "shortNames": ["gd"]}
        }
    })
}

fn gadgets() -> Value {
    definition("gadgets", "Gadget", &json!([version("v1", true, &json!({"type": "object"}))]))
}

/// What a definition with this schema of `spec.a` is told, without the common beginning of the paths.
fn complaints(a: &Value) -> Vec<String> {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": a}}}});
    let errors = check_definition(&definition("things", "Thing", &json!([version("v1", true, &schema)])));
    let start = "spec.validation.openAPIV3Schema.properties[spec].properties[a]";
    let errors = errors.expect_err("the schema is wrong");
    errors.0.iter().map(|error| error.to_string().replace(start, "a")).collect()
}

#[test]
fn a_new_definition_gets_names_and_an_empty_status() {
    let stored = check_definition(&gadgets()).expect("it is sound");
    let names = json!({
        "plural": "gadgets", "singular": "gadget", "shortNames": ["gd"], "kind": "Gadget", "listKind": "GadgetList"
    });
    assert_eq!(stored["spec"]["names"], names);
    assert_eq!(stored["spec"]["conversion"], json!({"strategy": "None"}));
    let status = json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]});
    assert_eq!(stored["status"], status);
}

#[test]
fn names_nobody_else_has_are_accepted() {
    let mut stored = check_definition(&gadgets()).expect("it is sound");
    accept_names(&mut stored, &[], NOW);
    assert_eq!(stored["status"]["acceptedNames"], stored["spec"]["names"]);
    assert_eq!(
        stored["status"]["conditions"],
        json!([
            {"type": "NamesAccepted", "status": "True", "lastTransitionTime": NOW, "reason": "NoConflicts",
                "message": "no conflicts found"},
            {"type": "Established", "status": "True", "lastTransitionTime": NOW, "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted"}
        ])
    );
}

#[test]
fn names_that_are_taken_are_not() {
    let mut first = check_definition(&gadgets()).expect("it is sound");
    accept_names(&mut first, &[], NOW);
    let mut second = gadgets();
    second["metadata"]["name"] = json!("gizmos.example.dev");
    second["spec"]["names"]["plural"] = json!("gizmos");
    let mut second = check_definition(&second).expect("it is sound");
    accept_names(&mut second, &[first], NOW);
    assert_eq!(second["status"]["acceptedNames"], json!({"plural": "gizmos", "kind": ""}));
    assert_eq!(
        second["status"]["conditions"],
        json!([
            {"type": "NamesAccepted", "status": "False", "lastTransitionTime": NOW, "reason": "ListKindConflict",
                "message": "\"GadgetList\" is already in use"},
            {"type": "Established", "status": "False", "lastTransitionTime": NOW, "reason": "NotAccepted",
                "message": "not all names are accepted"}
        ])
    );
}

#[test]
fn schemas_must_be_structural() {
    for (schema, expected) in [
        (json!({"type": "array"}), &["a.items: Required value: must be specified"][..]),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            &[
                "a.anyOf[0].type: Forbidden: must be empty to be structural",
                "a.anyOf[1].type: Forbidden: must be empty to be structural",
                "a.type: Required value: must not be empty for specified object fields",
            ][..],
        ),
        (
            json!({"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
            &["a.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"][..],
        ),
        (
            json!({"type": "integer", "maximum": 3, "default": 7}),
            &["a.default: Invalid value: 7:  in body should be less than or equal to 3"][..],
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            &[
                "a.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
            ][..],
        ),
    ] {
        assert_eq!(complaints(&schema), expected);
    }
}

#[test]
fn int_or_string_may_name_its_types() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "a": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    }}}});
    let stored = check_definition(&definition("things", "Thing", &json!([version("v1", true, &schema)])));
    assert_eq!(stored.map(|_| ()), Ok(()));
}

#[test]
fn one_version_is_stored() {
    let schema = json!({"type": "object"});
    let both = json!([version("v1", true, &schema), version("v2", true, &schema)]);
    let errors = check_definition(&definition("things", "Thing", &both)).expect_err("two are stored");
    let shown = |name: &str| {
        format!(
            "{{\"Name\":\"{name}\",\"Served\":true,\"Storage\":true,\"Deprecated\":false,\"DeprecationWarning\":null,\"Schema\":null,\
             \"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}"
        )
    };
    assert_eq!(
        errors.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            format!(
                "spec.versions: Invalid value: [{},{}]: must have exactly one version marked as storage version",
                shown("v1"),
                shown("v2")
            ),
            "status.storedVersions: Invalid value: [\"v1\"]: must have the storage version v2".to_owned()
        ]
    );
}

#[test]
fn what_names_the_stored_objects_cannot_change() {
    let mut old = check_definition(&gadgets()).expect("it is sound");
    accept_names(&mut old, &[], NOW);
    let mut new = old.clone();
    new["spec"]["scope"] = json!("Cluster");
    new["spec"]["names"]["kind"] = json!("Other");
    let errors = check_definition_update(&old, &new).expect_err("both are fixed");
    assert_eq!(
        errors.to_string(),
        "[spec.scope: Invalid value: \"Cluster\": field is immutable, spec.names.kind: Invalid value: \"Other\": field is immutable]"
    );
}

#[test]
fn a_version_that_was_stored_stays_in_the_list() {
    let schema = json!({"type": "object"});
    let mut old = check_definition(&gadgets()).expect("it is sound");
    accept_names(&mut old, &[], NOW);
    let mut new = old.clone();
    new["spec"]["versions"] = json!([version("v1", false, &schema), version("v2", true, &schema)]);
    let mut stored = check_definition_update(&old, &new).expect("it is sound");
    assert_eq!(stored["status"]["storedVersions"], json!(["v1", "v2"]));
    let old = stored.clone();
    stored["spec"]["versions"] = json!([version("v2", true, &schema)]);
    let errors = check_definition_update(&old, &stored).expect_err("v1 may still be stored");
    assert_eq!(errors.0.first().map(|error| error.field.as_str()), Some("status.storedVersions[0]"));
}
