//! The definitions (`CustomResourceDefinition`) of our own two kinds, as the types of [`crate::pipeline`] are written. A
//! test holds both together.

use serde_json::{Map, Value, json};

use crate::object::ResourceType;

/// The group of both kinds.
pub const GROUP: &str = "filbert.dev";
/// Its version.
pub const VERSION: &str = "v1alpha1";

/// The resource type of `Module`.
pub fn modules() -> ResourceType {
    ResourceType::new(GROUP, VERSION, "modules")
}

/// The resource type of `Pipeline`.
pub fn pipelines() -> ResourceType {
    ResourceType::new(GROUP, VERSION, "pipelines")
}

/// Both definitions, by the name of their file.
pub fn all() -> Vec<(String, Value)> {
    [(modules(), module()), (pipelines(), pipeline())]
        .into_iter()
        .map(|(resource, definition)| (format!("{GROUP}_{}.yaml", resource.plural), definition))
        .collect()
}

fn module() -> Value {
    let component = object(
        "Where the component comes from.",
        &["file"],
        [
            ("file", not_empty("A file below the modules directory.")),
            (
                "digest",
                json!({
                    "type": "string", "pattern": "^[0-9a-f]{64}$",
                    "description": "SHA-256 of the file, in hexadecimal. Where given, any other file is refused.",
                }),
            ),
        ],
    );
    let limits = object(
        "Bounds on each of its calls; absent ones are the host's.",
        &[],
        [
            ("memoryMib", number("int64", "MiB of linear memory.")),
            ("deadlineMillis", number("int64", "Milliseconds, including the time that reads take.")),
        ],
    );
    let spec = object(
        "Where a component comes from and what it may do.",
        &["component"],
        [
            ("component", component),
            (
                "grants",
                list(
                    "What it may do: the upper bound of what it gets. What it does not wish for it does not get either.",
                    grant(),
                ),
            ),
            ("limits", limits),
        ],
    );
    let status = status([
        ("version", text("Version that the module gives itself.")),
        ("contract", text("Version of the contract that it was built for.")),
        ("digest", text("SHA-256 of what is in service.")),
        ("shortDigest", text("Its first twelve digits.")),
        ("roles", list("What it can be called for.", text("`defaulting`, `validation` or `step`."))),
        ("steps", list("The steps that it can take.", text("As pipelines name it."))),
        ("serves", text("Roles and steps in one line.")),
    ]);
    let columns = [
        ("State", "string", ".status.state", 0),
        ("Version", "string", ".status.version", 0),
        ("Digest", "string", ".status.shortDigest", 0),
        ("Serves", "string", ".status.serves", 0),
        ("Reason", "string", ".status.reason", 0),
        ("Contract", "string", ".status.contract", 1),
        ("Message", "string", ".status.message", 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ];
    definition(&modules(), "Module", "A component: where it comes from and what it may do.", &columns, spec, status)
}

fn grant() -> Value {
    let numbers = |description| list(description, json!({"type": "integer", "format": "int64"}));
    let label = object(
        "What a label must satisfy.",
        &["key", "operator"],
        [
            ("key", text("The label.")),
            ("operator", one_of("How it is compared.", &["one-of", "none-of", "exists", "absent"])),
            ("values", list("Empty for `exists` and `absent`.", text("A value."))),
        ],
    );
    let objects = object(
        "Kubernetes objects of one resource type.",
        &["resource", "verbs"],
        [
            ("resource", resource("Which type. A version of `*` stands for any.")),
            ("verbs", list("What may be done.", one_of("A verb.", &["read", "apply", "delete"]))),
            (
                "within",
                json!({
                    "x-kubernetes-preserve-unknown-fields": true,
                    "description": "In which namespaces: `here` (that of the reconciled object, which is also the default), `all` (also cluster-scoped objects), `named: [a, b]`, or `hereIn: [a, b]` (that of the reconciled object, where it is one of these).",
                }),
            ),
            ("labels", list("Only objects with these labels; empty for all.", label)),
            (
                "names",
                list(
                    "Only objects of these names; empty for any. `{name}` stands for the name of the reconciled object, a final `*` for any rest.",
                    text("A pattern."),
                ),
            ),
        ],
    );
    let messages = object(
        "Client messages to members, by type identifier.",
        &[],
        [("ask", numbers("Messages that change nothing.")), ("call", numbers("Messages that change something."))],
    );
    let agents = object(
        "Requests to member agents and Management Centers.",
        &[],
        [("routes", list("Method and path; a final `*` stands for any rest.", text("`POST /backups/*`.")))],
    );
    let mut grant = object(
        "One capability.",
        &[],
        [
            ("objects", objects),
            ("messages", messages),
            ("agents", agents),
            ("certificates", object("Certificates that the host makes and keeps.", &[], [])),
            (
                "other",
                json!({"x-kubernetes-preserve-unknown-fields": true, "description": "A capability that this host does not know. It grants nothing."}),
            ),
        ],
    );
    set(&mut grant, "minProperties", json!(1));
    set(&mut grant, "maxProperties", json!(1));
    grant
}

fn pipeline() -> Value {
    let parameters = |description: &str| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": description});
    let reviewers = |description: &str| {
        let reviewer = object(
            "A module that reviews.",
            &["module"],
            [("module", not_empty("Its name.")), ("parameters", parameters("Handed to it with each review."))],
        );
        list(description, reviewer)
    };
    let step = object(
        "One step.",
        &["module", "step"],
        [
            (
                "name",
                not_empty(
                    "Its name in this pipeline; that of the module's step where absent. It must not change while objects that it applied exist.",
                ),
            ),
            ("module", not_empty("The module's name.")),
            ("step", not_empty("Which of the module's steps.")),
            ("parameters", parameters("Handed to it with each call.")),
            ("onFailure", one_of("What becomes of later steps when this one fails.", &["stop", "continue"])),
        ],
    );
    let adoption = object(
        "Whose installations it takes over: how what an earlier operator left is told from what belongs to somebody else. Objects with a controller reference to the resource are recognised without any of this.",
        &["managers"],
        [
            (
                "managers",
                list(
                    "Field managers under which the earlier operator wrote. Their fields become those of the steps, so that what no step says goes; fields of anybody else stay theirs. One of them that writes later is still at work: then the condition `Contested` says so, and the two do not fight.",
                    not_empty("A field manager."),
                ),
            ),
            (
                "labels",
                json!({
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "Labels of objects that it left without a controller reference; `{name}` stands for the name of the resource. Empty: there are none.",
                }),
            ),
        ],
    );
    let spec = object(
        "Which modules serve one resource type, in which order. Without steps it is a plain admission policy: its objects are judged when they are written, and otherwise left alone.",
        &["resource"],
        [
            ("resource", resource("Whose objects it serves.")),
            (
                "finalizer",
                not_empty(
                    "The finalizer that the host puts on every object. Absent: `filbert.dev/finalizer`, and only where a step has something to finalize.",
                ),
            ),
            ("adoption", adoption),
            ("admission", admission()),
            ("defaulting", reviewers("Which modules default the object, in order.")),
            ("validation", reviewers("Which modules validate it; all are asked.")),
            ("steps", list("What is done for an object that is valid, in order.", step)),
        ],
    );
    let status = status([
        ("resource", text("Whose objects it serves, in one line.")),
        ("steps", list("The steps in service.", text("Its name, and that of its module."))),
        ("stepCount", number("int64", "How many they are.")),
        ("warnings", list("What an administrator should know of it.", text("For people."))),
    ]);
    let columns = [
        ("Resource", "string", ".status.resource", 0),
        ("State", "string", ".status.state", 0),
        ("Steps", "integer", ".status.stepCount", 0),
        ("Reason", "string", ".status.reason", 0),
        ("Message", "string", ".status.message", 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ];
    let about = "Which modules serve one resource type, in which order.";
    definition(&pipelines(), "Pipeline", about, &columns, spec, status)
}

/// How the API server asks about the objects of a pipeline.
fn admission() -> Value {
    let selector = |description: &str| {
        let operators = ["In", "NotIn", "Exists", "DoesNotExist"];
        let expression = object(
            "What holds of one label.",
            &["key", "operator"],
            [
                ("key", not_empty("The label.")),
                ("operator", one_of("How it is compared.", &operators)),
                ("values", list("Empty for `Exists` and `DoesNotExist`.", text("A value."))),
            ],
        );
        let labels = json!({
            "type": "object", "additionalProperties": {"type": "string"},
            "description": "Labels that are there with these values.",
        });
        let fields = [("matchLabels", labels), ("matchExpressions", list("What else holds of labels.", expression))];
        object(description, &[], fields)
    };
    let condition = object(
        "A condition on a request.",
        &["name", "expression"],
        [
            ("name", not_empty("Told where it fails.")),
            ("expression", not_empty("In the Common Expression Language: `request.userInfo.username != 'ann'`.")),
        ],
    );
    let mut timeout = number("int64", "How long the API server waits for an answer, in seconds: 1 to 30. Absent: 5.");
    set(&mut timeout, "minimum", json!(1));
    set(&mut timeout, "maximum", json!(30));
    object(
        "How the API server asks about its objects. Those in the operator's own namespace are never asked about; the operator judges them when it sees them.",
        &[],
        [
            (
                "failurePolicy",
                one_of(
                    "What becomes of a request that nobody could judge, because no operator answers or because a module broke. Absent: `Fail` for custom resources, `Ignore` for kinds that Kubernetes brings along. `Fail` for these can lock the cluster out; the status warns of it.",
                    &["Fail", "Ignore"],
                ),
            ),
            (
                "operations",
                list(
                    "What is asked about. Absent: `CREATE` and `UPDATE`. Defaulting is asked about these two only.",
                    one_of("An operation.", &["CREATE", "UPDATE", "DELETE", "CONNECT"]),
                ),
            ),
            ("subResources", list("Sub-resources that are asked about too.", not_empty("`status`, `scale`."))),
            ("namespaceSelector", selector("Only objects in namespaces with these labels.")),
            ("objectSelector", selector("Only objects with these labels.")),
            ("matchConditions", list("Only requests for which all of these hold.", condition)),
            ("timeoutSeconds", timeout),
        ],
    )
}

/// What both kinds have in their status, and what only one has.
fn status<const N: usize>(own: [(&str, Value); N]) -> Value {
    let condition = object(
        "One side of how it stands.",
        &["lastTransitionTime", "message", "reason", "status", "type"],
        [
            (
                "lastTransitionTime",
                json!({"type": "string", "format": "date-time", "description": "When `status` changed last."}),
            ),
            ("message", text("For people.")),
            ("observedGeneration", number("int64", "The generation that it is about.")),
            ("reason", text("CamelCase word.")),
            ("status", one_of("Whether it holds.", &["True", "False", "Unknown"])),
            (
                "type",
                text("`Ready`, `UpToDate`; of a module also `Called`: whether it is, or burnt its budget too often."),
            ),
        ],
    );
    let mut conditions = list("How it stands.", condition);
    set(&mut conditions, "x-kubernetes-list-type", json!("map"));
    set(&mut conditions, "x-kubernetes-list-map-keys", json!(["type"]));
    let states = ["Serving", "LastGood", "Refused"];
    let common = [
        ("observedGeneration", number("int64", "The generation that this is about.")),
        ("state", one_of("Whether what was asked for is in service, or the last good version, or nothing.", &states)),
        ("reason", text("Why what was asked for is not in service, or not called for a while: CamelCase word.")),
        ("message", text("The same for people.")),
        ("conditions", conditions),
    ];
    object("How it stands, as the operator sees it.", &[], common.into_iter().chain(own))
}

/// Name, type, path, and 1 where only `-o wide` shows it.
type Column = (&'static str, &'static str, &'static str, u8);

fn definition(
    resource: &ResourceType,
    kind: &str,
    about: &str,
    columns: &[Column],
    spec: Value,
    status: Value,
) -> Value {
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, kind, path, priority)| json!({"name": name, "type": kind, "jsonPath": path, "priority": priority}))
        .collect();
    let meta = [
        ("apiVersion", json!({"type": "string"})),
        ("kind", json!({"type": "string"})),
        ("metadata", json!({"type": "object"})),
    ];
    let schema = object(about, &["spec"], meta.into_iter().chain([("spec", spec), ("status", status)]));
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.definition_name()},
        "spec": {
            "group": resource.group,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": resource.plural,
                "singular": kind.to_lowercase(),
                "categories": ["filbert"],
            },
            "scope": "Cluster",
            "versions": [{
                "name": resource.version,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": schema},
                "subresources": {"status": {}},
            }],
        },
    })
}

fn resource(description: &str) -> Value {
    object(
        description,
        &["group", "version", "plural"],
        [
            ("group", text("Empty for the core group.")),
            ("version", not_empty("`v1`.")),
            ("plural", not_empty("`services`.")),
        ],
    )
}

fn object<'a>(description: &str, required: &[&str], properties: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let properties: Map<_, _> = properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut schema = json!({"type": "object", "description": description});
    if !properties.is_empty() {
        set(&mut schema, "properties", Value::Object(properties));
    }
    if !required.is_empty() {
        set(&mut schema, "required", json!(required));
    }
    schema
}

#[expect(clippy::needless_pass_by_value, reason = "made for it where it is called")]
fn list(description: &str, items: Value) -> Value {
    json!({"type": "array", "description": description, "items": items, "x-kubernetes-list-type": "atomic"})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn not_empty(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description})
}

fn number(format: &str, description: &str) -> Value {
    json!({"type": "integer", "format": format, "minimum": 0, "description": description})
}

fn one_of(description: &str, values: &[&str]) -> Value {
    json!({"type": "string", "enum": values, "description": description})
}

fn set(schema: &mut Value, field: &str, value: Value) {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{
        AgentGrant, Grant, Grants, LabelOperator, LabelRequirement, MessageGrant, Namespaces, ObjectGrant, Verb,
    };
    use crate::pipeline::{
        Admission, Adoption, ComponentSource, FailurePolicy, LabelExpression, LabelSelector, Limits, MatchCondition,
        ModuleSpec, OnFailure, PipelineSpec, PipelineStep, Reviewer, SelectorOperator,
    };
    use crate::review::Operation;

    /// Fields that only one of the two has.
    fn differences(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        if schema["additionalProperties"].is_object() {
            // Names that people choose.
            return;
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == json!(true) {
            return;
        }
        match value {
            Value::Object(fields) => {
                let none = Map::new();
                let known = schema["properties"].as_object().unwrap_or(&none);
                for name in fields.keys().filter(|name| !known.contains_key(*name)) {
                    found.push(format!("not in the schema: {path}.{name}"));
                }
                for (name, schema) in known {
                    match fields.get(name) {
                        Some(value) => differences(schema, value, &format!("{path}.{name}"), found),
                        None => found.push(format!("not in the type: {path}.{name}")),
                    }
                }
            }
            Value::Array(items) => {
                // Variants of an enum have one field each; together they have all.
                let mut all = items.first().cloned().unwrap_or_default();
                for item in items.iter().skip(1) {
                    if let (Some(all), Some(item)) = (all.as_object_mut(), item.as_object()) {
                        all.extend(item.clone());
                    }
                }
                differences(&schema["items"], &all, path, found);
            }
            _ => {}
        }
    }

    #[test]
    fn the_definitions_have_the_fields_of_the_types_and_no_others() {
        let resource = || ResourceType::new("example.dev", "v1", "lamps");
        let label = LabelRequirement { key: "app".into(), operator: LabelOperator::OneOf, values: vec!["red".into()] };
        let objects = ObjectGrant {
            resource: resource(),
            verbs: vec![Verb::Read],
            within: Namespaces::All,
            labels: vec![label],
            names: vec!["a".into()],
        };
        let module = ModuleSpec {
            component: ComponentSource { file: "lamp.wasm".into(), digest: Some("00".into()) },
            grants: Grants(vec![
                Grant::Objects(objects),
                Grant::Messages(MessageGrant { ask: vec![1], call: vec![2] }),
                Grant::Agents(AgentGrant { routes: vec!["GET /".into()] }),
                Grant::Certificates {},
                Grant::Other(json!({"a": 1})),
            ]),
            limits: Limits { memory_mib: Some(1), deadline_millis: Some(1) },
        };
        let reviewer = || vec![Reviewer { module: "lamp".into(), parameters: json!({"a": 1}) }];
        let step = PipelineStep {
            name: Some("one".into()),
            module: "lamp".into(),
            step: "shine".into(),
            parameters: json!({"a": 1}),
            on_failure: OnFailure::Continue,
        };
        let expression =
            LabelExpression { key: "app".into(), operator: SelectorOperator::In, values: vec!["red".into()] };
        let selector =
            LabelSelector { match_labels: [("a".into(), "b".into())].into(), match_expressions: vec![expression] };
        let admission = Admission {
            failure_policy: Some(FailurePolicy::Fail),
            operations: vec![Operation::Delete],
            sub_resources: vec!["scale".into()],
            namespace_selector: Some(selector.clone()),
            object_selector: Some(selector),
            match_conditions: vec![MatchCondition { name: "a".into(), expression: "true".into() }],
            timeout_seconds: Some(3),
        };
        let pipeline = PipelineSpec {
            admission: Some(Box::new(admission)),
            resource: resource(),
            finalizer: Some("example.dev/finalizer".into()),
            adoption: Some(Adoption { managers: vec!["old".into()], labels: [("a".into(), "b".into())].into() }),
            defaulting: reviewer(),
            validation: reviewer(),
            steps: vec![step],
        };
        let values = [serde_json::to_value(module).expect("JSON"), serde_json::to_value(pipeline).expect("JSON")];
        for ((name, definition), value) in all().into_iter().zip(values) {
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
            let mut found = Vec::new();
            differences(schema, &value, "spec", &mut found);
            assert_eq!(found, [] as [String; 0], "{name}");
        }
    }
}
