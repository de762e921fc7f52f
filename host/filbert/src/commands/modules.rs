//! `filbert modules`: what is in service, and what is not and why. In the running operator where a cluster is named, else
//! in the folder.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use filbert_kube::Api;
use filbert_plan::definition;
use filbert_plan::object::{self, ResourceType};
use filbert_runtime::library::{InService, Ungoverned, short};
use filbert_runtime::{ModuleState, PipelineState};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{ClusterOptions, Format, ModuleFolder, Modules};
use crate::cluster::{self, refused};
use crate::failure::{Failure, Outcome};
use crate::{output, show, world};

pub(crate) async fn run(options: &Modules) -> Outcome<ExitCode> {
    let report =
        if options.cluster.is_named() { running(&options.cluster).await? } else { folder(&options.folder).await? };
    match options.output {
        Format::Json => output::line(serde_json::to_string(&report)?)?,
        Format::Text => output::data(report.text())?,
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    source: Source,
    modules: Vec<ModuleRow>,
    pipelines: Vec<PipelineRow>,
    problems: Vec<String>,
}

/// Who was asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Source {
    /// Nobody: this is what an operator would make of the folder.
    Folder(PathBuf),
    /// The operator that works on the cluster at this address.
    Cluster(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModuleRow {
    name: String,
    state: String,
    version: Option<String>,
    contract: Option<String>,
    digest: Option<String>,
    serves: String,
    message: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PipelineRow {
    name: String,
    state: String,
    resource: String,
    steps: Vec<String>,
    message: Option<String>,
    warnings: Vec<String>,
}

async fn folder(options: &ModuleFolder) -> Outcome<Report> {
    let library = world::library(options, Ungoverned::WishesGranted).await?;
    let serving = library.serving();
    let module = |state: &ModuleState| ModuleRow {
        name: state.name.clone(),
        state: state.state.word().to_owned(),
        version: state.version.clone(),
        contract: state.contract.clone(),
        digest: state.digest.clone(),
        serves: state.serves(),
        message: state.problem.clone(),
    };
    let pipeline = |state: &PipelineState| PipelineRow {
        name: state.name.clone(),
        state: state.state.word().to_owned(),
        resource: state.resource.to_string(),
        steps: state.steps.clone(),
        message: (!state.problems.is_empty()).then(|| state.problems.join("; ")),
        warnings: state.warnings.clone(),
    };
    let told: Vec<_> = serving
        .states()
        .iter()
        .filter_map(|state| state.problem.clone())
        .chain(serving.pipeline_states().iter().flat_map(|state| state.problems.clone()))
        .collect();
    Ok(Report {
        source: Source::Folder(options.modules.clone()),
        modules: serving.states().iter().map(module).collect(),
        pipelines: serving.pipeline_states().iter().map(pipeline).collect(),
        problems: serving.problems().iter().filter(|problem| !told.contains(problem)).cloned().collect(),
    })
}

async fn running(options: &ClusterOptions) -> Outcome<Report> {
    let (client, url) = cluster::connect(options).await?;
    let api = Api::new(client);
    let text = |object: &Value, path: &str| object::text(object, path).map(str::to_owned);
    let texts = |object: &Value, path: &str| {
        let list = object.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let state = |object: &Value| text(object, "/status/state").unwrap_or_else(|| "Unknown".to_owned());
    let name = |object: &Value| object::name(object).unwrap_or_default().to_owned();
    let module = |object: &Value| ModuleRow {
        name: name(object),
        state: state(object),
        version: text(object, "/status/version"),
        contract: text(object, "/status/contract"),
        digest: text(object, "/status/digest"),
        serves: text(object, "/status/serves").unwrap_or_default(),
        message: text(object, "/status/message"),
    };
    let pipeline = |object: &Value| PipelineRow {
        name: name(object),
        state: state(object),
        resource: text(object, "/status/resource").unwrap_or_default(),
        steps: texts(object, "/status/steps"),
        message: text(object, "/status/message"),
        warnings: texts(object, "/status/warnings"),
    };
    Ok(Report {
        modules: list(&api, &url, definition::modules()).await?.iter().map(module).collect(),
        pipelines: list(&api, &url, definition::pipelines()).await?.iter().map(pipeline).collect(),
        source: Source::Cluster(url),
        problems: Vec::new(),
    })
}

async fn list(api: &Api, url: &str, resource: ResourceType) -> Outcome<Vec<Value>> {
    api.list(&resource, None).await.map_err(|error| {
        if error.is_not_found() {
            let error = anyhow!("nobody serves {resource} there");
            Failure::from(error.context(format!("no operator tells of its modules at {url}"))).hint(
                "without `--kubeconfig` and `--context` the modules folder is looked at; a running `filbert dev` says which kubeconfig is its own",
            )
        } else {
            refused(error)
        }
    })
}

impl Report {
    /// Whether everything that lies there is in service.
    fn is_well(&self) -> bool {
        let states = self.modules.iter().map(|it| &it.state).chain(self.pipelines.iter().map(|it| &it.state));
        self.problems.is_empty() && states.into_iter().all(|state| state == InService::Serving.word())
    }

    fn text(&self) -> String {
        let or_none = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
        let mut text = match &self.source {
            Source::Folder(folder) => {
                format!("Folder `{}`, as an operator that starts now would take it up:\n\n", folder.display())
            }
            Source::Cluster(url) => format!("The operator that runs at {url}:\n\n"),
        };
        let modules = self.modules.iter().map(|module| {
            let ModuleRow { name, state, version, contract: _, digest, serves, message: _ } = module;
            let digest = or_none(digest.as_deref().map(short));
            [name.clone(), state.clone(), or_none(version.as_deref()), digest, or_none(Some(serves))]
        });
        text.push_str(&show::table(["MODULE", "STATE", "VERSION", "DIGEST", "SERVES"], modules));
        let pipelines = self.pipelines.iter().map(|pipeline| {
            let PipelineRow { name, state, resource, steps, message: _, warnings: _ } = pipeline;
            [name.clone(), state.clone(), resource.clone(), or_none(Some(&steps.join(", ")))]
        });
        text.push('\n');
        text.push_str(&show::table(["PIPELINE", "STATE", "RESOURCE", "STEPS"], pipelines));
        let modules = self.modules.iter().map(|it| ("module", &it.name, &it.message));
        let pipelines = self.pipelines.iter().map(|it| ("pipeline", &it.name, &it.message));
        let mut begun = false;
        let mut separate = |text: &mut String| {
            if !std::mem::replace(&mut begun, true) {
                text.push('\n');
            }
        };
        for (what, name, message) in modules.chain(pipelines) {
            if let Some(message) = message {
                separate(&mut text);
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{what} {name}: {message}");
            }
        }
        for (name, warning) in self.pipelines.iter().flat_map(|it| it.warnings.iter().map(|text| (&it.name, text))) {
            separate(&mut text);
            let _ = writeln!(text, "pipeline {name}: warning: {warning}");
        }
        for problem in &self.problems {
            separate(&mut text);
            let _ = writeln!(text, "problem: {problem}");
        }
        text
    }
}
