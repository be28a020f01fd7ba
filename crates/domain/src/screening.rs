//! What an app wants to look at before a message goes into the log: lists of words, and servers that are asked.

use std::time::Duration;

use crate::ConversationKind;

/// What becomes of a text with a listed word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordAction {
    /// It is refused.
    Refuse,
    /// The word is covered, a `*` for each of its characters.
    Mask,
}

/// Words of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordList {
    /// Unique in its app.
    pub name: String,
    /// What becomes of texts with one of the words.
    pub action: WordAction,
    /// As they were given; they are found whatever the case and width of their letters.
    pub words: Vec<String>,
}

/// In whose form a hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookForm {
    /// `C2C.CallbackBeforeSendMsg` and `Group.CallbackBeforeSendMsg` (tencent.md 6).
    Tencent,
    /// The callback before sending (agora.md 11.2).
    Agora,
}

/// A server that is asked before a message goes into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number in the app. Hooks are asked in this order.
    pub id: i64,
    /// In whose form.
    pub form: HookForm,
    /// Where.
    pub url: String,
    /// Shared with the server: Tencent's switches `Sign` on, Agora's is the secret of `security`.
    pub token: Option<String>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Whether a message is refused when there is no answer or none that can be read; else it is delivered.
    pub refuse_on_failure: bool,
    /// In which conversations; empty: in all.
    pub kinds: Vec<ConversationKind>,
    /// Whether it may be at a private, loopback or link-local address.
    pub allow_private: bool,
}

impl Hook {
    /// Whether it is asked about messages of such conversations.
    pub fn is_asked_about(&self, kind: ConversationKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screening {
    /// Another one after every change; 0: nothing is looked at.
    pub version: i64,
    /// By name.
    pub lists: Vec<WordList>,
    /// By ascending id.
    pub hooks: Vec<Hook>,
}
