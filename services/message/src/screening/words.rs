//! Finds listed words in a text, in one pass, regardless of their number.
//!
//! Text and words are compared after folding: compatibility forms (wide letters, ligatures) become plain ones, letters
//! lower case, a run of white space one space, and invisible characters are removed. A letter with a diacritic is a
//! different letter.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use tidings_domain::{Error, WordAction, WordList, is_invisible};
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// The words of an app.
#[derive(Debug)]
pub struct Words {
    automaton: AhoCorasick,
    /// The action for the word of that index.
    actions: Vec<WordAction>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// A word of a list that refuses.
    Blocked,
    /// Words that were masked: the text with the mask.
    Masked(String),
}

impl Words {
    /// `None`: there are none. Takes a while if there are many.
    pub fn new(lists: &[WordList]) -> Result<Option<Self>, Error> {
        let (mut words, mut actions) = (Vec::new(), Vec::new());
        for list in lists {
            for word in &list.words {
                let folded = Folded::of(word).text;
                if !folded.is_empty() {
                    words.push(folded);
                    actions.push(list.action);
                }
            }
        }
        if words.is_empty() {
            return Ok(None);
        }
        let automaton = AhoCorasick::new(&words).map_err(Error::internal)?;
        Ok(Some(Self { automaton, actions }))
    }

    pub fn find(&self, text: &str) -> Found {
        let folded = Folded::of(text);
        let mut masked = Vec::new();
        for found in self.automaton.find_overlapping_iter(&folded.text) {
            if folded.goes_on(found.end()) {
                continue;
            }
            match self.actions[found.pattern().as_usize()] {
                WordAction::Refuse => return Found::Blocked,
                WordAction::Mask => masked.push(folded.origin(found.range())),
            }
        }
        if masked.is_empty() { Found::Nothing } else { Found::Masked(covered(text, masked)) }
    }
}

/// The text with a `*` for each character of the ranges.
fn covered(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut ranges = ranges.into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let mut until = 0;
    for (at, character) in text.char_indices() {
        while let Some(range) = ranges.next_if(|range| range.start <= at) {
            until = until.max(range.end);
        }
        out.push(if at < until { '*' } else { character });
    }
    out
}

/// A folded text.
struct Folded {
    text: String,
    /// For each character of `text` its offset, and the source bytes. Empty if they are the same.
    origins: Vec<(usize, Range<usize>)>,
}

impl Folded {
    fn of(text: &str) -> Self {
        if is_as_compared(text) {
            return Self { text: text.to_ascii_lowercase(), origins: Vec::new() };
        }
        let mut characters: Vec<(char, Range<usize>)> = Vec::with_capacity(text.len());
        for (at, character) in text.char_indices().filter(|(_, character)| !is_invisible(*character)) {
            let origin = at..at + character.len_utf8();
            if character.is_whitespace() {
                // A run becomes one space, mapped to all of it.
                match characters.last_mut() {
                    Some((' ', run)) => run.end = origin.end,
                    _ => characters.push((' ', origin)),
                }
                continue;
            }
            decompose_compatible(character, |part| {
                // Through upper case, so that letters with several lower-case forms become one.
                for lower in part.to_uppercase().flat_map(char::to_lowercase) {
                    decompose_compatible(lower, |folded| characters.push((folded, origin.clone())));
                }
            });
        }
        // Diacritics of one letter in canonical order.
        for marks in characters.chunk_by_mut(|(one, _), (other, _)| is_mark(*one) && is_mark(*other)) {
            marks.sort_by_key(|(mark, _)| canonical_combining_class(*mark));
        }
        let mut folded =
            Self { text: String::with_capacity(text.len()), origins: Vec::with_capacity(characters.len()) };
        for (character, origin) in characters {
            folded.origins.push((folded.text.len(), origin));
            folded.text.push(character);
        }
        folded
    }

    /// Whether the character at this offset belongs to the letter before it.
    fn goes_on(&self, at: usize) -> bool {
        self.text[at..].chars().next().is_some_and(|next| is_mark(next) || ends_syllable(next))
    }

    /// The source bytes of a range of the folded text.
    fn origin(&self, range: Range<usize>) -> Range<usize> {
        if self.origins.is_empty() {
            return range;
        }
        let first = self.origins.partition_point(|(at, _)| *at < range.start);
        let last = self.origins.partition_point(|(at, _)| *at < range.end);
        let origins = self.origins[first..last].iter().map(|(_, origin)| origin);
        let (start, end) = (origins.clone().map(|origin| origin.start).min(), origins.map(|origin| origin.end).max());
        start.unwrap_or_default()..end.unwrap_or_default()
    }
}

/// Whether lower-casing the letters is enough to fold the text.
fn is_as_compared(text: &str) -> bool {
    let mut before = 0;
    text.bytes().all(|byte| {
        let is_plain = matches!(byte, b'!'..=b'~') || (byte == b' ' && before != b' ');
        before = byte;
        is_plain
    })
}

fn is_mark(character: char) -> bool {
    canonical_combining_class(character) != 0
}

/// Vowels and final consonants of Korean syllables, which are decomposed.
const fn ends_syllable(character: char) -> bool {
    matches!(character, '\u{1160}'..='\u{11FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(refuse: &[&str], mask: &[&str]) -> Words {
        let list = |action, words: &[&str]| WordList {
            name: "list".into(),
            action,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        Words::new(&[list(WordAction::Refuse, refuse), list(WordAction::Mask, mask)]).unwrap().unwrap()
    }

    #[test]
    fn a_word_is_found_in_every_writing() {
        let words = words(&["straße", "bad word", "ΣΊΣΥΦΟΣ", "каша", "赌博", "が", "ガ", "한글"], &[]);
        for text in [
            "Hauptstrasse 1",
            "HAUPTSTRASSE",
            "a BAD Word!",
            "ｂａｄ　ｗｏｒｄ",
            "b\u{200B}a\u{AD}d word",
            "bad  word",
            "bad\t\n word",
            "bad\u{A0}\u{3000}word",
            "bad \u{200B} \u{2003}word",
            "b\u{3164}a\u{115F}d\u{1160} \u{FFA0}wo\u{17B4}rd",
            "b\0a\u{7}d w\u{2800}ord",
            "bad \u{E0061}\u{1D173}word",
            "σίσυφοσ",
            "σίσυφος",
            "КАША",
            "网上赌\u{FE0F}博网站",
            "ｶﾞ",
            "か\u{3099}",
            "한글",
            "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}",
        ] {
            assert_eq!(words.find(text), Found::Blocked, "{text}");
        }
        for text in ["", "bad", "badword", "か", "stra", "賭", "한그"] {
            assert_eq!(words.find(text), Found::Nothing, "{text}");
        }
    }

    #[test]
    fn a_letter_with_a_mark_is_another_letter() {
        let words = words(&["expose", "가"], &[]);
        assert_eq!(words.find("expose\u{301}"), Found::Nothing);
        assert_eq!(words.find("exposé"), Found::Nothing);
        assert_eq!(words.find("각"), Found::Nothing);
        assert_eq!(words.find("expose it"), Found::Blocked);
    }

    #[test]
    fn each_character_of_a_masked_word_is_covered_and_the_rest_stays() {
        let words = words(&[], &["bad", "badge", "ss", "\u{e9}t\u{e9}"]);
        let masked = |text: &str| match words.find(text) {
            Found::Masked(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(masked("Bad badges, BAD."), "*** *****s, ***.");
        assert_eq!(masked("Straße Ünder"), "Stra*e Ünder");
        assert_eq!(masked("un e\u{301}te\u{301} \u{1F600}"), "un ***** \u{1F600}");
        let spaced = words_of_one("bad word");
        assert_eq!(spaced("so bad \t\n word, bad\u{3000}\u{200B}word"), "so ***********, *********");
        assert_eq!(masked("b\u{200B}ad ｂａｄ\0"), "**** ***\0");
    }

    fn words_of_one(word: &str) -> impl Fn(&str) -> String {
        let words = words(&[], &[word]);
        move |text| match words.find(text) {
            Found::Masked(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusing_stands_above_masking_also_inside_a_masked_word() {
        assert_eq!(words(&["dg"], &["badge"]).find("badge"), Found::Blocked);
        assert_eq!(words(&["badge"], &["bad"]).find("a badge"), Found::Blocked);
    }

    #[test]
    fn lists_without_a_word_look_at_nothing() {
        let list = WordList { name: "list".into(), action: WordAction::Mask, words: vec!["\u{200B}".into()] };
        assert!(Words::new(&[list]).unwrap().is_none());
    }
}
