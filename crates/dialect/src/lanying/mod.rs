//! Lanying.
