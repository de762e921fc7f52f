//! Identifiers of members, clients and clusters.

use std::fmt;
use std::str::FromStr;

/// A UUID in the two halves in which the protocol sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid {
    /// The most significant half.
    pub high: u64,
    /// The least significant half.
    pub low: u64,
}

impl Uuid {
    /// The UUID of 128 bits, most significant first.
    pub const fn from_u128(bits: u128) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "each half is 64 of the 128 bits")]
        let (high, low) = ((bits >> 64) as u64, bits as u64);
        Self { high, low }
    }

    /// The 128 bits, most significant first.
    pub const fn as_u128(self) -> u128 {
        ((self.high as u128) << 64) | self.low as u128
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { high, low } = *self;
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
    }
}

/// A text that is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a UUID")]
pub struct NotAUuid(String);

impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lengths = text.split('-').map(str::len);
        if !lengths.eq([8, 4, 4, 4, 12]) || !text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
            return Err(NotAUuid(text.to_owned()));
        }
        let digits: String = text.split('-').collect();
        u128::from_str_radix(&digits, 16).map(Self::from_u128).map_err(|_| NotAUuid(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_halves_agree() {
        let text = "21222324-2526-2728-3132-333435363738";
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!((uuid.high, uuid.low), (0x2122_2324_2526_2728, 0x3132_3334_3536_3738));
        assert_eq!(uuid.to_string(), text);
        assert_eq!(Uuid::from_u128(uuid.as_u128()), uuid);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "21222324252627283132333435363738",
            "21222324-2526-2728-3132-33343536373g",
            "+1222324-2526-2728-3132-333435363738",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(NotAUuid(text.to_owned())));
        }
    }
}
