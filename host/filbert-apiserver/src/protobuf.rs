//! Bodies in Kubernetes' protobuf, which the typed clients of `kubectl` send: read into the JSON that says the same.
//!
//! Only requests are read; answers are JSON, which every such client takes as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

mod wire;

use wire::{Field, Wire};

const FIELDS: &str = include_str!("../protobuf/fields.tsv");

/// How every body begins.
const MAGIC: &[u8] = b"k8s\0";

/// Messages within messages; objects have no more than a dozen.
const DEPTH: usize = 32;

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProtobuf {
    /// The kind has no protobuf here; custom resources have none anywhere.
    #[error("no protobuf is known for {0}")]
    UnknownKind(String),
    /// The bytes are no message of their kind.
    #[error("{0}")]
    Malformed(&'static str),
}

/// How often a field is there, and whether its zero value says something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Many {
    One,
    Optional,
    List,
}

struct Known {
    many: Many,
    /// Empty where the fields of the message are those of its parent.
    name: &'static str,
    kind: &'static str,
}

type Message = BTreeMap<u32, Known>;

#[derive(Default)]
struct Table {
    /// By `apiVersion kind`.
    kinds: BTreeMap<&'static str, &'static str>,
    types: BTreeMap<&'static str, Message>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::default();
        for (name, rest) in
            FIELDS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
        {
            if name.contains(' ') {
                table.kinds.insert(name, rest);
            } else {
                table.types.insert(name, rest.split_whitespace().filter_map(field).collect());
            }
        }
        table
    })
}

fn field(text: &'static str) -> Option<(u32, Known)> {
    let (number, rest) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let (many, rest) = match rest.split_at_checked(1)? {
        ("*", rest) => (Many::List, rest),
        ("?", rest) => (Many::Optional, rest),
        _ => (Many::One, rest),
    };
    let (name, kind) = rest.split_once(':')?;
    Some((number.parse().ok()?, Known { many, name, kind }))
}

/// The object in a body.
pub(crate) fn decode(body: &[u8]) -> Result<Value, BadProtobuf> {
    let envelope = body.strip_prefix(MAGIC).ok_or(BadProtobuf::Malformed("the body has no protobuf header"))?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &b""[..]);
    for field in Wire::new(envelope) {
        match field? {
            (1, Field::Bytes(types)) => {
                for field in Wire::new(types) {
                    match field? {
                        (1, Field::Bytes(text)) => wire::text(text)?.clone_into(&mut version),
                        (2, Field::Bytes(text)) => wire::text(text)?.clone_into(&mut kind),
                        _ => {}
                    }
                }
            }
            (2, Field::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let wanted = format!("{version} {kind}");
    let name = table().kinds.get(wanted.as_str()).ok_or(BadProtobuf::UnknownKind(wanted))?;
    let mut object = message(name, raw, DEPTH)?;
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), version.into());
    Ok(object.into())
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, BadProtobuf> {
    let depth = depth.checked_sub(1).ok_or(BadProtobuf::Malformed("messages are too deep"))?;
    let known = table().types.get(name).ok_or(BadProtobuf::Malformed("a type is unknown"))?;
    let mut fields = Map::new();
    for field in Wire::new(bytes) {
        let (number, found) = field?;
        // A field of a newer version is ignored, as in a real server.
        let Some(Known { many, name, kind }) = known.get(&number) else { continue };
        if let Some(of) = kind.strip_prefix('%') {
            let (key, value) = entry(of, found, depth)?;
            let map = fields.entry(*name).or_insert_with(|| json!({}));
            crate::core::set(map, &key, value);
            continue;
        }
        let value = value(kind, found, depth)?;
        match many {
            Many::List => {
                if let Some(list) = fields.entry(*name).or_insert_with(|| json!([])).as_array_mut() {
                    list.push(value);
                }
            }
            // Written into every message, whether anybody said something or not.
            Many::One if is_zero(&value) => {}
            Many::One if name.is_empty() => {
                if let Value::Object(inner) = value {
                    fields.extend(inner);
                }
            }
            Many::One | Many::Optional => {
                fields.insert((*name).to_owned(), value);
            }
        }
    }
    Ok(fields)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Array(_) | Value::Bool(true) => false,
    }
}

/// One member of a map: a message of key and value.
fn entry(of: &str, found: Field<'_>, depth: usize) -> Result<(String, Value), BadProtobuf> {
    let (mut key, mut member) = (String::new(), None);
    for field in Wire::new(found.bytes()?) {
        match field? {
            (1, Field::Bytes(text)) => wire::text(text)?.clone_into(&mut key),
            (2, found) => member = Some(value(of, found, depth)?),
            _ => {}
        }
    }
    Ok((key, member.unwrap_or_else(|| if of == "s" { "".into() } else { Value::Null })))
}

fn value(kind: &str, found: Field<'_>, depth: usize) -> Result<Value, BadProtobuf> {
    Ok(match kind {
        "b" => (found.number()? != 0).into(),
        "i" => found.number()?.into(),
        "s" => wire::text(found.bytes()?)?.into(),
        "y" => STANDARD.encode(found.bytes()?).into(),
        "meta/v1.Time" => moment(found.bytes()?, "%Y-%m-%dT%H:%M:%SZ")?,
        "meta/v1.MicroTime" => moment(found.bytes()?, "%Y-%m-%dT%H:%M:%S%.6fZ")?,
        "meta/v1.FieldsV1" | "runtime.RawExtension" => {
            let raw = first(found.bytes()?)?.bytes()?;
            if raw.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(raw).map_err(|_| BadProtobuf::Malformed("embedded JSON is none"))?
            }
        }
        "resource.Quantity" => wire::text(first(found.bytes()?)?.bytes()?)?.into(),
        "intstr.IntOrString" => int_or_string(found.bytes()?)?,
        _ => match kind.strip_prefix('&') {
            Some(list) => message(list, found.bytes()?, depth)?.remove("items").unwrap_or_else(|| json!([])),
            None => message(kind, found.bytes()?, depth)?.into(),
        },
    })
}

/// The field with number 1.
fn first(bytes: &[u8]) -> Result<Field<'_>, BadProtobuf> {
    for field in Wire::new(bytes) {
        if let (1, found) = field? {
            return Ok(found);
        }
    }
    Ok(Field::Bytes(b""))
}

fn moment(bytes: &[u8], format: &str) -> Result<Value, BadProtobuf> {
    let (mut seconds, mut nanoseconds) = (None, 0);
    for field in Wire::new(bytes) {
        match field? {
            (1, found) => seconds = Some(found.number()?),
            (2, found) => nanoseconds = found.number()?,
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Ok(Value::Null) };
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    let moment =
        jiff::Timestamp::new(seconds, nanoseconds).map_err(|_| BadProtobuf::Malformed("a time is out of range"))?;
    Ok(moment.strftime(format).to_string().into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, BadProtobuf> {
    let (mut is_text, mut number, mut text) = (false, 0, "");
    for field in Wire::new(bytes) {
        match field? {
            (1, found) => is_text = found.number()? == 1,
            (2, found) => number = found.number()?,
            (3, found) => text = wire::text(found.bytes()?)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

#[cfg(test)]
mod tests;
