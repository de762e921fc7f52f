//! Writes as webhooks are asked about them.

use super::WriteOptions;
use crate::admission::{self, Operation, Origin, Request, Side};
use crate::core::Core;
use crate::error::Status;
use crate::resource::Resource;
use crate::subresource;
use serde_json::Value;

/// A write of one object.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) core: &'a Core,
    pub(crate) resource: &'a Resource,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    /// Empty for what is in none.
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// `None` for a creation.
    pub(crate) old: Option<&'a Value>,
    pub(crate) options: &'a WriteOptions,
}

impl Subject<'_> {
    /// Lets the mutating webhooks change the object. Answers whether they did.
    pub(crate) async fn mutate(self, object: &mut Value) -> Result<bool, Status> {
        let Some(origin) = self.reviewed(Side::Mutating) else { return Ok(false) };
        let (old, options) = (self.shown_old(), self.shown_options());
        let request = self.request(origin, old.as_ref(), &options);
        if self.subresource != "scale" {
            return admission::mutate(self.core, request, object, |object| {
                super::prepare::admit(self.resource, self.subresource, object);
            })
            .await;
        }
        let mut scale = subresource::show(self.resource, object);
        let changed = admission::mutate(self.core, request, &mut scale, |_| {}).await?;
        if changed {
            subresource::put_replicas(self.resource, object, &scale);
        }
        Ok(changed)
    }

    /// Lets the validating webhooks refuse the object.
    pub(crate) async fn validate(self, object: &Value) -> Result<(), Status> {
        let Some(origin) = self.reviewed(Side::Validating) else { return Ok(()) };
        let (old, options) = (self.shown_old(), self.shown_options());
        let request = self.request(origin, old.as_ref(), &options);
        if self.subresource == "scale" {
            return admission::validate(self.core, request, &subresource::show(self.resource, object)).await;
        }
        admission::validate(self.core, request, object).await
    }

    /// Who writes, where there is anybody to ask about it.
    fn reviewed(&self, side: Side) -> Option<&Origin> {
        self.options.origin.as_ref().filter(|_| self.core.admission.has_hooks(side, &self.core.store))
    }

    fn shown_old(&self) -> Option<Value> {
        let old = self.old?;
        Some(if self.subresource == "scale" { subresource::show(self.resource, old) } else { old.clone() })
    }

    fn shown_options(&self) -> Value {
        self.options.shown(if self.old.is_some() { "UpdateOptions" } else { "CreateOptions" })
    }

    fn request<'r>(&'r self, origin: &'r Origin, old: Option<&'r Value>, options: &'r Value) -> Request<'r> {
        Request {
            origin,
            operation: if self.old.is_some() { Operation::Update } else { Operation::Create },
            resource: self.resource,
            subresource: self.subresource,
            namespace: self.namespace,
            name: self.name,
            old,
            options,
            dry_run: self.options.dry_run,
        }
    }
}
