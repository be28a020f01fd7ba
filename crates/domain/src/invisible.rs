//! Invisible characters: used to split words apart, and not allowed as the only characters of a word.

/// Whether a character is invisible and has no width: those that Unicode says are to be ignored where they cannot be
/// shown (`Default_Ignorable_Code_Point`, Unicode 17), the remaining controls and formats, and the blank Braille
/// pattern. White space is not among them. One list for the whole program: the word filter skips the same characters
/// that it refuses as a word.
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_known_and_what_shows_something_or_is_white_space_is_not() {
        for c in
            "\0\u{ad}\u{200b}\u{200d}\u{2060}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{17b4}\u{fff9}\u{e0061}\u{fe0f}".chars()
        {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in "aä猫1.-_*\u{301}\u{1161}😀 \t\n\r\u{a0}\u{2003}\u{3000}\u{2028}\u{85}".chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
