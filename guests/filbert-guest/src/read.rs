//! Narrow reads: ask for as little as the answer needs, because the step runs again when what it read changes.

use serde::de::DeserializeOwned;

use crate::bindings::reads::filbert::operator::objects as raw;
use crate::bindings::reads::filbert::operator::types as raw_types;
use crate::context::Context;
use crate::json;
use crate::resource::{ObjectKey, Resource, ResourceType};

/// Why a read has no answer. With `?` it ends the step in a way that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Outside the grant. Says what would have to be granted.
    Denied(String),
    /// The API server does not serve this, or a field path or selector is malformed.
    Invalid(String),
    /// Not now. The host runs the step again by itself.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl From<raw::ReadError> for ReadError {
    fn from(error: raw::ReadError) -> Self {
        match error {
            raw::ReadError::Denied(text) => Self::Denied(text),
            raw::ReadError::Invalid(text) => Self::Invalid(text),
            raw::ReadError::Unavailable(text) => Self::Unavailable(text),
            raw::ReadError::Other(text) => Self::Other(text),
        }
    }
}

/// A read of one object: choose how much, then [`ReadRequest::get`].
#[must_use = "nothing is read until `get`"]
pub struct ReadRequest<'a, R> {
    context: &'a Context<R>,
    key: ObjectKey,
    scope: raw::Scope,
}

impl<'a, R: Resource> ReadRequest<'a, R> {
    pub(crate) fn new(context: &'a Context<R>, key: ObjectKey) -> Self {
        Self { context, key, scope: raw::Scope::Whole }
    }

    /// Only metadata.
    pub fn metadata(mut self) -> Self {
        self.scope = raw::Scope::Metadata;
        self
    }

    /// Only these fields: `status.readyReplicas`.
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.scope = raw::Scope::Fields(fields.iter().map(|&field| field.to_owned()).collect());
        self
    }

    /// The object, or nothing where it does not exist.
    ///
    /// # Errors
    /// [`ReadError`] where there is no answer.
    pub fn get<T: DeserializeOwned>(self) -> Result<Option<T>, ReadError> {
        let Some(text) = self.context.host().get(&self.key.raw(), &self.scope)? else { return Ok(None) };
        json::read(&text).map(Some).map_err(|error| unexpected(&self.key.name, &error))
    }

    /// Whether the object exists.
    ///
    /// # Errors
    /// [`ReadError`] where there is no answer.
    pub fn exists(self) -> Result<bool, ReadError> {
        Ok(self.metadata().get::<serde::de::IgnoredAny>()?.is_some())
    }
}

/// A list of objects: choose which and how much, then [`ListRequest::get`].
#[must_use = "nothing is read until `get`"]
pub struct ListRequest<'a, R> {
    context: &'a Context<R>,
    query: raw::Query,
    scope: raw::Scope,
}

impl<'a, R: Resource> ListRequest<'a, R> {
    pub(crate) fn new(context: &'a Context<R>, resource: ResourceType, namespace: Option<String>) -> Self {
        Self {
            context,
            query: raw::Query { resource: resource.raw(), namespace, labels: Vec::new() },
            scope: raw::Scope::Whole,
        }
    }

    /// In all namespaces that the grant covers.
    pub fn in_all_namespaces(mut self) -> Self {
        self.query.namespace = None;
        self
    }

    /// Only objects with this label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.query.labels.push(raw_types::LabelRequirement {
            key: key.to_owned(),
            operator: raw_types::LabelOperator::OneOf,
            values: vec![value.to_owned()],
        });
        self
    }

    /// Only metadata.
    pub fn metadata(mut self) -> Self {
        self.scope = raw::Scope::Metadata;
        self
    }

    /// Only these fields.
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.scope = raw::Scope::Fields(fields.iter().map(|&field| field.to_owned()).collect());
        self
    }

    /// The objects, by namespace and name.
    ///
    /// # Errors
    /// [`ReadError`] where there is no answer.
    pub fn get<T: DeserializeOwned>(self) -> Result<Vec<T>, ReadError> {
        let objects = self.context.host().list(&self.query, &self.scope)?;
        objects
            .iter()
            .map(|text| json::read(text).map_err(|error| unexpected(&self.query.resource.plural, &error)))
            .collect()
    }
}

fn unexpected(what: &str, error: &serde_json::Error) -> ReadError {
    ReadError::Other(format!("`{what}` is not as this module expects it: {error}"))
}
