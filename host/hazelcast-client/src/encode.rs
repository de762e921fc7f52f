//! From values to bytes, by the tables.

use crate::frame::{Flags, FrameError, FrameWriter};
use crate::message::Message;
use crate::schema::{Body, Field, Kind, Type, Version};
use crate::uuid::Uuid;
use crate::value::Value;

/// What an initial frame has besides its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What ties a response or event to its request.
    pub correlation: i64,
    /// The partition that a request or event is about, −1 for none.
    pub partition: i32,
}

impl Default for Header {
    /// No partition, and 0 until whoever sends the message counts its requests.
    fn default() -> Self {
        Self { correlation: 0, partition: -1 }
    }
}

/// Values that do not make a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value is not of its field's type, or null where that is not allowed.
    #[error("the value of `{field}` in `{message}` is not of its type")]
    Type {
        /// The message.
        message: &'static str,
        /// The field of the message.
        field: &'static str,
    },
    /// There are more or fewer values than fields.
    #[error("`{message}` has {fields} fields but {values} values")]
    Count {
        /// The message.
        message: &'static str,
        /// What the table says.
        fields: usize,
        /// What was given.
        values: usize,
    },
    /// The message is larger than any reader accepts.
    #[error("`{message}` is too large")]
    TooLarge {
        /// The message.
        message: &'static str,
    },
}

impl EncodeError {
    pub(crate) const fn no_record(body: &Body) -> Self {
        Self::Count { message: body.name, fields: body.fields.len(), values: 0 }
    }
}

/// A value that is not of the type it should have.
struct WrongType;

type Encoded = Result<(), WrongType>;

/// Encodes the message `body` with a value for each field. Fields that came after `version` are left out.
pub fn encode(body: &Body, values: &[Value], version: Version, header: Header) -> Result<Message, EncodeError> {
    let message = body.name;
    if values.len() != body.fields.len() {
        return Err(EncodeError::Count { message, fields: body.fields.len(), values: values.len() });
    }
    let mut writer = FrameWriter::default();
    let event = if body.kind == Kind::Event { Flags::EVENT } else { Flags::default() };
    writer.begin(Flags::UNFRAGMENTED.with(event));
    writer.put(&body.message_type.0.to_le_bytes());
    writer.put(&header.correlation.to_le_bytes());
    match body.kind {
        Kind::Request | Kind::Event => writer.put(&header.partition.to_le_bytes()),
        Kind::Response => writer.put(&[0]),
    }
    fields(&mut writer, body.fields, values, version)
        .map_err(|field| EncodeError::Type { message, field: field.name })?;
    // Lengths are signed 32-bit numbers; a frame longer than that has no true length in the bytes.
    let bytes = writer.finish();
    if i32::try_from(bytes.len()).is_err() {
        return Err(EncodeError::TooLarge { message });
    }
    Message::of_frames(bytes).map_err(|_: FrameError| EncodeError::TooLarge { message })
}

/// First the fixed fields, into the frame that has been begun, then the frames of the others.
fn fields<'f>(
    writer: &mut FrameWriter,
    fields: &'f [Field],
    values: &[Value],
    version: Version,
) -> Result<(), &'f Field> {
    let known = || fields.iter().zip(values).filter(|(field, _)| field.since <= version);
    for (field, value) in known().filter(|(field, _)| field.ty.fixed_size().is_some()) {
        fixed(writer, field.ty, value, field.nullable).map_err(|WrongType| field)?;
    }
    for (field, value) in known().filter(|(field, _)| field.ty.fixed_size().is_none()) {
        if field.nullable && *value == Value::Null {
            writer.frame(Flags::NULL, &[]);
        } else {
            variable(writer, field.ty, value, version).map_err(|WrongType| field)?;
        }
    }
    Ok(())
}

fn fixed(writer: &mut FrameWriter, ty: Type, value: &Value, nullable: bool) -> Encoded {
    match (ty, value) {
        (Type::Boolean, Value::Boolean(it)) => writer.put(&[u8::from(*it)]),
        (Type::Byte, Value::Byte(it)) => writer.put(&[*it]),
        (Type::Int, Value::Int(it)) => writer.put(&it.to_le_bytes()),
        (Type::Long, Value::Long(it)) => writer.put(&it.to_le_bytes()),
        (Type::Float, Value::Float(it)) => writer.put(&it.to_le_bytes()),
        (Type::Uuid, Value::Uuid(it)) => uuid(writer, *it),
        (Type::Uuid, Value::Null) if nullable => {
            writer.put(&[1]);
            writer.put(&[0; 16]);
        }
        _ => return Err(WrongType),
    }
    Ok(())
}

fn uuid(writer: &mut FrameWriter, uuid: Uuid) {
    writer.put(&[0]);
    writer.put(&uuid.high.to_le_bytes());
    writer.put(&uuid.low.to_le_bytes());
}

fn variable(writer: &mut FrameWriter, ty: Type, value: &Value, version: Version) -> Encoded {
    match (ty, value) {
        (Type::Text, Value::Text(it)) => writer.frame(Flags::default(), it.as_bytes()),
        (Type::Bytes, Value::Bytes(it)) => writer.frame(Flags::default(), it),
        (Type::Packed(of), it) => return packed(writer, *of, it),
        (Type::List { of, nullable }, Value::List(it)) => return list(writer, *of, nullable, it.iter(), version),
        (Type::Entries(key, value), Value::Entries(it)) => return entries(writer, *key, *value, it, version),
        (Type::Record(record), Value::Record(it)) if it.len() == record.fields.len() => {
            writer.frame(Flags::BEGIN, &[]);
            if record.fields.iter().any(|field| field.ty.fixed_size().is_some() && field.since <= version) {
                writer.begin(Flags::default());
            }
            fields(writer, record.fields, it, version).map_err(|_| WrongType)?;
            writer.frame(Flags::END, &[]);
        }
        (Type::Opaque, Value::Opaque(it)) => writer.raw(it),
        _ => return Err(WrongType),
    }
    Ok(())
}

fn packed(writer: &mut FrameWriter, of: Type, value: &Value) -> Encoded {
    writer.begin(Flags::default());
    match (of, value) {
        (Type::Int, Value::Ints(it)) => it.iter().for_each(|it| writer.put(&it.to_le_bytes())),
        (Type::Long, Value::Longs(it)) => it.iter().for_each(|it| writer.put(&it.to_le_bytes())),
        (Type::Float, Value::Floats(it)) => it.iter().for_each(|it| writer.put(&it.to_le_bytes())),
        (Type::Uuid, Value::Uuids(it)) => it.iter().for_each(|it| uuid(writer, *it)),
        _ => return Err(WrongType),
    }
    Ok(())
}

fn list<'v>(
    writer: &mut FrameWriter,
    of: Type,
    nullable: bool,
    values: impl Iterator<Item = &'v Value>,
    version: Version,
) -> Encoded {
    writer.frame(Flags::BEGIN, &[]);
    for value in values {
        if nullable && *value == Value::Null {
            writer.frame(Flags::NULL, &[]);
        } else {
            variable(writer, of, value, version)?;
        }
    }
    writer.frame(Flags::END, &[]);
    Ok(())
}

/// Pairs of variable size follow each other in a list; of fixed size, in a frame. Of mixed pairs the variable halves come
/// first, in a list, then the fixed halves in a frame.
fn entries(writer: &mut FrameWriter, key: Type, value: Type, entries: &[(Value, Value)], version: Version) -> Encoded {
    let frame = Flags::default();
    match (key.fixed_size(), value.fixed_size()) {
        (Some(_), Some(_)) => {
            writer.begin(frame);
            for (k, v) in entries {
                fixed(writer, key, k, true)?;
                fixed(writer, value, v, true)?;
            }
        }
        (None, None) => {
            writer.frame(Flags::BEGIN, &[]);
            for (k, v) in entries {
                variable(writer, key, k, version)?;
                variable(writer, value, v, version)?;
            }
            writer.frame(Flags::END, &[]);
        }
        (Some(_), None) => {
            list(writer, value, false, entries.iter().map(|(_, v)| v), version)?;
            writer.begin(frame);
            for (k, _) in entries {
                fixed(writer, key, k, true)?;
            }
        }
        (None, Some(_)) => {
            list(writer, key, false, entries.iter().map(|(k, _)| k), version)?;
            writer.begin(frame);
            for (_, v) in entries {
                fixed(writer, value, v, true)?;
            }
        }
    }
    Ok(())
}
