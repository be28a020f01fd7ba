//! The single parser of booleans that arrive as text.

/// `true`, `1`, `yes` and `on` are true, `false`, `0`, `no` and `off` are false, in any case and with surrounding white
/// space (decision 39). `None` for every other text: the caller decides whether to refuse it, but must not treat it as
/// false where true protects something.
pub fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["true", "1", "yes", "on"]) {
        return Some(true);
    }
    is_one_of(["false", "0", "no", "off"]).then_some(false)
}

/// What [`flag`] accepts, for error messages: "`field` must be ...".
pub const FLAG_RULE: &str = "must be true or false";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_by_one_rule_decision_39() {
        for yes in ["true", "TRUE", "1", "yes", "Yes", "on", "oN", " true\t"] {
            assert_eq!(flag(yes), Some(true), "{yes}");
        }
        for no in ["false", "False", "0", "no", "NO", "off", " 0 "] {
            assert_eq!(flag(no), Some(false), "{no}");
        }
        for neither in ["", "2", "y", "t", "truе", "enabled", "null", "01", "1.0", "true,true"] {
            assert_eq!(flag(neither), None, "{neither}");
        }
    }
}
