//! Stored files.

use crate::{UnixMillis, UserId};

/// The description of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, which cannot be guessed.
    pub uuid: String,
    /// The display name; may be empty.
    pub name: String,
    /// The type of the bytes.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, as hex digits.
    pub sha256: String,
    /// Whether downloads need the secret.
    pub restricted: bool,
    /// The secret of a restricted file.
    pub secret: String,
    /// A smaller version of it.
    pub thumbnail: Option<Thumbnail>,
    /// Width and height of an image or a video, upright, in pixels; of a video if its container has them.
    pub dimensions: Option<(u32, u32)>,
    /// Who uploaded it: a user, or the app itself as [`UserId::ADMIN`]; `None` if it was not recorded.
    pub owner: Option<UserId>,
    /// When it was stored.
    pub created_at: UnixMillis,
    /// Until when it is kept; `None` is forever.
    pub expires_at: Option<UnixMillis>,
}

/// What a download returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The type of the bytes.
    pub content_type: &'a str,
    /// Bytes.
    pub size: u64,
    /// The file itself rather than its thumbnail.
    pub is_file: bool,
}

/// Maximum bytes of a stored file name.
const MAX_NAME: usize = 255;
/// Maximum bytes of an extension, with its dot, that is kept when a name is cut.
const MAX_EXTENSION: usize = 32;
/// What precedes a uuid in the URL of a file.
const PATHS: [&str; 2] = ["/chatfiles/", "/file/download/"];

impl StoredFile {
    /// Images up to this size are their own thumbnails (agora.md 3.2).
    pub const SMALL: u64 = 10 * 1024;

    /// Whether it is an image in a supported format.
    pub fn is_picture(&self) -> bool {
        matches!(self.content_type.as_str(), "image/jpeg" | "image/png" | "image/gif" | "image/webp")
    }

    /// Whether it is a video.
    pub fn is_video(&self) -> bool {
        self.content_type.starts_with("video/")
    }

    /// Whether to make a thumbnail (agora.md 3.2).
    pub fn is_large_picture(&self) -> bool {
        self.is_picture() && self.size > Self::SMALL
    }

    /// A file's name as stored: without the folders that some clients send with it, without control characters, and not
    /// too long. A long name is cut before its extension, by which devices choose how to
    /// open it.
    pub fn name_of(given: &str) -> String {
        let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
        if name.len() <= MAX_NAME {
            return name;
        }
        let extension = name.rfind('.').map(|dot| name[dot..].to_owned()).filter(|end| end.len() <= MAX_EXTENSION);
        let extension = extension.unwrap_or_default();
        name.truncate(name.floor_char_boundary(MAX_NAME - extension.len()));
        name + &extension
    }

    /// The uuid in the URL of one of our files, whatever the host: what follows `/chatfiles/` (agora.md 3.1) or
    /// `/file/download/` (lanying.md 10).
    pub fn uuid_in(url: &str) -> Option<&str> {
        let path = url.split(['?', '#']).next()?;
        let named = PATHS.iter().find_map(|before| path.rsplit_once(before))?.1;
        let is_uuid = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        (named.len() == 36 && named.bytes().enumerate().all(is_uuid)).then_some(named)
    }

    /// Whether a text may contain the URL of one of our files as [`Self::uuid_in`] parses it; quick.
    pub fn may_be_in(text: &str) -> bool {
        PATHS.iter().any(|before| text.contains(before))
    }

    /// The path of one of our files inside its app, by its name; `None` for what cannot be a name of ours. The caller
    /// prepends the app's base URL.
    pub fn path_of(uuid: &str) -> Option<String> {
        let path = format!("{}{}", PATHS[0], uuid.to_ascii_lowercase());
        Self::uuid_in(&path).is_some().then_some(path)
    }

    /// Whether a URL is such a path, with nothing before it.
    pub fn is_path(url: &str) -> bool {
        url.starts_with(PATHS[0])
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

/// A smaller version of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The type of its bytes.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_control_characters() {
        assert_eq!(StoredFile::name_of("C:\\pictures\\cat\0.png"), "cat.png");
        assert_eq!(StoredFile::name_of("../../etc/passwd"), "passwd");
        assert_eq!(StoredFile::name_of(&"ä".repeat(200)).len(), 254);
    }

    #[test]
    fn a_name_that_is_too_long_keeps_its_extension() {
        let cut = StoredFile::name_of(&format!("{}.tar.jpeg", "猫".repeat(200)));
        assert!(cut.len() <= 255 && cut.starts_with("猫") && cut.ends_with("猫.jpeg"), "{cut}");
        assert_eq!(StoredFile::name_of(&format!("a.{}", "x".repeat(300))).len(), 255, "that is no extension");
        let fits = format!("{}.png", "x".repeat(251));
        assert_eq!(StoredFile::name_of(&fits), fits);
    }

    #[test]
    fn our_own_files_are_known_by_their_addresses() {
        let uuid = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";
        for (url, found) in [
            (format!("https://chat.example/acme/lobby/chatfiles/{uuid}"), Some(uuid)),
            (format!("http://[::1]:8080/acme/lobby/chatfiles/{uuid}?share-secret=x#y"), Some(uuid)),
            (format!("/file/download/{uuid}?sign=abc"), Some(uuid)),
            (format!("https://elsewhere.example/{uuid}"), None),
            (format!("https://chat.example/acme/lobby/chatfiles/{uuid}/more"), None),
            (format!("https://x.example/?u=/chatfiles/{uuid}"), None),
            (format!("https://x.example/chatfiles/{}", uuid.to_uppercase()), None),
            ("/chatfiles/".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(StoredFile::uuid_in(&url), found, "{url}");
        }
    }
}
