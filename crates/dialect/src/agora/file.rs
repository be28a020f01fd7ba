//! Files: uploads and thumbnails (agora.md 3).

use tidings_domain::StoredFile;

use super::{Call, Refusal, Timing, dto};
use crate::json::bytes_of;

/// Most bytes of a file's name that are kept.
const MAX_NAME: usize = 255;
/// Most pixels of a thumbnail's side.
const MAX_SIDE: i32 = 4096;

/// The form has no part `file`, or is none.
pub fn no_file() -> Refusal {
    Refusal::illegal_argument("file must be provided.")
}

/// The answer to an upload (agora.md 3.1).
pub fn uploaded(call: &Call<'_>, timing: Timing, file: &StoredFile) -> Vec<u8> {
    let entity = dto::ChatFile { uuid: &file.uuid, kind: "chatfile", share_secret: &file.secret };
    let entities = Some(dto::Entities::Files([entity]));
    bytes_of(&dto::Envelope::<()> { entities, ..call.envelope(timing) })
}

/// Reads `restrict-access` and `thumbnail`: true or not.
pub fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// Reads `thumbnail-height` or `thumbnail-width`, in pixels. What is no positive number counts as absent; what is too
/// large is as large as can be.
pub fn thumbnail_side(value: &str) -> Option<i32> {
    value.trim().parse::<i64>().ok().filter(|pixels| *pixels > 0).map(|pixels| pixels.min(MAX_SIDE.into()) as i32)
}

/// A file's name without the folders that some clients send with it, without control characters, and not too long.
pub fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnail_sizes_are_read_leniently_agora_3_1() {
        assert_eq!(thumbnail_side(" 300 "), Some(300));
        assert_eq!(thumbnail_side("1000000"), Some(4096));
        for nothing in ["", "0", "-3", "wide", "99999999999999999999"] {
            assert_eq!(thumbnail_side(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn names_lose_folders_and_control_characters() {
        assert_eq!(file_name("C:\\pictures\\cat\0.png"), "cat.png");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name(&"ä".repeat(200)).len(), 254);
    }

    #[test]
    fn flags_are_true_or_not() {
        assert!(is_true(Some("true")) && is_true(Some(" TRUE")));
        assert!(!is_true(Some("false")) && !is_true(Some("1")) && !is_true(None));
    }
}
