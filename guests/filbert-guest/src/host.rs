//! The other side of every read: the host's imports in a component, a world made by the test natively.

#[cfg(target_family = "wasm")]
mod wasm {
    use crate::bindings::reads::filbert::operator::objects::{self, Query, ReadError, Scope};
    use crate::bindings::reads::filbert::operator::types::ObjectKey;
    use crate::bindings::reads::filbert::operator::{log, platform, time};
    use crate::resource::ResourceType;

    /// The host.
    pub(crate) struct World;

    #[expect(clippy::unused_self, reason = "natively the world holds what the test gave")]
    impl World {
        pub(crate) fn get(&self, key: &ObjectKey, scope: &Scope) -> Result<Option<String>, ReadError> {
            objects::get(key, scope)
        }

        pub(crate) fn list(&self, query: &Query, scope: &Scope) -> Result<Vec<String>, ReadError> {
            objects::list(query, scope)
        }

        pub(crate) fn reached(&self, moment: u64) -> bool {
            time::reached(moment)
        }

        pub(crate) fn now(&self, tick: u64) -> u64 {
            time::now(tick)
        }

        pub(crate) fn serves(&self, resource: ResourceType) -> bool {
            platform::serves(&resource.raw())
        }

        pub(crate) fn kubernetes_version(&self) -> String {
            platform::kubernetes_version()
        }
    }

    /// Panic texts get lost on this target unless they are logged.
    pub(crate) fn log_error(message: &str) {
        log::log(log::Level::Error, message, &[]);
    }
}
#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;

#[cfg(not(target_family = "wasm"))]
mod native {
    use serde_json::{Map, Value};

    use crate::bindings::reads::filbert::operator::objects::{Query, ReadError, Scope};
    use crate::bindings::reads::filbert::operator::types::{LabelOperator, ObjectKey};
    use crate::resource::ResourceType;

    /// What a test gave: objects, the clock, served types.
    #[derive(Default)]
    pub(crate) struct World {
        objects: Vec<(ResourceType, Value)>,
        served: Vec<ResourceType>,
        now: u64,
    }

    impl World {
        pub(crate) fn put(&mut self, resource: ResourceType, mut object: Value) {
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
                && !metadata.contains_key("namespace")
            {
                metadata.insert("namespace".into(), "default".into());
            }
            self.objects.push((resource, object));
        }

        pub(crate) fn set_clock(&mut self, now: u64) {
            self.now = now;
        }

        pub(crate) fn serve(&mut self, resource: ResourceType) {
            self.served.push(resource);
        }

        fn of<'a>(
            &'a self,
            resource: &'a crate::bindings::reads::filbert::operator::types::ResourceType,
        ) -> impl Iterator<Item = &'a Value> {
            let is_it = |known: &ResourceType| known.group == resource.group && known.plural == resource.plural;
            self.objects.iter().filter(move |(known, _)| is_it(known)).map(|(_, object)| object)
        }

        #[expect(clippy::unnecessary_wraps, reason = "as in a component")]
        pub(crate) fn get(&self, key: &ObjectKey, scope: &Scope) -> Result<Option<String>, ReadError> {
            let found = self.of(&key.resource).find(|object| {
                text(object, "name") == Some(&key.name)
                    && (key.namespace.is_none() || text(object, "namespace") == key.namespace.as_deref())
            });
            Ok(found.map(|object| narrowed(object, scope).to_string()))
        }

        #[expect(clippy::unnecessary_wraps, reason = "as in a component")]
        pub(crate) fn list(&self, query: &Query, scope: &Scope) -> Result<Vec<String>, ReadError> {
            let mut found: Vec<_> = self
                .of(&query.resource)
                .filter(|object| query.namespace.is_none() || text(object, "namespace") == query.namespace.as_deref())
                .filter(|object| {
                    query.labels.iter().all(|label| {
                        let value = object
                            .pointer("/metadata/labels")
                            .and_then(|labels| labels.get(&label.key))
                            .and_then(Value::as_str);
                        let listed = value.is_some_and(|value| label.values.iter().any(|wanted| wanted == value));
                        match label.operator {
                            LabelOperator::OneOf => listed,
                            LabelOperator::NoneOf => !listed,
                            LabelOperator::Exists => value.is_some(),
                            LabelOperator::Absent => value.is_none(),
                        }
                    })
                })
                .collect();
            found.sort_by_key(|object| (text(object, "namespace"), text(object, "name")));
            Ok(found.into_iter().map(|object| narrowed(object, scope).to_string()).collect())
        }

        pub(crate) fn reached(&self, moment: u64) -> bool {
            self.now >= moment
        }

        pub(crate) fn now(&self, tick: u64) -> u64 {
            self.now - self.now % tick.max(1)
        }

        pub(crate) fn serves(&self, resource: ResourceType) -> bool {
            !resource.group.contains('.') || resource.group.ends_with(".k8s.io") || self.served.contains(&resource)
        }

        #[expect(clippy::unused_self, reason = "as in a component")]
        pub(crate) fn kubernetes_version(&self) -> String {
            "1.35".to_owned()
        }
    }

    fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
        object.get("metadata")?.get(field)?.as_str()
    }

    /// As the host does it: a field that was not asked for is not there, so a test finds what production would miss.
    fn narrowed(object: &Value, scope: &Scope) -> Value {
        let mut kept = Map::new();
        for field in ["apiVersion", "kind"] {
            if let Some(value) = object.get(field) {
                kept.insert(field.to_owned(), value.clone());
            }
        }
        match scope {
            Scope::Whole => return object.clone(),
            Scope::Metadata => {
                kept.insert("metadata".to_owned(), object.get("metadata").cloned().unwrap_or_default());
            }
            Scope::Fields(paths) => {
                for path in ["metadata.name", "metadata.namespace", "metadata.uid"]
                    .into_iter()
                    .chain(paths.iter().map(String::as_str))
                {
                    let value = path.split('.').try_fold(object, |value, name| value.get(name));
                    if let Some(value) = value {
                        insert(&mut kept, path, value.clone());
                    }
                }
            }
        }
        Value::Object(kept)
    }

    fn insert(into: &mut Map<String, Value>, path: &str, value: Value) {
        match path.split_once('.') {
            None => {
                into.insert(path.to_owned(), value);
            }
            Some((head, rest)) => {
                let inner = into.entry(head).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(inner) = inner {
                    insert(inner, rest, value);
                }
            }
        }
    }
}
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::*;
