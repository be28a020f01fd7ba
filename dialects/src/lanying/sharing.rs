//! Shared files, display names and invitations of groups (lanying.md 10).

#![expect(missing_docs, reason = "the vendor's names, described in lanying.md 10")]

use serde::Serialize;

use super::{Params, Refusal, dto};
use crate::json::bytes_of;

/// Success.
const OK: i32 = 200;

/// A file to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroupFile {
    pub group_id: i64,
    pub name: String,
    /// The download URL of an uploaded file.
    pub url: String,
}

impl Params {
    /// A file to share. `size` and `type` are accepted and have no effect: the file's own are known.
    pub fn new_group_file(&self) -> Result<NewGroupFile, Refusal> {
        self.int("size")?;
        self.text("type")?;
        Ok(NewGroupFile { group_id: self.group()?, name: self.required_text("name")?, url: self.required_text("url")? })
    }

    /// The announcement of the call.
    pub fn announcement(&self) -> Result<i64, Refusal> {
        self.id("announcement_id")
    }

    /// Title and text of a new announcement.
    pub fn new_announcement(&self) -> Result<(String, String), Refusal> {
        Ok((self.text("title")?.unwrap_or_default(), self.required_text("content")?))
    }

    /// The shared file of the call.
    pub fn group_file(&self) -> Result<i64, Refusal> {
        self.id("file_id")
    }

    /// Its new name.
    pub fn file_name(&self) -> Result<String, Refusal> {
        self.required_text("name")
    }

    /// The shared files of the call.
    pub fn group_files(&self) -> Result<Vec<i64>, Refusal> {
        self.ids("file_list")
    }

    /// A page of a list whose cursor is a text: the cursor, empty for the first page, and the page's size.
    pub fn text_part(&self) -> Result<(String, i32), Refusal> {
        let cursor = self.text("cursor")?.unwrap_or_default();
        Ok((cursor, self.count("limit", 1000, 1000)? as i32))
    }
}

/// A page of a list whose cursor is a text, empty on the last page.
pub fn text_page<D: Serialize>(data: D, next: String) -> Vec<u8> {
    let page = Some(dto::PageEnd { cursor: Some(next).filter(|next| !next.is_empty()), total: None, version: 0 });
    bytes_of(&dto::Envelope { code: OK, data: Some(data), message: None, msg_ids: None, page })
}

/// `/group/announcement`.
#[derive(Debug, Serialize)]
pub struct GroupAnnouncement<'a> {
    pub id: i64,
    pub group_id: i64,
    pub author: i64,
    pub title: &'a str,
    pub content: &'a str,
    pub created_at: i64,
}

/// `/group/file/list`.
#[derive(Debug, Serialize)]
pub struct GroupFile<'a> {
    pub file_id: i64,
    pub group_id: i64,
    pub name: &'a str,
    pub size: i64,
    pub uploader: i64,
    pub url: String,
    pub created_at: i64,
    pub updated_at: i64,
}

/// `/group/file/delete`, for one file.
#[derive(Debug, Serialize)]
pub struct FileResult {
    pub file_id: i64,
    pub result: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl FileResult {
    /// Without a reason a success.
    pub fn of(file_id: i64, reason: Option<String>) -> Self {
        let result = if reason.is_none() { "success" } else { "fail" };
        Self { file_id, result, reason: reason.unwrap_or_default() }
    }
}

/// `/group/invitation_list`.
#[derive(Debug, Serialize)]
pub struct GroupInvitation<'a> {
    pub group_id: i64,
    pub inviter_id: i64,
    pub invitee_id: i64,
    pub reason: &'a str,
    /// 0: it waits.
    pub status: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_to_share_has_a_name_and_a_url_lanying_10() {
        let read = |body: &str| Params::read("", body.as_bytes()).unwrap().new_group_file();
        let file = NewGroupFile { group_id: 17, name: "plan".to_owned(), url: "http://x/y".to_owned() };
        assert_eq!(read(r#"{"group_id":17,"name":"plan","url":"http://x/y","size":7,"type":"pdf"}"#), Ok(file));
        for bad in [
            r#"{"name":"plan","url":"u"}"#,
            r#"{"group_id":17,"url":"u"}"#,
            r#"{"group_id":17,"name":"plan"}"#,
            r#"{"group_id":17,"name":"plan","url":"u","size":"big"}"#,
        ] {
            assert_eq!(read(bad).unwrap_err().code, 10002, "{bad}");
        }
    }
}
