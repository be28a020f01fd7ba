//! Lists of words that an app looks for before a message goes into the log.

use std::collections::HashSet;

use tidings_domain::{Caller, Error, Reason, Screening, WordList};

use super::Core;
use crate::{
    model::{AppKey, WordListSummary, is_legal_name},
    store,
};

/// Longest word, in bytes.
const MAX_WORD: usize = 256;
/// Bytes of all words of an app, with one between two.
const MAX_WORDS: i64 = 2 * 1024 * 1024;
/// Lists of an app.
const MAX_LISTS: i64 = 100;

impl Core {
    /// Puts the list in the place of one with the same name.
    pub(crate) async fn set_word_list(&self, caller: &Caller, list: WordList) -> Result<WordListSummary, Error> {
        let list = checked(list)?;
        let bytes = list.words.iter().map(|word| word.len() as i64 + 1).sum::<i64>();
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(caller.app)).await?;
        let (lists, others) = store::word_list::beside(&mut tx, app.id, &list.name).await?;
        if lists >= MAX_LISTS {
            return Err(Error::invalid("name", format!("is of a list too many: an app has at most {MAX_LISTS}")));
        }
        if others + bytes > MAX_WORDS {
            return Err(Error::invalid("words", format!("are too many: {MAX_WORDS} bytes in all lists of an app")));
        }
        store::word_list::put(&mut tx, app.id, &list).await?;
        store::app::next_screening(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(WordListSummary { name: list.name, action: list.action, words: list.words.len() as i64 })
    }

    pub(crate) async fn list_word_lists(&self, caller: &Caller) -> Result<Vec<WordListSummary>, Error> {
        store::word_list::summaries(&self.db, caller.app).await
    }

    pub(crate) async fn get_word_list(&self, caller: &Caller, name: &str) -> Result<WordList, Error> {
        store::word_list::find(&self.db, caller.app, name).await?.ok_or_else(|| not_found(name))
    }

    pub(crate) async fn delete_word_list(&self, caller: &Caller, name: &str) -> Result<WordListSummary, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(caller.app)).await?;
        let deleted = store::word_list::delete(&mut tx, app.id, name).await?.ok_or_else(|| not_found(name))?;
        store::app::next_screening(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(deleted)
    }

    /// Lists and hooks of one moment, with the version that the app has then.
    pub(crate) async fn screening(&self, caller: &Caller) -> Result<Screening, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(caller.app)).await?;
        let lists = store::word_list::list(&mut tx, app.id).await?;
        let hooks = self.hooks_in(&mut tx, app.id).await?;
        Ok(Screening { version: app.screening, lists, hooks })
    }
}

fn not_found(name: &str) -> Error {
    Error::new(Reason::WordListNotFound, name)
}

/// Each word once, without white space at its ends.
fn checked(list: WordList) -> Result<WordList, Error> {
    if !is_legal_name(&list.name) {
        return Err(Error::invalid("name", "must have 1 to 64 letters, digits, `_`, `-` and `.`"));
    }
    let (mut words, mut seen) = (Vec::with_capacity(list.words.len()), HashSet::new());
    for word in &list.words {
        let word = word.trim();
        if word.is_empty() || word.len() > MAX_WORD || word.chars().any(char::is_control) {
            let shown: String = word.chars().take(32).collect();
            return Err(Error::invalid(
                "words",
                format!("must each have 1 to {MAX_WORD} bytes on one line: {shown:?}"),
            ));
        }
        if seen.insert(word) {
            words.push(word.to_owned());
        }
    }
    if words.is_empty() {
        return Err(Error::invalid("words", "must not be empty"));
    }
    Ok(WordList { words, ..list })
}
