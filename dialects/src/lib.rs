//! Pure codecs: each vendor's JSON to and from the neutral model. No I/O, no rules of our own.
//!
//! One module per dialect; dialects do not depend on each other. Wire names are in files called `dto.rs`.

pub mod agora;
mod entries;
mod flag;
mod json;
pub mod lanying;
mod number;
mod pairs;
mod reading;
pub mod tencent;
