use crate::crd::{CrdVersion, check_definition};
use serde_json::{Value, json};

fn definition(schema: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rules.example.dev"},
        "spec": {
            "group": "example.dev", "scope": "Cluster", "names": {"plural": "rules", "kind": "Rule"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]
        }
    })
}

/// A schema whose `spec` has these properties and rules.
fn spec(properties: &Value, rules: &Value) -> Value {
    json!({"type": "object", "properties": {"spec": {
        "type": "object", "properties": properties, "x-kubernetes-validations": rules
    }}})
}

fn refusals(schema: &Value, old: Option<Value>, new: Value) -> Vec<String> {
    let object =
        |spec: Value| json!({"apiVersion": "example.dev/v1", "kind": "Rule", "metadata": {"name": "x"}, "spec": spec});
    let stored = check_definition(&definition(schema)).unwrap_or_else(|errors| unreachable!("{errors}"));
    let version = CrdVersion::compile(&stored, "v1").expect("the definition was checked");
    let errors = version.validate(old.map(object).as_ref(), &object(new));
    errors.0.iter().map(ToString::to_string).collect()
}

fn complaints(schema: &Value) -> Vec<String> {
    let errors = check_definition(&definition(schema)).expect_err("the definition is wrong");
    let strip = "spec.validation.openAPIV3Schema.properties[spec].";
    errors.0.iter().map(|error| error.to_string().replace(strip, "")).collect()
}

#[test]
fn a_rule_that_fails_answers_with_its_message_at_its_place() {
    let properties = json!({
        "min": {"type": "integer"}, "max": {"type": "integer"},
        "mode": {"type": "string", "maxLength": 10, "x-kubernetes-validations": [
            {"rule": "self in ['x', 'y']", "reason": "FieldValueForbidden", "message": "mode is bad"}
        ]},
        "list": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 10}, "x-kubernetes-validations": [
            {"rule": "self.all(x, x.startsWith('a'))", "messageExpression": "'all of ' + self.join(',') + ' must start with a'"}
        ]},
        "map": {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "integer"}, "x-kubernetes-validations": [
            {"rule": "self.all(k, self[k] > 0)", "message": "positive"}
        ]}
    });
    let rules = json!([
        {"rule": "!has(self.min) || !has(self.max) || self.min <= self.max", "message": "min must not be over max", "fieldPath": ".min"},
        {"rule": "!has(self.max) || 10 / self.max > 0", "message": "division"}
    ]);
    let schema = spec(&properties, &rules);
    for (given, message) in [
        (json!({"min": 3, "max": 2}), "spec.min: Invalid value: min must not be over max"),
        (json!({"mode": "z"}), "spec.mode: Forbidden: mode is bad"),
        (json!({"list": ["a", "b"]}), "spec.list: Invalid value: all of a,b must start with a"),
        (json!({"map": {"a": 0}}), "spec.map: Invalid value: positive"),
        (json!({"max": 0}), "spec: Invalid value: \"object\": division by zero evaluating rule: division"),
    ] {
        assert_eq!(refusals(&schema, None, given), [message]);
    }
    assert_eq!(
        refusals(&schema, None, json!({"min": 1, "max": 2, "mode": "x", "list": ["ab"], "map": {"a": 1}})),
        [""; 0]
    );
}

#[test]
fn schema_errors_keep_rules_from_running() {
    let properties = json!({"a": {"type": "string", "maxLength": 3}});
    let schema = spec(&properties, &json!([{"rule": "self.a == 'x'"}]));
    assert_eq!(
        refusals(&schema, None, json!({"a": "long"})),
        [
            "spec.a: Too long: may not be more than 3 bytes",
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors \
             to complete validation"
        ]
    );
}

#[test]
fn transition_rules_see_the_old_value() {
    let properties = json!({
        "name": {"type": "string", "maxLength": 20, "x-kubernetes-validations": [
            {"rule": "self == oldSelf", "message": "name is immutable"}
        ]},
        "grow": {"type": "integer", "x-kubernetes-validations": [
            {"rule": "oldSelf.hasValue() ? self >= oldSelf.value() : self > 0", "optionalOldSelf": true, "message": "must not shrink"}
        ]},
        "opt": {"type": "string", "maxLength": 10}
    });
    let schema =
        spec(&properties, &json!([{"rule": "!has(oldSelf.opt) || has(self.opt)", "message": "opt cannot be removed"}]));
    let old = || Some(json!({"name": "n", "grow": 3, "opt": "o"}));
    assert_eq!(
        refusals(&schema, None, json!({"name": "n", "grow": 0})),
        ["spec.grow: Invalid value: 0: must not shrink"]
    );
    assert_eq!(
        refusals(&schema, old(), json!({"name": "m", "grow": 2})),
        [
            "spec: Invalid value: opt cannot be removed",
            "spec.grow: Invalid value: 2: must not shrink",
            "spec.name: Invalid value: \"m\": name is immutable"
        ]
    );
    assert_eq!(refusals(&schema, old(), json!({"grow": 4, "opt": "p"})), [""; 0]);
}

#[test]
fn quantities_and_addresses_are_understood() {
    let properties = json!({
        "quantity": {"type": "string", "maxLength": 20, "x-kubernetes-validations": [
            {"rule": "quantity(self).isGreaterThan(quantity('1Gi'))"}
        ]},
        "address": {"type": "string", "maxLength": 40, "x-kubernetes-validations": [
            {"rule": "isIP(self) && cidr('10.0.0.0/8').containsIP(ip(self))", "message": "outside"}
        ]},
        "url": {"type": "string", "maxLength": 40, "x-kubernetes-validations": [
            {"rule": "isURL(self) && url(self).getScheme() == 'https'", "message": "scheme"}
        ]},
        "tag": {"type": "string", "maxLength": 40, "x-kubernetes-validations": [
            {"rule": "self.find('[0-9]+') == '12'", "message": "digits"}
        ]}
    });
    let schema = spec(&properties, &json!([]));
    for (given, message) in [
        (
            json!({"quantity": "1Mi"}),
            "spec.quantity: Invalid value: \"1Mi\": failed rule: quantity(self).isGreaterThan(quantity('1Gi'))",
        ),
        (
            json!({"quantity": "abc"}),
            "spec.quantity: Invalid value: \"string\": quantities must match the regular expression \
             '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' evaluating rule: quantity(self).isGreaterThan(quantity('1Gi'))",
        ),
        (json!({"address": "11.0.0.1"}), "spec.address: Invalid value: \"11.0.0.1\": outside"),
        (json!({"url": "http://a.example"}), "spec.url: Invalid value: \"http://a.example\": scheme"),
        (json!({"tag": "v13"}), "spec.tag: Invalid value: \"v13\": digits"),
    ] {
        assert_eq!(refusals(&schema, None, given), [message]);
    }
    let good = json!({"quantity": "2Gi", "address": "10.1.2.3", "url": "https://a.example/x", "tag": "v12"});
    assert_eq!(refusals(&schema, None, good), [""; 0]);
}

#[test]
fn names_with_special_letters_are_escaped() {
    let properties = json!({"a-b": {"type": "integer"}, "c.d": {"type": "integer"}, "namespace": {"type": "integer"}});
    let rule = "self.a__dash__b + self.c__dot__d == self.__namespace__";
    let schema = spec(&properties, &json!([{"rule": rule, "message": "sum"}]));
    assert_eq!(refusals(&schema, None, json!({"a-b": 1, "c.d": 2, "namespace": 3})), [""; 0]);
    assert_eq!(refusals(&schema, None, json!({"a-b": 1, "c.d": 2, "namespace": 4})), ["spec: Invalid value: sum"]);
}

#[test]
fn the_root_knows_the_name_of_its_object() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}}, "x-kubernetes-validations": [
        {"rule": "self.metadata.name.size() < 1", "message": "long name"}
    ]});
    assert_eq!(refusals(&schema, None, json!({})), ["<nil>: Invalid value: long name"]);
}

#[test]
fn rules_that_do_not_compile_are_refused_with_the_place() {
    let properties = json!({"a": {"type": "string"}});
    for (rule, message) in [
        ("self.b == 'x'", "compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 'x'\n | ....^"),
        (
            "self.a > 3",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(string, int)'\n | self.a > 3\n | \
             .......^",
        ),
        ("self.a", "cel expression must evaluate to a bool"),
        (
            "self.a ===",
            "compilation failed: ERROR: <input>:1:10: Syntax error: token recognition error at: '='\n | self.a ===\n | .........^\nERROR: \
             <input>:1:11: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', \
             NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.a ===\n | ..........^",
        ),
    ] {
        let shown = rule.replace('>', "\\u003e");
        assert_eq!(
            complaints(&spec(&properties, &json!([{"rule": rule}]))),
            [format!(
                "x-kubernetes-validations[0].rule: Invalid value: {{\"Rule\":\"{shown}\",\"Message\":\"\",\"MessageExpression\":\"\",\
                 \"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}}: {message}"
            )]
        );
    }
}

#[test]
fn texts_around_a_rule_are_checked() {
    let properties = json!({"a": {"type": "string"}});
    for (rule, message) in [
        (json!({"rule": " "}), "x-kubernetes-validations[0].rule: Required value: rule is not specified"),
        (
            json!({"rule": "true", "fieldPath": ".nope"}),
            "x-kubernetes-validations[0].fieldPath: Invalid value: \".nope\": must be a valid path",
        ),
        (
            json!({"rule": "true", "reason": "Bad"}),
            "x-kubernetes-validations[0].reason: Unsupported value: \"Bad\": supported values: \"FieldValueDuplicate\", \
             \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ),
        (
            json!({"rule": "true", "message": "a\nb"}),
            "x-kubernetes-validations[0].message: Invalid value: \"a\\nb\": must not contain line breaks",
        ),
    ] {
        assert_eq!(complaints(&spec(&properties, &json!([rule]))), [message]);
    }
}

#[test]
fn rules_on_values_without_bound_cost_too_much() {
    let limits = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    let rule = json!([{"rule": "self.contains('x')"}]);
    let properties = json!({"a": {"type": "array", "items": {"type": "string", "x-kubernetes-validations": rule}}});
    let place = "properties[a].items.x-kubernetes-validations[0].rule";
    assert_eq!(
        complaints(&spec(&properties, &json!([]))),
        [
            format!("{place}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x {limits}"),
            format!(
                "{place}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            ),
            format!(
                "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema \
                 exceeds budget by factor of more than 100x {limits}"
            )
        ]
    );
    let bounded = json!({"a": {"type": "array", "maxItems": 10, "items": {
        "type": "string", "maxLength": 10, "x-kubernetes-validations": [{"rule": "self.contains('x')"}]
    }}});
    assert_eq!(refusals(&spec(&bounded, &json!([])), None, json!({"a": ["x"]})), [""; 0]);
}
