//! Which pipelines are in service, given the modules.

use std::collections::BTreeMap;
use std::sync::Arc;

use filbert_plan::pipeline::{self, PipelineSpec};
use tracing::warn;

use super::folder::Sourced;
use super::serving::{InService, Known, PipelineState, ServingModule, ServingPipeline};
use super::{LibraryError, chain};

/// Pipelines with their modules. One that does not fit leaves what was in service for it, with the versions of modules that
/// it fitted.
#[expect(clippy::type_complexity, reason = "by group and plural, as `Serving` keeps them")]
pub(super) fn take_up(
    in_service: &mut BTreeMap<String, Arc<ServingPipeline>>,
    found: &BTreeMap<String, Sourced<PipelineSpec>>,
    stale: &BTreeMap<String, (String, &'static str)>,
    modules: &BTreeMap<String, ServingModule>,
    problems: &mut Vec<LibraryError>,
) -> (BTreeMap<(String, String), Arc<ServingPipeline>>, Vec<PipelineState>) {
    // Unlike a module, a pipeline that is gone is gone: its objects are then nobody's.
    in_service.retain(|name, _| found.contains_key(name));
    let mut serving: BTreeMap<(String, String), Arc<ServingPipeline>> = BTreeMap::new();
    let mut states = Vec::new();
    // Who serves a resource already comes first, so that a newcomer does not displace it.
    let (old, new): (Vec<_>, Vec<_>) = found.iter().partition(|(name, _)| in_service.contains_key(*name));
    for (name, Sourced { path, spec }) in old.into_iter().chain(new) {
        let mut own = Vec::new();
        for error in pipeline::check(name, spec, &Known(modules)) {
            own.push(LibraryError::Pipeline(Box::new(error)));
        }
        let fits = own.is_empty().then(|| ServingPipeline::resolve(name, spec, modules)).flatten();
        let last_good = in_service
            .get(name)
            .map(|good| good.regranted(|module| modules.get(module.name()).map(|serving| serving.grants.clone())));
        let mut taken = fits.or(last_good).map(Arc::new);
        if let Some(pipeline) = &taken {
            let key = (pipeline.resource.group.clone(), pipeline.resource.plural.clone());
            if let Some(first) = serving.get(&key) {
                let (first, second) = (first.name.clone(), name.clone());
                own.push(LibraryError::SameResource { first, second, resource: spec.resource.to_string() });
                taken = None;
            } else {
                serving.insert(key, pipeline.clone());
            }
        }
        for error in &own {
            warn!(pipeline = name, error = chain(error), kept_last_good = taken.is_some(), "pipeline not taken up");
        }
        let mut texts: Vec<_> = own.iter().map(|error| (chain(error), error.reason())).collect();
        texts.extend(stale.get(name).cloned());
        states.push(PipelineState {
            name: name.clone(),
            state: InService::new(taken.is_some(), !texts.is_empty()),
            resource: spec.resource.clone(),
            steps: taken.as_ref().map(|pipeline| pipeline.step_names()).unwrap_or_default(),
            file: path.clone(),
            reason: texts.first().map(|(_, reason)| *reason),
            problems: texts.into_iter().map(|(text, _)| text).collect(),
            warnings: spec.warnings(),
            spec: spec.clone(),
        });
        problems.append(&mut own);
        match taken {
            Some(pipeline) => drop(in_service.insert(name.clone(), pipeline)),
            None => drop(in_service.remove(name)),
        }
    }
    states.sort_by(|a, b| a.name.cmp(&b.name));
    (serving, states)
}
