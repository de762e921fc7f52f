//! Match conditions of webhooks: expressions over a whole request.

use super::{CelType, check, environment, text, value};
use cel::common::types::CelBool;
use cel::{Context, ExecutionError, Program, Value as CelValue};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// One condition, compiled.
#[derive(Debug)]
pub(crate) struct Condition {
    source: String,
    program: Program,
}

/// What conditions see.
pub(crate) struct Variables<'a> {
    /// Null for a deletion.
    pub(crate) object: &'a Value,
    /// Null for a creation.
    pub(crate) old: &'a Value,
    pub(crate) request: &'a Value,
}

impl Condition {
    /// Compiles an expression; `None` for one that [`Self::complaint`] has something to say about.
    pub(crate) fn compile(source: &str) -> Option<Self> {
        let program = environment().compile(source).ok()?;
        Some(Self { source: source.to_owned(), program })
    }

    /// What is wrong with an expression, in the words of the server.
    pub(crate) fn complaint(source: &str) -> Option<String> {
        let fields = |names: &[&str]| -> BTreeMap<String, CelType> {
            names.iter().map(|name| ((*name).to_owned(), CelType::String(REQUEST_TEXT))).collect()
        };
        let mut request = fields(&["name", "namespace", "operation", "requestSubResource", "subResource"]);
        for name in ["kind", "requestKind"] {
            request.insert(name.to_owned(), CelType::Object(fields(&["group", "version", "kind"])));
        }
        for name in ["resource", "requestResource"] {
            request.insert(name.to_owned(), CelType::Object(fields(&["group", "version", "resource"])));
        }
        let mut user = fields(&["username", "uid"]);
        let texts = || CelType::List(Box::new(CelType::String(REQUEST_TEXT)), u64::MAX);
        user.insert("groups".to_owned(), texts());
        user.insert("extra".to_owned(), CelType::Map(Box::new(texts()), u64::MAX));
        request.insert("userInfo".to_owned(), CelType::Object(user));
        request.insert("dryRun".to_owned(), CelType::Bool);
        request.insert("options".to_owned(), CelType::Dyn);
        let variables = [("object", CelType::Dyn), ("oldObject", CelType::Dyn), ("request", CelType::Object(request))];
        match check(source, &variables) {
            Err(errors) => Some(format!("compilation failed: {errors}")),
            Ok(checked) if checked.answer.is_bool() => None,
            Ok(checked) => Some(format!("must evaluate to bool but got {}", checked.answer)),
        }
    }

    /// Whether it holds; an error is what the server says of a condition that cannot be told.
    pub(crate) fn holds(&self, variables: &Variables<'_>) -> Result<bool, String> {
        let Variables { object, old, request } = variables;
        let mut context = Context::with_env(Arc::clone(environment()));
        for (name, value) in [("object", object), ("oldObject", old), ("request", request)] {
            context.add_variable_as_val(name, value::convert(value, None, false));
        }
        let failed = |why: String| format!("expression '{}' resulted in error: {why}", self.source);
        let answer = CelValue::resolve_val(self.program.expression(), &context);
        let answer = answer.map_err(|error| failed(why(&error, &self.source, variables)))?;
        match answer.downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(failed("expression result is no bool".to_owned())),
        }
    }
}

/// A field of what is not there is no such key to the server; the interpreter knows types only.
fn why(error: &ExecutionError, source: &str, variables: &Variables<'_>) -> String {
    static FIELD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(object|oldObject)\.(\w+)").expect("the pattern is right"));
    if matches!(error, ExecutionError::NoSuchOverload(_)) {
        let is_absent =
            |name: &str| if name == "object" { variables.object.is_null() } else { variables.old.is_null() };
        let missing = FIELD.captures_iter(source).map(|found| found.extract().1).find(|[name, _]| is_absent(name));
        if let Some([_, field]) = missing {
            return format!("no such key: {field}");
        }
    }
    text::error(error)
}

/// The longest text in a request: what counts for estimates of costs, which conditions have none of.
const REQUEST_TEXT: u64 = 3 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(source: &str) -> Result<bool, String> {
        let object = json!({ "metadata": { "name": "tug", "labels": { "tide": "low" } }, "spec": { "size": 3 } });
        let request = json!({ "operation": "CREATE", "userInfo": { "username": "bob", "groups": ["crew"] } });
        let condition = Condition::compile(source).expect("the expression compiles");
        condition.holds(&Variables { object: &object, old: &Value::Null, request: &request })
    }

    #[test]
    fn conditions_see_the_whole_request() {
        for (source, expected) in [
            ("object.metadata.labels['tide'] == 'low'", true),
            ("object.spec.size > 3", false),
            ("oldObject == null", true),
            ("request.userInfo.username != 'bob'", false),
            ("'crew' in request.userInfo.groups && request.operation == 'CREATE'", true),
            ("!('skip' in object.metadata.?annotations.orValue({}))", true),
        ] {
            assert_eq!(holds(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn a_condition_about_what_is_not_there_cannot_be_told() {
        assert_eq!(
            holds("oldObject.metadata.name == 'tug'"),
            Err("expression 'oldObject.metadata.name == 'tug'' resulted in error: no such key: metadata".to_owned())
        );
    }

    #[test]
    fn expressions_that_are_no_conditions_are_refused() {
        assert_eq!(Condition::complaint("object.spec.size > 3"), None);
        assert_eq!(Condition::complaint("'a'").as_deref(), Some("must evaluate to bool but got string"));
        assert_eq!(
            Condition::complaint("request.who == 'bob'").as_deref(),
            Some("compilation failed: ERROR: <input>:1:8: undefined field 'who'\n | request.who == 'bob'\n | .......^")
        );
    }
}
