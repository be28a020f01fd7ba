//! Contacts, and requests to become one.

use std::time::Duration;

use tidings_domain::{Error, UnixMillis, UserId};

use super::check_text;

/// How long a request waits.
pub(crate) const REQUEST_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// Maximum number of requests that wait for a user.
pub(crate) const MAX_WAITING: i64 = 1_000;

const MAX_REMARK: usize = 512;
const MAX_EXT: usize = 1024;
const MAX_TEXT: usize = 512;

/// A user's contact.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) user: UserId,
    /// Empty: none.
    pub(crate) username: String,
    pub(crate) remark: String,
    pub(crate) ext: String,
    pub(crate) mute_notification: bool,
    pub(crate) added_at: UnixMillis,
}

/// A row to add: `contact` becomes a contact of `user`.
#[derive(Debug)]
pub(crate) struct NewContact {
    pub(crate) user: UserId,
    pub(crate) contact: UserId,
    pub(crate) remark: String,
}

/// Changes of what a user notes about a contact; absent fields are unchanged.
#[derive(Debug, Default)]
pub(crate) struct ContactChange {
    pub(crate) remark: Option<String>,
    pub(crate) ext: Option<String>,
    pub(crate) mute_notification: Option<bool>,
}

impl ContactChange {
    /// Refuses texts that are too long.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_text("remark", self.remark.as_deref().unwrap_or_default(), MAX_REMARK)?;
        check_text("ext", self.ext.as_deref().unwrap_or_default(), MAX_EXT)
    }
}

/// What the asking user writes.
#[derive(Debug)]
pub(crate) struct NewContactRequest {
    pub(crate) text: String,
    /// Their remark on the other, once they are contacts.
    pub(crate) remark: String,
}

impl NewContactRequest {
    /// Refuses texts that are too long.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_text("text", &self.text, MAX_TEXT)?;
        check_text("remark", &self.remark, MAX_REMARK)
    }
}

/// A pending request to a user.
#[derive(Debug, Clone)]
pub(crate) struct ContactRequest {
    pub(crate) from: UserId,
    /// Empty: none.
    pub(crate) username: String,
    pub(crate) text: String,
    pub(crate) made_at: UnixMillis,
}

/// What another user is to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Contact,
    Stranger,
    /// On the user's block list, contact or not.
    Blocked,
}

/// Another user, as a user sees them.
#[derive(Debug, Clone)]
pub(crate) struct ContactProfile {
    pub(crate) contact: Contact,
    pub(crate) relation: Relation,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
    pub(crate) description: String,
    pub(crate) public_info: String,
}
