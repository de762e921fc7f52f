//! Quantities such as `500m` or `1Gi`, as far as telling whether two are equal.

use serde_json::Value;

/// Whether two values are the same quantity.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    left == right || value_of(left).is_some_and(|left| value_of(right) == Some(left))
}

/// A mantissa that is no multiple of ten, and a power of ten.
fn value_of(value: &Value) -> Option<(i128, i32)> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<(i128, i32)> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |at| at + 1);
    // An exponent ends in digits; the number is what comes before its letter.
    let (number, suffix) = match text.find(['e', 'E']) {
        Some(at) if at + 1 < text.len() => text.split_at(at),
        _ => text.split_at(end),
    };
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let mut power = -i32::try_from(fraction.len()).ok()?;
    match suffix {
        "n" => power -= 9,
        "u" => power -= 6,
        "m" => power -= 3,
        "" => {}
        "k" => power += 3,
        "M" => power += 6,
        "G" => power += 9,
        "T" => power += 12,
        "P" => power += 15,
        "E" => power += 18,
        binary if binary.ends_with('i') => {
            let thousands = "KMGTPE".find(binary.strip_suffix('i')?).filter(|_| binary.len() == 2)?;
            mantissa = mantissa.checked_mul(1_i128 << (10 * (thousands + 1)))?;
        }
        exponent => power += exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?,
    }
    if mantissa == 0 {
        return Some((0, 0));
    }
    while mantissa % 10 == 0 {
        mantissa /= 10;
        power += 1;
    }
    Some((if negative { -mantissa } else { mantissa }, power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_the_same_however_they_are_written() {
        for (left, right) in [
            (json!("1"), json!("1000m")),
            (json!(2), json!("2")),
            (json!("1Gi"), json!("1024Mi")),
            (json!("0.5"), json!("500m")),
            (json!("1e3"), json!("1k")),
            (json!("1E"), json!("1e18")),
            (json!("0"), json!("0Gi")),
        ] {
            assert!(same(&left, &right), "{left} and {right}");
        }
    }

    #[test]
    fn different_quantities_are_told_apart() {
        for (left, right) in [
            (json!("1"), json!("1001m")),
            (json!("1G"), json!("1Gi")),
            (json!("-1"), json!("1")),
            (json!("much"), json!("more")),
        ] {
            assert!(!same(&left, &right), "{left} and {right}");
        }
    }
}
