//! Pure codecs: each vendor's JSON to and from the neutral model. No I/O, no rules of our own.
//!
//! One module for each dialect; no dialect knows another. Wire names live in files called `dto.rs`.

pub mod agora;
mod entries;
mod flag;
mod json;
pub mod lanying;
mod number;
mod reading;
pub mod tencent;
