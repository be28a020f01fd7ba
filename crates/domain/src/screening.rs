//! Checks before a message is appended to the log, or groups and contacts change: word lists, and servers
//! that are called.

use std::time::Duration;

use crate::ConversationKind;

/// The action on a text with a listed word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordAction {
    /// It is refused.
    Refuse,
    /// Each character of the word is replaced with `*`.
    Mask,
}

/// A word list of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordList {
    /// Unique in its app.
    pub name: String,
    /// The action on texts with one of the words.
    pub action: WordAction,
    /// As given; matched regardless of case and character width.
    pub words: Vec<String>,
}

/// The vendor format in which a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookForm {
    /// `C2C.CallbackBeforeSendMsg` and `Group.CallbackBeforeSendMsg` (tencent.md 6).
    Tencent,
    /// The callback before sending (agora.md 11.2).
    Agora,
}

/// A subject of hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookSubject {
    /// A message to be sent.
    Message,
    /// A group or room to be created.
    GroupCreation,
    /// A user who joins a group or room, or applies to.
    GroupApplication,
    /// Users whom others add to a group or room.
    GroupInvitation,
    /// A user who sends a contact request.
    ContactRequest,
    /// A user who answers such a request.
    ContactAnswer,
}

/// A server that is called before something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number in the app. Hooks are called in this order.
    pub id: i64,
    /// The vendor format.
    pub form: HookForm,
    /// The URL.
    pub url: String,
    /// Shared with the server: Tencent's switches `Sign` on, Agora's is the secret of `security`.
    pub token: Option<String>,
    /// Timeout of a call.
    pub timeout: Duration,
    /// Whether a message or change is refused when there is no valid answer; otherwise it is accepted.
    pub refuse_on_failure: bool,
    /// The kinds of conversations; empty: all.
    pub kinds: Vec<ConversationKind>,
    /// Whether the URL may resolve to a private, loopback or link-local address.
    pub allow_private: bool,
    /// The subjects it is called for. Not empty; only messages in Agora's format.
    pub subjects: Vec<HookSubject>,
}

impl Hook {
    /// Whether it is called about that in such conversations.
    pub fn is_asked_about(&self, subject: HookSubject, kind: ConversationKind) -> bool {
        self.subjects.contains(&subject) && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}

/// All lists and hooks of an app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screening {
    /// Changes with every change; 0: nothing is screened.
    pub version: i64,
    /// By name.
    pub lists: Vec<WordList>,
    /// By ascending id.
    pub hooks: Vec<Hook>,
}
