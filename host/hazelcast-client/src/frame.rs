//! Frames, of which every message is made: a length, flags, and a payload.

use std::fmt;

/// The bytes before a frame's payload: its length with these bytes (4) and its flags (2), both little endian.
pub const HEADER: usize = 6;

/// The flags of a frame. Bits that the protocol reserves are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// The first fragment, or with [`Flags::END_FRAGMENT`] a message that is not fragmented.
    pub const BEGIN_FRAGMENT: Self = Self(0x8000);
    /// The last fragment.
    pub const END_FRAGMENT: Self = Self(0x4000);
    /// Both fragment bits: the initial frame of a message that is not fragmented.
    pub const UNFRAGMENTED: Self = Self(0xc000);
    /// The last frame of a message or fragment.
    pub const FINAL: Self = Self(0x2000);
    /// Opens a list, map or custom type.
    pub const BEGIN: Self = Self(0x1000);
    /// Closes what [`Flags::BEGIN`] opened.
    pub const END: Self = Self(0x0800);
    /// Stands for a field that is null.
    pub const NULL: Self = Self(0x0400);
    /// On an initial frame: an event, no response.
    pub const EVENT: Self = Self(0x0200);
    /// On an initial frame: the acknowledgement of a backup.
    pub const BACKUP_EVENT: Self = Self(0x0080);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its flags.
    pub flags: Flags,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// How much of a peer's bytes is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one frame with its header.
    pub frame_bytes: usize,
    /// Bytes of one message, put together from its fragments, with the headers of its frames.
    pub message_bytes: usize,
    /// Frames of one message.
    pub frames: usize,
}

impl Default for Limits {
    /// The largest honest answer is a timed member state of a few hundred KiB; these leave room for a hundred times
    /// that, and keep a hostile member below what an operator can bear.
    fn default() -> Self {
        Self { frame_bytes: 16 << 20, message_bytes: 32 << 20, frames: 1 << 20 }
    }
}

/// Bytes that are no frames, or more of them than is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length below that of the header, or a negative one.
    #[error("a frame says that it is {0} bytes long")]
    Length(i32),
    /// A frame longer than [`Limits::frame_bytes`].
    #[error("a frame of {bytes} bytes is longer than the limit of {limit}")]
    FrameTooLong {
        /// What the frame says.
        bytes: usize,
        /// What is accepted.
        limit: usize,
    },
    /// A message longer than [`Limits::message_bytes`], or fragments that add up to that.
    #[error("a message is longer than the limit of {limit} bytes")]
    MessageTooLong {
        /// What is accepted.
        limit: usize,
    },
    /// A message of more frames than [`Limits::frames`].
    #[error("a message has more than {limit} frames")]
    TooManyFrames {
        /// What is accepted.
        limit: usize,
    },
    /// The bytes end inside a frame, or before the frame that ends the message.
    #[error("the bytes end inside a message")]
    Truncated,
    /// Bytes after the frame that ends the message.
    #[error("{0} bytes follow the end of a message")]
    Trailing(usize),
    /// An initial frame too short to tell a type and a correlation id.
    #[error("an initial frame has a payload of {0} bytes only")]
    ShortInitialFrame(usize),
    /// A fragment that does not fit what was sent before.
    #[error("fragment {id:#018x} {problem}")]
    Fragment {
        /// The id of the sequence.
        id: u64,
        /// What is wrong, for people.
        problem: &'static str,
    },
}

/// The frame at the start of `bytes` and what follows it; `None` when more bytes are needed.
///
/// A length that is illegal or above the limit is refused as soon as the header is there.
pub fn split<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Option<(Frame<'a>, &'a [u8])>, FrameError> {
    let Some((length, after)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let signed = i32::from_le_bytes(*length);
    let length = usize::try_from(signed).ok().filter(|length| *length >= HEADER).ok_or(FrameError::Length(signed))?;
    if length > limits.frame_bytes {
        return Err(FrameError::FrameTooLong { bytes: length, limit: limits.frame_bytes });
    }
    let Some((flags, after)) = after.split_first_chunk::<2>() else { return Ok(None) };
    let Some((payload, rest)) = after.split_at_checked(length - HEADER) else { return Ok(None) };
    Ok(Some((Frame { flags: Flags(u16::from_le_bytes(*flags)), payload }, rest)))
}

/// The frames of bytes that are known to be whole frames. Ends early where they are not.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Over `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next frame, which stays the next one.
    pub fn peek(&self) -> Option<Frame<'a>> {
        self.clone().next()
    }

    /// The bytes of the frames that are still to come.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        const WHOLE: Limits = Limits { frame_bytes: usize::MAX, message_bytes: usize::MAX, frames: usize::MAX };
        let (frame, rest) = split(self.rest, &WHOLE).ok()??;
        self.rest = rest;
        Some(frame)
    }
}

/// Writes frames one after the other.
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    bytes: Vec<u8>,
    last: usize,
}

impl FrameWriter {
    /// Begins a frame; its payload is what is put until the next one begins.
    pub(crate) fn begin(&mut self, flags: Flags) {
        self.end();
        self.last = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&flags.0.to_le_bytes());
    }

    pub(crate) fn put(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
    }

    /// A whole frame.
    pub(crate) fn frame(&mut self, flags: Flags, payload: &[u8]) {
        self.begin(flags);
        self.put(payload);
    }

    /// Frames that are encoded already.
    pub(crate) fn raw(&mut self, frames: &[u8]) {
        for Frame { flags, payload } in Frames::new(frames) {
            self.frame(flags.without(Flags::FINAL), payload);
        }
    }

    fn end(&mut self) {
        let length = u32::try_from(self.bytes.len() - self.last).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(self.last..).and_then(<[u8]>::first_chunk_mut::<4>) {
            *place = length.to_le_bytes();
        }
    }

    /// The frames, none of which ends the message.
    pub(crate) fn without_end(mut self) -> Vec<u8> {
        self.end();
        self.bytes
    }

    /// The frames, the last of which ends the message.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.end();
        if let Some(high) = self.bytes.get_mut(self.last + 5) {
            *high |= Flags::FINAL.0.to_le_bytes()[1];
        }
        self.bytes
    }
}
