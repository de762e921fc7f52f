//! Reads answered from a recording.

use std::collections::BTreeSet;
use std::sync::Arc;

use filbert_engine::{Aborted, Query, Read, ReadError, Reads, Scope};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::Millis;
use filbert_runtime::observe::{Answer, Question, ReadEntry};

/// Reads answered from a recording.
pub(crate) struct Tape {
    entries: Vec<ReadEntry>,
    asked: BTreeSet<Question>,
}

impl Tape {
    pub(crate) fn new(entries: &[ReadEntry]) -> Self {
        Self { entries: entries.to_vec(), asked: BTreeSet::new() }
    }

    /// What was read before and not this time.
    pub(crate) fn unread(&self) -> Vec<String> {
        let questions = self.entries.iter().map(|entry| &entry.question);
        questions.filter(|question| !self.asked.contains(question)).map(Question::describe).collect()
    }

    fn answer(&mut self, question: Question) -> Read<Answer> {
        let found = self.entries.iter().find(|entry| entry.question == question).map(|entry| entry.answer.clone());
        let answer = found.ok_or_else(|| Aborted(format!("not in the recording: {}", question.describe())))?;
        self.asked.insert(question);
        Ok(answer)
    }
}

macro_rules! taped {
    ($($read:ident($($argument:ident: $type:ty),*) -> $answer:ty:
        $question:expr => $variant:ident as |$found:ident| $value:expr;)*) => {
        impl Reads for Tape {
            $(async fn $read(&mut self, $($argument: $type),*) -> Read<$answer> {
                match self.answer($question)? {
                    Answer::$variant($found) => Ok($value),
                    _ => Err(Aborted("the recording answers another question than was asked".to_owned())),
                }
            })*
        }
    };
}

taped! {
    get(key: ObjectKey, scope: Scope) -> Result<Option<Arc<str>>, ReadError>:
        Question::Get(key, scope) => Object as |found| found.map(|found| found.map(|json| json.0));
    list(query: Query, scope: Scope) -> Result<Vec<Arc<str>>, ReadError>:
        Question::List(query, scope) => Objects as |found| found.map(|found| found.into_iter().map(|json| json.0).collect());
    reached(moment: Millis) -> bool: Question::Reached(moment) => Flag as |flag| flag;
    now(tick: Millis) -> Millis: Question::Now(tick) => Moment as |moment| moment;
    kubernetes_version() -> String: Question::KubernetesVersion => Text as |text| text;
    serves(resource: ResourceType) -> bool: Question::Serves(resource) => Flag as |flag| flag;
    operator_namespace() -> String: Question::OperatorNamespace => Text as |text| text;
    watches(namespace: String) -> bool: Question::Watches(namespace) => Flag as |flag| flag;
}
