//! What a step is called with.

use serde::de::DeserializeOwned;

use crate::bindings::step::exports::filbert::operator::step as raw;
use crate::plan::{Problem, StepError};
use crate::read::{ListRequest, ReadRequest};
use crate::resource::{Metadata, ObjectKey, Resource, ResourceType};
use crate::{host, json};

/// The only way in: the reconciled object, what earlier steps left, and reads.
pub struct Context<R> {
    object: R,
    metadata: Metadata,
    raw: raw::Context,
    #[cfg(not(target_family = "wasm"))]
    world: host::World,
}

impl<R: Resource> Context<R> {
    pub(crate) fn new(raw: raw::Context) -> Result<Self, StepError> {
        let malformed = |error: serde_json::Error| {
            StepError::Invalid(Problem::new(
                "Malformed",
                format!("the object is no {} as this module knows it: {error}", R::KIND),
            ))
        };
        let (object, metadata) = R::read(&raw.object).map_err(malformed)?;
        Ok(Self {
            object,
            metadata,
            raw,
            #[cfg(not(target_family = "wasm"))]
            world: host::World::default(),
        })
    }

    /// The reconciled object, defaulted, without `status`.
    pub fn object(&self) -> &R {
        &self.object
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Its namespace; empty for a cluster-scoped object.
    pub fn namespace(&self) -> &str {
        &self.metadata.namespace
    }

    /// A name for a child: `blue-config` for the object `blue`.
    pub fn child_name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.metadata.name)
    }

    /// `status` as the last pass left it, or as much of it as `S` looks at. Nothing where there is none yet, or where it
    /// does not fit: a status is never worth failing for.
    pub fn status<S: DeserializeOwned>(&self) -> Option<S> {
        self.raw.status.as_deref().and_then(|text| json::read(text).ok())
    }

    /// What the pipeline gives this step.
    ///
    /// # Errors
    /// [`StepError::Invalid`] where the parameters do not fit. The host checks them against [`crate::Step::parameters`] before.
    pub fn parameters<P: DeserializeOwned>(&self) -> Result<P, StepError> {
        json::read(&self.raw.parameters).map_err(|error| {
            StepError::Invalid(Problem::new("Parameters", format!("the pipeline's parameters do not fit: {error}")))
        })
    }

    /// A value that an earlier step left: `step/name`.
    pub fn fact<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let fact = self.raw.facts.iter().find(|fact| fact.name == name)?;
        json::read(&fact.value).ok()
    }

    /// 0 for the first call of a pass.
    pub fn round(&self) -> u32 {
        self.raw.round
    }

    /// Reads the object of this name in the namespace of the reconciled object.
    pub fn read(&self, resource: ResourceType, name: impl Into<String>) -> ReadRequest<'_, R> {
        ReadRequest::new(self, resource.named(self.namespace(), name))
    }

    /// Reads any object within the grant.
    pub fn read_key(&self, key: ObjectKey) -> ReadRequest<'_, R> {
        ReadRequest::new(self, key)
    }

    /// Lists objects in the namespace of the reconciled object.
    pub fn list(&self, resource: ResourceType) -> ListRequest<'_, R> {
        ListRequest::new(self, resource, Some(self.namespace().to_owned()))
    }

    /// Whether a moment has come, in milliseconds since 1970. Where not, the step runs again exactly then.
    pub fn reached(&self, moment: u64) -> bool {
        self.host().reached(moment)
    }

    /// The start of the running tick, in milliseconds since 1970. The step runs again with the next tick, so ask for the
    /// coarsest that serves; at least a second.
    pub fn now(&self, tick_millis: u64) -> u64 {
        self.host().now(tick_millis)
    }

    /// Whether the API server serves a resource type.
    pub fn serves(&self, resource: ResourceType) -> bool {
        self.host().serves(resource)
    }

    /// `1.34`.
    pub fn kubernetes_version(&self) -> String {
        self.host().kubernetes_version()
    }

    #[cfg(target_family = "wasm")]
    #[expect(clippy::unused_self, reason = "natively the world belongs to the context")]
    pub(crate) fn host(&self) -> host::World {
        host::World
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn host(&self) -> &host::World {
        &self.world
    }
}

/// Contexts for native unit tests: everything a step can see is given by the test.
#[cfg(not(target_family = "wasm"))]
impl<R: Resource> Context<R> {
    /// A context for the object `name` in namespace `default`, whose other fields are `object`. Reads find nothing until
    /// [`Context::with`] puts something there.
    ///
    /// # Panics
    /// Where `object` does not deserialise into the resource: the test is wrong.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub fn test(name: &str, mut object: serde_json::Value) -> Self {
        let metadata = serde_json::json!({"name": name, "namespace": "default", "uid": "00000000-0000-4000-8000-000000000001", "generation": 1});
        let fields = object.as_object_mut().expect("an object is a JSON object");
        fields.insert(
            "apiVersion".into(),
            format!("{}/{}", R::TYPE.group, R::TYPE.version).trim_start_matches('/').into(),
        );
        fields.insert("kind".into(), R::KIND.into());
        let given = fields.remove("metadata");
        let mut metadata = metadata;
        if let (Some(into), Some(serde_json::Value::Object(given))) = (metadata.as_object_mut(), given) {
            into.extend(given);
        }
        fields.insert("metadata".into(), metadata);
        let raw = raw::Context {
            step: String::new(),
            object: object.to_string(),
            status: None,
            parameters: "{}".into(),
            facts: Vec::new(),
            round: 0,
            answers: Vec::new(),
        };
        Self::new(raw).expect("the object deserialises into the resource")
    }

    /// Puts an object where reads find it.
    #[must_use]
    pub fn with(mut self, resource: ResourceType, object: serde_json::Value) -> Self {
        self.world.put(resource, object);
        self
    }

    /// The status that the last pass left.
    #[must_use]
    pub fn with_status(mut self, status: &serde_json::Value) -> Self {
        self.raw.status = Some(status.to_string());
        self
    }

    /// What the pipeline gives.
    #[must_use]
    pub fn with_parameters(mut self, parameters: &serde_json::Value) -> Self {
        self.raw.parameters = parameters.to_string();
        self
    }

    /// What an earlier step left: `step/name`.
    #[must_use]
    pub fn with_fact(mut self, name: &str, value: &serde_json::Value) -> Self {
        self.raw.facts.push(crate::bindings::reads::filbert::operator::types::Fact {
            name: name.into(),
            value: value.to_string(),
        });
        self
    }

    /// What the clock says, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, now: u64) -> Self {
        self.world.set_clock(now);
        self
    }

    /// A resource type that the API server serves. Built-in ones need not be named.
    #[must_use]
    pub fn with_served(mut self, resource: ResourceType) -> Self {
        self.world.serve(resource);
        self
    }
}
