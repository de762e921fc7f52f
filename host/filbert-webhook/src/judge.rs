//! Asks the guests of a pipeline about one request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use filbert_engine::{CallError, Called};
use filbert_plan::Document;
use filbert_plan::object;
use filbert_plan::pipeline::FailurePolicy;
use filbert_plan::review::{Review, Verdict, Violation};
use filbert_runtime::Library;
use filbert_runtime::library::{ServingModule, ServingPipeline, ServingReviewer, short};
use filbert_runtime::observe::{Observer, SubjectName, World};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::answer::{Answer, Decision};
use crate::chain::Chain;
use crate::review::Request;

/// How much earlier than the API server the host gives up, so that people read why and not only that it took too long.
const MARGIN: Duration = Duration::from_millis(200);
/// How many watches are opened for the reads of one review.
const MOST_OPENINGS: usize = 32;

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
    /// Where watches live that a review is the first to need.
    passes: Handle,
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

/// What a guest answered.
enum Answered {
    Defaulted(Result<Option<Value>, Vec<Violation>>),
    Judged(Verdict),
}

/// Why a request has no decision.
#[derive(Debug)]
struct Unjudged {
    code: u16,
    reason: &'static str,
    message: String,
}

impl Judge {
    /// Answers with the modules of this library; what they read is answered from this world.
    ///
    /// # Assumptions
    /// It is called on the tokio runtime of the host: watches that a review is the first to need are opened there.
    pub fn new(library: Arc<Library>, world: World) -> Self {
        Self { library, world, passes: Handle::current() }
    }

    /// The answer of the pipeline of this name.
    ///
    /// # Guarantees
    /// It comes before the API server gives up. Where nobody could judge, the failure policy of the pipeline decides, and
    /// whoever asked is told why nobody could.
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
        if request.review.object.as_deref().is_some_and(object::is_being_deleted) {
            // What goes is judged no more: it could otherwise never lose its finalizers.
            return Ok(said.answer(request.uid, Decision::unchanged()));
        }
        let seconds = u64::from(pipeline.admission.timeout_seconds());
        let time = Duration::from_secs(seconds).saturating_sub(MARGIN);
        let decided = async {
            match webhook {
                Webhook::Defaulting => self.default(pipeline, &request, &mut said).await,
                Webhook::Validation => self.validate(pipeline, &request, &mut said).await,
            }
        };
        let decision = match tokio::time::timeout(time, decided).await {
            Ok(Ok(decision)) => decision,
            Ok(Err(error)) => said.unjudged(pipeline, Unjudged::from(&error)),
            Err(_) => said.unjudged(
                pipeline,
                Unjudged {
                    code: 503,
                    reason: "ServiceUnavailable",
                    message: format!("there was no answer within the {seconds} s for which the API server waits"),
                },
            ),
        };
        Ok(said.answer(request.uid, decision))
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
            match self.ask(Webhook::Defaulting, reviewer, &review).await? {
                Answered::Defaulted(Ok(Some(defaulted))) => {
                    said.note(&reviewer.module);
                    object = Document::from(defaulted);
                }
                Answered::Defaulted(Err(violations)) => return Ok(judged(request, violations)),
                Answered::Defaulted(Ok(None)) | Answered::Judged(_) => {}
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
            let Answered::Judged(verdict) = self.ask(Webhook::Validation, reviewer, &review).await? else { continue };
            let Verdict { violations, warnings } = verdict;
            said.warnings.extend(warnings);
            if !violations.is_empty() {
                said.note(&reviewer.module);
                all.extend(violations);
            }
        }
        Ok(judged(request, all))
    }

    /// Asks one module. Guests never wait in a review; where a watch is missing that a read needs, it is opened, and the guest
    /// asked again.
    async fn ask(&self, webhook: Webhook, reviewer: &ServingReviewer, review: &Review) -> Result<Answered, CallError> {
        let module = reviewer.module.module.for_admission();
        let mut openings = 0;
        loop {
            let reads = self.reads(review, reviewer);
            let (answer, reads) = match webhook {
                Webhook::Defaulting => {
                    let Called { answer, reads, spent: _ } = module.default(review, reads).await;
                    (answer.map(Answered::Defaulted), reads)
                }
                Webhook::Validation => {
                    let Called { answer, reads, spent: _ } = module.validate(review, reads).await;
                    (answer.map(Answered::Judged), reads)
                }
            };
            let question = match (&answer, reads.open_question()) {
                (Err(CallError::Aborted { .. }), Some(question)) if openings < MOST_OPENINGS => question.clone(),
                _ => return answer,
            };
            openings += 1;
            let (world, grants, subject) = (self.world.clone(), reviewer.module.grants.clone(), subject(review));
            let opening = self.passes.spawn(async move {
                // Kept by the cache that it comes from; asked for again.
                let _ = world.answer(&question, &grants, &subject).await;
            });
            if opening.await.is_err() {
                // The host is ending.
                return answer;
            }
        }
    }

    fn reads(&self, review: &Review, reviewer: &ServingReviewer) -> Observer {
        Observer::new(self.world.clone(), reviewer.module.grants.clone(), subject(review))
    }
}

fn subject(review: &Review) -> SubjectName {
    SubjectName { namespace: review.key.namespace.clone(), name: review.key.name.clone() }
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

    /// What the pipeline wants where nobody could judge.
    fn unjudged(&mut self, pipeline: &ServingPipeline, unjudged: Unjudged) -> Decision {
        let Unjudged { code, reason, message } = unjudged;
        match pipeline.admission.failure_policy(&pipeline.resource) {
            FailurePolicy::Fail => Decision::Unjudged { code, reason, message },
            FailurePolicy::Ignore => {
                self.warnings.push(format!("pipeline {} could not review this: {message}", pipeline.name));
                self.audit.insert("unjudged".to_owned(), message);
                Decision::unchanged()
            }
        }
    }

    fn answer(self, uid: String, decision: Decision) -> Answer {
        Answer { uid, decision, warnings: self.warnings, audit: self.audit }
    }
}

/// What this module is asked about the request.
fn review(request: &Request, reviewer: &ServingReviewer) -> Review {
    Review { parameters: reviewer.parameters.clone(), ..request.review.clone() }
}

fn judged(request: &Request, violations: Vec<Violation>) -> Decision {
    Decision::judged(&request.kind, &request.review.key.name, violations)
}

impl From<&CallError> for Unjudged {
    fn from(error: &CallError) -> Self {
        let (code, reason) = match error {
            CallError::Broken { .. } | CallError::NoRole { .. } => (500, "InternalError"),
            CallError::Crowded { .. } => (429, "TooManyRequests"),
            CallError::Aborted { .. } | CallError::Late { .. } | CallError::Paused { .. } | CallError::Host { .. } => {
                (503, "ServiceUnavailable")
            }
        };
        Self { code, reason, message: Chain(error).to_string() }
    }
}
