//! How the signed text of a dynamic token is split into fields.
//!
//! The signed text is user, second and ttl without separators: digits could be moved from one to the next under the
//! same signature. Two rules leave one reading. Each number has one spelling: a second has ten digits, a ttl neither
//! sign nor leading zero. And a text that could have been built for two users, or at two times, is refused, since the
//! builder's intention is unknown.

use std::ops::RangeInclusive;

/// Digits of a second since 1970, from 2001 to 2286.
const SECOND_DIGITS: usize = 10;

/// A second in its only spelling.
pub(super) fn second(text: &str) -> Option<i64> {
    if text.len() == SECOND_DIGITS { number(text) } else { None }
}

/// A ttl in seconds, at least 1, in its only spelling.
pub(super) fn life(text: &str) -> Option<i64> {
    number(text)
}

/// Only digits, without a leading zero, within an `i64`.
fn number(text: &str) -> Option<i64> {
    let canonical = !text.starts_with('0') && text.bytes().all(|c| c.is_ascii_digit());
    if canonical { text.parse().ok() } else { None }
}

/// In how many ways `signed` is user, second and ttl of a token that may have been built: in one of those seconds, for
/// at most `most` seconds. Whether one of them has expired, or the user exists, does not matter: anybody can register a
/// name.
pub(super) fn count(signed: &str, seconds: RangeInclusive<i64>, most: i64) -> usize {
    let longest = most.to_string().len();
    let possible = |ttl_digits: &usize| {
        let (head, ttl) = split_end(signed, *ttl_digits)?;
        let (_user, at) = split_end(head, SECOND_DIGITS)?;
        let (at, life) = (second(at)?, life(ttl)?);
        (seconds.contains(&at) && life <= most).then_some(())
    };
    (1..=longest).filter(|digits| possible(digits).is_some()).count()
}

/// The last `count` bytes, and the bytes before them.
fn split_end(text: &str, count: usize) -> Option<(&str, &str)> {
    text.split_at_checked(text.len().checked_sub(count)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(second("1686207557"), Some(1_686_207_557));
        for other in
            ["", "0686207557", "686207557", "1686207557000", "+686207557", " 686207557", "168620755.", "１６８６２"]
        {
            assert_eq!(second(other), None, "{other}");
        }
        assert_eq!((life("600"), life("1")), (Some(600), Some(1)));
        for other in
            ["", "0", "00", "0600", "+600", "-600", " 600", "600 ", "6e2", "600.0", "٦٠٠", "99999999999999999999"]
        {
            assert_eq!(life(other), None, "{other}");
        }
    }

    #[test]
    fn names_that_end_in_digits_have_one_reading() {
        for user in ["nora", "user1", "user10", "7", "16862075571", "0", "user0", "u99999999999"] {
            for ttl in ["600", "3600", "86400", "7261"] {
                let signed = format!("{user}1686207557{ttl}");
                assert_eq!(count(&signed, 1_650_000_000..=1_686_207_617, DAY), 1, "{signed}");
            }
        }
    }

    #[test]
    fn what_two_tokens_could_sign_has_two_readings() {
        // user1717 at 1717171717 for 60 seconds, and user17 at 1717171717 for 1760 seconds.
        assert_eq!(count("user1717171717171760", 1_700_000_000..=1_717_171_777, DAY), 2);
        // bob179 at 1791234112 for 34 seconds, and long after that bob at 1791791234 for 11234.
        assert_eq!(count("bob179179123411234", 1_790_000_000..=1_791_791_300, DAY), 2);
        assert_eq!(count("bob179179123411234", 1_790_000_000..=1_791_234_172, DAY), 1);
    }

    #[test]
    fn a_cut_inside_a_letter_is_no_reading() {
        assert_eq!(count("é", 0..=i64::MAX, DAY), 0);
        assert_eq!(count("éééééé1", 0..=i64::MAX, DAY), 0);
    }
}
