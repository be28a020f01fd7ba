//! Word lists and hooks, and their limits.

use std::{collections::HashSet, time::Duration};

use tidings_domain::{ConversationKind, Error, HookForm, HookSubject, WordAction, WordList, is_invisible};

use super::is_legal_name;
use crate::secret::Secret;

/// Maximum length of a word, in bytes.
const MAX_WORD: usize = 256;
/// Maximum bytes of words in all lists of an app.
const MAX_WORDS: i64 = 2 * 1024 * 1024;
/// Maximum number of word lists of an app.
const MAX_LISTS: i64 = 100;
/// Maximum number of hooks of an app: messages wait for each of them.
pub(crate) const MAX_HOOKS: i64 = 4;
/// Maximum number of characters of a word that an error shows.
const SHOWN: usize = 20;

/// A valid list, unless the app's others leave no room.
#[derive(Debug)]
pub(crate) struct NewWordList(WordList);

/// A list without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WordListSummary {
    pub(crate) name: String,
    pub(crate) action: WordAction,
    pub(crate) words: i64,
}

impl NewWordList {
    /// Refuses names and words that are not allowed; white space around words and duplicates are removed.
    pub(crate) fn check(list: WordList) -> Result<Self, Error> {
        check_list_name(&list.name)?;
        let mut words = Vec::with_capacity(list.words.len());
        let mut seen = HashSet::with_capacity(list.words.len());
        for (place, word) in list.words.iter().enumerate() {
            let word = word.trim();
            check_word(place, word)?;
            if seen.insert(word) {
                words.push(word.to_owned());
            }
        }
        if words.is_empty() {
            return Err(Error::invalid("words", "must have at least one"));
        }
        Ok(Self(WordList { words, ..list }))
    }

    pub(crate) const fn get(&self) -> &WordList {
        &self.0
    }

    /// Bytes of all words.
    pub(crate) fn bytes(&self) -> i64 {
        self.0.words.iter().map(|word| word.len() as i64).sum()
    }

    pub(crate) fn summary(&self) -> WordListSummary {
        let WordList { name, action, words } = &self.0;
        WordListSummary { name: name.clone(), action: *action, words: words.len() as i64 }
    }

    /// Refuses it if `lists` others with that many bytes of words leave no room.
    pub(crate) fn check_room(&self, lists: i64, bytes: i64) -> Result<(), Error> {
        if lists >= MAX_LISTS {
            return Err(Error::invalid("name", format!("would make more than {MAX_LISTS} lists")));
        }
        if bytes + self.bytes() > MAX_WORDS {
            return Err(Error::invalid("words", "must be at most 2 MiB in all lists of an app"));
        }
        Ok(())
    }
}

/// Refuses invalid names of lists.
pub(crate) fn check_list_name(name: &str) -> Result<(), Error> {
    if is_legal_name(name) {
        return Ok(());
    }
    Err(Error::invalid("name", "must be 1 to 64 characters of a-z A-Z 0-9 _ - ."))
}

fn check_word(place: usize, word: &str) -> Result<(), Error> {
    let rule = if word.len() > MAX_WORD {
        "must be at most 256 bytes"
    } else if word.contains(is_line_break) {
        "must be one line without control characters"
    } else if !word.contains(is_visible) {
        "must have a visible character"
    } else {
        return Ok(());
    };
    let beginning: String = word.chars().take(SHOWN).collect();
    Err(Error::invalid(&format!("words[{place}]"), format!("{rule}: {beginning:?}")))
}

/// Words are stored as lines, and PostgreSQL cannot store U+0000.
fn is_line_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_visible(c: char) -> bool {
    !c.is_whitespace() && !is_invisible(c)
}

/// A valid hook, unless the app has the maximum number.
#[derive(Debug)]
pub(crate) struct NewHook {
    pub(crate) form: HookForm,
    pub(crate) url: String,
    pub(crate) token: Option<Secret>,
    pub(crate) timeout: Duration,
    pub(crate) refuse_on_failure: bool,
    pub(crate) kinds: Vec<ConversationKind>,
    pub(crate) allow_private: bool,
    pub(crate) subjects: Vec<HookSubject>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str]) -> Result<Vec<String>, String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let list = WordList { name: "l".to_owned(), action: WordAction::Refuse, words };
        NewWordList::check(list).map(|list| list.0.words).map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_trimmed_and_kept_once() {
        assert_eq!(check(&["  b\u{3000}", "a", "\tb\r\n", "A", "a b"]).unwrap(), ["b", "a", "A", "a b"]);
        let longest = "ü".repeat(MAX_WORD / 2);
        assert_eq!(check(&[&longest]).unwrap(), [longest]);
    }

    #[test]
    fn what_is_no_word_is_named() {
        let long = "x".repeat(MAX_WORD + 1);
        for (word, why) in [
            ("", "words[1] must have a visible character: \"\""),
            (" \u{200b}\u{feff} ", "words[1] must have a visible character: \"\\u{200b}\\u{feff}\""),
            ("a\nb", "words[1] must be one line without control characters: \"a\\nb\""),
            ("a\0", "words[1] must be one line without control characters: \"a\\0\""),
            ("a\u{2028}b", "words[1] must be one line without control characters: \"a\\u{2028}b\""),
            (&long, "words[1] must be at most 256 bytes: \"xxxxxxxxxxxxxxxxxxxx\""),
        ] {
            assert_eq!(check(&["good", word]).unwrap_err(), why);
        }
        assert_eq!(check(&[]).unwrap_err(), "words must have at least one");
    }
}
