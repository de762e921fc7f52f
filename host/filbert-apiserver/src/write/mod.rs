//! Writes: from the bytes of a request to a change of the store.
//!
//! A write is planned on a copy of the object and done only if the object is still the same; otherwise it is planned anew.

mod create;
mod decode;
mod delete;
mod options;
mod patch;
mod plugins;
mod prepare;
mod repeated;
mod strategy;
mod subject;
mod update;

pub(crate) use create::create;
pub(crate) use decode::{check_type, decode_any, parse_yaml};
pub(crate) use delete::{DeleteOptions, Deleted, Propagation, answers_with_object, delete, delete_collection, success};
pub(crate) use options::{FieldValidation, WriteOptions};
pub(crate) use patch::{Change, applied, apply_status, patch, patch_value};
pub(crate) use repeated::repeated;
pub(crate) use subject::Subject;
pub(crate) use update::{Update, changed, replace_at, update};

use crate::core::Core;
use crate::error::Status;
use crate::message::{Call, Reply};
use crate::negotiate::Form;
use crate::read;
use crate::resource::Resource;
use crate::store::Stored;
use serde_json::Value;
use std::sync::Arc;

/// Notes who asked what; nothing of a question is stored. `part` is the subresource that takes it, or nothing.
pub(crate) fn track_question(resource: &Resource, part: &str, object: &mut Value, options: &WriteOptions) {
    prepare::track(resource, part, None, object, options, None);
}

/// How often a write without a precondition is tried when somebody else is faster.
pub(crate) const ATTEMPTS: usize = 100;

/// What a write left behind.
#[derive(Debug)]
pub(crate) enum Written {
    /// The object as it is now in the store.
    Stored(Arc<Stored>),
    /// What it would be (dry run), or its last state (it is gone).
    Value(Value),
}

impl Written {
    /// The answer to the client.
    pub(crate) fn reply(
        &self,
        core: &Core,
        resource: &Resource,
        status: u16,
        form: &Form,
        call: &Call,
    ) -> Result<Reply, Status> {
        match self {
            Self::Stored(stored) => {
                let mut reply = read::single(core, resource, stored, form, call)?;
                reply.code = status;
                Ok(reply)
            }
            Self::Value(object) => read::shaped(core, resource, object, status, form, call),
        }
    }

    /// The object.
    pub(crate) fn into_value(self, resource: &Resource) -> Value {
        match self {
            Self::Stored(stored) => resource.view(&stored),
            Self::Value(object) => object,
        }
    }
}
