//! Each misdeed is contained, in each role, with the right error, while other calls go on.

use filbert_engine::{BrokenKind, CallError, Module};
use filbert_tests::modules::fixture;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::misdeed::Misdeed;
use crate::support::{Found, World, chain, context, engine, hostile, hurried, review};

/// What becomes of a call.
enum End {
    Answers,
    Breaks(BrokenKind, &'static str),
}
use BrokenKind::{AnswerTooLarge, BadAnswer, Deadline, LogFlood, Memory, Panic, Stack, Trap};
use End::{Answers, Breaks};

/// One test a misdeed. A misdeed without a line here does not compile.
macro_rules! misdeeds {
    ($($test:ident: $misdeed:ident => $end:expr;)*) => {
        $(#[tokio::test]
        async fn $test() {
            becomes(Misdeed::$misdeed, &$end).await;
        })*

        const _: fn(Misdeed) = |misdeed| match misdeed { $(Misdeed::$misdeed => ()),* };
    };
}

misdeeds! {
    a_good_call_is_answered: Nothing => Answers;
    an_endless_loop_ends_at_the_deadline: Loop => Breaks(Deadline, "no answer within ");
    memory_beyond_the_limit_ends_the_call: Memory => Breaks(Memory, "bytes of memory, 33554432 are allowed");
    deep_recursion_ends_the_call: Stack => Breaks(Stack, "called itself too deeply");
    running_past_its_own_stack_ends_the_call: ShadowStack => Breaks(Trap, "out of bounds memory access");
    the_text_of_a_panic_arrives: Panic => Breaks(Panic, "the milk is spilt");
    a_flood_of_log_lines_ends_the_call: LogFlood => Breaks(LogFlood, "logged 3201 lines");
    an_answer_that_is_too_large_ends_the_call: HugeAnswer => Breaks(AnswerTooLarge, "more than 8388608 bytes at once");
    a_question_that_is_too_large_ends_the_call: HugeQuestion => Breaks(AnswerTooLarge, "more than 8388608 bytes at once");
    an_answer_that_is_no_json_is_named: InvalidJson => Breaks(BadAnswer, " is no JSON: EOF while parsing");
    a_text_that_would_grow_in_memory_ends_the_call: Brackets => Breaks(BadAnswer, "the answer has more than 1000000 values");
    a_read_reaches_the_host: Read => Answers;
    whether_a_plan_is_granted_is_not_for_the_engine: OutsideGrant => Answers;
    whose_an_object_is_is_not_for_the_engine: Foreign => Answers;
}

/// The fixture twice, in one engine.
struct Shared {
    patient: Module,
    /// With deadlines short enough to wait for.
    hurried: Module,
}

/// One engine for all, as in the operator: what one test does must not disturb another.
async fn shared() -> &'static Shared {
    static SHARED: OnceCell<Shared> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let engine = engine();
            let hurried = engine.load_limited("rogue", &fixture("hostile"), hurried()).await.expect("it loads");
            Shared { patient: hostile(&engine).await, hurried }
        })
        .await
}

async fn becomes(misdeed: Misdeed, end: &End) {
    let Shared { patient, hurried } = shared().await;
    let module = if matches!(end, Breaks(Deadline, _)) { hurried } else { patient };
    let name = misdeed.name();
    let parameters = || review(Value::String(name.clone()));
    // The misdeed beside calls that behave, which all are answered.
    let (context, beside) = (context(&name), context(&Misdeed::Nothing.name()));
    let good = async {
        for _ in 0..20 {
            let called = patient.run(&beside, World::new(Found::AtOnce)).await;
            called.answer.expect("a good call beside a bad one is answered").expect("a plan");
        }
    };
    let (ran, ()) = tokio::join!(module.run(&context, World::new(Found::Later)), good);
    judge(ran.answer.map(|plan| plan.expect("a plan").apply.len()), "step.run", end);
    let finalized = module.finalize(&context, World::new(Found::Later)).await;
    judge(finalized.answer.map(|plan| plan.expect("a plan").apply.len()), "step.finalize", end);
    let validated = module.validate(&parameters(), World::new(Found::AtOnce)).await;
    judge(validated.answer.map(|verdict| verdict.violations.len()), "validation.validate", end);
    let defaulted = module.default(&parameters(), World::new(Found::AtOnce)).await;
    judge(defaulted.answer.map(|object| object.expect("no violations").into_iter().count()), "defaulting.default", end);
}

fn judge(answer: Result<usize, CallError>, export: &str, end: &End) {
    match (answer, end) {
        (Ok(parts), Answers) => assert_eq!(parts, 1, "{export} answers with what was asked for"),
        (Err(error), Breaks(kind, text)) => {
            let told = chain(&error);
            let broken = error.broken().unwrap_or_else(|| panic!("not the guest's fault: {told}"));
            assert_eq!(broken.kind, *kind, "{told}");
            assert!(told.starts_with(&format!("module `rogue` broke in `{export}`: {kind}: ")), "{told}");
            assert!(told.contains(text), "{told}");
        }
        (Ok(_), Breaks(kind, _)) => panic!("{export} answered instead of {kind}"),
        (Err(error), Answers) => panic!("{export} did not answer: {}", chain(&error)),
    }
}
