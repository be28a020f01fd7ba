//! Shared files, attributes of members and rooms, and invitations.

use tidings_domain::{Error, UnixMillis, UserId};

use super::check_text;

/// Maximum bytes of a shared file's name.
const MAX_FILE_NAME: usize = 255;
/// Maximum bytes of a member attribute's name.
const MAX_MEMBER_NAME: usize = 16;
/// Maximum bytes of a member attribute's value.
const MAX_MEMBER_VALUE: usize = 512;
/// Maximum bytes of the names and values of one member's attributes.
const MAX_MEMBER_TOTAL: usize = 4096;
/// Maximum characters of a room attribute's name.
const MAX_ROOM_NAME: usize = 128;
/// Maximum characters of a room attribute's value.
const MAX_ROOM_VALUE: usize = 4096;
/// Maximum number of attributes of a room.
pub(crate) const MAX_ROOM_ATTRIBUTES: usize = 100;

/// A file shared in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedFile {
    pub(crate) group: i64,
    /// Unique in the app; never used again.
    pub(crate) number: i64,
    /// The file's, in the file service.
    pub(crate) uuid: String,
    /// Who shared it; the admin is the app itself.
    pub(crate) owner: UserId,
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: i64,
    pub(crate) shared_at: UnixMillis,
}

/// One of the names of a shared file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileKey {
    Uuid(String),
    Number(i64),
}

/// A file to share.
#[derive(Debug)]
pub(crate) struct NewSharedFile {
    pub(crate) group: i64,
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) size: i64,
}

/// A name and a value.
pub(crate) type Attribute = (String, String);

/// An attribute of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomAttribute {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Whose it is; the admin is the app itself.
    pub(crate) owner: UserId,
    /// Whether it is removed when the owner leaves.
    pub(crate) auto_delete: bool,
}

/// Why one attribute of a room was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomFailure {
    NameTooLong,
    NameIllegal,
    ValueTooLong,
    NotOwn,
    TooMany,
}

/// Attributes of a room to set.
#[derive(Debug)]
pub(crate) struct RoomAttributes {
    pub(crate) room: i64,
    /// `None`: the caller.
    pub(crate) user: Option<i64>,
    /// Each name once.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) auto_delete: bool,
    pub(crate) forced: bool,
}

/// The outcome for each name of a call.
pub(crate) type RoomOutcomes = Vec<(String, Option<RoomFailure>)>;

/// An invitation that waits for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) group: i64,
    /// The admin is the app itself.
    pub(crate) inviter: UserId,
    pub(crate) text: String,
    pub(crate) made_at: UnixMillis,
}

/// Refuses a name that is empty or too long.
pub(crate) fn check_file_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::invalid("name", "must not be empty"));
    }
    check_text("name", name, MAX_FILE_NAME)
}

/// Refuses attributes of a member that have an illegal name or a value that is too long.
pub(crate) fn check_member_attributes(attributes: &[Attribute]) -> Result<(), Error> {
    for (name, value) in attributes {
        if name.is_empty() {
            return Err(Error::invalid("attributes.name", "must not be empty"));
        }
        check_text("attributes.name", name, MAX_MEMBER_NAME)?;
        check_text("attributes.value", value, MAX_MEMBER_VALUE)?;
    }
    Ok(())
}

/// Refuses more attributes than one member may have.
pub(crate) fn check_member_total(attributes: &[Attribute]) -> Result<(), Error> {
    let total: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if total > MAX_MEMBER_TOTAL {
        return Err(Error::invalid("attributes", format!("must be at most {MAX_MEMBER_TOTAL} bytes for one member")));
    }
    Ok(())
}

/// What is wrong with a room attribute itself.
pub(crate) fn room_fault(name: &str, value: &str) -> Option<RoomFailure> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.chars().count() > MAX_ROOM_NAME {
        Some(RoomFailure::NameTooLong)
    } else if name.is_empty() || !name.chars().all(is_legal) {
        Some(RoomFailure::NameIllegal)
    } else if value.chars().count() > MAX_ROOM_VALUE || value.contains('\0') {
        Some(RoomFailure::ValueTooLong)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_attributes_have_names_of_128_letters_and_values_of_4096_agora_10_4() {
        assert_eq!(room_fault(&"a".repeat(128), &"ä".repeat(4096)), None);
        assert_eq!(room_fault(&"a".repeat(129), ""), Some(RoomFailure::NameTooLong));
        for illegal in ["", "a b", "ä", "a/b"] {
            assert_eq!(room_fault(illegal, ""), Some(RoomFailure::NameIllegal), "{illegal}");
        }
        assert_eq!(room_fault("Seat_1.a-b", &"a".repeat(4097)), Some(RoomFailure::ValueTooLong));
    }

    #[test]
    fn member_attributes_have_names_of_16_bytes_values_of_512_and_4096_together_agora_10_3() {
        let check = |name: &str, value: &str| check_member_attributes(&[(name.to_owned(), value.to_owned())]);
        check(&"k".repeat(16), &"v".repeat(512)).unwrap();
        for (name, value) in [("", "v"), (&*"k".repeat(17), "v"), ("k", &*"v".repeat(513))] {
            assert!(check(name, value).is_err(), "{name}: {value}");
        }
        let of_bytes = |value: usize| check_member_total(&[("k".to_owned(), "v".repeat(value))]);
        assert!(of_bytes(4095).is_ok() && of_bytes(4096).is_err());
    }
}
