//! Files that are kept here.

use crate::UnixMillis;

/// A file as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Names it; nobody can guess it.
    pub uuid: String,
    /// The name to show; may be empty.
    pub name: String,
    /// What the bytes are.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, as hex digits.
    pub sha256: String,
    /// Whether downloads need the secret.
    pub restricted: bool,
    /// Opens a restricted file.
    pub secret: String,
    /// A smaller picture of it.
    pub thumbnail: Option<Thumbnail>,
    /// When it was taken in.
    pub created_at: UnixMillis,
    /// Until when it is kept; `None` is for ever.
    pub expires_at: Option<UnixMillis>,
}

/// What a download shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// What the bytes are.
    pub content_type: &'a str,
    /// Bytes.
    pub size: u64,
    /// The file itself rather than its thumbnail.
    pub is_file: bool,
}

impl StoredFile {
    /// Pictures up to this size are their own thumbnails (agora.md 3.2).
    pub const SMALL: u64 = 10 * 1024;

    fn is_picture(&self) -> bool {
        matches!(self.content_type.as_str(), "image/jpeg" | "image/png" | "image/gif" | "image/webp")
    }

    /// Whether a thumbnail is to be made (agora.md 3.2).
    pub fn is_large_picture(&self) -> bool {
        self.is_picture() && self.size > Self::SMALL
    }

    /// The file, or its thumbnail if there is one.
    pub fn shown(&self, thumbnail: bool) -> Option<Shown<'_>> {
        let file = Shown { content_type: &self.content_type, size: self.size, is_file: true };
        match &self.thumbnail {
            _ if !thumbnail => Some(file),
            Some(made) => Some(Shown { content_type: &made.content_type, size: made.size, is_file: false }),
            None => Some(file).filter(|_| self.is_picture() && self.size <= Self::SMALL),
        }
    }
}

/// A smaller picture of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// What its bytes are.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
}
