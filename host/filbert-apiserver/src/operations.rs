//! JSON patch, with what a real server does differently from the letter of it, and its words for what does not fit.

use crate::crd::golang;
use json_patch::{AddOperation, PatchOperation};
use serde_json::Value;

/// The operations of a JSON patch, in order.
#[derive(Clone, Debug)]
pub(crate) struct Patch(Vec<PatchOperation>);

impl Patch {
    /// Reads a patch; the error is the decoder's complaint.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| golang::json_error(text, &error))?;
        if !value.is_array() {
            let found = if value.is_object() { "object" } else { "value" };
            return Err(format!("json: cannot unmarshal {found} into Go value of type jsonpatch.Patch"));
        }
        Self::from_value(value).ok_or_else(|| "invalid operation".to_owned())
    }

    /// The same from a list that was parsed already; `None` where an item of it is no operation.
    pub(crate) fn from_value(operations: Value) -> Option<Self> {
        serde_json::from_value(operations).ok().map(Self)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `old` with all operations done; the error says which one does not fit.
    pub(crate) fn apply(&self, old: &Value) -> Result<Value, String> {
        let mut patched = old.clone();
        for operation in &self.0 {
            match operation {
                // Replacing a member that is not there adds it.
                PatchOperation::Replace(replace)
                    if patched.pointer(replace.path.as_str()).is_none()
                        && parent(&patched, replace.path.as_str()).is_some_and(Value::is_object) =>
                {
                    let add = AddOperation { path: replace.path.clone(), value: replace.value.clone() };
                    run(&mut patched, &PatchOperation::Add(add))?;
                }
                // What is not there is null to a test; clients test for absence that way.
                PatchOperation::Test(test) if test.value.is_null() && patched.pointer(test.path.as_str()).is_none() => {
                }
                operation => run(&mut patched, operation)?,
            }
        }
        Ok(patched)
    }
}

fn run(patched: &mut Value, operation: &PatchOperation) -> Result<(), String> {
    let done = json_patch::patch(patched, std::slice::from_ref(operation));
    // The document is as it was before an operation that failed.
    done.map_err(|_| complaint(patched, operation))
}

fn parent<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    value.pointer(pointer.rsplit_once('/')?.0)
}

fn complaint(value: &Value, operation: &PatchOperation) -> String {
    let (name, path) = match operation {
        PatchOperation::Test(test) => return format!("testing value {} failed: test failed", test.path.as_str()),
        PatchOperation::Add(it) => ("add", it.path.as_str()),
        PatchOperation::Remove(it) => ("remove", it.path.as_str()),
        PatchOperation::Replace(it) => ("replace", it.path.as_str()),
        PatchOperation::Move(it) => ("move", it.from.as_str()),
        PatchOperation::Copy(it) => ("copy", it.from.as_str()),
    };
    let key = path.rsplit('/').next().unwrap_or_default();
    match parent(value, path) {
        Some(Value::Object(_)) => {
            format!("error in {name} for path: '{path}': Unable to remove nonexistent key: {key}: missing value")
        }
        Some(Value::Array(_)) => {
            format!(
                "error in {name} for path: '{path}': Unable to access invalid index: {key}: invalid index referenced"
            )
        }
        _ => format!("{name} operation does not apply: doc is missing path: {path:?}: missing value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(patch: &Value) -> Result<Value, String> {
        Patch::from_value(patch.clone()).unwrap().apply(&json!({ "data": { "tide": "low" }, "list": [1] }))
    }

    #[test]
    fn a_member_that_is_not_there_can_be_replaced_and_tested() {
        let patch = json!([
            { "op": "test", "path": "/data/wind", "value": null },
            { "op": "replace", "path": "/data/wind", "value": "west" },
        ]);
        assert_eq!(applied(&patch).unwrap()["data"], json!({ "tide": "low", "wind": "west" }));
    }

    #[test]
    fn what_does_not_fit_is_named_in_the_servers_words() {
        for (operation, expected) in [
            (
                json!({ "op": "test", "path": "/data/tide", "value": "high" }),
                "testing value /data/tide failed: test failed",
            ),
            (
                json!({ "op": "remove", "path": "/data/wind" }),
                "error in remove for path: '/data/wind': Unable to remove nonexistent key: wind: missing value",
            ),
            (
                json!({ "op": "add", "path": "/spec/size", "value": 1 }),
                "add operation does not apply: doc is missing path: \"/spec/size\": missing value",
            ),
            (
                json!({ "op": "add", "path": "/list/7", "value": 1 }),
                "error in add for path: '/list/7': Unable to access invalid index: 7: invalid index referenced",
            ),
        ] {
            assert_eq!(applied(&json!([operation])).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_patch_that_is_none_is_refused_in_the_decoders_words() {
        assert_eq!(Patch::parse(b"not json").unwrap_err(), "invalid character 'o' in literal null (expecting 'u')");
        assert_eq!(
            Patch::parse(b"{}").unwrap_err(),
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        );
    }
}
