//! Errors that members answer with.

use crate::decode::DecodeError;
use crate::message::{Message, MessageType};
use crate::table::fault::Response;
use crate::table::types::ErrorHolder;
use crate::wire::Payload;
use std::fmt;

/// What an error says about the request that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The request was refused and will be again until something changes.
    Refused,
    /// It was not carried out for a reason that passes: it may be sent again.
    NotYet,
    /// It may have been carried out in whole or in part before this happened.
    Unknown,
}

/// The kind of an exception, by number. Numbers that are not in [`ErrorCode::KNOWN`] occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub i32);

use Meaning::{NotYet, Refused, Unknown};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $meaning:ident;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The kinds that mean something to a client; all others are [`Meaning::Refused`].
            pub const KNOWN: &'static [(Self, &'static str, Meaning)] =
                &[$((Self::$name, stringify!($name), $meaning)),*];
        }
    };
}

codes! {
    /// An exception that the protocol has no number for; its class tells more.
    UNDEFINED = 0 Refused;
    /// Sent before authentication.
    AUTHENTICATION = 3 Refused;
    /// The caller is not known to be a member.
    CALLER_NOT_MEMBER = 8 NotYet;
    /// Something in Hazelcast failed.
    HAZELCAST = 18 Refused;
    /// The member is starting or shutting down.
    HAZELCAST_INSTANCE_NOT_ACTIVE = 19 Unknown;
    /// Reading or writing failed.
    IO = 22 Unknown;
    /// An argument was refused.
    ILLEGAL_ARGUMENT = 23 Refused;
    /// Not possible in the present state of the cluster, job or member.
    ILLEGAL_STATE = 27 Refused;
    /// A configuration differs from one of the same name.
    INVALID_CONFIGURATION = 32 Refused;
    /// The member that worked on it left.
    MEMBER_LEFT = 33 Unknown;
    /// A bug on the member, or a null where it expects none.
    NULL_POINTER = 37 Refused;
    /// The member waited too long for others.
    OPERATION_TIMEOUT = 38 Unknown;
    /// The partition is moving.
    PARTITION_MIGRATING = 39 NotYet;
    /// To be tried again.
    RETRYABLE_HAZELCAST = 46 NotYet;
    /// To be tried again.
    RETRYABLE_IO = 47 Unknown;
    /// Not allowed to these credentials.
    SECURITY = 49 Refused;
    /// The member lost the one that worked on it.
    TARGET_DISCONNECTED = 52 Unknown;
    /// The target is no member.
    TARGET_NOT_MEMBER = 53 NotYet;
    /// The member waited too long.
    TIMEOUT = 54 Unknown;
    /// The member does not know the message, or its edition lacks the feature.
    UNSUPPORTED_OPERATION = 61 Refused;
    /// The partition is elsewhere.
    WRONG_TARGET = 62 NotYet;
    /// Not allowed, or not authenticated.
    ACCESS_CONTROL = 64 Refused;
    /// Only members without data are left.
    NO_DATA_MEMBER = 67 Refused;
    /// The member cannot tell whether it was carried out.
    INDETERMINATE_OPERATION_STATE = 80 Unknown;
    /// The member has no copy of the partition.
    TARGET_NOT_REPLICA = 82 NotYet;
    /// No copy can be made now.
    CANNOT_REPLICATE = 90 NotYet;
    /// A job failed.
    JET = 500 Refused;
    /// There is no such job.
    JOB_NOT_FOUND = 502 Refused;
    /// There is a job of that name.
    JOB_ALREADY_EXISTS = 503 Refused;
}

impl ErrorCode {
    /// What it says about the request.
    pub fn meaning(self) -> Meaning {
        Self::KNOWN.iter().find(|known| known.0 == self).map_or(Refused, |known| known.2)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::KNOWN.iter().find(|known| known.0 == *self) {
            Some((_, name, _)) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// An exception on the member, answered in place of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Its kind.
    pub code: ErrorCode,
    /// Its class.
    pub class: String,
    /// Its text.
    pub message: String,
    /// What it was caused by, outermost first.
    pub causes: Vec<ErrorHolder>,
}

impl Fault {
    /// The error in `message`; `None` when it is another message.
    pub fn of(message: &Message) -> Result<Option<Self>, DecodeError> {
        if message.message_type() != MessageType::ERROR {
            return Ok(None);
        }
        let mut errors = Response::decode(message)?.errors.into_iter();
        let ErrorHolder { error_code, class_name, message, stack_trace_elements: _ } =
            errors.next().unwrap_or_default();
        Ok(Some(Self {
            code: ErrorCode(error_code),
            class: class_name,
            message: message.unwrap_or_default(),
            causes: errors.collect(),
        }))
    }

    /// Whether it or one of its causes is of this kind.
    pub fn has(&self, code: ErrorCode) -> bool {
        self.code == code || self.causes.iter().any(|cause| ErrorCode(cause.error_code) == code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (error {})", self.class, self.message, self.code)
    }
}

impl std::error::Error for Fault {}
