//! What is said about fields that others own.

use super::{
    field_set::FieldSet,
    managers::{Identity, Operation},
};

/// A field that another manager owns and an apply would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The owner, as messages name it: `"name" with subresource "status" using v1`.
    pub manager: String,
    /// The path of the field, for example `.spec.replicas`.
    pub field: String,
    /// The field as a set.
    set: FieldSet,
}

impl Conflict {
    /// The message of the cause in the answer.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager)
    }

    pub(crate) fn is_in(&self, set: &FieldSet) -> bool {
        self.set.is_subset_of(set)
    }
}

pub(crate) fn conflicts_of(found: &[(Identity, FieldSet)]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (identity, set) in found {
        for (field, set) in set.each_path() {
            conflicts.push(Conflict { manager: name(identity), field, set });
        }
    }
    conflicts
}

/// The message of the answer: one conflict in the line, several as a list by manager.
pub(crate) fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: {}: {}", only.message(), only.field);
    }
    let mut text = format!("Apply failed with {} conflicts: ", conflicts.len());
    let mut lines = Vec::new();
    let mut manager = None;
    for conflict in conflicts {
        if manager != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", conflict.manager));
            manager = Some(&conflict.manager);
        }
        lines.push(format!("- {}", conflict.field));
    }
    text.push_str(&lines.join("\n"));
    text
}

fn name(identity: &Identity) -> String {
    let subresource = match identity.subresource.as_str() {
        "" => String::new(),
        subresource => format!(" with subresource {subresource:?}"),
    };
    let version = match identity.operation {
        Operation::Apply => String::new(),
        Operation::Update => format!(" using {}", identity.version),
    };
    format!("{:?}{subresource}{version}", identity.manager)
}
