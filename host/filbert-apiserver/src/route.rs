//! What a path names.

use crate::message::decode;

/// A path of the API, taken apart; nothing is looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api`, `/apis`
    Core,
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Version(String, String),
    Resource(Target),
    /// Everything else.
    Other,
}

/// A collection, an object or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    /// The old form `/api/v1/watch/…`.
    pub(crate) watch: bool,
    /// The path goes deeper than anything we serve (`proxy/…`).
    pub(crate) rest: bool,
}

pub(crate) fn parse(path: &str) -> Route {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect();
    let mut parts = parts.into_iter();
    let group = match parts.next().as_deref() {
        Some("api") => String::new(),
        Some("apis") => match parts.next() {
            None => return Route::Groups,
            Some(group) => group,
        },
        _ => return Route::Other,
    };
    let Some(version) = parts.next() else {
        return if group.is_empty() { Route::Core } else { Route::Group(group) };
    };
    let mut rest: Vec<String> = parts.collect();
    let watch = rest.first().is_some_and(|part| part == "watch") && rest.len() > 1;
    if watch {
        rest.remove(0);
    }
    if rest.is_empty() {
        return Route::Version(group, version);
    }
    // `namespaces/NAME/RESOURCE` is a namespaced collection, except for the parts of a namespace itself.
    let parts_of_namespace = ["status", "finalize"];
    let namespaced = rest.first().is_some_and(|part| part == "namespaces")
        && rest
            .get(2)
            .is_some_and(|part| !(group.is_empty() && rest.len() == 3 && parts_of_namespace.contains(&&**part)));
    let mut rest = rest.into_iter();
    let namespace = if namespaced {
        rest.next();
        rest.next()
    } else {
        None
    };
    Route::Resource(Target {
        group,
        version,
        namespace,
        plural: rest.next().unwrap_or_default(),
        name: rest.next(),
        subresource: rest.next(),
        watch,
        rest: rest.next().is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match parse(path) {
            Route::Resource(target) => target,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_are_taken_apart() {
        let found = target("/apis/apps/v1/namespaces/harbor/statefulsets/tug/status");
        assert_eq!(
            (&*found.group, found.namespace.as_deref(), &*found.plural),
            ("apps", Some("harbor"), "statefulsets")
        );
        assert_eq!((found.name.as_deref(), found.subresource.as_deref()), (Some("tug"), Some("status")));
        let found = target("/api/v1/namespaces/harbor/status");
        assert_eq!(
            (found.namespace, &*found.plural, found.subresource.as_deref()),
            (None, "namespaces", Some("status"))
        );
        assert_eq!(target("/api/v1/namespaces/harbor").name.as_deref(), Some("harbor"));
        assert_eq!(parse("/apis"), Route::Groups);
        assert_eq!(parse("/healthz"), Route::Other);
    }
}
