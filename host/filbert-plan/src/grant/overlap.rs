//! Two sets of grants compared: whether one allows all that the other asks for, and what both allow.

use super::{AgentGrant, Grant, Grants, MessageGrant, Namespaces, ObjectGrant};

impl Grants {
    /// Whether every capability here is also in `bound`; the first that is not, if any.
    pub fn first_beyond<'a>(&'a self, bound: &Grants) -> Option<&'a Grant> {
        self.0.iter().find(|wanted| !bound.0.iter().any(|given| given.includes(wanted)))
    }

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
