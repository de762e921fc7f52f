//! Whole messages in their encoded form, and what can be read of them without knowing their fields.

use crate::frame::{Flags, Frame, FrameError, Frames, HEADER, Limits, split};
use std::fmt;

/// Which message: `00 SS MM KK`, service, method, and within it 0 for the request, 1 for the response, 2 and more for
/// events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u32);

impl MessageType {
    /// The response that carries errors, to whatever request.
    pub const ERROR: Self = Self(0);

    /// The service.
    pub const fn service(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// The method within the service.
    pub const fn method(self) -> u8 {
        self.0.to_be_bytes()[2]
    }

    /// The request of the same method.
    #[must_use]
    pub const fn request(self) -> Self {
        Self(self.0 & !0xff)
    }

    /// The response of the same method.
    #[must_use]
    pub const fn response(self) -> Self {
        Self(self.0 & !0xff | 1)
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#08X}", self.0)
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the correlation id is, counted from the first byte of the message.
const CORRELATION: usize = HEADER + 4;
/// Where a request or event has its partition id.
const PARTITION: usize = CORRELATION + 8;
/// What every initial frame has: type, correlation id, and one byte more (a response's count of backups).
const INITIAL: usize = 13;

/// One whole message that is not fragmented, encoded.
///
/// # Guarantees
///
/// The bytes are whole frames; exactly the last one ends the message, and the initial one tells type and correlation id.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// Takes `bytes` for one message.
    pub fn parse(bytes: Vec<u8>, limits: &Limits) -> Result<Self, FrameError> {
        if bytes.len() > limits.message_bytes {
            return Err(FrameError::MessageTooLong { limit: limits.message_bytes });
        }
        let mut rest = bytes.as_slice();
        let mut frames = 0;
        loop {
            let (frame, after) = split(rest, limits)?.ok_or(FrameError::Truncated)?;
            frames += 1;
            if frames > limits.frames {
                return Err(FrameError::TooManyFrames { limit: limits.frames });
            }
            rest = after;
            if frame.flags.has(Flags::FINAL) {
                break;
            }
        }
        if rest.is_empty() { Self::of_frames(bytes) } else { Err(FrameError::Trailing(rest.len())) }
    }

    /// Takes bytes whose frames have been looked at.
    pub(crate) fn of_frames(bytes: Vec<u8>) -> Result<Self, FrameError> {
        let initial = Frames::new(&bytes).next().map_or(0, |frame| frame.payload.len());
        if initial < INITIAL {
            return Err(FrameError::ShortInitialFrame(initial));
        }
        Ok(Self { bytes })
    }

    /// The encoded message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The encoded message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// All frames, the initial one first.
    pub fn frames(&self) -> Frames<'_> {
        Frames::new(&self.bytes)
    }

    /// The first frame.
    pub fn initial(&self) -> Frame<'_> {
        self.frames().next().unwrap_or(Frame { flags: Flags::UNFRAGMENTED, payload: &[] })
    }

    /// Which message this is.
    pub fn message_type(&self) -> MessageType {
        MessageType(u32::from_le_bytes(self.at(HEADER)))
    }

    /// What ties a response or event to its request.
    pub fn correlation(&self) -> i64 {
        i64::from_le_bytes(self.at(CORRELATION))
    }

    /// Gives the message another correlation id.
    pub fn set_correlation(&mut self, id: i64) {
        if let Some(place) = self.bytes.get_mut(CORRELATION..).and_then(<[u8]>::first_chunk_mut) {
            *place = id.to_le_bytes();
        }
    }

    /// Makes it a message of another type, for types that have the same fields.
    #[cfg(feature = "connection")]
    pub(crate) fn set_message_type(&mut self, to: MessageType) {
        if let Some(place) = self.bytes.get_mut(HEADER..).and_then(<[u8]>::first_chunk_mut) {
            *place = to.0.to_le_bytes();
        }
    }

    /// The partition that a request or event is about; `None` where it has none.
    pub fn partition(&self) -> Option<i32> {
        (self.initial().payload.len() >= 16).then(|| i32::from_le_bytes(self.at(PARTITION))).filter(|id| *id >= 0)
    }

    /// Whether this is an event, which nobody waits for as an answer.
    pub fn is_event(&self) -> bool {
        self.initial().flags.has(Flags::EVENT)
    }

    fn at<const N: usize>(&self, from: usize) -> [u8; N] {
        self.bytes.get(from..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id, bytes) = (self.message_type(), self.correlation(), self.bytes.len());
        write!(f, "Message({kind}, correlation {id}, {bytes} bytes)")
    }
}
