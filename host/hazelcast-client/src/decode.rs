//! From bytes to values, by the tables.
//!
//! Readers are lenient where writers of other versions differ: what follows the known fields is skipped, what is missing
//! has its default, null where there should be none counts as the default. The nesting of what is decoded is that of the
//! tables, which has an end; what is skipped is only counted.

use crate::frame::{Flags, Frame, Frames};
use crate::message::{Message, MessageType};
use crate::schema::{Body, Field, Record, Type};
use crate::uuid::Uuid;
use crate::value::Value;

/// Bytes that are not the message they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another message.
    #[error("a message of type {found} came instead of `{expected}`")]
    Unexpected {
        /// What came.
        found: MessageType,
        /// The name of what should be read.
        expected: &'static str,
    },
    /// A field is not encoded as its type is.
    #[error("`{field}` of `{message}` {problem}")]
    Field {
        /// The message.
        message: &'static str,
        /// The field of the message.
        field: &'static str,
        /// What is wrong, for people.
        problem: &'static str,
    },
}

impl DecodeError {
    pub(crate) const fn no_record(body: &Body) -> Self {
        Self::Field { message: body.name, field: "", problem: "has a value of another type" }
    }
}

type Problem = &'static str;

const ENDS: Problem = "is cut off";
const BEGINS: Problem = "does not begin where it should";
const PACKED: Problem = "has bytes that are not a whole number of elements";
const PAIRED: Problem = "has other numbers of keys and values";

/// Reads the values of all fields of `body`, in the order of its definition.
pub fn decode(body: &'static Body, message: &Message) -> Result<Vec<Value>, DecodeError> {
    let found = message.message_type();
    if found != body.message_type {
        return Err(DecodeError::Unexpected { found, expected: body.name });
    }
    let mut frames = message.frames();
    let fixed = frames.next().and_then(|initial| initial.payload.get(body.kind.fixed_from()..)).unwrap_or_default();
    fields(body.fields, fixed, &mut frames, |frames| frames.peek().is_none())
        .map_err(|(field, problem)| DecodeError::Field { message: body.name, field, problem })
}

fn fields(
    fields: &'static [Field],
    mut packed: &[u8],
    frames: &mut Frames<'_>,
    over: impl Fn(&Frames<'_>) -> bool,
) -> Result<Vec<Value>, (&'static str, Problem)> {
    let mut values = Vec::with_capacity(fields.len());
    // Fixed and variable fields may alternate in a definition, and each kind has a place of its own in the bytes.
    for field in fields {
        let value = if let Some(size) = field.ty.fixed_size() {
            let (bytes, rest) = packed.split_at_checked(size).unwrap_or_default();
            packed = rest;
            fixed(field.ty, bytes)
        } else if over(frames) || take_null(frames) {
            None
        } else {
            Some(variable(field.ty, frames).map_err(|problem| (field.name, problem))?)
        };
        let absent = || if field.nullable { Value::Null } else { field.ty.default_value() };
        values.push(value.unwrap_or_else(absent));
    }
    Ok(values)
}

fn take_null(frames: &mut Frames<'_>) -> bool {
    let null = frames.peek().is_some_and(|frame| frame.flags.has(Flags::NULL));
    if null {
        frames.next();
    }
    null
}

/// A value of exactly the bytes of its type; `None` for others and for a UUID whose null flag is set.
fn fixed(ty: Type, bytes: &[u8]) -> Option<Value> {
    Some(match ty {
        Type::Boolean => Value::Boolean(*bytes.first()? != 0),
        Type::Byte => Value::Byte(*bytes.first()?),
        Type::Int => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?)),
        Type::Long => Value::Long(i64::from_le_bytes(bytes.try_into().ok()?)),
        Type::Float => Value::Float(f32::from_le_bytes(bytes.try_into().ok()?)),
        _ => Value::Uuid(uuid(bytes)?),
    })
}

fn uuid(bytes: &[u8]) -> Option<Uuid> {
    let (null, halves) = bytes.split_first()?;
    let (high, low) = halves.split_first_chunk::<8>()?;
    let uuid = Uuid { high: u64::from_le_bytes(*high), low: u64::from_le_bytes(low.try_into().ok()?) };
    (*null == 0).then_some(uuid)
}

fn variable(ty: Type, frames: &mut Frames<'_>) -> Result<Value, Problem> {
    match ty {
        Type::Text => Ok(Value::Text(String::from_utf8_lossy(payload(frames)?).into_owned())),
        Type::Bytes => Ok(Value::Bytes(payload(frames)?.to_vec())),
        Type::Packed(of) => packed(*of, payload(frames)?),
        Type::List { of, nullable } => list(*of, nullable, frames).map(Value::List),
        Type::Entries(key, value) => entries(*key, *value, frames).map(Value::Entries),
        Type::Record(of) => record(of, frames),
        Type::Opaque => opaque(frames),
        // Fixed types are read from the frame that they share.
        Type::Boolean | Type::Byte | Type::Int | Type::Long | Type::Float | Type::Uuid => Err(BEGINS),
    }
}

/// The payload of a frame that holds one value.
fn payload<'a>(frames: &mut Frames<'a>) -> Result<&'a [u8], Problem> {
    let Frame { flags, payload } = frames.next().ok_or(ENDS)?;
    if flags.0 & (Flags::BEGIN.0 | Flags::END.0) == 0 { Ok(payload) } else { Err(BEGINS) }
}

fn begin(frames: &mut Frames<'_>) -> Result<(), Problem> {
    if frames.next().ok_or(ENDS)?.flags.has(Flags::BEGIN) { Ok(()) } else { Err(BEGINS) }
}

fn at_end(frames: &Frames<'_>) -> bool {
    frames.peek().is_some_and(|frame| frame.flags.has(Flags::END))
}

/// Skips to the END that matches a BEGIN already read, and past it.
fn skip_to_end(frames: &mut Frames<'_>) -> Result<(), Problem> {
    let mut depth = 1_usize;
    while depth > 0 {
        let flags = frames.next().ok_or(ENDS)?.flags;
        if flags.has(Flags::BEGIN) {
            depth += 1;
        } else if flags.has(Flags::END) {
            depth -= 1;
        }
    }
    Ok(())
}

fn record(record: &'static Record, frames: &mut Frames<'_>) -> Result<Value, Problem> {
    begin(frames)?;
    let has_fixed = record.fields.iter().any(|field| field.ty.fixed_size().is_some());
    let fixed = if has_fixed && !at_end(frames) { payload(frames)? } else { &[] };
    let values = fields(record.fields, fixed, frames, at_end).map_err(|(_, problem)| problem)?;
    skip_to_end(frames)?;
    Ok(Value::Record(values))
}

fn list(of: Type, nullable: bool, frames: &mut Frames<'_>) -> Result<Vec<Value>, Problem> {
    begin(frames)?;
    let mut values = Vec::new();
    while !at_end(frames) {
        values.push(if take_null(frames) {
            if nullable { Value::Null } else { of.default_value() }
        } else {
            variable(of, frames)?
        });
    }
    frames.next();
    Ok(values)
}

fn packed(of: Type, bytes: &[u8]) -> Result<Value, Problem> {
    macro_rules! numbers {
        ($variant:ident $number:ident) => {{
            let (chunks, rest) = bytes.as_chunks();
            if !rest.is_empty() {
                return Err(PACKED);
            }
            Value::$variant(chunks.iter().map(|chunk| $number::from_le_bytes(*chunk)).collect())
        }};
    }
    Ok(match of {
        Type::Int => numbers!(Ints i32),
        Type::Long => numbers!(Longs i64),
        Type::Float => numbers!(Floats f32),
        _ => {
            let chunks = exact_chunks(bytes, 17)?;
            Value::Uuids(chunks.map(|chunk| uuid(chunk).unwrap_or_default()).collect())
        }
    })
}

fn exact_chunks(bytes: &[u8], size: usize) -> Result<impl Iterator<Item = &[u8]>, Problem> {
    let chunks = bytes.chunks_exact(size);
    if chunks.remainder().is_empty() { Ok(chunks) } else { Err(PACKED) }
}

/// Of mixed pairs the variable halves come first, in a list, then the fixed halves in a frame.
fn entries(key: Type, value: Type, frames: &mut Frames<'_>) -> Result<Vec<(Value, Value)>, Problem> {
    match (key.fixed_size(), value.fixed_size()) {
        (Some(first), Some(second)) => {
            let pairs = exact_chunks(payload(frames)?, first + second)?;
            let half = |ty: Type, bytes: &[u8]| fixed(ty, bytes).unwrap_or(Value::Null);
            let pair = |chunk: &[u8]| chunk.split_at_checked(first).map(|(k, v)| (half(key, k), half(value, v)));
            Ok(pairs.filter_map(pair).collect())
        }
        (None, None) => {
            begin(frames)?;
            let mut entries = Vec::new();
            while !at_end(frames) {
                let mut half = |ty: Type| if take_null(frames) { Ok(ty.default_value()) } else { variable(ty, frames) };
                entries.push((half(key)?, half(value)?));
            }
            frames.next();
            Ok(entries)
        }
        (Some(_), None) => {
            let values = list(value, false, frames)?;
            pairs(halves(key, payload(frames)?)?, values.into_iter())
        }
        (None, Some(_)) => {
            let keys = list(key, false, frames)?;
            pairs(keys.into_iter(), halves(value, payload(frames)?)?)
        }
    }
}

/// Values of fixed size in one frame.
fn halves(ty: Type, bytes: &[u8]) -> Result<impl Iterator<Item = Value>, Problem> {
    let chunks = exact_chunks(bytes, ty.fixed_size().unwrap_or(1))?;
    Ok(chunks.map(move |chunk| fixed(ty, chunk).unwrap_or(Value::Null)))
}

fn pairs(
    mut keys: impl Iterator<Item = Value>,
    mut values: impl Iterator<Item = Value>,
) -> Result<Vec<(Value, Value)>, Problem> {
    let mut pairs = Vec::new();
    loop {
        match (keys.next(), values.next()) {
            (Some(key), Some(value)) => pairs.push((key, value)),
            (None, None) => return Ok(pairs),
            _ => return Err(PAIRED),
        }
    }
}

/// The frames of one structure as they are, without the mark of the message's end.
fn opaque(frames: &mut Frames<'_>) -> Result<Value, Problem> {
    let all = frames.rest();
    begin(frames)?;
    skip_to_end(frames)?;
    let length = all.len() - frames.rest().len();
    let mut writer = crate::frame::FrameWriter::default();
    writer.raw(all.get(..length).unwrap_or_default());
    Ok(Value::Opaque(writer.without_end()))
}
