//! What a check of stored data finds.

use std::fmt;

use crate::AppId;

/// One fault in what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of fault, such as `seq_gap`: a stable word for scripts.
    pub kind: &'static str,
    /// The app that it belongs to, if it belongs to one.
    pub app: Option<AppId>,
    /// The conversation, lane, file or table.
    pub place: String,
    /// What is wrong, for humans.
    pub what: String,
}

impl Finding {
    /// A fault in an app's data.
    pub fn of_app(app: AppId, kind: &'static str, place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self { kind, app: Some(app), place: place.to_string(), what: what.into() }
    }

    /// A fault that belongs to no app.
    pub fn of_storage(kind: &'static str, place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self { kind, app: None, place: place.to_string(), what: what.into() }
    }
}
