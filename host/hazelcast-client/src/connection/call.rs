//! Requests: to whom, until when, and what is known afterwards.

use super::cluster::Cluster;
use super::link::{Link, Lost, Unanswered, answers};
use super::view::State;
use crate::decode::DecodeError;
use crate::encode::EncodeError;
use crate::fault::{ErrorCode, Fault, Meaning};
use crate::message::{Message, MessageType};
use crate::wire::{Call, Payload as _};
use crate::{Uuid, table};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Who should answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Any connected member, in turns.
    Any,
    /// This member and no other.
    Member(Uuid),
    /// The owner of the partition where that is known and connected, else any member, which passes the request on.
    Partition(i32),
}

/// Whether a request may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// As the tables say; never for a message that they do not have.
    #[default]
    AsDeclared,
    /// Never: for requests that the tables let through but that do something (`Jet.uploadJobMetaData`).
    Never,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The message; its correlation id does not matter.
    pub message: Message,
    /// Who should answer.
    pub target: Target,
    /// When to stop, with all attempts.
    pub deadline: Instant,
    /// Whether it may be sent again.
    pub repeat: Repeat,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No member was connected until the deadline. Nothing was sent.
    #[error("no member of the cluster is connected")]
    NotConnected,
    /// The member that must answer is not connected. Nothing was sent, or what was sent changes nothing.
    #[error("member {0} is not connected")]
    MemberNotConnected(Uuid),
    /// There was no answer until the deadline, and the request changes nothing or was never sent.
    #[error("there was no answer in time")]
    Deadline,
    /// The member refused the request: it was not carried out.
    #[error("the member refused the request")]
    Refused(#[source] Fault),
    /// The request may have been carried out or not.
    #[error("the request may have been carried out")]
    Uncertain(#[source] Doubt),
    /// The member answered with something else.
    #[error("the answer is a message of type {found}")]
    OtherAnswer {
        /// Its type.
        found: MessageType,
    },
    /// The answer cannot be read. The request was carried out.
    #[error("the answer cannot be read")]
    Answer(#[from] DecodeError),
    /// The request cannot be made.
    #[error("the request cannot be made")]
    Request(#[from] EncodeError),
    /// Nobody uses the cluster any more.
    #[error("the cluster is closed")]
    Closed,
}

/// Why it is not known whether a request was carried out.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// The connection ended after the request was sent and before an answer came.
    #[error("the connection ended before the answer")]
    Lost(#[source] Lost),
    /// The deadline came after the request was sent and before an answer came.
    #[error("there was no answer in time")]
    Deadline,
    /// The member does not know either.
    #[error("the member does not know either")]
    Fault(#[source] Fault),
}

/// What one attempt came to.
enum Attempt {
    Done(Message),
    Failed(CallError),
    Again,
}

impl Cluster {
    /// Sends a request and waits for its answer.
    ///
    /// # Guarantees
    ///
    /// Ends soon after the deadline at the latest. A request is sent again only when it certainly was not carried out, or
    /// when that does no harm. When the future is dropped before the request is written, it is never sent; after that
    /// whoever drops it knows as little as with [`CallError::Uncertain`].
    pub async fn request(&self, request: &Request) -> Result<Message, CallError> {
        let mut attempt = 0;
        loop {
            let link = self.link(request.target, request.deadline).await?;
            match once(&link, request).await {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again => {}
            }
            attempt += 1;
            // The waits of all clients grow alike, so they are spread.
            let wait = Duration::from_millis(100) * attempt;
            let again = Instant::now() + wait.mul_f64(0.5 + fastrand::f64());
            if again >= request.deadline {
                return Err(CallError::Deadline);
            }
            sleep_until(again).await;
        }
    }

    /// Sends a request as a struct and reads its answer into one.
    pub async fn call<C: Call>(&self, request: C, target: Target, deadline: Instant) -> Result<C::Answer, CallError> {
        let message = request.encode()?;
        let answer = self.request(&Request { message, target, deadline, repeat: Repeat::AsDeclared }).await?;
        Ok(C::Answer::decode(&answer)?)
    }

    /// The connection to send over; waits for one where any will do.
    async fn link(&self, target: Target, deadline: Instant) -> Result<Arc<Link>, CallError> {
        let mut views = self.views();
        loop {
            if matches!(views.borrow_and_update().state, State::Closed) {
                return Err(CallError::Closed);
            }
            match (self.route(target), target) {
                (Some(link), _) => return Ok(link),
                (None, Target::Member(uuid)) => return Err(CallError::MemberNotConnected(uuid)),
                (None, _) => {}
            }
            match timeout_at(deadline, views.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(CallError::Closed),
                Err(_) => return Err(CallError::NotConnected),
            }
        }
    }
}

async fn once(link: &Link, request: &Request) -> Attempt {
    let Request { message, target, deadline, repeat } = request;
    let declared = table::method(message.message_type()).is_some_and(|method| method.retryable);
    let harmless = declared && *repeat == Repeat::AsDeclared;
    let bound = matches!(target, Target::Member(_));
    let mut written = false;
    let result = timeout_at(*deadline, link.request(message.clone(), &mut written)).await;
    let doubt = |doubt| Attempt::Failed(CallError::Uncertain(doubt));
    match result {
        Err(_) if written && !harmless => doubt(Doubt::Deadline),
        Err(_) => Attempt::Failed(CallError::Deadline),
        Ok(Err(Unanswered { written: false, .. })) => match target {
            Target::Member(uuid) => Attempt::Failed(CallError::MemberNotConnected(*uuid)),
            Target::Any | Target::Partition(_) => Attempt::Again,
        },
        Ok(Err(Unanswered { written: true, .. })) if harmless && !bound => Attempt::Again,
        Ok(Err(Unanswered { written: true, .. })) if harmless => {
            Attempt::Failed(CallError::MemberNotConnected(link.member))
        }
        Ok(Err(Unanswered { written: true, why })) => doubt(Doubt::Lost(why)),
        Ok(Ok(answer)) if !answers(&answer, message) => {
            Attempt::Failed(CallError::OtherAnswer { found: answer.message_type() })
        }
        Ok(Ok(answer)) => match Fault::of(&answer) {
            Ok(None) => Attempt::Done(answer),
            Err(error) => Attempt::Failed(error.into()),
            Ok(Some(fault)) => match fault.code.meaning() {
                // Another member would do, but must not answer.
                Meaning::NotYet if bound && fault.code == ErrorCode::TARGET_NOT_MEMBER => {
                    Attempt::Failed(CallError::Refused(fault))
                }
                Meaning::NotYet => Attempt::Again,
                Meaning::Unknown if harmless => Attempt::Again,
                Meaning::Unknown => doubt(Doubt::Fault(fault)),
                Meaning::Refused => Attempt::Failed(CallError::Refused(fault)),
            },
        },
    }
}
