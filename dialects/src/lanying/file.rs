//! Files: upload and download URLs (lanying.md 10).

use super::{Params, Refusal, dto, envelope};
use crate::json::text_of;

/// The receiver of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTarget {
    /// A group or room rather than a user.
    pub is_group: bool,
    /// The id of the user, group or room.
    pub id: i64,
}

/// The content of a download, by `image_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileView {
    /// 1, and by default: the file.
    Original,
    /// 2: its thumbnail. 3, the cover of a video, is treated the same: the preview of the file.
    Thumbnail,
}

impl Params {
    /// The request for an upload URL. The kinds of file are 100 to 104 and 200 to 203.
    pub fn new_file(&self) -> Result<FileTarget, Refusal> {
        match self.int("file_type")? {
            Some(100..=104 | 200..=203) => self.file_target(),
            Some(_) => Err(Refusal::bad_parameter("file_type", "must be from 100 to 104 or from 200 to 203")),
            None => Err(Refusal::bad_parameter("file_type", "is required")),
        }
    }

    /// The receiver of a file.
    pub fn file_target(&self) -> Result<FileTarget, Refusal> {
        let is_group = match self.int("to_type")? {
            Some(1) => false,
            Some(2) => true,
            _ => return Err(Refusal::bad_parameter("to_type", "must be 1 (user) or 2 (group)")),
        };
        Ok(FileTarget { is_group, id: self.id("to_id")? })
    }

    /// What follows `sign=` in the URL of a file.
    pub fn file_sign(&self) -> Result<String, Refusal> {
        self.required_text("file_sign")
    }

    /// The requested version of a file; `format` is accepted and has no effect, since audio is not converted.
    pub fn file_view(&self) -> Result<FileView, Refusal> {
        match self.int("image_type")? {
            None | Some(1) => Ok(FileView::Original),
            Some(2 | 3) => Ok(FileView::Thumbnail),
            Some(_) => Err(Refusal::bad_parameter("image_type", "must be 1, 2 or 3")),
        }
    }
}

/// A permission to upload one file.
#[derive(Debug)]
pub struct FileTicket<'a> {
    /// The URL to post the form to.
    pub upload_url: &'a str,
    /// The URL of the file.
    pub download_url: &'a str,
    /// The file's name.
    pub key: &'a str,
    /// The policy.
    pub policy: &'a str,
    /// The signature of the policy.
    pub signature: &'a str,
}

/// The answer to the request for an upload URL. The form's fields are those of the vendor's store: `callback` is empty,
/// since the server that receives the file is the one to be notified.
pub fn file_ticket(ticket: &FileTicket<'_>) -> Vec<u8> {
    let FileTicket { upload_url, download_url, key, policy, signature } = *ticket;
    envelope::answer(dto::FileTicket {
        upload_url,
        download_url,
        upload_method: "POST",
        oss_body_param: dto::OssFields { access_key: "tidings", policy, signature, callback: "", key },
    })
}

/// The permissions of an upload, as in the policy of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePolicy {
    /// The app.
    pub app_id: String,
    /// The file's name.
    pub key: String,
    /// The owner; 0 is the app itself.
    pub user_id: i64,
    /// Expiry, in Unix seconds.
    pub expires: i64,
}

impl FilePolicy {
    /// Serializes it to JSON.
    pub fn write(&self) -> String {
        let Self { app_id, key, user_id, expires } = self;
        text_of(&dto::FilePolicy { app_id, key, user_id: *user_id, expires: *expires })
    }

    /// Parses it from JSON.
    pub fn read(json: &[u8]) -> Option<Self> {
        let dto::FilePolicy { app_id, key, user_id, expires } = serde_json::from_slice(json).ok()?;
        Some(Self { app_id: app_id.to_owned(), key: key.to_owned(), user_id, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::read(query, b"").unwrap()
    }

    #[test]
    fn a_new_file_has_a_kind_and_a_target_lanying_10() {
        let target = FileTarget { is_group: true, id: 17 };
        assert_eq!(params("file_type=102&to_type=2&to_id=17").new_file(), Ok(target));
        for bad in [
            "to_type=2&to_id=17",
            "file_type=105&to_type=2&to_id=17",
            "file_type=102&to_type=3&to_id=17",
            "file_type=102&to_id=17",
            "file_type=102&to_type=1",
            "file_type=x&to_type=1&to_id=16",
        ] {
            assert_eq!(params(bad).new_file().unwrap_err().code, 10002, "{bad}");
        }
    }

    #[test]
    fn a_view_is_a_number_lanying_10() {
        assert_eq!(params("format=mp3").file_view(), Ok(FileView::Original));
        assert_eq!(params("image_type=2").file_view(), Ok(FileView::Thumbnail));
        assert_eq!(params("image_type=4").file_view().unwrap_err().code, 10002);
    }

    #[test]
    fn a_policy_is_read_as_it_was_written() {
        let policy = FilePolicy { app_id: "demo".into(), key: "k".into(), user_id: 16, expires: 1_752_600_000 };
        assert_eq!(FilePolicy::read(policy.write().as_bytes()), Some(policy));
        assert_eq!(FilePolicy::read(b"{}"), None);
    }
}
