//! What a connection to a cluster is told.

use super::tls::Tls;
use crate::frame::Limits;
use crate::wire::Bytes;
use std::fmt;
use std::time::Duration;

/// Where something listens: a host name or IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// Of its parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Who the client says it is. Not shown when printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// Nobody. Members without security refuse everything else.
    #[default]
    None,
    /// A user with a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token, as the members' realm expects it.
    Token(Bytes),
    /// A serialized object of a class that the members know.
    Custom(Bytes),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
            Self::Custom(_) => "Custom",
        })
    }
}

/// Which members a client talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing {
    /// All members of the list (a smart client). Needed for requests to a given member.
    #[default]
    All,
    /// The first one that answers (unisocket): for clients that can reach members only through one address.
    Single,
}

/// Which of their addresses members are reached at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Those that members know each other by.
    #[default]
    Private,
    /// The public ones where members have them, else the private ones.
    Public,
}

/// How long to wait before trying again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Before the second attempt.
    pub initial: Duration,
    /// The most.
    pub max: Duration,
    /// By how much each wait is longer than the one before.
    pub factor: f64,
    /// By what part a wait may be shorter or longer, so that many clients do not come back at once.
    pub jitter: f64,
}

impl Default for Backoff {
    /// A member that restarts is back within seconds, and one that is gone costs little at four attempts a minute.
    fn default() -> Self {
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(15), factor: 1.6, jitter: 0.3 }
    }
}

impl Backoff {
    /// The wait after `failures` attempts in a row; `chance` is between 0 and 1.
    pub fn after(&self, failures: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = (self.initial.as_secs_f64() * self.factor.powi(exponent)).min(self.max.as_secs_f64());
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * chance - 1.0);
        Duration::try_from_secs_f64(wait * spread).unwrap_or(self.max)
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Reaching an address, TLS and authentication together.
    pub connect: Duration,
    /// A ping is sent when nothing else was for so long. Members drop clients that are silent for five minutes.
    pub heartbeat: Duration,
    /// A connection on which nothing came for so long is closed.
    pub silence: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), heartbeat: Duration::from_secs(5), silence: Duration::from_mins(1) }
    }
}

/// What a connection to a cluster is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the cluster, which members compare with theirs.
    pub cluster_name: String,
    /// Who the client says it is.
    pub credentials: Credentials,
    /// Where to look for a first member, in this order.
    pub addresses: Vec<Address>,
    /// Which members to talk to.
    pub routing: Routing,
    /// At which of their addresses.
    pub reach: Reach,
    /// Encrypted when given.
    pub tls: Option<Tls>,
    /// What members show in their logs.
    pub client_name: String,
    /// Labels of the client.
    pub labels: Vec<String>,
    /// How long things may take.
    pub timing: Timing,
    /// How long to wait before trying again.
    pub backoff: Backoff,
    /// How much of a member's bytes is accepted.
    pub limits: Limits,
}

impl Options {
    /// For the cluster of this name, with a member at one of these addresses, and defaults for the rest.
    pub fn new(cluster_name: impl Into<String>, addresses: Vec<Address>) -> Self {
        Self {
            cluster_name: cluster_name.into(),
            credentials: Credentials::None,
            addresses,
            routing: Routing::default(),
            reach: Reach::default(),
            tls: None,
            client_name: "filbert".to_owned(),
            labels: Vec::new(),
            timing: Timing::default(),
            backoff: Backoff::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_most_and_spread_around_it() {
        let backoff = Backoff { jitter: 0.5, ..Backoff::default() };
        assert_eq!(backoff.after(1, 0.5), backoff.initial);
        assert!(backoff.after(2, 0.5) > backoff.after(1, 0.5));
        assert_eq!(backoff.after(u32::MAX, 0.5), backoff.max);
        assert_eq!((backoff.after(99, 0.0), backoff.after(99, 1.0)), (backoff.max / 2, backoff.max * 3 / 2));
    }

    #[test]
    fn secrets_are_not_printed() {
        let credentials = Credentials::Password { user: "maya".to_owned(), password: "hunter2".to_owned() };
        assert_eq!(format!("{credentials:?}"), "Password");
    }
}
