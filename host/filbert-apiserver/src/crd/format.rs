//! The string formats that a definition can ask for. Formats that are not listed here mean nothing, as in Kubernetes.

use base64::Engine;
use regex::Regex;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// A known format; printed as the schema wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) name: String,
    check: Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Anything,
    Byte,
    Cidr,
    Date,
    DateTime,
    Duration,
    Email,
    HexColor,
    Hostname,
    Ipv4,
    Ipv6,
    LongName,
    Mac,
    ShortName,
    Uri,
    Uuid(Option<char>),
}

/// Names without hyphens, as Kubernetes compares them.
const KNOWN: [(&str, Check); 26] = [
    ("bsonobjectid", Check::Anything),
    ("byte", Check::Byte),
    ("cidr", Check::Cidr),
    ("creditcard", Check::Anything),
    ("date", Check::Date),
    ("datetime", Check::DateTime),
    ("duration", Check::Duration),
    ("email", Check::Email),
    ("hexcolor", Check::HexColor),
    ("hostname", Check::Hostname),
    ("ipv4", Check::Ipv4),
    ("ipv6", Check::Ipv6),
    ("isbn", Check::Anything),
    ("isbn10", Check::Anything),
    ("isbn13", Check::Anything),
    ("k8slongname", Check::LongName),
    ("k8sshortname", Check::ShortName),
    ("mac", Check::Mac),
    ("password", Check::Anything),
    ("rgbcolor", Check::Anything),
    ("ssn", Check::Anything),
    ("uri", Check::Uri),
    ("uuid", Check::Uuid(None)),
    ("uuid3", Check::Uuid(Some('3'))),
    ("uuid4", Check::Uuid(Some('4'))),
    ("uuid5", Check::Uuid(Some('5'))),
];

static TIME: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})$"));
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(ns|us|µs|μs|ms|s|m|h|d|w|(nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?)\s*)+$",
    )
});
static HOSTNAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$")
});
static EMAIL: LazyLock<Regex> = LazyLock::new(|| regex(r"^[^@\s<>]+@[^@\s<>]+$"));
static HEX_COLOR: LazyLock<Regex> = LazyLock::new(|| regex("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"));
static MAC: LazyLock<Regex> = LazyLock::new(|| regex("^([0-9a-fA-F]{2}[:-]){5,7}[0-9a-fA-F]{2}$"));
static URI: LazyLock<Regex> = LazyLock::new(|| regex(r"^([A-Za-z][A-Za-z0-9+.-]*:\S+|/\S*)$"));
static UUID: LazyLock<Regex> =
    LazyLock::new(|| regex("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of ours")
}

impl Format {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let plain = name.replace('-', "");
        let (_, check) = KNOWN.iter().find(|(known, _)| *known == plain)?;
        Some(Self { name: name.to_owned(), check: *check })
    }

    pub(crate) fn is_time(&self) -> bool {
        matches!(self.check, Check::DateTime | Check::Date)
    }

    pub(crate) fn is_duration(&self) -> bool {
        self.check == Check::Duration
    }

    pub(crate) fn is_byte(&self) -> bool {
        self.check == Check::Byte
    }

    /// Whether a text has this format.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self.check {
            Check::Anything => true,
            Check::Byte => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
            Check::Cidr => text.split_once('/').is_some_and(|(address, bits)| {
                let most = match address.parse() {
                    Ok(std::net::IpAddr::V4(_)) => 32,
                    Ok(std::net::IpAddr::V6(_)) => 128,
                    Err(_) => return false,
                };
                bits.parse::<u8>().is_ok_and(|bits| bits <= most)
            }),
            Check::Date => is_date(text),
            Check::DateTime => {
                text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && TIME.is_match(time))
            }
            Check::Duration => DURATION.is_match(text),
            Check::Email => EMAIL.is_match(text),
            Check::HexColor => HEX_COLOR.is_match(text),
            Check::Hostname => text.len() <= 255 && HOSTNAME.is_match(text),
            Check::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Check::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Check::LongName => crate::builtin::names::dns_subdomain(text).is_empty(),
            Check::Mac => MAC.is_match(text),
            Check::ShortName => crate::builtin::names::dns_label(text).is_empty(),
            Check::Uri => URI.is_match(text),
            Check::Uuid(version) => UUID.captures(text).is_some_and(|found| {
                version.is_none_or(|version| found.get(1).is_some_and(|digit| digit.as_str().starts_with(version)))
            }),
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_accept_what_they_name() {
        for (format, good, bad) in [
            ("date-time", "2024-01-31T10:00:00.5Z", "yesterday"),
            ("date-time", "2024-02-29T10:00:00+02:00", "2023-02-29T10:00:00Z"),
            ("date", "2024-02-29", "2024-2-9"),
            ("byte", "YWJj", "a"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("ipv4", "1.2.3.4", "::1"),
            ("ipv6", "::1", "1.2.3.4"),
            ("duration", "1h30m", "soon"),
            ("hostname", "a.example", "a_b"),
            ("email", "a@b.example", "a"),
            ("uuid", "6b1d4c8e-2c5f-4a8e-9d3b-0c5f6a7b8c9d", "6b1d"),
            ("uri", "https://a.example/x", "no uri"),
            ("mac", "00:11:22:33:44:55", "00:11"),
        ] {
            let format = Format::parse(format).expect("known");
            assert!(format.accepts(good), "{} refuses {good}", format.name);
            assert!(!format.accepts(bad), "{} accepts {bad}", format.name);
        }
    }

    #[test]
    fn number_formats_and_unknown_ones_mean_nothing() {
        for name in ["int32", "int64", "double", "nonsense", ""] {
            assert_eq!(Format::parse(name), None);
        }
    }
}
