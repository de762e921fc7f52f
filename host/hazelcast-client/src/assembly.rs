//! Messages out of a stream of bytes, and their fragments.

use crate::frame::{Flags, Frame, FrameError, FrameWriter, HEADER, Limits, split};
use crate::message::Message;
use std::collections::BTreeMap;

/// How many fragmented messages may be under way at once on one connection. Members answer operators in one piece; a
/// sender that opens many and finishes none must not fill the memory.
const OPEN: usize = 16;

/// Finds whole messages in bytes as they arrive, and puts fragments together.
///
/// # Guarantees
///
/// Keeps no more than [`Limits::message_bytes`] and the bytes of the last [`Assembler::feed`], and as much again for all
/// fragmented messages under way. After an error the stream is out of step; nothing more should be read from it.
#[derive(Debug)]
pub struct Assembler {
    limits: Limits,
    buffer: Vec<u8>,
    /// How many bytes of `buffer` are whole frames of the message that is not whole yet.
    scanned: usize,
    frames: usize,
    open: BTreeMap<u64, Part>,
}

/// A message whose last fragment has not come.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    frames: usize,
}

impl Assembler {
    /// With nothing read yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), scanned: 0, frames: 0, open: BTreeMap::new() }
    }

    /// Takes what was read. Call [`Assembler::message`] until it has no more before the next call.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether bytes of a message have come whose end has not.
    pub fn is_inside_message(&self) -> bool {
        !self.buffer.is_empty() || !self.open.is_empty()
    }

    /// How many bytes are kept of messages that are not whole.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.open.values().map(|part| part.bytes.len()).sum::<usize>()
    }

    /// The next whole message.
    pub fn message(&mut self) -> Result<Option<Message>, FrameError> {
        while let Some(bytes) = self.sequence()? {
            let (initial, _) = split(&bytes, &self.limits)?.ok_or(FrameError::Truncated)?;
            if initial.flags.has(Flags::UNFRAGMENTED) {
                return Message::of_frames(bytes).map(Some);
            }
            if let Some(message) = self.fragment(&bytes)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// The next frames up to one that ends a message or fragment.
    fn sequence(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some((frame, _)) = split(rest, &self.limits)? else {
                self.within_message_limit(rest.len())?;
                return Ok(None);
            };
            let length = HEADER + frame.payload.len();
            let ends = frame.flags.has(Flags::FINAL);
            self.within_message_limit(length)?;
            self.scanned += length;
            self.frames += 1;
            if self.frames > self.limits.frames {
                return Err(FrameError::TooManyFrames { limit: self.limits.frames });
            }
            if ends {
                let message = self.buffer.drain(..self.scanned).collect();
                (self.scanned, self.frames) = (0, 0);
                return Ok(Some(message));
            }
        }
    }

    fn within_message_limit(&self, more: usize) -> Result<(), FrameError> {
        let limit = self.limits.message_bytes;
        if self.scanned.saturating_add(more) > limit { Err(FrameError::MessageTooLong { limit }) } else { Ok(()) }
    }

    /// Adds a fragment to its message; the message when it was the last one.
    fn fragment(&mut self, bytes: &[u8]) -> Result<Option<Message>, FrameError> {
        let Some((Frame { flags, payload }, frames)) = split(bytes, &self.limits)? else { return Ok(None) };
        let id = payload.first_chunk().map(|id| u64::from_le_bytes(*id));
        let id = id.ok_or(FrameError::ShortInitialFrame(payload.len()))?;
        let wrong = |problem| FrameError::Fragment { id, problem };
        if flags.has(Flags::BEGIN_FRAGMENT) {
            if self.open.len() >= OPEN {
                return Err(wrong("is one of too many at once"));
            }
            if self.open.insert(id, Part::default()).is_some() {
                return Err(wrong("begins twice"));
            }
        }
        let kept: usize = self.open.values().map(|part| part.bytes.len()).sum();
        if kept.saturating_add(frames.len()) > self.limits.message_bytes {
            return Err(FrameError::MessageTooLong { limit: self.limits.message_bytes });
        }
        let part = self.open.get_mut(&id).ok_or(wrong("was not begun"))?;
        let mut rest = frames;
        while let Some((frame, after)) = split(rest, &self.limits)? {
            part.frames += 1;
            if part.frames > self.limits.frames {
                return Err(FrameError::TooManyFrames { limit: self.limits.frames });
            }
            // Only the very last frame of the message ends it; inside, the flag ended fragments.
            let ends = after.is_empty() && flags.has(Flags::END_FRAGMENT);
            let flags = if ends { frame.flags.with(Flags::FINAL) } else { frame.flags.without(Flags::FINAL) };
            let length = rest.len() - after.len();
            part.bytes.extend_from_slice(rest.get(..4).unwrap_or_default());
            part.bytes.extend_from_slice(&flags.0.to_le_bytes());
            part.bytes.extend_from_slice(rest.get(HEADER..length).unwrap_or_default());
            rest = after;
        }
        if !flags.has(Flags::END_FRAGMENT) {
            return Ok(None);
        }
        let part = self.open.remove(&id).unwrap_or_default();
        // A last fragment of nothing but its extra frame leaves the end of the message unmarked.
        if part.bytes.is_empty() {
            return Err(wrong("ends without a message"));
        }
        Message::parse(part.bytes, &self.limits).map(Some)
    }
}

/// Cuts `message` into fragments of `id`, each of as many whole frames as fit into `bytes`, and at least one. A message
/// that fits, or has one frame only, is returned as it is.
pub fn fragments(message: &Message, bytes: usize, id: u64) -> Vec<Vec<u8>> {
    const EXTRA: usize = HEADER + 8;
    if message.bytes().len() <= bytes {
        return vec![message.bytes().to_vec()];
    }
    let mut groups: Vec<Vec<Frame<'_>>> = Vec::new();
    let mut size = 0;
    for frame in message.frames() {
        let length = HEADER + frame.payload.len();
        match groups.last_mut() {
            Some(group) if size + length <= bytes => group.push(frame),
            _ => {
                groups.push(vec![frame]);
                size = EXTRA;
            }
        }
        size += length;
    }
    let last = groups.len().saturating_sub(1);
    if last == 0 {
        return vec![message.bytes().to_vec()];
    }
    let fragment = |(at, group): (usize, &Vec<Frame<'_>>)| {
        let begin = if at == 0 { Flags::BEGIN_FRAGMENT } else { Flags::default() };
        let end = if at == last { Flags::END_FRAGMENT } else { Flags::default() };
        let mut writer = FrameWriter::default();
        writer.frame(begin.with(end), &id.to_le_bytes());
        for frame in group {
            writer.frame(frame.flags.without(Flags::FINAL), frame.payload);
        }
        writer.finish()
    };
    groups.iter().enumerate().map(fragment).collect()
}
