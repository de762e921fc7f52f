//! What validation and defaulting are called with and answer.

use std::cell::OnceCell;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::reads::filbert::operator::reviews as raw;
pub use crate::bindings::reads::filbert::operator::reviews::Operation;
use crate::bindings::validation::exports::filbert::operator::validation as raw_validation;
use crate::json;
use crate::resource::{Metadata, Resource};

/// One admission request, or a stored object under review.
pub struct Review<R> {
    object: R,
    /// Read when it is first asked for: most rules do not compare.
    old_object: OnceCell<Option<R>>,
    metadata: Metadata,
    raw: raw::Review,
}

impl<R: Resource> Review<R> {
    /// Reads the request. For a deletion the object is the one that goes.
    pub(crate) fn new(raw: raw::Review) -> Result<Self, Violation> {
        let malformed = |error: serde_json::Error| {
            Violation::invalid(
                "",
                Value::Null,
                format!("the object is no {} as this module knows it: {error}", R::KIND),
            )
        };
        let text = raw.object.as_deref().or(raw.old_object.as_deref()).unwrap_or("null");
        let (object, metadata) = R::read(text).map_err(malformed)?;
        Ok(Self { object, old_object: OnceCell::new(), metadata, raw })
    }

    /// What would be stored; for a deletion, what goes.
    pub fn object(&self) -> &R {
        &self.object
    }

    /// What is stored now; absent for a creation.
    pub fn old_object(&self) -> Option<&R> {
        // A stored object under review is the same before and after.
        if self.raw.object.is_some() && self.raw.object == self.raw.old_object {
            return Some(&self.object);
        }
        let parse = || {
            // One that no longer parses cannot be compared with; that must not keep the new one out.
            self.raw.old_object.as_deref().and_then(|text| R::read(text).ok()).map(|(object, _)| object)
        };
        self.old_object.get_or_init(parse).as_ref()
    }

    /// As much of what is stored now as `T` looks at, its status and metadata too; absent for a creation, and where it does
    /// not fit.
    pub fn old_as<T: DeserializeOwned>(&self) -> Option<T> {
        self.raw.old_object.as_deref().and_then(|text| json::read(text).ok())
    }

    /// Metadata of the object.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What is being done.
    pub fn operation(&self) -> Operation {
        self.raw.operation
    }

    /// Nothing will be stored whatever the answer.
    pub fn is_dry_run(&self) -> bool {
        self.raw.dry_run
    }

    /// Name and sorted groups of whoever asks.
    pub fn user(&self) -> (&str, &[String]) {
        (&self.raw.user.name, &self.raw.user.groups)
    }

    /// What the pipeline gives this module, or nothing where it does not fit.
    pub fn parameters<P: DeserializeOwned>(&self) -> Option<P> {
        json::read(&self.raw.parameters).ok()
    }

    /// A review for native unit tests: the object `name` in namespace `default` is created.
    ///
    /// # Panics
    /// Where `object` does not deserialise into the resource: the test is wrong.
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub fn test(name: &str, object: &Value) -> Self {
        Self::new(raw_test(R::TYPE, name, object, None)).expect("the object deserialises into the resource")
    }

    /// A review for native unit tests: the object `name` in namespace `default` is changed.
    ///
    /// # Panics
    /// As [`Review::test`].
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub fn test_update(name: &str, old: &Value, object: &Value) -> Self {
        Self::new(raw_test(R::TYPE, name, object, Some(old))).expect("the object deserialises into the resource")
    }
}

#[cfg(not(target_family = "wasm"))]
fn raw_test(resource: crate::ResourceType, name: &str, object: &Value, old: Option<&Value>) -> raw::Review {
    let named = |object: &Value| {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert("name".into(), name.into());
                metadata.insert("namespace".into(), "default".into());
            }
        }
        object.to_string()
    };
    raw::Review {
        operation: if old.is_some() { Operation::Update } else { Operation::Create },
        key: resource.named("default", name).raw(),
        sub_resource: None,
        object: Some(named(object)),
        old_object: old.map(named),
        user: raw::User { name: "tester".into(), groups: Vec::new() },
        dry_run: false,
        parameters: "{}".into(),
    }
}

/// What validation answers: all violations at once, and warnings for what is allowed and unwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Empty to admit.
    pub violations: Vec<Violation>,
    /// Shown to whoever asks, admitted or not.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Admits unless there are violations.
    pub fn of(violations: impl IntoIterator<Item = Violation>) -> Self {
        Self { violations: violations.into_iter().collect(), warnings: Vec::new() }
    }

    pub(crate) fn into_raw(self) -> raw_validation::Verdict {
        raw_validation::Verdict {
            violations: self.violations.into_iter().map(Violation::into_raw).collect(),
            warnings: self.warnings,
        }
    }
}

/// One field error, in the words of the Kubernetes API server.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    kind: raw::ViolationKind,
    /// `spec.maps[2].name`; empty for the object as a whole.
    pub path: String,
    /// What was found there.
    pub value: Option<Value>,
    /// For people.
    pub message: String,
}

macro_rules! violations {
    ($($name:ident = $kind:ident: $doc:literal;)+) => {
        impl Violation {
            $(
                #[doc = $doc]
                pub fn $name(path: impl Into<String>, value: impl Into<Value>, message: impl Into<String>) -> Self {
                    Self { kind: raw::ViolationKind::$kind, path: path.into(), value: Some(value.into()), message: message.into() }
                }
            )+
        }
    };
}

violations! {
    invalid = Invalid: "The value is not allowed.";
    not_supported = NotSupported: "The value is none of those supported; the message lists them.";
    duplicate = Duplicate: "The value stands elsewhere too.";
    not_found = NotFound: "The value names something that does not exist.";
    too_long = TooLong: "The text is too long.";
    too_many = TooMany: "The list is too long.";
    type_invalid = TypeInvalid: "The value is of the wrong type.";
}

impl Violation {
    /// The field must be there.
    pub fn required(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: raw::ViolationKind::Required, path: path.into(), value: None, message: message.into() }
    }

    /// The field must not be there, or must not change.
    pub fn forbidden(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: raw::ViolationKind::Forbidden, path: path.into(), value: None, message: message.into() }
    }

    /// The module could not judge.
    pub fn internal(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: raw::ViolationKind::Internal, path: path.into(), value: None, message: message.into() }
    }

    pub(crate) fn into_raw(self) -> raw::Violation {
        let Self { kind, path, value, message } = self;
        raw::Violation { kind, path, value: value.map(|value| value.to_string()), message }
    }
}

impl fmt::Display for Violation {
    /// As people see it, and as the API server writes its own: `spec.size: Invalid value: 301: must be at most 300`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use raw::ViolationKind as Kind;
        let (title, shows_value) = match self.kind {
            Kind::Required => ("Required value", false),
            Kind::Invalid | Kind::TypeInvalid => ("Invalid value", true),
            Kind::NotSupported => ("Unsupported value", true),
            Kind::Forbidden => ("Forbidden", false),
            Kind::Duplicate => ("Duplicate value", true),
            Kind::NotFound => ("Not found", true),
            Kind::TooLong => ("Too long", false),
            Kind::TooMany => ("Too many", false),
            Kind::Internal => ("Internal error", false),
        };
        let path = if self.path.is_empty() { "<nil>" } else { &self.path };
        write!(f, "{path}: {title}")?;
        if let (true, Some(value)) = (shows_value, &self.value) {
            write!(f, ": {value}")?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// The object whose absent fields are filled in. Fields that this module does not know stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    object: Value,
    changed: bool,
}

impl Defaults {
    pub(crate) fn new(object: Value) -> Self {
        Self { object, changed: false }
    }

    /// Sets the field at a path such as `spec.jet.enabled` where it is absent or null, making the objects on the way.
    /// Does nothing where something on the way is no object: the schema refuses that.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> &mut Self {
        let mut names = path.split('.').peekable();
        let mut at = &mut self.object;
        while let Some(name) = names.next() {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            let Value::Object(fields) = at else { return self };
            if names.peek().is_none() {
                if fields.get(name).is_none_or(Value::is_null) {
                    fields.insert(name.to_owned(), value.into());
                    self.changed = true;
                }
                return self;
            }
            at = fields.entry(name).or_insert(Value::Null);
        }
        self
    }

    /// Sets the field at a path whatever is there, for what follows from other fields. Use with care: people see their own
    /// words changed.
    pub fn replace(&mut self, path: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        if self.get(path) == Some(&value) {
            return self;
        }
        self.remove(path).set(path, value)
    }

    /// Takes the field at a path away.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        let (parent, name) = path.rsplit_once('.').map_or(("", path), |(parent, name)| (parent, name));
        let parent = parent.split('.').filter(|name| !name.is_empty());
        let parent = parent.into_iter().try_fold(&mut self.object, |at, name| at.get_mut(name));
        if let Some(Value::Object(fields)) = parent {
            self.changed |= fields.remove(name).is_some();
        }
        self
    }

    /// The value at a path as it is now.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.object, |at, name| at.get(name))
    }

    /// What defaulting makes of an object that is created, for native unit tests.
    #[cfg(not(target_family = "wasm"))]
    pub fn test<D: crate::Defaulting>(name: &str, object: &Value) -> Value {
        let mut defaults = Self::new(object.clone());
        D::default(&Review::test(name, object), &mut defaults);
        defaults.object
    }

    /// As [`Defaults::set`], where the object at `parent` is there at all.
    pub fn set_within(&mut self, parent: &str, field: &str, value: impl Into<Value>) -> &mut Self {
        let there = parent.split('.').try_fold(&self.object, |at, name| at.get(name)).is_some_and(Value::is_object);
        if there { self.set(&format!("{parent}.{field}"), value) } else { self }
    }

    /// Fills in each item of the list at a path; paths inside are relative to the item.
    pub fn each(&mut self, path: &str, mut fill: impl FnMut(&mut Defaults)) -> &mut Self {
        let pointer = format!("/{}", path.replace('.', "/"));
        let items = self.object.pointer_mut(&pointer).and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            let mut defaults = Defaults::new(std::mem::take(item));
            fill(&mut defaults);
            *item = defaults.object;
            self.changed |= defaults.changed;
        }
        self
    }

    /// The object as it is now, for tests.
    pub fn object(&self) -> &Value {
        &self.object
    }

    pub(crate) fn finish(self) -> Option<String> {
        let text = self.changed.then(|| self.object.to_string());
        crate::leave(self);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_fill_what_is_absent_or_null_and_nothing_else() {
        let mut defaults = Defaults::new(json!({"spec": {"size": 0, "name": null, "unknown": true}}));
        defaults
            .set("spec.size", 3)
            .set("spec.name", "dev")
            .set("spec.jet.enabled", true)
            .set_within("spec.tls", "mode", "None");
        assert_eq!(
            defaults.object(),
            &json!({"spec": {"size": 0, "name": "dev", "unknown": true, "jet": {"enabled": true}}})
        );
    }

    #[test]
    fn defaults_reach_into_lists() {
        let mut defaults = Defaults::new(json!({"spec": {"devices": [{"name": "a"}, {"name": "b", "size": 1}]}}));
        defaults.each("spec.devices", |device| {
            device.set("size", 8);
        });
        assert_eq!(defaults.object()["spec"]["devices"], json!([{"name": "a", "size": 8}, {"name": "b", "size": 1}]));
    }

    #[test]
    fn defaults_are_idempotent_and_say_nothing_when_nothing_changed() {
        let mut defaults = Defaults::new(json!({"spec": {"size": 3}}));
        defaults.set("spec.size", 5);
        assert_eq!(defaults.finish(), None);
    }

    #[test]
    fn defaults_leave_a_scalar_on_the_way_alone() {
        let mut defaults = Defaults::new(json!({"spec": 7}));
        defaults.set("spec.size", 5);
        assert_eq!(defaults.finish(), None);
    }
}
