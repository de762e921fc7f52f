//! What all versions of a definition have in common.
//!
//! The API server keeps such parts once per definition, and its messages name them there: `spec.validation` rather than
//! `spec.versions[0].schema`.

use super::golang;
use serde_json::{Value, json};

/// Which parts are the same in all versions.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one answer per part")]
pub(super) struct Hoisted {
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl Hoisted {
    pub(super) fn of(versions: &[Value]) -> Self {
        let same = |part: &str| {
            let mut parts = versions.iter().map(|version| version.get(part));
            let first = parts.next();
            parts.all(|part| Some(part) == first)
        };
        Self {
            schema: same("schema"),
            subresources: same("subresources"),
            columns: same("additionalPrinterColumns"),
            selectable: same("selectableFields"),
        }
    }

    /// The versions as a message shows them: with the names of the server's own structures, in their order.
    pub(super) fn show(&self, versions: &[Value]) -> String {
        let show = |version: &Value| {
            let of = |name: &str| version.get(name).cloned().unwrap_or(Value::Null);
            let switch = |name: &str| json!(of(name) == Value::Bool(true));
            let own = |name: &str, hoisted: bool| if hoisted { Value::Null } else { of(name) };
            let members = [
                ("Name", of("name")),
                ("Served", switch("served")),
                ("Storage", switch("storage")),
                ("Deprecated", switch("deprecated")),
                ("DeprecationWarning", of("deprecationWarning")),
                ("Schema", own("schema", self.schema)),
                ("Subresources", own("subresources", self.subresources)),
                ("AdditionalPrinterColumns", own("additionalPrinterColumns", self.columns)),
                ("SelectableFields", own("selectableFields", self.selectable)),
            ];
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\":{}", golang::json(value))).collect();
            format!("{{{}}}", members.join(","))
        };
        let shown: Vec<String> = versions.iter().map(show).collect();
        format!("[{}]", shown.join(","))
    }
}
