//! Serialized objects, as far as names and test data need them, and the partitions they belong to.

use crate::wire::Bytes;

/// A string, serialized.
pub fn string(text: &str) -> Bytes {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    serialized(-11, &[&length.to_be_bytes(), text.as_bytes()])
}

/// A 32-bit number, serialized.
pub fn int(number: i32) -> Bytes {
    serialized(-7, &[&number.to_be_bytes()])
}

fn serialized(type_id: i32, payload: &[&[u8]]) -> Bytes {
    // The hash is left 0, which means that it is that of the payload.
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&type_id.to_be_bytes());
    bytes.extend(payload.iter().copied().flatten());
    Bytes(bytes)
}

/// The text of a serialized string.
pub fn as_string(data: &Bytes) -> Option<&str> {
    let (head, text) = data.0.split_at_checked(12)?;
    (head.get(4..8) == Some(&(-11_i32).to_be_bytes())).then(|| str::from_utf8(text).ok())?
}

/// The partition of a serialized key among `count` partitions.
pub fn partition(key: &Bytes, count: i32) -> i32 {
    let hash = murmur3(key.0.get(8..).unwrap_or_default());
    // The one number without an absolute value belongs to the first partition.
    hash.checked_abs().unwrap_or(0).checked_rem(count).unwrap_or(0)
}

/// `MurmurHash3`, x86, 32 bits, with the seed that members use.
fn murmur3(bytes: &[u8]) -> i32 {
    const SEED: u32 = 0x0100_0193;
    let mix = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (chunks, tail) = bytes.as_chunks::<4>();
    let mut hash = SEED;
    for chunk in chunks {
        hash = (hash ^ mix(u32::from_le_bytes(*chunk))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let rest = tail.iter().rev().fold(0, |k, byte| (k << 8) | u32::from(*byte));
    hash ^= mix(rest);
    #[expect(clippy::cast_possible_truncation, reason = "the hash takes in the length modulo 2^32")]
    let length = bytes.len() as u32;
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_the_partitions_that_members_compute() {
        assert_eq!(murmur3(b"key-1"), 1_228_513_025);
        for (key, hash, of_271) in [
            (string("key-1"), 2_132_451_398, 94),
            (string("a"), 2_099_876_635, 73),
            (string("hazelcast"), 428_885_910, 226),
            (int(42), 2_076_340_387, 175),
        ] {
            assert_eq!((murmur3(&key.0[8..]), partition(&key, 271)), (hash, of_271));
        }
        assert_eq!(partition(&string("a"), 0), 0);
    }

    #[test]
    fn strings_come_back() {
        assert_eq!(as_string(&string("köln")), Some("köln"));
        assert_eq!(as_string(&int(3)), None);
    }
}
