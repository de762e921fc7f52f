//! Recordings and replay.
