//! Shared files, attributes and invitations on the wire.

use std::collections::HashSet;

use tidings_domain::{Error, UserId};
use tidings_proto::{malformed_page_token, pb, required, timestamp};

use crate::model::sharing::{
    Attribute, FileKey, Invitation, NewSharedFile, RoomAttribute, RoomAttributes, RoomFailure, RoomOutcomes, SharedFile,
};

/// Maximum number of attributes per call.
const MAX_ATTRIBUTES: usize = 100;

/// The two numbers after which a page starts.
pub(crate) fn pair_start(token: &str) -> Result<(i64, i64), Error> {
    if token.is_empty() {
        return Ok((0, 0));
    }
    let (first, second) = token.split_once('.').ok_or_else(malformed_page_token)?;
    digits(first).zip(digits(second)).ok_or_else(malformed_page_token)
}

/// The standard parser would also take a sign.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl TryFrom<pb::ShareFileRequest> for NewSharedFile {
    type Error = Error;

    fn try_from(wire: pb::ShareFileRequest) -> Result<Self, Error> {
        if wire.size < 0 {
            return Err(Error::invalid("size", "must not be negative"));
        }
        Ok(Self { group: wire.group_id, uuid: checked_uuid("uuid", wire.uuid)?, name: wire.name, size: wire.size })
    }
}

fn checked_uuid(field: &str, uuid: String) -> Result<String, Error> {
    let is_right = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if is_right { Ok(uuid) } else { Err(Error::invalid(field, "must be a UUID in lower case")) }
}

/// The group and the name of a shared file.
pub(crate) fn shared_file_ref(wire: Option<pb::SharedFileRef>) -> Result<(i64, FileKey), Error> {
    let wire = required("file", wire)?;
    let key = match required("file.file", wire.file)? {
        pb::shared_file_ref::File::Uuid(uuid) => FileKey::Uuid(uuid),
        pb::shared_file_ref::File::Number(number) => FileKey::Number(number),
    };
    Ok((wire.group_id, key))
}

impl From<SharedFile> for pb::SharedFile {
    fn from(file: SharedFile) -> Self {
        Self {
            group_id: file.group,
            number: file.number,
            uuid: file.uuid,
            owner_id: file.owner.0,
            name: file.name,
            size: file.size,
            shared_at: Some(timestamp(file.shared_at)),
        }
    }
}

/// Of a name that is given twice the last value counts.
pub(crate) fn attributes(wire: Vec<pb::Attribute>) -> Result<Vec<Attribute>, Error> {
    if !(1..=MAX_ATTRIBUTES).contains(&wire.len()) {
        return Err(Error::invalid("attributes", format!("must be 1 to {MAX_ATTRIBUTES}")));
    }
    let mut attributes: Vec<Attribute> = Vec::with_capacity(wire.len());
    for attribute in wire {
        match attributes.iter_mut().find(|(name, _)| *name == attribute.name) {
            Some(known) => known.1 = attribute.value,
            None => attributes.push((attribute.name, attribute.value)),
        }
    }
    Ok(attributes)
}

/// Each name once.
pub(crate) fn names(wire: Vec<String>) -> Result<Vec<String>, Error> {
    if !(1..=MAX_ATTRIBUTES).contains(&wire.len()) {
        return Err(Error::invalid("names", format!("must be 1 to {MAX_ATTRIBUTES}")));
    }
    let mut seen = HashSet::new();
    Ok(wire.into_iter().filter(|name| seen.insert(name.clone())).collect())
}

pub(crate) fn wire_attributes(attributes: Vec<Attribute>) -> Vec<pb::Attribute> {
    attributes.into_iter().map(|(name, value)| pb::Attribute { name, value }).collect()
}

pub(crate) fn member_attributes((user, attributes): (UserId, Vec<Attribute>)) -> pb::MemberAttributes {
    pb::MemberAttributes { user_id: user.0, attributes: wire_attributes(attributes) }
}

impl TryFrom<pb::SetRoomAttributesRequest> for RoomAttributes {
    type Error = Error;

    fn try_from(wire: pb::SetRoomAttributesRequest) -> Result<Self, Error> {
        Ok(Self {
            room: wire.room_id,
            user: wire.user_id,
            attributes: attributes(wire.attributes)?,
            auto_delete: wire.auto_delete,
            forced: wire.forced,
        })
    }
}

pub(crate) fn room_outcomes(outcomes: RoomOutcomes) -> pb::RoomAttributesResponse {
    let result = |(name, failure): (String, Option<RoomFailure>)| {
        let failure = failure.map_or(pb::RoomAttributeFailure::Unspecified, Into::into);
        pb::RoomAttributeResult { name, failure: failure.into() }
    };
    pb::RoomAttributesResponse { results: outcomes.into_iter().map(result).collect() }
}

impl From<RoomFailure> for pb::RoomAttributeFailure {
    fn from(failure: RoomFailure) -> Self {
        match failure {
            RoomFailure::NameTooLong => Self::NameTooLong,
            RoomFailure::NameIllegal => Self::NameIllegal,
            RoomFailure::ValueTooLong => Self::ValueTooLong,
            RoomFailure::NotOwn => Self::NotOwn,
            RoomFailure::TooMany => Self::TooMany,
        }
    }
}

impl From<RoomAttribute> for pb::RoomAttribute {
    fn from(attribute: RoomAttribute) -> Self {
        Self {
            name: attribute.name,
            value: attribute.value,
            owner_id: attribute.owner.0,
            auto_delete: attribute.auto_delete,
        }
    }
}

impl From<Invitation> for pb::Invitation {
    fn from(invitation: Invitation) -> Self {
        Self {
            group_id: invitation.group,
            inviter_id: invitation.inviter.0,
            text: invitation.text,
            made_at: Some(timestamp(invitation.made_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_starts_where_the_page_before_said() {
        assert_eq!(pair_start("").unwrap(), (0, 0));
        assert_eq!(pair_start("5.17").unwrap(), (5, 17));
        for bad in ["-1", "+1", "x", "99999999999999999999"] {
            assert_eq!(pair_start(bad).unwrap_err().field(), Some("page_token"), "{bad}");
        }
    }

    #[test]
    fn a_file_is_named_by_a_uuid_in_lower_case() {
        let right = "7b2a0f2e-1c3d-4e5f-8a9b-0c1d2e3f4a5b";
        assert_eq!(checked_uuid("uuid", right.to_owned()).unwrap(), right);
        for wrong in ["", "x", &right.to_uppercase(), &right.replace('-', "a")] {
            assert!(checked_uuid("uuid", wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
