//! The export macros and what they call. Each macro opens a scope of its own, so that a crate can use all four.

use crate::bindings::module::exports::filbert::operator::module as raw_module;
use crate::bindings::reads::filbert::operator::reviews as raw_reviews;
use crate::bindings::step::exports::filbert::operator::step as raw_step;
use crate::bindings::validation::exports::filbert::operator::validation as raw_validation;
use crate::{
    Context, Defaulting, Defaults, Module, Plan, Problem, Resource, Review, Step, StepError, StepResult, Validation,
    Violation, json, leave,
};

/// First thing in every call: makes the text of a panic reach the host.
pub fn enter() {
    #[cfg(target_family = "wasm")]
    {
        static HOOK: std::sync::Once = std::sync::Once::new();
        HOOK.call_once(|| std::panic::set_hook(Box::new(|info| crate::host::log_error(&info.to_string()))));
    }
}

/// Answers `describe`.
pub fn describe<M: Module>() -> raw_module::Description {
    M::describe().into_raw()
}

/// Answers `run` with the step `S`.
pub fn run<S: Step>(raw: raw_step::Context) -> Result<raw_step::Plan, raw_step::StepError> {
    answer::<S>(raw, S::run)
}

/// Answers `finalize` with the step `S`.
pub fn finalize<S: Step>(raw: raw_step::Context) -> Result<raw_step::Plan, raw_step::StepError> {
    answer::<S>(raw, S::finalize)
}

fn answer<S: Step>(
    raw: raw_step::Context,
    step: fn(&Context<S::Resource>) -> StepResult,
) -> Result<raw_step::Plan, raw_step::StepError> {
    let context = Context::new(raw).map_err(StepError::into_raw)?;
    let answer = step(&context);
    leave(context);
    answer.map(Plan::into_raw).map_err(StepError::into_raw)
}

/// The host asked for a step that this module does not have.
pub fn unknown_step(name: &str) -> raw_step::StepError {
    StepError::Other(Problem::new("UnknownStep", format!("this module has no step `{name}`"))).into_raw()
}

/// Whether a review is about the resource `R`, in any of its versions.
pub fn reviews<R: Resource>(review: &raw_reviews::Review) -> bool {
    let asked = &review.key.resource;
    R::TYPE.plural == "*" || (asked.group == R::TYPE.group && asked.plural == R::TYPE.plural)
}

/// The host asked about a kind that this module does not judge: a pipeline's mistake, so nothing is admitted.
pub fn no_reviewer(review: &raw_reviews::Review) -> Violation {
    let resource = &review.key.resource;
    Violation::forbidden("", format!("this module does not review {}.{}", resource.plural, resource.group))
}

/// Answers `validate` with the rule `V`.
pub fn validate<V: Validation>(raw: raw_reviews::Review) -> raw_validation::Verdict {
    match Review::new(raw) {
        Ok(review) => {
            let verdict = V::validate(&review);
            leave(review);
            verdict.into_raw()
        }
        Err(violation) => crate::Verdict::of([violation]).into_raw(),
    }
}

/// Answers `default` with the rule `D`.
pub fn default<D: Defaulting>(raw: raw_reviews::Review) -> Result<Option<String>, Vec<raw_reviews::Violation>> {
    let object = raw.object.as_deref().map(json::read).transpose();
    let Ok(Some(object)) = object else { return Ok(None) };
    let review = Review::new(raw).map_err(|violation| vec![violation.into_raw()])?;
    let mut defaults = Defaults::new(object);
    D::default(&review, &mut defaults);
    leave(review);
    Ok(defaults.finish())
}

impl From<Violation> for raw_reviews::Violation {
    fn from(violation: Violation) -> Self {
        violation.into_raw()
    }
}

/// Exports what the module says of itself.
#[macro_export]
macro_rules! export_module {
    ($type:ty) => {
        const _: () = {
            use $crate::__private::module::exports::filbert::operator::module as raw;
            struct Adapter;
            impl raw::Guest for Adapter {
                fn describe() -> raw::Description {
                    $crate::__private::enter();
                    $crate::__private::describe::<$type>()
                }
            }
            // Natively nothing else would use the adapter; this keeps it checked and free of warnings.
            const _: fn() -> raw::Description = <Adapter as raw::Guest>::describe;
            #[cfg(target_family = "wasm")]
    $crate::__private::module::export_raw_module!(Adapter with_types_in $crate::__private::module);
        };
    };
}

/// Exports one or several steps, told apart by [`Step::NAME`](crate::Step::NAME).
#[macro_export]
macro_rules! export_step {
    ($($type:ty),+ $(,)?) => {
        const _: () = {
            use $crate::__private::step::exports::filbert::operator::step as raw;
            struct Adapter;
            impl raw::Guest for Adapter {
                fn run(context: raw::Context) -> Result<raw::Plan, raw::StepError> {
                    $crate::__private::enter();
                    $(if context.step == <$type as $crate::Step>::NAME {
                        return $crate::__private::run::<$type>(context);
                    })+
                    Err($crate::__private::unknown_step(&context.step))
                }
                fn finalize(context: raw::Context) -> Result<raw::Plan, raw::StepError> {
                    $crate::__private::enter();
                    $(if context.step == <$type as $crate::Step>::NAME {
                        return $crate::__private::finalize::<$type>(context);
                    })+
                    Err($crate::__private::unknown_step(&context.step))
                }
            }
            const _: [fn(raw::Context) -> Result<raw::Plan, raw::StepError>; 2] =
                [<Adapter as raw::Guest>::run, <Adapter as raw::Guest>::finalize];
            #[cfg(target_family = "wasm")]
            $crate::__private::step::export_raw_step!(Adapter with_types_in $crate::__private::step);
        };
    };
}

/// Exports rules that validate, one for each kind.
#[macro_export]
macro_rules! export_validation {
    ($($type:ty),+ $(,)?) => {
        const _: () = {
            use $crate::__private::validation::exports::filbert::operator::validation as raw;
            struct Adapter;
            impl raw::Guest for Adapter {
                fn validate(review: raw::Review) -> raw::Verdict {
                    $crate::__private::enter();
                    $(if $crate::__private::reviews::<<$type as $crate::Validation>::Resource>(&review) {
                        return $crate::__private::validate::<$type>(review);
                    })+
                    raw::Verdict { violations: vec![$crate::__private::no_reviewer(&review).into()], warnings: vec![] }
                }
            }
            const _: fn(raw::Review) -> raw::Verdict = <Adapter as raw::Guest>::validate;
            #[cfg(target_family = "wasm")]
            $crate::__private::validation::export_raw_validation!(Adapter with_types_in $crate::__private::validation);
        };
    };
}

/// Exports rules that fill in defaults, one for each kind.
#[macro_export]
macro_rules! export_defaulting {
    ($($type:ty),+ $(,)?) => {
        const _: () = {
            use $crate::__private::defaulting::exports::filbert::operator::defaulting as raw;
            struct Adapter;
            impl raw::Guest for Adapter {
                fn default(review: raw::Review) -> Result<Option<String>, Vec<raw::Violation>> {
                    $crate::__private::enter();
                    $(if $crate::__private::reviews::<<$type as $crate::Defaulting>::Resource>(&review) {
                        return $crate::__private::default::<$type>(review);
                    })+
                    Err(vec![$crate::__private::no_reviewer(&review).into()])
                }
            }
            const _: fn(raw::Review) -> Result<Option<String>, Vec<raw::Violation>> = <Adapter as raw::Guest>::default;
            #[cfg(target_family = "wasm")]
            $crate::__private::defaulting::export_raw_defaulting!(Adapter with_types_in $crate::__private::defaulting);
        };
    };
}
