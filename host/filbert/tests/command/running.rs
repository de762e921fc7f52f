//! A running `filbert dev`, and what the other commands say about it.
