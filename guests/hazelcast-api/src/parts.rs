//! How the structs of the kinds are made: each field has a default, so that reading never fails for want of a field.

use std::collections::BTreeMap;

/// Whether a field is left out when written: what people did not say must not appear, not even as `null`.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Absent for BTreeMap<K, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for bool {}
impl Absent for i32 {}
impl Absent for i64 {}

/// A text that must be there and is not.
impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Structs of a specification or status. A field written `name: Type = value` has that default, here and in the schema.
macro_rules! parts {
    ($($(#[$meta:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty $(= $default:expr)?,)* })+) => { $(
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $(#[$meta])*
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                $(#[$attr])*
                #[serde(skip_serializing_if = "crate::parts::Absent::is_absent")]
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: parts!(@default $($default)?),)* }
            }
        }

        impl crate::parts::Absent for $name {}
    )+ };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default.into() };
}

/// Enumerations whose variants are written as they are named, the first one being the default.
macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $first:ident $(= $first_text:literal)? $(, $variant:ident $(= $text:literal)?)* $(,)? })+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum $name {
            #[default]
            $(#[serde(rename = $first_text)])?
            $first,
            $(
                $(#[serde(rename = $text)])?
                $variant,
            )*
        }

        impl crate::parts::Absent for $name {}
    )+ };
}
