//! Queue, passes, read sets, memo.
