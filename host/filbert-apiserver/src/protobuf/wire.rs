//! The encoding itself: fields of a message, one after the other.

use super::BadProtobuf;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(super) fn number(self) -> Result<i64, BadProtobuf> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(BadProtobuf::Malformed("a number is none")),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], BadProtobuf> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(BadProtobuf::Malformed("a number is where text or a message belongs")),
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, BadProtobuf> {
    std::str::from_utf8(bytes).map_err(|_| BadProtobuf::Malformed("a text is not UTF-8"))
}

/// Iterates over the fields of a message; ends after the first error.
pub(super) struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn varint(&mut self) -> Result<u64, BadProtobuf> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(BadProtobuf::Malformed("the message is cut off"))?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BadProtobuf::Malformed("a number is too long"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], BadProtobuf> {
        let length = usize::try_from(length).ok();
        let split = length.and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = split.ok_or(BadProtobuf::Malformed("the message is cut off"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn field(&mut self) -> Result<(u32, Field<'a>), BadProtobuf> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| BadProtobuf::Malformed("a field number is too large"))?;
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?.cast_signed()),
            1 => Field::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Bytes(self.take(4)?),
            _ => return Err(BadProtobuf::Malformed("a field has an unknown wire type")),
        };
        Ok((number, field))
    }
}

impl<'a> Iterator for Wire<'a> {
    type Item = Result<(u32, Field<'a>), BadProtobuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}
