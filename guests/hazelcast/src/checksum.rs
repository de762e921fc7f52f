//! Small checksums that existing installations know.

/// FNV-1a, 32 bits.
pub fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// CRC-32 as in IEEE 802.3. Bit by bit: it runs over some hundred bytes once a pass.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_of_known_texts() {
        assert_eq!(fnv1a(b"default"), 2_470_140_894);
        assert_eq!(fnv1a(b"prod"), 3_980_276_084);
    }

    #[test]
    fn crc32_of_the_usual_check() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
