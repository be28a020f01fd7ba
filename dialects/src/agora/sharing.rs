//! Shared files and super admins (agora.md 10.3, 10.4).

use tidings_domain::{Error, Reason, Username};

use super::{Call, PageQuery, Refusal, Timing, dto, group_list, refusal::decode};
use crate::json::{Label, bytes_of};

/// A shared file as shown in answers.
#[derive(Debug, Clone)]
pub struct SharedFile {
    /// `file_id`
    pub uuid: String,
    /// `file_name`
    pub name: String,
    /// `file_owner`: a folded name.
    pub owner: String,
    /// Bytes.
    pub size: i64,
    /// Milliseconds.
    pub created: i64,
}

/// The answer to the upload of a shared file; `url` is where members download it.
pub fn file_shared(call: &Call<'_>, timing: Timing, (group, url): (i64, &str), file: &SharedFile) -> Vec<u8> {
    let data = dto::FileShared {
        file_url: url,
        group_id: group.to_string(),
        file_name: &file.name,
        created: file.created,
        file_size: file.size,
        file_id: &file.uuid,
    };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A page of shared files.
pub fn shared_files(call: &Call<'_>, timing: Timing, page: &PageQuery, files: &[SharedFile]) -> Vec<u8> {
    let shown = files.iter().map(|file| dto::SharedFile {
        file_id: &file.uuid,
        file_name: &file.name,
        file_owner: file.owner.clone(),
        file_size: file.size,
        created: file.created,
    });
    group_list::page(call, timing, page, shown.collect(), 0)
}

/// The answer to the deletion of a shared file.
pub fn file_unshared(call: &Call<'_>, timing: Timing, group: i64, uuid: &str) -> Vec<u8> {
    let data = dto::FileUnshared { group_id: group.to_string(), file_id: uuid, result: true };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// Parses the body that makes a user a super admin.
pub fn new_super_admin(body: &[u8]) -> Result<Username, Refusal> {
    let dto: dto::NewSuperAdmin<'_> = decode(body)?;
    let name = Label::given(dto.superadmin.as_ref());
    let name = name.ok_or_else(|| Refusal::new(400, "invalid_parameter", "superadmin must be provided"))?;
    Ok(Username::parse(name)?)
}

/// The answer to it.
pub fn super_admin_added(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    let data = dto::SuperAdminAdded { result: "success", resource: "" };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to the call that ends it.
pub fn super_admin_removed(call: &Call<'_>, timing: Timing, user: &str) -> Vec<u8> {
    let data = dto::SuperAdminRemoved { removed: user, resource: "" };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// A page of super admins, by their folded names.
pub fn super_admins(call: &Call<'_>, timing: Timing, page: &PageQuery, users: &[String]) -> Vec<u8> {
    group_list::page(call, timing, page, users.iter().collect(), 0)
}

/// A user whose attributes are requested but who is not in the group.
pub(super) fn not_in(error: &Error, refusal: Refusal) -> Refusal {
    if error.reason() == Reason::NotGroupMember { refusal.because(Reason::NotGroupMember) } else { error.into() }
}
