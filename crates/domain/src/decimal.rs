//! Ids as decimal text.

/// Parses a positive number in its only accepted spelling: digits without a sign or a leading zero. So two texts are
/// never the same id, and an answer names an id as the request did.
pub fn decimal_id(text: &str) -> Option<i64> {
    let is_canonical = !text.starts_with('0') && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(decimal_id("16000161"), Some(16_000_161));
        assert_eq!(decimal_id(&i64::MAX.to_string()), Some(i64::MAX));
        for odd in [
            "",
            "0",
            "016000161",
            "+16000161",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x10",
            "\u{661}",
            "9223372036854775808",
        ] {
            assert_eq!(decimal_id(odd), None, "{odd}");
        }
    }
}
