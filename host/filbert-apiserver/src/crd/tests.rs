#![expect(clippy::needless_pass_by_value, reason = "json literals are handed over as they are")]

use super::*;
use serde_json::json;

/// A definition of the kind `Widget` with this schema of `spec`.
fn widget(spec: &Value) -> CrdVersion {
    let crd = json!({
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
                "subresources": {"scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas"}}
            }]
        }
    });
    CrdVersion::compile(&crd, "v1").expect("the definition is sound")
}

fn object(spec: Value) -> Value {
    json!({
        "apiVersion": "example.dev/v1", "kind": "Widget",
        "metadata": {"name": "w", "namespace": "n"}, "spec": spec
    })
}

fn refusals(schema: &Value, spec: Value) -> Vec<String> {
    let errors = widget(schema).validate(None, &object(spec));
    errors.0.iter().map(ToString::to_string).collect()
}

fn update(schema: &Value, old: Value, new: Value) -> Vec<String> {
    let errors = widget(schema).validate(Some(&object(old)), &object(new));
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn unknown_fields_are_removed_and_named_in_order() {
    let version = widget(&json!({"type": "object", "properties": {
        "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    }}));
    let mut given = object(json!({"zz": 1, "items": [{"name": "a", "b": 2}]}));
    given["top"] = json!(1);
    given["metadata"]["nope"] = json!(1);
    let mut unknown = Vec::new();
    version.prune(&mut given, &mut unknown);
    assert_eq!(unknown, ["metadata.nope", "spec.items[0].b", "spec.zz", "top"]);
    assert_eq!(given, object(json!({"items": [{"name": "a"}]})));
}

#[test]
fn preserved_fields_stay_but_their_named_properties_are_pruned() {
    let version = widget(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
        "known": {"type": "object", "properties": {"a": {"type": "integer"}}}
    }}));
    let mut given = object(json!({"known": {"a": 1, "b": 2}, "other": {"c": null}}));
    let mut unknown = Vec::new();
    version.prune(&mut given, &mut unknown);
    assert_eq!(unknown, ["spec.known.b"]);
    assert_eq!(given, object(json!({"known": {"a": 1}, "other": {"c": null}})));
}

#[test]
fn embedded_resources_keep_their_type_and_lose_unknown_metadata() {
    let version = widget(&json!({"type": "object", "properties": {"template": {
        "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true
    }}}));
    let template =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "creationTimestamp": null, "odd": 1}});
    let mut given = object(json!({"template": template}));
    let mut unknown = Vec::new();
    version.prune(&mut given, &mut unknown);
    assert_eq!(unknown, ["spec.template.metadata.odd"]);
    let template = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}});
    assert_eq!(given, object(json!({"template": template})));
}

#[test]
fn embedded_resources_need_a_type() {
    let schema = json!({"type": "object", "properties": {"template": {
        "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true
    }}});
    assert_eq!(
        refusals(&schema, json!({"template": {"metadata": {"name": "Bad_Name"}}})),
        ["spec.template.apiVersion: Required value", "spec.template.kind: Required value"]
    );
}

#[test]
fn defaults_fill_what_is_missing_and_null_where_null_is_not_allowed() {
    let version = widget(&json!({"type": "object", "properties": {
        "size": {"type": "integer", "default": 3},
        "maybe": {"type": "string", "nullable": true, "default": "d"},
        "flag": {"type": "boolean"},
        "nested": {"type": "object", "default": {}, "properties": {"level": {"type": "string", "default": "low"}}},
        "absent": {"type": "object", "properties": {"level": {"type": "string", "default": "low"}}},
        "items": {"type": "array", "items": {"type": "object", "properties": {"proto": {"type": "string", "default": "TCP"}}}}
    }}));
    let mut given = object(json!({"size": null, "maybe": null, "flag": null, "items": [{}]}));
    version.default(&mut given);
    let expected = json!({"size": 3, "maybe": null, "nested": {"level": "low"}, "items": [{"proto": "TCP"}]});
    assert_eq!(given, object(expected));
}

#[test]
fn without_spec_nothing_is_defaulted() {
    let version = widget(&json!({"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}));
    let mut given = json!({"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "w"}});
    let before = given.clone();
    version.default(&mut given);
    assert_eq!(given, before);
}

#[test]
fn messages_are_those_of_kubernetes() {
    let schema = json!({"type": "object", "properties": {
        "size": {"type": "integer", "maximum": 10, "minimum": 0},
        "ratio": {"type": "number", "minimum": 0, "exclusiveMinimum": true},
        "color": {"type": "string", "enum": ["red", "green"]},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        "port": {"x-kubernetes-int-or-string": true},
        "when": {"type": "string", "format": "date-time"},
        "atoms": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
        "labels": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}},
        "big": {"type": "integer", "maximum": 2_147_483_647}
    }});
    for (spec, message) in [
        (json!({"size": 11}), "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
        (json!({"ratio": 0}), "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0"),
        (json!({"color": "pink"}), "spec.color: Unsupported value: \"pink\": supported values: \"red\", \"green\""),
        (json!({"code": "AB"}), "spec.code: Invalid value: \"AB\": spec.code in body should match '^[a-z]+$'"),
        (json!({"code": "a"}), "spec.code: Invalid value: \"a\": spec.code in body should be at least 2 chars long"),
        (json!({"code": "abcdef"}), "spec.code: Too long: may not be more than 5 bytes"),
        (
            json!({"code": {}}),
            "spec.code: Invalid value: \"object\": spec.code in body must be of type string: \"object\"",
        ),
        (
            json!({"port": true}),
            "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"",
        ),
        (
            json!({"when": "soon"}),
            "spec.when: Invalid value: \"soon\": spec.when in body must be of type date-time: \"soon\"",
        ),
        (json!({"atoms": []}), "spec.atoms: Invalid value: 0: spec.atoms in body should have at least 1 items"),
        (json!({"atoms": ["a", "b", "c"]}), "spec.atoms: Too many: 3: must have at most 2 items"),
        (
            json!({"labels": {"a": 1}}),
            "spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of type string: \"integer\"",
        ),
        (json!({"labels": {"a": "1", "b": "2", "c": "3"}}), "spec.labels: Too many: 3: must have at most 2 items"),
        (
            json!({"big": 2_147_483_648_i64}),
            "spec.big: Invalid value: 2147483648: spec.big in body should be less than or equal to 2.147483647e+09",
        ),
    ] {
        assert_eq!(refusals(&schema, spec), [message]);
    }
}

#[test]
fn the_scale_accessor_complains_in_its_own_words() {
    let schema = json!({"type": "object", "properties": {"size": {"type": "integer", "minimum": 0}}});
    assert_eq!(
        refusals(&schema, json!({"size": "3"})),
        [
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
            ".spec.size: Invalid value: 0: .spec.size accessor error: 3 is of the type string, expected int64"
        ]
    );
    assert_eq!(
        refusals(&schema, json!({"size": 2.0})),
        [".spec.size: Invalid value: 0: .spec.size accessor error: 2 is of the type float64, expected int64"]
    );
    assert_eq!(
        refusals(&schema, json!([])),
        [
            "spec: Invalid value: \"array\": spec in body must be of type object: \"array\"",
            ".spec.size: Invalid value: 0: .spec.size accessor error: [] is of the type []interface {}, expected map[string]interface{}"
        ]
    );
}

#[test]
fn one_of_names_the_first_alternative_when_none_fits() {
    let schema = json!({"type": "object", "properties": {"choice": {
        "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]
    }}});
    assert_eq!(
        refusals(&schema, json!({"choice": {}})),
        [
            "<nil>: Invalid value: \"\": \"spec.choice\" must validate one and only one schema (oneOf). Found none valid",
            "spec.choice.a: Required value"
        ]
    );
    assert_eq!(
        refusals(&schema, json!({"choice": {"a": "1", "b": "2"}})),
        [
            "<nil>: Invalid value: \"\": \"spec.choice\" must validate one and only one schema (oneOf). Found 2 valid alternatives"
        ]
    );
}

#[test]
fn repeated_items_of_sets_and_maps_are_refused() {
    let schema = json!({"type": "object", "properties": {
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}}}
    }});
    assert_eq!(
        refusals(&schema, json!({"tags": ["a", "a"], "items": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]})),
        ["spec.items[1]: Duplicate value: {\"name\":\"x\"}", "spec.tags[1]: Duplicate value: \"a\""]
    );
}

#[test]
fn an_update_may_keep_what_was_invalid_before() {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": "string", "maxLength": 2}, "b": {"type": "string"},
        "deep": {"type": "object", "properties": {"x": {"type": "integer", "maximum": 10}, "y": {"type": "string"}}},
        "list": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}
    }});
    let old = json!({"a": "LONG", "deep": {"x": 50, "y": "k"}, "list": ["one", "one"]});
    let mut new = old.clone();
    new["b"] = json!("other");
    new["deep"]["y"] = json!("changed");
    new["list"] = json!(["one", "one", "two"]);
    assert_eq!(update(&schema, old.clone(), new), [""; 0]);
    let mut new = old.clone();
    new["a"] = json!("LONGER");
    assert_eq!(update(&schema, old, new), ["spec.a: Too long: may not be more than 2 bytes"]);
}

#[test]
fn another_kind_is_refused_before_anything_else() {
    let version = widget(&json!({"type": "object"}));
    let mut given = object(json!([]));
    given["kind"] = json!("Gadget");
    let errors = version.validate(None, &given);
    assert_eq!(errors.to_string(), "kind: Invalid value: \"Gadget\": must be Widget");
}

#[test]
fn a_status_write_is_checked_from_the_status_down() {
    let crd = json!({"spec": {"group": "example.dev", "scope": "Cluster", "names": {"kind": "Widget"}, "versions": [{
        "name": "v1",
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "required": ["color"]},
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}
        }}}
    }]}});
    let version = CrdVersion::compile(&crd, "v1").expect("the definition is sound");
    let old = json!({"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}});
    let mut new = old.clone();
    new["status"] = json!({"replicas": "x"});
    assert_eq!(
        version.validate_status(&old, &new).to_string(),
        "status.replicas: Invalid value: \"string\": replicas in body must be of type integer: \"string\""
    );
}
