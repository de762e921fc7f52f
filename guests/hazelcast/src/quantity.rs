//! Quantities such as `512M` or `8Gi`, in bytes.

use serde_json::Value;

/// Suffixes with their factors: decimal ones and binary ones.
const SUFFIXES: [(&str, u64); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

/// The bytes of a quantity, rounded up. Nothing where it is none, negative, or too large to count.
pub fn bytes(quantity: &Value) -> Option<i64> {
    match quantity {
        Value::Number(number) => number.as_i64().filter(|bytes| *bytes >= 0),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let with_suffix = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    // "5E3" ends in a digit, so that the exponent is never taken for the suffix.
    let (number, factor) = with_suffix.unwrap_or((text, 1));
    let (number, factor) = match number.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            (number, u128::from(factor).checked_mul(10_u128.checked_pow(exponent.parse().ok()?)?)?)
        }
        None => (number, u128::from(factor)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value: u128 = format!("{whole}{fraction}").parse().ok()?;
    i64::try_from(value.checked_mul(factor)?.div_ceil(scale)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_decimal_and_binary_suffixes() {
        for (quantity, expected) in [
            (json!("512M"), 512_000_000),
            (json!("8Gi"), 8 << 30),
            (json!("1.5Ki"), 1536),
            (json!("5e3"), 5000),
            (json!("5E"), 5_000_000_000_000_000_000),
            (json!("0.1"), 1),
            (json!(4096), 4096),
        ] {
            assert_eq!(bytes(&quantity), Some(expected), "{quantity}");
        }
    }

    #[test]
    fn says_nothing_about_what_is_no_size() {
        for quantity in [json!("-1"), json!("x"), json!(""), json!("."), json!("99E"), json!(-1), json!(null)] {
            assert_eq!(bytes(&quantity), None, "{quantity}");
        }
    }
}
