//! Asks the guests of a pipeline about one request.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use filbert_engine::{CallError, Called};
use filbert_plan::Document;
use filbert_plan::review::{Review, Verdict, Violation};
use filbert_runtime::Library;
use filbert_runtime::library::{ServingModule, ServingPipeline, ServingReviewer, short};
use filbert_runtime::observe::{Observer, SubjectName, World};

use crate::answer::{Answer, Decision};
use crate::review::Request;

/// Which of the two questions an API server asks: it asks all that change an object before all that judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// What is filled in.
    Defaulting,
    /// Whether it may be so.
    Validation,
}

/// Answers requests with the modules in service. Each request sees one version of each, whatever is swapped meanwhile.
#[derive(Clone)]
pub struct Judge {
    library: Arc<Library>,
    world: World,
}

/// No pipeline of this name is in service.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pipeline `{name}` is in service; there are: {known}")]
pub struct UnknownPipeline {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: String,
}

impl Judge {
    /// Answers with the modules of this library; what they read is answered from this world.
    pub fn new(library: Arc<Library>, world: World) -> Self {
        Self { library, world }
    }

    /// The answer of the pipeline of this name.
    ///
    /// # Errors
    /// [`UnknownPipeline`]; everything else is an answer.
    pub async fn answer(&self, webhook: Webhook, pipeline: &str, request: Request) -> Result<Answer, UnknownPipeline> {
        let serving = self.library.serving();
        let Some(pipeline) = serving.pipelines().find(|serving| serving.name == pipeline) else {
            let known: Vec<_> = serving.pipelines().map(|serving| serving.name.as_str()).collect();
            return Err(UnknownPipeline { name: pipeline.to_owned(), known: known.join(", ") });
        };
        let mut said = Said::default();
        let decision = match webhook {
            Webhook::Defaulting => self.default(pipeline, &request, &mut said).await,
            Webhook::Validation => self.validate(pipeline, &request, &mut said).await,
        };
        let decision = decision.unwrap_or_else(|error| unjudged(&error));
        Ok(Answer { uid: request.uid, decision, warnings: said.warnings, audit: said.audit })
    }

    /// Asks one module after the other, each with what the one before it made of the object.
    async fn default(
        &self,
        pipeline: &ServingPipeline,
        request: &Request,
        said: &mut Said,
    ) -> Result<Decision, CallError> {
        let Some(asked) = &request.review.object else { return Ok(Decision::unchanged()) };
        let mut object = asked.clone();
        for reviewer in &pipeline.defaulting {
            let review = Review { object: Some(object.clone()), ..review(request, reviewer) };
            let Called { answer, .. } = reviewer.module.module.default(&review, self.reads(request, reviewer)).await;
            match answer? {
                Ok(None) => {}
                Ok(Some(defaulted)) => {
                    said.note(&reviewer.module);
                    object = Document::from(defaulted);
                }
                Err(violations) => return Ok(judged(request, violations)),
            }
        }
        Ok(Decision::changed(asked, &object))
    }

    /// Asks every module, and tells all that any of them finds.
    async fn validate(
        &self,
        pipeline: &ServingPipeline,
        request: &Request,
        said: &mut Said,
    ) -> Result<Decision, CallError> {
        let mut all = Vec::new();
        for reviewer in &pipeline.validation {
            let review = review(request, reviewer);
            let Called { answer, .. } = reviewer.module.module.validate(&review, self.reads(request, reviewer)).await;
            let Verdict { violations, warnings } = answer?;
            said.warnings.extend(warnings);
            if !violations.is_empty() {
                said.note(&reviewer.module);
                all.extend(violations);
            }
        }
        Ok(judged(request, all))
    }

    fn reads(&self, request: &Request, reviewer: &ServingReviewer) -> Observer {
        let key = &request.review.key;
        let subject = SubjectName { namespace: key.namespace.clone(), name: key.name.clone() };
        Observer::new(self.world.clone(), reviewer.module.grants.clone(), subject)
    }
}

/// What is told beside the decision.
#[derive(Default)]
struct Said {
    warnings: Vec<String>,
    audit: BTreeMap<String, String>,
}

impl Said {
    /// The audit log says which version of a module changed or refused something.
    fn note(&mut self, module: &ServingModule) {
        self.audit.insert(module.module.name().to_owned(), short(module.module.digest()).to_owned());
    }
}

/// What this module is asked about the request.
fn review(request: &Request, reviewer: &ServingReviewer) -> Review {
    Review { parameters: reviewer.parameters.clone(), ..request.review.clone() }
}

fn judged(request: &Request, violations: Vec<Violation>) -> Decision {
    Decision::judged(&request.kind, &request.review.key.name, violations)
}

fn unjudged(error: &CallError) -> Decision {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    let (code, reason) = match error {
        CallError::Broken { .. } | CallError::NoRole { .. } => (500, "InternalError"),
        CallError::Aborted { .. } | CallError::Host { .. } => (503, "ServiceUnavailable"),
    };
    Decision::Unjudged { code, reason, message }
}
