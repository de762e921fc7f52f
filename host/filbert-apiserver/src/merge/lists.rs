//! How items of a list are told apart.

use super::{
    path::{PathElement, same_value},
    schema::{ListKind, ListType, Types},
};
use serde_json::Value;

/// Why an item of a list has no name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnnamedItem {
    #[error("associative list with keys may not have a null element")]
    NullAmongMaps,
    #[error("associative list with keys may not have non-map elements")]
    NotAMap,
    #[error("associative list with keys has an element that omits key field {0:?} (and doesn't have default value)")]
    MissingKey(String),
    #[error("associative list without keys has an element that's a map type")]
    MapInSet,
    #[error("not supported: associative list with lists as elements")]
    ListInSet,
    #[error("associative list without keys has an element that's an explicit null")]
    NullInSet,
}

/// Whether two items of a list that is merged item by item have the same name.
pub(crate) fn same_name(types: &Types, list: &ListType, left: &Value, right: &Value) -> bool {
    match &list.kind {
        ListKind::Atomic => false,
        ListKind::Set => same_value(left, right),
        ListKind::Keyed(names) => names.iter().all(|name| {
            let default = || types.key_default(list, name);
            let (left, right) = (left.get(name).or_else(default), right.get(name).or_else(default));
            left.zip(right).is_some_and(|(left, right)| same_value(left, right))
        }),
    }
}

/// The path element of an item. Items of an atomic list go by their index.
pub(crate) fn name_of_item(
    types: &Types,
    list: &ListType,
    index: usize,
    item: &Value,
) -> Result<PathElement, UnnamedItem> {
    match &list.kind {
        ListKind::Atomic => Ok(PathElement::Index(index)),
        ListKind::Set => match item {
            Value::Object(_) => Err(UnnamedItem::MapInSet),
            Value::Array(_) => Err(UnnamedItem::ListInSet),
            Value::Null => Err(UnnamedItem::NullInSet),
            _ => Ok(PathElement::Value(item.clone())),
        },
        ListKind::Keyed(names) => {
            let fields = match item {
                Value::Object(fields) => fields,
                Value::Null => return Err(UnnamedItem::NullAmongMaps),
                _ => return Err(UnnamedItem::NotAMap),
            };
            let key = names.iter().map(|name| {
                let value = fields.get(name).or_else(|| types.key_default(list, name));
                let value = value.ok_or_else(|| UnnamedItem::MissingKey(name.clone()))?;
                Ok((name.clone(), value.clone()))
            });
            Ok(PathElement::Key(key.collect::<Result<_, _>>()?))
        }
    }
}
