//! What a module says of itself.

use crate::bindings::module::exports::filbert::operator::module as raw;
use crate::bindings::reads::filbert::operator::types as raw_types;
use crate::resource::{Resource, ResourceType};
use crate::{Defaulting, Step, Validation};

/// What a module says of itself.
pub struct Description {
    raw: raw::Description,
}

impl Description {
    /// A module: a name in lower case with dashes, a semantic version (`env!("CARGO_PKG_VERSION")`), one line for people.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        let (name, version, summary) = (name.to_owned(), version.to_owned(), summary.to_owned());
        let (kinds, steps, defaults, validates, wants, self_tests) = Default::default();
        Self { raw: raw::Description { name, version, summary, kinds, steps, defaults, validates, wants, self_tests } }
    }

    /// It takes this step.
    #[must_use]
    pub fn step<S: Step>(mut self) -> Self {
        let any = S::Resource::TYPE.plural == "*";
        self.raw.steps.push(raw::StepDescription {
            name: S::NAME.to_owned(),
            summary: S::SUMMARY.to_owned(),
            takes: if any { Vec::new() } else { vec![S::Resource::TYPE.raw()] },
            parameters: S::parameters().to_string(),
            finalizes: S::FINALIZES,
            leaves: S::LEAVES.iter().map(|&fact| fact.to_owned()).collect(),
            needs: S::NEEDS.iter().map(|&fact| fact.to_owned()).collect(),
        });
        self
    }

    /// It fills in defaults of this kind.
    #[must_use]
    pub fn defaults<D: Defaulting>(mut self) -> Self {
        self.raw.defaults.push(subject(D::Resource::TYPE));
        self
    }

    /// It validates this kind.
    #[must_use]
    pub fn validates<V: Validation>(mut self) -> Self {
        self.raw.validates.push(subject(V::Resource::TYPE));
        self
    }

    /// It brings a `CustomResourceDefinition` along, as JSON: a `Value` or a text made while compiling.
    #[must_use]
    pub fn brings<R: Resource>(mut self, definition: impl std::fmt::Display) -> Self {
        let definition = definition.to_string();
        self.raw.kinds.push(raw::ServedKind { resource: R::TYPE.raw(), kind: R::KIND.to_owned(), definition });
        self
    }

    /// It would like to read or change objects.
    #[must_use]
    pub fn wants(mut self, wish: Wish) -> Self {
        let Wish { grant, reason } = wish;
        self.raw.wants.push(raw::Wish { wanted: raw::Grant::Objects(grant), reason });
        self
    }

    pub(crate) fn into_raw(self) -> raw::Description {
        self.raw
    }
}

fn subject(resource: ResourceType) -> raw::ReviewSubject {
    raw::ReviewSubject { resource: resource.raw(), parameters: r#"{"type":"object"}"#.to_owned() }
}

/// A wish to read or change objects of one type, in the namespace of the reconciled object.
pub struct Wish {
    grant: raw::ObjectGrant,
    reason: String,
}

impl Wish {
    /// To read objects.
    pub fn read(resource: ResourceType) -> Self {
        Self::of(resource, vec![raw::Verb::Read])
    }

    /// To read, apply and (by no longer proposing them) delete objects.
    pub fn keep(resource: ResourceType) -> Self {
        Self::of(resource, vec![raw::Verb::Read, raw::Verb::Apply, raw::Verb::Delete])
    }

    /// To read and delete objects that it does not make itself: what somebody before it left behind.
    pub fn remove(resource: ResourceType) -> Self {
        Self::of(resource, vec![raw::Verb::Read, raw::Verb::Delete])
    }

    fn of(resource: ResourceType, verbs: Vec<raw::Verb>) -> Self {
        let (labels, names) = (Vec::new(), Vec::new());
        let grant = raw::ObjectGrant { resource: resource.raw(), verbs, within: raw::Namespaces::Here, labels, names };
        Self { grant, reason: String::new() }
    }

    /// Only of this name. `{name}` stands for that of the reconciled object, a final `*` for any rest.
    #[must_use]
    pub fn named(mut self, pattern: &str) -> Self {
        self.grant.names.push(pattern.to_owned());
        self
    }

    /// Only with this label.
    #[must_use]
    pub fn labelled(mut self, key: &str, value: &str) -> Self {
        self.grant.labels.push(raw_types::LabelRequirement {
            key: key.to_owned(),
            operator: raw_types::LabelOperator::OneOf,
            values: vec![value.to_owned()],
        });
        self
    }

    /// In every namespace, and cluster-scoped objects.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.grant.within = raw::Namespaces::All;
        self
    }

    /// For the administrator who decides.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }
}
