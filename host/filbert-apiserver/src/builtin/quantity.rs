//! Quantities (`500m`, `1.5Gi`) as exact numbers, and the form in which Kubernetes writes them.

use std::cmp::Ordering;

/// What a text must look like; also the message about one that does not.
pub(crate) const MALFORMED: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// Billionths: the finest part of a quantity.
const SCALE: i128 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Decimal,
    Exponent,
    Binary,
}

/// A quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    nano: i128,
    style: Style,
}

impl Quantity {
    /// Reads a quantity; parts finer than a billionth are rounded up.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (style, factor, power) = Self::suffix(suffix)?;
        let mut mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
        mantissa = mantissa.checked_mul(factor)?;
        let power = power + 9 - i32::try_from(fraction.len()).ok()?;
        let step = 10_i128.checked_pow(power.unsigned_abs())?;
        let nano = if power >= 0 { mantissa.checked_mul(step)? } else { mantissa.checked_add(step - 1)? / step };
        Some(Self { nano: if negative { -nano } else { nano }, style })
    }

    /// The style, the factor and the power of ten that a suffix stands for.
    fn suffix(suffix: &str) -> Option<(Style, i128, i32)> {
        let decimal = |power| Some((Style::Decimal, 1, power));
        let binary = |power: u32| Some((Style::Binary, 1024_i128.pow(power), 0));
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(1),
            "Mi" => binary(2),
            "Gi" => binary(3),
            "Ti" => binary(4),
            "Pi" => binary(5),
            "Ei" => binary(6),
            exponent => {
                let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
                (-18..=27).contains(&power).then_some((Style::Exponent, 1, power))
            }
        }
    }

    pub(crate) fn from_int(whole: i64) -> Self {
        Self { nano: i128::from(whole) * SCALE, style: Style::Decimal }
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let nano = self.nano.checked_add(other.nano)?;
        Some(Self { nano, ..self })
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        let nano = self.nano.checked_sub(other.nano)?;
        Some(Self { nano, ..self })
    }

    pub(crate) fn sign(self) -> i64 {
        match self.nano.cmp(&0) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    /// The value as an integer, when it is one.
    pub(crate) fn as_int(self) -> Option<i64> {
        (self.nano % SCALE == 0).then(|| i64::try_from(self.nano / SCALE).ok()).flatten()
    }

    #[expect(clippy::cast_precision_loss, reason = "an approximation is what is asked for")]
    pub(crate) fn as_float(self) -> f64 {
        self.nano as f64 / SCALE as f64
    }

    /// The form in which Kubernetes stores the quantity: no fraction, the greatest suffix that loses nothing.
    pub(crate) fn canonical(self) -> String {
        if self.nano == 0 {
            return "0".to_owned();
        }
        if self.style == Style::Binary && self.nano % SCALE == 0 && (self.nano / SCALE).abs() >= 1024 {
            let mut whole = self.nano / SCALE;
            let mut suffix = "";
            for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
                if whole % 1024 != 0 {
                    break;
                }
                whole /= 1024;
                suffix = next;
            }
            return format!("{whole}{suffix}");
        }
        let mut mantissa = self.nano;
        let mut power = -9;
        while mantissa % 1000 == 0 && power < 18 {
            mantissa /= 1000;
            power += 3;
        }
        if self.style == Style::Exponent {
            return if power == 0 { mantissa.to_string() } else { format!("{mantissa}e{power}") };
        }
        let suffix = match power {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        };
        format!("{mantissa}{suffix}")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_without_fraction_and_with_the_greatest_suffix() {
        for (text, canonical) in [
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("100Ki", "100Ki"),
            ("512", "512"),
            ("1e3", "1e3"),
            ("0", "0"),
            ("-2.50", "-2500m"),
            ("12345678", "12345678"),
        ] {
            assert_eq!(Quantity::parse(text).map(Quantity::canonical).as_deref(), Some(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "one", "1.2.3", "1Kii", "Gi", "1 Gi"] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
