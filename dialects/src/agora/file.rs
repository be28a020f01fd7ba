//! Files: uploads and thumbnails (agora.md 3).

use tidings_domain::{FLAG_RULE, StoredFile, flag};

use super::{Call, Refusal, Timing, dto, refusal::decode};
use crate::json::bytes_of;

/// Maximum pixels of a thumbnail's side.
const MAX_SIDE: i32 = 4096;

/// The form has no part `file`, or the body is not a form.
pub fn no_file() -> Refusal {
    Refusal::illegal_argument("file must be provided.")
}

/// The answer to an upload (agora.md 3.1).
pub fn uploaded(call: &Call<'_>, timing: Timing, file: &StoredFile) -> Vec<u8> {
    let entity = dto::ChatFile { uuid: &file.uuid, kind: "chatfile", share_secret: &file.secret };
    let entities = Some(dto::Entities::Files([entity]));
    bytes_of(&dto::Envelope::<()> { entities, ..call.envelope(timing) })
}

/// Maximum number of files per call that sets how long they are kept.
const MOST_FILES: usize = 100;

/// The files of a lifetime call, and how long they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// False: as long as the app keeps files.
    pub for_ever: bool,
    /// The files.
    pub uuids: Vec<String>,
}

/// Parses the body of the lifetime call (agora.md 3.4). The vendor's word for forever is unknown; ours is `permanent`.
pub fn lifetime_request(body: &[u8]) -> Result<Lifetime, Refusal> {
    let dto: dto::SetLifetime = decode(body)?;
    let for_ever = match dto.lifetime.as_deref() {
        Some("default") => false,
        Some("permanent") => true,
        None | Some("") => return Err(Refusal::illegal_argument("field lifetime cannot be null or empty")),
        Some(_) => return Err(Refusal::illegal_argument("field lifetime can only be default or permanent")),
    };
    match dto.chatfile_ids {
        Some(uuids) if (1..=MOST_FILES).contains(&uuids.len()) => Ok(Lifetime { for_ever, uuids }),
        _ => Err(Refusal::illegal_argument(format!("field chatfile_ids must have 1 to {MOST_FILES} ids"))),
    }
}

/// The answer to the lifetime call: the files that were changed, and those that do not exist.
pub fn lifetimes_set(call: &Call<'_>, timing: Timing, set: &[&str], failed: &[&str]) -> Vec<u8> {
    bytes_of(&dto::Envelope { data: Some(dto::LifetimesSet { success: set, failed }), ..call.envelope(timing) })
}

/// The names under which an upload marks its file as restricted: the vendor's, and the one on a page of its
/// documentation.
pub const RESTRICT: [&str; 2] = ["restrict-access", "resctrict-access"];

/// Whether an upload requests a restricted file, from all values under [`RESTRICT`]; `None` is a text that cannot be
/// parsed. One true value is enough. Invalid booleans are refused: otherwise a file that was to be private would be
/// published.
pub fn restricts<'a>(said: impl IntoIterator<Item = Option<&'a str>>) -> Result<bool, Refusal> {
    let mut restricts = false;
    for text in said {
        if text.is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        let wrong = || Refusal::illegal_argument(format!("{} {FLAG_RULE}", RESTRICT[0]));
        restricts |= text.and_then(flag).ok_or_else(wrong)?;
    }
    Ok(restricts)
}

/// Parses a parameter that changes the format of an answer, like `thumbnail`: an invalid boolean counts as absent.
pub fn is_true(value: Option<&str>) -> bool {
    value.and_then(flag) == Some(true)
}

/// Parses `thumbnail-height` or `thumbnail-width`, in pixels. Anything but a positive number counts as absent; a larger
/// value counts as the maximum.
pub fn thumbnail_side(value: &str) -> Option<i32> {
    value.trim().parse::<i64>().ok().filter(|pixels| *pixels > 0).map(|pixels| pixels.min(MAX_SIDE.into()) as i32)
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
    fn a_lifetime_is_the_default_or_for_ever_agora_3_4() {
        let read = |body: &str| lifetime_request(body.as_bytes());
        let requested = |for_ever| Lifetime { for_ever, uuids: vec!["u".to_owned()] };
        assert_eq!(read(r#"{"lifetime":"default","chatfile_ids":["u"]}"#), Ok(requested(false)));
        assert_eq!(read(r#"{"lifetime":"permanent","chatfile_ids":["u"],"x":1}"#), Ok(requested(true)));
        for bad in [
            r#"{"lifetime":"long","chatfile_ids":["u"]}"#,
            r#"{"lifetime":"default","chatfile_ids":[]}"#,
            r#"{"lifetime":"default"}"#,
            r#"{"chatfile_ids":["u"]}"#,
        ] {
            assert_eq!(read(bad).unwrap_err().error, "illegal_argument", "{bad}");
        }
    }

    #[test]
    fn flags_are_true_or_not() {
        assert!(is_true(Some("true")) && is_true(Some(" TRUE")));
        assert!(is_true(Some("1")) && is_true(Some("Yes")) && is_true(Some("on")));
        assert!(!is_true(Some("false")) && !is_true(Some("0")) && !is_true(Some("maybe")) && !is_true(None));
    }

    #[test]
    fn what_may_ask_for_a_restricted_file_restricts_or_is_refused_decision_39() {
        for (said, restricted) in [
            (&[Some("1")][..], true),
            (&[Some("YES")], true),
            (&[Some("false"), Some("on")], true),
            (&[Some(" "), Some("0")], false),
            (&[], false),
        ] {
            assert_eq!(restricts(said.iter().copied()), Ok(restricted), "{said:?}");
        }
        for said in [Some("maybe"), Some("2"), None] {
            let refusal = restricts([said]).unwrap_err();
            assert_eq!(
                (refusal.error, &*refusal.description),
                ("illegal_argument", "restrict-access must be true or false")
            );
        }
    }
}
