//! Pages of lists: `page_size`, `page_token`, `next_page_token`.

use tidings_domain::Error;

/// The token of the page after the item with this id; empty, as of the first page or where none follows, for 0.
///
/// Callers of the API treat tokens as opaque. Ours are decimal ids, so that the dialects, whose own cursors are ids, can
/// continue a list anywhere.
pub fn page_token(after: i64) -> String {
    if after == 0 { String::new() } else { after.to_string() }
}

/// The id after which a page starts: the reverse of [`page_token`], 0 for an empty token.
///
/// # Errors
///
/// `InvalidArgument` of the field `page_token` for text that is no such token.
pub fn page_start(token: &str) -> Result<i64, Error> {
    if token.is_empty() {
        return Ok(0);
    }
    // The standard parser would also take a sign.
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let start = if digits { token.parse().ok() } else { None };
    start.ok_or_else(malformed_page_token)
}

/// The refusal of a `page_token` that no list gave out.
pub fn malformed_page_token() -> Error {
    Error::invalid("page_token", "must be a next_page_token of this list")
}

/// How many items a page has: `asked`, at most `most`; `default` for 0.
///
/// # Errors
///
/// `InvalidArgument` of the field `page_size` for a negative number.
pub fn page_size(asked: i32, default: i32, most: i32) -> Result<i32, Error> {
    match asked {
        0 => Ok(default),
        1.. => Ok(asked.min(most)),
        _ => Err(Error::invalid("page_size", "must not be negative")),
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::{Error, Reason};

    use super::{page_size, page_start, page_token};

    fn field(refused: Error) -> String {
        assert_eq!(refused.reason(), Reason::InvalidArgument);
        refused.field().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_token_leads_back_to_its_id() {
        for id in [0, 1, 16_000_000, i64::MAX] {
            assert_eq!(page_start(&page_token(id)).expect("a token"), id);
        }
        assert_eq!(page_token(0), "", "the last page has no next one");
    }

    #[test]
    fn a_malformed_token_is_refused_by_its_field() {
        for token in ["-1", "+1", " 1", "1 ", "x", "1-2", "0x1", "9223372036854775808", "\u{661}"] {
            assert_eq!(field(page_start(token).expect_err(token)), "page_token", "{token:?}");
        }
    }

    #[test]
    fn a_page_has_the_size_asked_for_within_bounds() {
        for (asked, size) in [(0, 10), (1, 1), (99, 99), (100, 100), (101, 100), (i32::MAX, 100)] {
            assert_eq!(page_size(asked, 10, 100).expect("a size"), size, "{asked}");
        }
        for asked in [-1, i32::MIN] {
            assert_eq!(field(page_size(asked, 10, 100).expect_err("negative")), "page_size");
        }
    }
}
