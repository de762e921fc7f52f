//! What a module may read and change. Every read and every effect is checked here before it reaches a cache or the
//! API client. A grant is given by an administrator; what a module asks for in `describe()` is only a wish.

mod overlap;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{ObjectKey, ResourceType};

/// One capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grant {
    /// Kubernetes objects.
    Objects(ObjectGrant),
    /// Client messages to members, by type identifier.
    Messages(MessageGrant),
    /// Requests to member agents and Management Centers.
    Agents(AgentGrant),
    /// Certificates that the host makes and keeps.
    Certificates {},
    /// A capability that this host does not know. It grants nothing.
    Other(Value),
}

/// Kubernetes objects of one resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectGrant {
    /// Which type. A version of `*` stands for any.
    pub resource: ResourceType,
    /// What may be done.
    pub verbs: Vec<Verb>,
    /// Where.
    #[serde(default)]
    pub within: Namespaces,
    /// Only objects with these labels; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelRequirement>,
    /// Only objects of these names; empty for any. `{name}` stands for the name of the reconciled object, a final `*` for
    /// any rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// What may be done to objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Get and list.
    Read,
    /// Create and change.
    Apply,
    /// Delete.
    Delete,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Apply => "apply",
            Self::Delete => "delete",
        })
    }
}

impl fmt::Display for Grant {
    /// `read, apply services/v1 named {name}-*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects(objects) => objects.fmt(f),
            Self::Messages(MessageGrant { ask, call }) => write!(f, "send messages (ask {ask:?}, call {call:?})"),
            Self::Agents(AgentGrant { routes }) => write!(f, "call agents ({})", routes.join(", ")),
            Self::Certificates {} => f.write_str("use certificates"),
            Self::Other(value) => write!(f, "{value}"),
        }
    }
}

impl fmt::Display for ObjectGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, verbs, within, labels, names } = self;
        let verbs: Vec<_> = verbs.iter().map(ToString::to_string).collect();
        write!(f, "{} {resource}", verbs.join(", "))?;
        if !names.is_empty() {
            write!(f, " named {}", names.join(" or "))?;
        }
        match within {
            Namespaces::Here => {}
            Namespaces::Named(names) => write!(f, " in {}", names.join(", "))?,
            Namespaces::HereIn(names) => write!(f, " in its own namespace, if that is {}", names.join(" or "))?,
            Namespaces::All => f.write_str(" in all namespaces")?,
        }
        if !labels.is_empty() {
            let labels: Vec<_> = labels.iter().map(LabelRequirement::selector).collect();
            write!(f, " with {}", labels.join(", "))?;
        }
        Ok(())
    }
}

/// In which namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Namespaces {
    /// That of the reconciled object.
    #[default]
    Here,
    /// These.
    Named(Vec<String>),
    /// That of the reconciled object, where it is one of these.
    #[serde(rename = "hereIn")]
    HereIn(Vec<String>),
    /// All, and cluster-scoped objects.
    All,
}

/// Client messages by type identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageGrant {
    /// Messages that change nothing.
    pub ask: Vec<u32>,
    /// Messages that change something.
    pub call: Vec<u32>,
}

/// Requests to agents: `POST /backups/*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentGrant {
    /// Method and path; a final `*` stands for any rest.
    pub routes: Vec<String>,
}

/// What a label must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// Empty for `exists` and `absent`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelOperator {
    /// The label is there and has one of the values.
    OneOf,
    /// The label is absent or has none of the values.
    NoneOf,
    /// The label is there.
    Exists,
    /// It is not.
    Absent,
}

impl LabelRequirement {
    /// Whether an object with these labels satisfies it.
    pub fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.key);
        match self.operator {
            LabelOperator::OneOf => found.is_some_and(|value| self.values.contains(value)),
            LabelOperator::NoneOf => found.is_none_or(|value| !self.values.contains(value)),
            LabelOperator::Exists => found.is_some(),
            LabelOperator::Absent => found.is_none(),
        }
    }

    /// In the notation of label selectors: `app in (blue,green)`.
    pub fn selector(&self) -> String {
        let Self { key, operator, values } = self;
        match operator {
            LabelOperator::OneOf => format!("{key} in ({})", values.join(",")),
            LabelOperator::NoneOf => format!("{key} notin ({})", values.join(",")),
            LabelOperator::Exists => key.clone(),
            LabelOperator::Absent => format!("!{key}"),
        }
    }
}

/// The labels of an object; those that are no strings are left out.
pub fn labels_of(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// For which object a module is at work: `here` and `{name}` in a grant mean its namespace and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Absent for cluster-scoped objects.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

/// A read or an effect outside the grant. Says what would have to be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{verb} of {target} is outside the grant; the module would need `{verb}` on `{resource}`{detail}")]
pub struct Denied {
    verb: Verb,
    target: String,
    // Boxed so that a refusal stays small in the `Result` of every check.
    resource: Box<ResourceType>,
    detail: String,
}

impl ObjectGrant {
    fn is_for(&self, resource: &ResourceType) -> bool {
        let own = &self.resource;
        own.group == resource.group
            && own.plural == resource.plural
            && (own.version == "*" || own.version == resource.version)
    }

    fn covers_namespace(&self, namespace: Option<&str>, subject: Subject<'_>) -> bool {
        match (&self.within, namespace) {
            (Namespaces::All, _) => true,
            (_, None) => subject.namespace.is_none() && self.within == Namespaces::Here,
            (Namespaces::Here, Some(namespace)) => subject.namespace == Some(namespace),
            (Namespaces::Named(names), Some(namespace)) => names.iter().any(|name| name == namespace),
            (Namespaces::HereIn(names), Some(namespace)) => {
                subject.namespace == Some(namespace) && names.iter().any(|name| name == namespace)
            }
        }
    }

    fn covers_name(&self, name: &str, subject: Subject<'_>) -> bool {
        self.names.is_empty()
            || self.names.iter().any(|pattern| {
                let pattern = pattern.replace("{name}", subject.name);
                match pattern.strip_suffix('*') {
                    Some(prefix) => name.starts_with(prefix),
                    None => name == pattern,
                }
            })
    }

    fn covers_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|requirement| requirement.holds(labels))
    }
}

/// All that one module may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// The object grants among them.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectGrant> {
        self.0.iter().filter_map(|grant| match grant {
            Grant::Objects(objects) => Some(objects),
            _ => None,
        })
    }

    /// Whether `verb` may be done to the object `key`. `labels` are those of the object where it is known: an object
    /// that does not exist has none to compare, so reading it is allowed wherever its name is.
    ///
    /// # Errors
    /// [`Denied`] says what would have to be granted.
    pub fn check(
        &self,
        verb: Verb,
        key: &ObjectKey,
        labels: Option<&BTreeMap<String, String>>,
        subject: Subject<'_>,
    ) -> Result<(), Denied> {
        let covers = |grant: &&ObjectGrant| {
            grant.verbs.contains(&verb)
                && grant.is_for(&key.resource)
                && grant.covers_namespace(key.namespace.as_deref(), subject)
                && grant.covers_name(&key.name, subject)
        };
        let mut near = false;
        for grant in self.objects().filter(covers) {
            if labels.is_none_or(|labels| grant.covers_labels(labels)) {
                return Ok(());
            }
            near = true;
        }
        let detail = if near {
            ", but its labels do not match the grant".to_owned()
        } else {
            match &key.namespace {
                Some(namespace) if subject.namespace != Some(namespace) => format!(" in namespace `{namespace}`"),
                None => " within all namespaces, as for every cluster-scoped object".to_owned(),
                Some(_) => String::new(),
            }
        };
        Err(Denied { verb, target: key.to_string(), resource: Box::new(key.resource.clone()), detail })
    }

    /// Which objects a list may show: `None` where the module has no grant to list here at all.
    ///
    /// # Errors
    /// [`Denied`] where no object grant covers the resource type and namespace.
    pub fn check_list(
        &self,
        resource: &ResourceType,
        namespace: Option<&str>,
        subject: Subject<'_>,
    ) -> Result<ListGrant<'_>, Denied> {
        let grants: Vec<_> = self
            .objects()
            .filter(|grant| grant.verbs.contains(&Verb::Read) && grant.is_for(resource))
            .filter(|grant| namespace.is_none() || grant.covers_namespace(namespace, subject))
            .collect();
        if grants.is_empty() {
            let detail = namespace.map(|n| format!(" in namespace `{n}`")).unwrap_or_default();
            return Err(Denied {
                verb: Verb::Read,
                target: format!("a list of {resource}"),
                resource: Box::new(resource.clone()),
                detail,
            });
        }
        Ok(ListGrant { grants })
    }
}

/// What a list may show.
#[derive(Debug)]
pub struct ListGrant<'a> {
    grants: Vec<&'a ObjectGrant>,
}

impl ListGrant<'_> {
    /// Whether this object may be shown.
    pub fn shows(
        &self,
        namespace: Option<&str>,
        name: &str,
        labels: &BTreeMap<String, String>,
        subject: Subject<'_>,
    ) -> bool {
        self.grants.iter().any(|grant| {
            grant.covers_namespace(namespace, subject)
                && grant.covers_name(name, subject)
                && grant.covers_labels(labels)
        })
    }
}

#[cfg(test)]
mod tests;
