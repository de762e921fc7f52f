//! Between the contract's types and those of `filbert-plan`. The only place where JSON texts of guests are parsed.
//!
//! Towards a guest everything can be said (`From`); from a guest texts may be no JSON, so those are functions that answer
//! with what was wrong.

use std::cell::Cell;

use filbert_plan::Document;
use filbert_plan::description as plan_description;
use filbert_plan::grant as plan_grant;
use filbert_plan::object as plan_object;
use filbert_plan::plan;
use filbert_plan::review as plan_review;
use serde_json::Value;

use crate::contract::{defaulting, module, objects, reviews, step, types, validation};
use crate::reads;

/// Values in all JSON texts of one answer. The largest object that an API server stores has a quarter of that; a text of
/// nothing but brackets would become thirty times its size in memory.
const VALUES: usize = 1_000_000;

/// What was wrong with an answer, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotJson {
    #[error("{place} is no JSON: {error}")]
    Malformed { place: String, error: String },
    #[error("{place} is the last straw: the answer has more than {VALUES} values")]
    TooMany { place: String },
}

/// The texts of one answer.
struct Texts {
    values: Cell<usize>,
}

impl Texts {
    fn new() -> Self {
        Self { values: Cell::new(0) }
    }

    fn parse(&self, place: impl FnOnce() -> String, text: &str) -> Result<Value, NotJson> {
        // Every value but the first follows one of these. Those inside strings are counted too, which does no harm.
        let values = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count();
        self.values.set(self.values.get().saturating_add(values));
        if self.values.get() > VALUES {
            return Err(NotJson::TooMany { place: place() });
        }
        serde_json::from_str(text).map_err(|error| NotJson::Malformed { place: place(), error: error.to_string() })
    }
}

fn each<T, U>(items: Vec<T>, turn: impl Fn(usize, T) -> Result<U, NotJson>) -> Result<Vec<U>, NotJson> {
    items.into_iter().enumerate().map(|(index, item)| turn(index, item)).collect()
}

fn all<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

/// Records with the same fields on both sides.
macro_rules! same_record {
    ($($from:ty => $to:ty { $($field:ident),* $(,)? })*) => { $(
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                // Every field is named, so that a new one must be thought about.
                type Source = $from;
                let Source { $($field),* } = from;
                Self { $($field: $field.into()),* }
            }
        }
    )* };
}

/// Enums with the same cases on both sides.
macro_rules! same_enum {
    ($($from:ty => $to:ty { $($case:ident $(($value:ident))?),* $(,)? })*) => { $(
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                type Source = $from;
                match from { $(Source::$case $(($value))? => Self::$case $(($value.into()))?),* }
            }
        }
    )* };
}

same_record! {
    types::ResourceType => plan_object::ResourceType { group, version, plural }
    plan_object::ResourceType => types::ResourceType { group, version, plural }
    plan_object::ObjectKey => types::ObjectKey { resource, namespace, name }
    types::Problem => plan::Problem { reason, message, path }
    step::Waiting => plan::Waiting { reason, message, recheck_after }
    step::Deletion => plan::Deletion { key, uid, reason }
    module::MessageGrant => plan_grant::MessageGrant { ask, call }
    module::AgentGrant => plan_grant::AgentGrant { routes }
    types::LabelRequirement => plan_grant::LabelRequirement { key, operator, values }
    plan_review::User => reviews::User { name, groups }
}

same_enum! {
    types::LabelOperator => plan_grant::LabelOperator { OneOf, NoneOf, Exists, Absent }
    objects::Scope => reads::Scope { Metadata, Fields(paths), Whole }
    reads::ReadError => objects::ReadError { Denied(why), Invalid(why), Unavailable(why), Other(why) }
    plan_review::Operation => reviews::Operation { Create, Update, Delete, Connect }
    reviews::ViolationKind => plan_review::ViolationKind {
        Required, Invalid, NotSupported, Forbidden, Duplicate, NotFound, TooLong, TooMany, TypeInvalid, Internal,
    }
    step::Ownership => plan::Ownership { Owned, Shared, Kept }
    step::ConditionStatus => plan::ConditionStatus { True, False, Unknown }
    step::Severity => plan::Severity { Normal, Warning }
    step::Outcome => plan::Outcome { Done, Wait(waiting) }
    step::StepError => plan::StepError { Invalid(problem), Unavailable(problem), Other(problem) }
    plan::CallFailure => step::CallError { Denied(why), NotSent(why), Uncertain(why), Other(why) }
    module::Verb => plan_grant::Verb { Read, Apply, Delete }
    module::Namespaces => plan_grant::Namespaces { Here, Named(names), All }
}

impl From<types::ObjectKey> for plan_object::ObjectKey {
    fn from(types::ObjectKey { resource, namespace, name }: types::ObjectKey) -> Self {
        Self { resource: resource.into(), namespace, name }
    }
}

impl From<objects::Query> for reads::Query {
    fn from(objects::Query { resource, namespace, labels }: objects::Query) -> Self {
        Self { resource: resource.into(), namespace, labels: all(labels) }
    }
}

impl From<step::Event> for plan::Event {
    fn from(step::Event { severity, reason, message, about }: step::Event) -> Self {
        Self { severity: severity.into(), reason, message, about: about.map(plan_object::ObjectKey::from) }
    }
}

impl From<step::Condition> for plan::Condition {
    fn from(step::Condition { type_, status, reason, message }: step::Condition) -> Self {
        Self { type_, status: status.into(), reason, message }
    }
}

// Towards the guest.

fn text(document: &Document) -> String {
    document.text().to_owned()
}

impl From<&plan::StepContext> for step::Context {
    fn from(context: &plan::StepContext) -> Self {
        let plan::StepContext { step, object, status, parameters, facts, round, answers } = context;
        let fact =
            |plan::Fact { name, value }: &plan::Fact| types::Fact { name: name.clone(), value: value.to_string() };
        Self {
            step: step.clone(),
            object: text(object),
            status: status.as_ref().map(text),
            parameters: text(parameters),
            facts: facts.iter().map(fact).collect(),
            round: *round,
            answers: answers.iter().cloned().map(step::Answer::from).collect(),
        }
    }
}

impl From<plan::CallAnswer> for step::Answer {
    fn from(plan::CallAnswer { idempotency_key, response }: plan::CallAnswer) -> Self {
        let response = match response {
            Ok(plan::CallResponse::Message(frames)) => Ok(step::CallResponse::Message(frames)),
            Ok(plan::CallResponse::Http { status, body }) => {
                Ok(step::CallResponse::Http(step::HttpResponse { status, body }))
            }
            Err(failure) => Err(failure.into()),
        };
        Self { idempotency_key, response }
    }
}

impl From<&plan_review::Review> for reviews::Review {
    fn from(review: &plan_review::Review) -> Self {
        let plan_review::Review { operation, key, sub_resource, object, old_object, user, dry_run, parameters } =
            review;
        Self {
            operation: (*operation).into(),
            key: key.clone().into(),
            sub_resource: sub_resource.clone(),
            object: object.as_ref().map(text),
            old_object: old_object.as_ref().map(text),
            user: user.clone().into(),
            dry_run: *dry_run,
            parameters: text(parameters),
        }
    }
}

// From the guest.

pub(crate) fn step_answer(
    from: Result<step::Plan, step::StepError>,
) -> Result<Result<plan::StepPlan, plan::StepError>, NotJson> {
    match from {
        Ok(plan) => step_plan(plan).map(Ok),
        Err(error) => Ok(Err(error.into())),
    }
}

fn step_plan(from: step::Plan) -> Result<plan::StepPlan, NotJson> {
    let texts = Texts::new();
    let step::Plan { apply, delete, calls, status, conditions, events, facts, outcome } = from;
    Ok(plan::StepPlan {
        apply: each(apply, |index, item| desired(&texts, index, item))?,
        delete: all(delete),
        calls: each(calls, |index, item| call(&texts, index, item))?,
        status: status.map(|status| texts.parse(|| "`status`".to_owned(), &status)).transpose()?,
        conditions: all(conditions),
        events: all(events),
        facts: each(facts, |_, types::Fact { name, value }| {
            Ok(plan::Fact { value: texts.parse(|| format!("fact `{name}`"), &value)?, name })
        })?,
        outcome: outcome.into(),
    })
}

fn desired(texts: &Texts, index: usize, from: step::Desired) -> Result<plan::Desired, NotJson> {
    let step::Desired { object, ownership, reason } = from;
    let object = texts.parse(|| format!("`apply[{index}].object` ({reason})"), &object)?;
    Ok(plan::Desired { object, ownership: ownership.into(), reason })
}

fn call(texts: &Texts, index: usize, from: step::Call) -> Result<plan::Call, NotJson> {
    let step::Call { idempotency_key, request, reason } = from;
    let http = |step::HttpCall { target, method, path, body, time_limit }| {
        let body = body.map(|body| texts.parse(|| format!("`calls[{index}].body` ({reason})"), &body)).transpose()?;
        Ok(plan::HttpCall { target: plan_object::ObjectKey::from(target), method, path, body, time_limit })
    };
    let request = match request {
        step::CallRequest::Message(step::MessageCall { cluster, member, frames, time_limit }) => {
            let types::ClusterRef { namespace, name } = cluster;
            plan::CallRequest::Message(plan::MessageCall { cluster: (namespace, name), member, frames, time_limit })
        }
        step::CallRequest::Agent(call) => plan::CallRequest::Agent(http(call)?),
        step::CallRequest::ManagementCenter(call) => plan::CallRequest::ManagementCenter(http(call)?),
    };
    Ok(plan::Call { idempotency_key, request, reason })
}

/// The defaulted object, or why the object cannot be defaulted.
pub(crate) type Defaulted = Result<Option<Value>, Vec<plan_review::Violation>>;

pub(crate) fn defaulted(from: Result<Option<String>, Vec<defaulting::Violation>>) -> Result<Defaulted, NotJson> {
    let texts = Texts::new();
    Ok(match from {
        Ok(object) => {
            Ok(object.map(|object| texts.parse(|| "the defaulted object".to_owned(), &object)).transpose()?)
        }
        Err(violations) => Err(each(violations, |index, item| violation(&texts, index, item))?),
    })
}

pub(crate) fn verdict(from: validation::Verdict) -> Result<plan_review::Verdict, NotJson> {
    let texts = Texts::new();
    let validation::Verdict { violations, warnings } = from;
    Ok(plan_review::Verdict { violations: each(violations, |index, item| violation(&texts, index, item))?, warnings })
}

fn violation(texts: &Texts, index: usize, from: reviews::Violation) -> Result<plan_review::Violation, NotJson> {
    let reviews::Violation { kind, path, value, message } = from;
    let value =
        value.map(|value| texts.parse(|| format!("`violations[{index}].value` ({path})"), &value)).transpose()?;
    Ok(plan_review::Violation { kind: kind.into(), path, value, message })
}

pub(crate) fn description(from: module::Description) -> Result<plan_description::Description, NotJson> {
    let texts = Texts::new();
    let module::Description { name, version, summary, kinds, steps, defaults, validates, wants, self_tests } = from;
    Ok(plan_description::Description {
        name,
        version,
        summary,
        kinds: each(kinds, |_, module::ServedKind { resource, kind, definition }| {
            let definition = texts.parse(|| format!("definition of kind `{kind}`"), &definition)?;
            Ok(plan_description::ServedKind { resource: resource.into(), kind, definition })
        })?,
        steps: each(steps, |index, item| step_description(&texts, index, item))?,
        defaults: each(defaults, |index, item| review_subject(&texts, index, item))?,
        validates: each(validates, |index, item| review_subject(&texts, index, item))?,
        wants: each(wants, |_, module::Wish { wanted, reason }| {
            Ok(plan_description::Wish { wanted: grant(&texts, wanted, &reason)?, reason })
        })?,
        self_tests: each(self_tests, |_, module::SelfTest { name, recording }| {
            let recording = texts.parse(|| format!("recording of self-test `{name}`"), &recording)?;
            Ok(plan_description::SelfTest { name, recording })
        })?,
    })
}

fn step_description(
    texts: &Texts,
    _: usize,
    from: module::StepDescription,
) -> Result<plan_description::StepDescription, NotJson> {
    let module::StepDescription { name, summary, takes, parameters, finalizes, leaves, needs } = from;
    let parameters = texts.parse(|| format!("parameters of step `{name}`"), &parameters)?;
    Ok(plan_description::StepDescription { name, summary, takes: all(takes), parameters, finalizes, leaves, needs })
}

fn review_subject(
    texts: &Texts,
    _: usize,
    from: module::ReviewSubject,
) -> Result<plan_description::ReviewSubject, NotJson> {
    let module::ReviewSubject { resource, parameters } = from;
    let resource = plan_object::ResourceType::from(resource);
    let parameters = texts.parse(|| format!("parameters for `{resource}`"), &parameters)?;
    Ok(plan_description::ReviewSubject { resource, parameters })
}

fn grant(texts: &Texts, from: module::Grant, reason: &str) -> Result<plan_grant::Grant, NotJson> {
    Ok(match from {
        module::Grant::Objects(module::ObjectGrant { resource, verbs, within, labels, names }) => {
            plan_grant::Grant::Objects(plan_grant::ObjectGrant {
                resource: resource.into(),
                verbs: all(verbs),
                within: within.into(),
                labels: all(labels),
                names,
            })
        }
        module::Grant::Messages(messages) => plan_grant::Grant::Messages(messages.into()),
        module::Grant::Agents(agents) => plan_grant::Grant::Agents(agents.into()),
        module::Grant::Certificates => plan_grant::Grant::Certificates {},
        module::Grant::Other(other) => {
            plan_grant::Grant::Other(texts.parse(|| format!("a wanted grant ({reason})"), &other)?)
        }
    })
}
