//! How writes of several managers become one object: server-side apply, field ownership, strategic merge patch.
//!
//! Pure functions over JSON values. Defaults, validation and the fields that a server sets belong to others; the order
//! of a write is: merge (here), set defaults, [`track_update`] where it was no apply, restore what the write may not
//! touch and add what the server itself sets, validate, [`keep_times_if_unchanged`], store.

mod apply;
mod compare;
mod conflict;
mod field_set;
mod go_text;
mod last_applied;
mod lists;
mod managers;
mod overlay;
mod owned;
mod ownership;
mod path;
mod scale;
mod schema;
mod strategic;
mod update;
mod validate;

pub use apply::{Applied, ApplyError, apply};
pub use conflict::Conflict;
pub use field_set::FieldSet;
pub use overlay::stored_form;
pub use path::{BadElement, PathElement};
pub use scale::{ScaleOwners, scale_owners, with_scale_owners};
pub use schema::MergeSchema;
pub use strategic::{PatchError, strategic_merge};
pub use update::{keep_times_if_unchanged, track_update};

/// Who writes an object, through which version and subresource, and when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The name of the field manager.
    pub manager: &'a str,
    /// The version of the request, for example `apps/v1`.
    pub api_version: &'a str,
    /// The subresource, "" for the object itself.
    pub subresource: &'a str,
    /// The time, as RFC 3339 with seconds.
    pub now: &'a str,
}

#[cfg(test)]
mod tests;
