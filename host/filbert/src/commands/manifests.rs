//! `filbert manifests`: what a cluster needs to run the operator with the modules of a folder.

use std::process::ExitCode;

use filbert_plan::definition;
use filbert_plan::rights::{self, Operator, Rights, Scope, Served};
use filbert_runtime::Serving;
use filbert_runtime::library::Ungoverned;
use serde_json::{Value, json};

use crate::cli::Manifests;
use crate::failure::Outcome;
use crate::{output, world};

/// The chart with its defaults, as `cargo xtask deploy` rendered it.
const CHART: &str = include_str!("../../../deploy/filbert.yaml");
/// What the chart called itself and where it was put when it was rendered.
const NAME: &str = "filbert";
const NAMESPACE: &str = "filbert-system";

pub(crate) async fn run(options: &Manifests) -> Outcome<ExitCode> {
    let library = world::library(&options.folder, Ungoverned::NothingGranted).await?;
    let serving = library.serving();
    world::sound(&serving)?;
    let scope = options.watch_namespace.clone().map_or(Scope::Everywhere, Scope::Namespace);
    let operator = Operator { name: NAME, namespace: &options.namespace };
    let roles = needed(&serving, &scope, operator).objects(operator);
    let objects = if options.rbac {
        roles
    } else {
        let own = definition::all().into_iter().map(|(_, definition)| definition);
        own.chain(serving.definitions()).chain(chart(options, roles)?).collect()
    };
    for object in objects {
        output::line(format_args!("---\n{}", serde_saphyr::to_string(&object)?.trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the pipelines in service need.
fn needed(serving: &Serving, scope: &Scope, operator: Operator<'_>) -> Rights {
    let served = serving.pipelines().map(|pipeline| {
        let reviewers = pipeline.defaulting.iter().chain(&pipeline.validation).map(|reviewer| &reviewer.module);
        let modules = reviewers.chain(pipeline.steps.iter().map(|step| &step.module));
        Served {
            resource: &pipeline.resource,
            has_steps: !pipeline.steps.is_empty(),
            grants: modules.map(|module| &*module.grants).collect(),
        }
    });
    rights::needed(served, scope, operator)
}

/// The objects of the chart, with these roles instead of its own, for this namespace and image.
fn chart(options: &Manifests, roles: Vec<Value>) -> Outcome<Vec<Value>> {
    let rendered: Vec<Value> = serde_saphyr::from_multiple(CHART)?;
    let mut objects: Vec<Value> = rendered.into_iter().filter(|object| !is_role(object)).collect();
    for object in &mut objects {
        adjust(object, options);
    }
    // After the service account, before what runs as it.
    let at = objects.iter().position(|object| object.get("kind").and_then(Value::as_str) == Some("Deployment"));
    let rest = objects.split_off(at.unwrap_or(objects.len()));
    Ok(objects.into_iter().chain(roles).chain(rest).collect())
}

fn is_role(object: &Value) -> bool {
    object
        .get("apiVersion")
        .and_then(Value::as_str)
        .is_some_and(|group| group.starts_with("rbac.authorization.k8s.io/"))
}

fn adjust(object: &mut Value, options: &Manifests) {
    for place in ["/metadata/namespace", "/metadata/name"] {
        if let Some(text) = object.pointer_mut(place)
            && text == NAMESPACE
        {
            *text = options.namespace.clone().into();
        }
    }
    let Some(container) = object.pointer_mut("/spec/template/spec/containers/0").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(image) = &options.image {
        container.insert("image".to_owned(), image.clone().into());
    }
    if let (Some(watched), Some(env)) =
        (&options.watch_namespace, container.get_mut("env").and_then(Value::as_array_mut))
    {
        env.push(json!({"name": "FILBERT_WATCH_NAMESPACE", "value": watched}));
    }
}
