//! What messages are made of, as data. The tables are in [`crate::table`]; encoding and decoding read nothing else.

use crate::message::MessageType;
use std::fmt;

/// A version of the protocol. All of them have the major number 2; 2.5 came with Hazelcast 5.2, 2.8 with 5.5, 2.10 with
/// 5.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The minor number.
    pub minor: u8,
}

impl Version {
    /// The first version with this protocol, of Hazelcast 4.0.
    pub const FIRST: Self = Self { minor: 0 };
    /// The newest version that the tables know. Older members skip what they do not know, so this is what to write
    /// unless the bytes must be those of an older writer.
    pub const NEWEST: Self = Self { minor: 10 };

    /// Reads `2.8`; the table's macros call this while compiling.
    pub(crate) const fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut minor, mut at) = (0, 2);
        while at < bytes.len() {
            #[expect(clippy::indexing_slicing, reason = "`at` is below the length; evaluated while compiling")]
            let digit = bytes[at] - b'0';
            minor = minor * 10 + digit;
            at += 1;
        }
        Self { minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2.{}", self.minor)
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// One byte, 0 or not.
    Boolean,
    /// One byte.
    Byte,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// 32 bits, IEEE 754.
    Float,
    /// A null flag and two halves.
    Uuid,
    /// UTF-8 in a frame of its own.
    Text,
    /// Bytes in a frame of their own: byte arrays and serialized objects.
    Bytes,
    /// Elements of fixed size, packed into one frame.
    Packed(&'static Type),
    /// Elements of variable size between BEGIN and END.
    List {
        /// Their type.
        of: &'static Type,
        /// Whether elements may be null.
        nullable: bool,
    },
    /// Pairs. How they lie on the wire follows from the sizes of keys and values.
    Entries(&'static Type, &'static Type),
    /// A custom type: fixed fields in a frame, then the others, between BEGIN and END.
    Record(&'static Record),
    /// A structure whose inside depends on values in it; kept as its frames, from BEGIN to END.
    Opaque,
}

impl Type {
    /// The bytes of a field of fixed size; `None` for those that have frames of their own.
    pub const fn fixed_size(self) -> Option<usize> {
        match self {
            Self::Boolean | Self::Byte => Some(1),
            Self::Int | Self::Float => Some(4),
            Self::Long => Some(8),
            Self::Uuid => Some(17),
            Self::Text
            | Self::Bytes
            | Self::Packed(_)
            | Self::List { .. }
            | Self::Entries(..)
            | Self::Record(_)
            | Self::Opaque => None,
        }
    }
}

/// One field of a message or custom type.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name, in our spelling.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether it may be null.
    pub nullable: bool,
    /// The version that added it.
    pub since: Version,
}

/// A custom type.
#[derive(Debug)]
pub struct Record {
    /// Its name.
    pub name: &'static str,
    /// Its fields, in the order of the definition.
    pub fields: &'static [Field],
}

/// Where a body stands in an exchange, which decides where its fixed fields begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sent by a client.
    Request,
    /// The answer to a request.
    Response,
    /// Sent by a member to a listener.
    Event,
}

impl Kind {
    /// Where the fixed fields begin in the payload of the initial frame.
    pub const fn fixed_from(self) -> usize {
        match self {
            Self::Request | Self::Event => 16,
            Self::Response => 13,
        }
    }
}

/// The fields of one message.
#[derive(Debug)]
pub struct Body {
    /// Its number on the wire.
    pub message_type: MessageType,
    /// `authentication`, or the name of an event.
    pub name: &'static str,
    /// Request, response or event.
    pub kind: Kind,
    /// The version that added the message.
    pub since: Version,
    /// Its fields, in the order of the definition.
    pub fields: &'static [Field],
}

/// A request with its response and events.
#[derive(Debug)]
pub struct Method {
    /// The service, as the protocol spells it.
    pub service: &'static str,
    /// The method, in our spelling.
    pub name: &'static str,
    /// Whether the protocol lets a client send the request again when it does not know whether it was carried out.
    pub retryable: bool,
    /// The request.
    pub request: &'static Body,
    /// The response.
    pub response: &'static Body,
    /// The events, in the order of their numbers.
    pub events: &'static [&'static Body],
}

impl Method {
    /// Request, response and events.
    pub fn bodies(&self) -> impl Iterator<Item = &'static Body> {
        [self.request, self.response].into_iter().chain(self.events.iter().copied())
    }
}

impl fmt::Display for Method {
    /// Writes `Client.addClusterViewListener`, as the protocol's definitions do (but `getCpMembers`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.service)?;
        for (at, word) in self.name.split('_').enumerate() {
            let (first, rest) = word.split_at(usize::from(!word.is_empty()));
            if at == 0 { f.write_str(first) } else { f.write_str(&first.to_ascii_uppercase()) }?;
            f.write_str(rest)?;
        }
        Ok(())
    }
}
