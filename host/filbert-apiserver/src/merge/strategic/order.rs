//! The order of merged lists.

use super::super::path::same_value;
use serde_json::Value;

/// Whether two items are the same one: by the merge key, or by value where there is none.
pub(super) fn same_item(left: &Value, right: &Value, merge_key: Option<&str>) -> bool {
    match merge_key {
        None => same_value(left, right),
        Some(key) => match (left.get(key), right.get(key)) {
            (Some(left), Some(right)) => same_value(left, right),
            _ => false,
        },
    }
}

fn position(order: &[Value], item: &Value, merge_key: Option<&str>) -> Option<usize> {
    order.iter().position(|other| same_item(other, item, merge_key))
}

/// The items that a list names, and the others.
pub(super) fn partition(items: Vec<Value>, named: &[Value], merge_key: Option<&str>) -> (Vec<Value>, Vec<Value>) {
    items.into_iter().partition(|item| position(named, item, merge_key).is_some())
}

/// Joins patched items, in the order of the patch, with the others in theirs: each of the others comes before the
/// first patched item that it came before so far.
pub(super) fn in_patch_order(
    mut patched: Vec<Value>,
    mut rest: Vec<Value>,
    patch_order: &[Value],
    current_order: &[Value],
    merge_key: Option<&str>,
) -> Vec<Value> {
    patched.sort_by_key(|item| position(patch_order, item, merge_key));
    rest.sort_by_key(|item| position(current_order, item, merge_key));
    let mut joined = Vec::with_capacity(patched.len() + rest.len());
    let (mut patched, mut rest) = (patched.into_iter().peekable(), rest.into_iter().peekable());
    loop {
        let next = match (rest.peek(), patched.peek()) {
            (None, None) => return joined,
            (Some(_), None) => rest.next(),
            (None, Some(_)) => patched.next(),
            (Some(other), Some(item)) => {
                let other = position(current_order, other, merge_key);
                let item = position(current_order, item, merge_key);
                match (other, item) {
                    (Some(other), Some(item)) if other < item => rest.next(),
                    _ => patched.next(),
                }
            }
        };
        joined.extend(next);
    }
}
