//! Recordings of passes, and their replay.
//!
//! A guest is a pure function of what it is called with and what it reads, so a recording of these is enough to call it
//! again. The same version of a module must then give the same bytes, for ever; another version shows what it would do
//! differently. A call that broke has no answer and so is not recorded.

mod recording;
mod replay;
mod tape;

pub use recording::{
    FormatError, RecordedAnswer, RecordedCall, RecordedModule, RecordedReview, RecordedStep, Recording,
};
pub use replay::{Verdict, replay};
