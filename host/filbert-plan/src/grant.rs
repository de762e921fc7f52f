//! What a module may read and change. Every read and every effect is checked here before it reaches a cache or the
//! API client. A grant is given by an administrator; what a module asks for in `describe()` is only a wish.

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

    /// Whether every capability here is also in `bound`; the first that is not, if any.
    pub fn first_beyond<'a>(&'a self, bound: &Grants) -> Option<&'a Grant> {
        self.0.iter().find(|wanted| !bound.0.iter().any(|given| given.includes(wanted)))
    }
}

impl Grants {
    /// What both allow. Errs on the side of no: where two grants overlap in a way that no single grant can say, the overlap
    /// is left out.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for grant in &self.0 {
            for common in other.0.iter().filter_map(|wanted| grant.intersection(wanted)) {
                if !both.iter().any(|known: &Grant| known.includes(&common)) {
                    both.push(common);
                }
            }
        }
        Self(both)
    }
}

impl Grant {
    fn intersection(&self, other: &Self) -> Option<Self> {
        let common = |a: &[u32], b: &[u32]| a.iter().filter(|id| b.contains(id)).copied().collect::<Vec<_>>();
        match (self, other) {
            (Self::Objects(a), Self::Objects(b)) => a.intersection(b).map(Self::Objects),
            (Self::Messages(a), Self::Messages(b)) => {
                let both = MessageGrant { ask: common(&a.ask, &b.ask), call: common(&a.call, &b.call) };
                (both != MessageGrant::default()).then_some(Self::Messages(both))
            }
            (Self::Agents(a), Self::Agents(b)) => {
                let routes = common_patterns(&a.routes, &b.routes)?;
                Some(Self::Agents(AgentGrant { routes }))
            }
            (Self::Certificates {}, Self::Certificates {}) => Some(Self::Certificates {}),
            _ => None,
        }
    }

    /// Whether this grant allows all that `wanted` asks for. Errs on the side of no: two grants that only together
    /// allow something do not include it.
    pub fn includes(&self, wanted: &Grant) -> bool {
        match (self, wanted) {
            (Self::Objects(given), Self::Objects(wanted)) => {
                given.is_for(&wanted.resource)
                    && wanted.verbs.iter().all(|verb| given.verbs.contains(verb))
                    && given.within.includes(&wanted.within)
                    && given.labels.iter().all(|label| wanted.labels.contains(label))
                    && (given.names.is_empty()
                        || (!wanted.names.is_empty() && wanted.names.iter().all(|name| given.includes_name(name))))
            }
            (Self::Messages(given), Self::Messages(wanted)) => {
                wanted.ask.iter().all(|id| given.ask.contains(id))
                    && wanted.call.iter().all(|id| given.call.contains(id))
            }
            (Self::Agents(given), Self::Agents(wanted)) => {
                wanted.routes.iter().all(|route| given.routes.contains(route))
            }
            (Self::Certificates {}, Self::Certificates {}) => true,
            _ => false,
        }
    }
}

/// The patterns that both lists of patterns cover; a final `*` stands for any rest.
fn common_patterns(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let covers = |pattern: &str, other: &str| {
        pattern == other || pattern.strip_suffix('*').is_some_and(|prefix| other.starts_with(prefix))
    };
    let mut both = Vec::new();
    for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
        let narrower = if covers(a, b) {
            b
        } else if covers(b, a) {
            a
        } else {
            continue;
        };
        if !both.contains(narrower) {
            both.push(narrower.clone());
        }
    }
    (!both.is_empty()).then_some(both)
}

impl ObjectGrant {
    fn intersection(&self, other: &Self) -> Option<Self> {
        let resource = if self.is_for(&other.resource) {
            &other.resource
        } else if other.is_for(&self.resource) {
            &self.resource
        } else {
            return None;
        };
        let verbs: Vec<_> = self.verbs.iter().filter(|verb| other.verbs.contains(verb)).copied().collect();
        let mut labels = self.labels.clone();
        labels.extend(other.labels.iter().filter(|label| !self.labels.contains(label)).cloned());
        // An empty list means any name, so a common list that came out empty must not be one.
        let names = match (self.names.as_slice(), other.names.as_slice()) {
            ([], names) | (names, []) => names.to_vec(),
            (a, b) => common_patterns(a, b)?,
        };
        let within = self.within.intersection(&other.within)?;
        (!verbs.is_empty()).then(|| Self { resource: resource.clone(), verbs, within, labels, names })
    }

    fn includes_name(&self, wanted: &str) -> bool {
        self.names
            .iter()
            .any(|given| given == wanted || given.strip_suffix('*').is_some_and(|prefix| wanted.starts_with(prefix)))
    }
}

impl Namespaces {
    fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::All, any) | (any, Self::All) => Some(any.clone()),
            (Self::Here, Self::Here) => Some(Self::Here),
            (Self::Named(a), Self::Named(b)) => {
                let both: Vec<_> = a.iter().filter(|name| b.contains(name)).cloned().collect();
                (!both.is_empty()).then_some(Self::Named(both))
            }
            (Self::Here, Self::Named(names) | Self::HereIn(names))
            | (Self::Named(names) | Self::HereIn(names), Self::Here) => Some(Self::HereIn(names.clone())),
            (Self::HereIn(a), Self::HereIn(b) | Self::Named(b)) | (Self::Named(a), Self::HereIn(b)) => {
                let both: Vec<_> = a.iter().filter(|name| b.contains(name)).cloned().collect();
                (!both.is_empty()).then_some(Self::HereIn(both))
            }
        }
    }

    fn includes(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::All, _) | (Self::Here, Self::Here | Self::HereIn(_)) => true,
            (Self::HereIn(given) | Self::Named(given), Self::HereIn(wanted)) => {
                wanted.iter().all(|name| given.contains(name))
            }
            (Self::Named(given), Self::Named(wanted)) => wanted.iter().all(|name| given.contains(name)),
            _ => false,
        }
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
mod tests {
    use super::*;
    use serde_json::json;

    fn services() -> ResourceType {
        ResourceType::new("", "v1", "services")
    }

    fn grants(yaml_like: Value) -> Grants {
        serde_json::from_value(yaml_like).expect("a grant")
    }

    fn own_services() -> Grants {
        grants(json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"},
            "verbs": ["read", "apply"], "names": ["{name}", "{name}-*"]}}]))
    }

    const BLUE: Subject<'_> = Subject { namespace: Some("market"), name: "blue" };

    #[test]
    fn allows_names_made_from_that_of_the_reconciled_object() {
        for name in ["blue", "blue-0"] {
            own_services()
                .check(Verb::Apply, &ObjectKey::namespaced(services(), "market", name), None, BLUE)
                .expect("allowed");
        }
    }

    #[test]
    fn denies_another_name_verb_namespace_or_type_and_says_what_is_missing() {
        let denied =
            |verb, key: ObjectKey| own_services().check(verb, &key, None, BLUE).expect_err("denied").to_string();
        insta::assert_snapshot!(
            [
                denied(Verb::Apply, ObjectKey::namespaced(services(), "market", "green")),
                denied(Verb::Delete, ObjectKey::namespaced(services(), "market", "blue")),
                denied(Verb::Read, ObjectKey::namespaced(services(), "harbour", "blue")),
                denied(Verb::Read, ObjectKey { resource: ResourceType::new("", "v1", "nodes"), namespace: None, name: "n".into() }),
            ]
            .join("\n"),
            @r"
        apply of services/v1 market/green is outside the grant; the module would need `apply` on `services/v1`
        delete of services/v1 market/blue is outside the grant; the module would need `delete` on `services/v1`
        read of services/v1 harbour/blue is outside the grant; the module would need `read` on `services/v1` in namespace `harbour`
        read of nodes/v1 n is outside the grant; the module would need `read` on `nodes/v1` within all namespaces, as for every cluster-scoped object
        "
        );
    }

    #[test]
    fn a_list_shows_only_what_is_granted() {
        let grants = own_services();
        let shown = grants.check_list(&services(), Some("market"), BLUE).expect("granted");
        let none = BTreeMap::new();
        assert!(shown.shows(Some("market"), "blue-1", &none, BLUE));
        assert!(!shown.shows(Some("market"), "green", &none, BLUE));
        assert!(grants.check_list(&services(), Some("harbour"), BLUE).is_err());
    }

    #[test]
    fn labels_bound_what_may_be_read() {
        let grants = grants(
            json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"],
            "labels": [{"key": "app", "operator": "one-of", "values": ["blue"]}]}}]),
        );
        let key = ObjectKey::namespaced(ResourceType::new("", "v1", "pods"), "market", "p");
        let labels = |value: &str| BTreeMap::from([("app".to_owned(), value.to_owned())]);
        assert!(grants.check(Verb::Read, &key, Some(&labels("blue")), BLUE).is_ok());
        let denied = grants.check(Verb::Read, &key, Some(&labels("green")), BLUE).expect_err("denied");
        assert!(denied.to_string().ends_with("but its labels do not match the grant"), "{denied}");
    }

    #[test]
    fn a_wish_for_more_is_found() {
        let wider = grants(
            json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"}, "verbs": ["read", "delete"]}}]),
        );
        assert!(wider.first_beyond(&own_services()).is_some());
        let narrower = grants(json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"},
            "verbs": ["apply"], "names": ["{name}-0"]}}]));
        assert_eq!(narrower.first_beyond(&own_services()), None);
    }

    #[test]
    fn what_two_grants_have_in_common_is_all_that_either_bounds() {
        let object = |verbs: Value, names: Value, within: Value, label: Option<&str>| {
            let labels = label.map(|key| json!({"key": key, "operator": "exists"}));
            json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": verbs, "names": names,
                "within": within, "labels": labels.into_iter().collect::<Vec<_>>()}}])
        };
        let given = grants(object(
            json!(["read", "apply"]),
            json!(["{name}-*", "lamp"]),
            json!({"named": ["market"]}),
            Some("a"),
        ));
        let wished =
            grants(object(json!(["read", "delete"]), json!(["{name}-0", "l*", "oak"]), json!("here"), Some("b")));
        let both = given.intersection(&wished);
        let expected = json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"],
            "within": {"hereIn": ["market"]}, "names": ["{name}-0", "lamp"],
            "labels": [{"key": "a", "operator": "exists"}, {"key": "b", "operator": "exists"}]}}]);
        assert_eq!(serde_json::to_value(&both).expect("JSON"), expected);
        for bound in [&given, &wished] {
            assert_eq!(both.first_beyond(bound), None);
        }
    }

    #[test]
    fn grants_that_share_no_name_verb_type_or_namespace_have_nothing_in_common() {
        let base = json!({"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"], "names": ["a"], "within": {"named": ["x"]}});
        for (field, value) in [
            ("names", json!(["b"])),
            ("verbs", json!(["apply"])),
            ("within", json!({"named": ["y"]})),
            ("resource", json!({"group": "", "version": "v1", "plural": "nodes"})),
        ] {
            let mut other = base.clone();
            other[field] = value;
            let both = grants(json!([{"objects": base}])).intersection(&grants(json!([{"objects": other}])));
            assert_eq!(both, Grants::default(), "{field}");
        }
    }

    #[test]
    fn its_own_namespace_where_it_is_one_of_some_is_neither_of_both() {
        let within = |within: Value| {
            grants(
                json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"], "within": within}}]),
            )
        };
        let both = within(json!("here")).intersection(&within(json!({"named": ["market", "harbour"]})));
        let may = |namespace: &str, subject: Subject<'_>| {
            let key = ObjectKey::namespaced(ResourceType::new("", "v1", "pods"), namespace, "p");
            both.check(Verb::Read, &key, None, subject).is_ok()
        };
        assert!(may("market", BLUE));
        assert!(!may("harbour", BLUE), "not its own");
        assert!(!may("meadow", Subject { namespace: Some("meadow"), name: "blue" }), "not one of these");
    }
}
