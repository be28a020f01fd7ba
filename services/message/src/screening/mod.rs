//! Checks before a message is appended to the log: the app's word lists, then its hooks.
//!
//! One decision applies to a whole call (decision 3): what is refused for one conversation is refused for all.

mod answer;
mod hook;
mod words;

use std::{collections::HashMap, sync::Arc};

use quick_cache::sync::Cache;
use tidings_directory_client::DirectoryCache;
use tidings_domain::{App, Body, Caller, Content, Error, Hook, HookSubject, Reason, Screening, UnixMillis, UserId};
use tidings_outbound::Outbound;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::appender::{AppendTarget, Appender, Refused};
use answer::Answer;
use hook::HookContext;
use words::{Found, Words};

/// Number of apps whose compiled words are cached.
const APPS: usize = 1_000;
/// Idle connections to one server that are kept open.
const IDLE: usize = 64;

/// Why a message is refused when a hook with `refuse` returns no answer (agora.md 11.2).
const NO_ANSWER: &str = "custom internal error";

/// The extent of the screening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModerationScope {
    /// Words and hooks.
    All,
    /// Only words. There is no event for a refusal, since there is no particular receiver.
    Words,
    /// Nothing: it was screened before, or is the app's own.
    Nothing,
}

/// The screening settings of each app.
#[derive(Debug)]
pub struct Screens {
    kept: Cache<i64, Arc<Screen>>,
    /// Held while one is compiled, so that a burst compiles it once.
    preparing: Mutex<()>,
    outbound: Outbound,
}

/// One app's settings, compiled.
#[derive(Debug)]
pub struct Screen {
    version: i64,
    /// The version that was requested, which may be older than the one received.
    wanted: i64,
    words: Option<Words>,
    hooks: Vec<Hook>,
}

/// A send to be checked.
#[derive(Debug)]
pub struct ScreeningRequest<'a> {
    pub sender: UserId,
    pub places: &'a [AppendTarget],
    pub content: &'a Content,
    pub online_only: bool,
    /// Only for some members of a group or room.
    pub targeted: bool,
}

/// The result.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// It is sent unchanged.
    Pass,
    /// It is sent, with changes.
    Changed {
        content: Option<Box<Content>>,
        /// The targets that get nothing, though the sender gets the normal answer.
        discarded: Vec<usize>,
    },
    Refused {
        refused: Refused,
        /// Whether a repetition under the same key gets the same answer; an unavailable server may recover.
        for_good: bool,
    },
}

impl Screens {
    /// An empty cache.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { kept: Cache::new(APPS), preparing: Mutex::new(()), outbound: Outbound::new(IDLE)? })
    }

    /// Screens a new call.
    pub async fn judge(
        &self,
        directory: &DirectoryCache,
        (caller, app): (&Caller, &App),
        scope: ModerationScope,
        wanted: ScreeningRequest<'_>,
        (appender, now): (&Appender, UnixMillis),
    ) -> Result<Verdict, Error> {
        if scope == ModerationScope::Nothing {
            return Ok(Verdict::Pass);
        }
        let Some(screen) = self.screen(directory, app).await? else {
            return Ok(Verdict::Pass);
        };
        let masked = match screen.find(wanted.content) {
            Found::Nothing => None,
            Found::Blocked => return Ok(Verdict::Refused { refused: blocked(), for_good: true }),
            Found::Masked(text) => Some(Box::new(with_text(wanted.content, text))),
        };
        if scope == ModerationScope::Words || screen.hooks.is_empty() {
            return Ok(changed(masked, Vec::new()));
        }
        let people = wanted.places.iter().filter_map(|place| place.conversation.peer_of(wanted.sender));
        let mut people: Vec<UserId> = people.chain([wanted.sender]).collect();
        people.sort_unstable();
        people.dedup();
        let names = directory.user_names(caller, &people).await?;
        let names: HashMap<UserId, String> = people.into_iter().zip(names).collect();
        let asked = HookContext { app, caller, wanted: &wanted, names: &names, id: appender.mint().await?, now };
        self.ask(&screen.hooks, &asked, masked).await
    }

    /// Calls the hooks one after the other; each gets the message as changed by the previous ones.
    async fn ask(
        &self,
        hooks: &[Hook],
        asked: &HookContext<'_>,
        masked: Option<Box<Content>>,
    ) -> Result<Verdict, Error> {
        let (mut content, mut discarded) = (masked, Vec::new());
        for hook in hooks {
            let present = content.as_deref().unwrap_or(asked.wanted.content);
            let mut new = None;
            for (place, answer) in hook::ask(&self.outbound, hook, asked, present, &discarded).await {
                match answer {
                    Answer::Change(content) => _ = new.get_or_insert(content),
                    Answer::Discard => discarded.push(place),
                    Answer::Refuse(subject) => return Ok(refused(subject, true)),
                    Answer::None if hook.refuse_on_failure => return Ok(refused(NO_ANSWER.to_owned(), false)),
                    Answer::Deliver | Answer::None => {}
                }
            }
            content = new.or(content);
        }
        Ok(changed(content, discarded))
    }

    /// The app's settings; `None`: nothing is screened.
    pub async fn screen(&self, directory: &DirectoryCache, app: &App) -> Result<Option<Arc<Screen>>, Error> {
        if app.screening == 0 {
            return Ok(None);
        }
        if let Some(screen) = self.ready(app) {
            return Ok(Some(screen));
        }
        let _preparing = self.preparing.lock().await;
        if let Some(screen) = self.ready(app) {
            return Ok(Some(screen));
        }
        let (screening, wanted) = (directory.screening(app.id).await?, app.screening);
        let screen = spawn_blocking(move || Screen::new(screening, wanted)).await.map_err(Error::internal)??;
        let screen = Arc::new(screen);
        self.kept.insert(app.id.0, Arc::clone(&screen));
        Ok(Some(screen))
    }

    fn ready(&self, app: &App) -> Option<Arc<Screen>> {
        self.kept.get(&app.id.0).filter(|screen| [screen.version, screen.wanted].contains(&app.screening))
    }
}

impl Screen {
    fn new(screening: Screening, wanted: i64) -> Result<Self, Error> {
        let Screening { version, lists, mut hooks } = screening;
        hooks.retain(|hook| hook.subjects.contains(&HookSubject::Message));
        Ok(Self { version, wanted, words: Words::new(&lists)?, hooks })
    }

    fn find(&self, content: &Content) -> Found {
        match (&self.words, text_of(content)) {
            (Some(words), Some(text)) => words.find(text),
            _ => Found::Nothing,
        }
    }
}

/// Screens content that is stored by other calls than a send, and returns it as it may be stored.
pub fn words(screen: Option<&Screen>, content: Content) -> Result<Content, Error> {
    match screen.map_or(Found::Nothing, |screen| screen.find(&content)) {
        Found::Nothing => Ok(content),
        Found::Blocked => Err(blocked().into()),
        Found::Masked(text) => Ok(with_text(&content, text)),
    }
}

const fn blocked() -> Refused {
    Refused { reason: Reason::TextBlocked, subject: String::new() }
}

fn refused(subject: String, for_good: bool) -> Verdict {
    Verdict::Refused { refused: Refused { reason: Reason::RefusedByHook, subject }, for_good }
}

fn changed(content: Option<Box<Content>>, discarded: Vec<usize>) -> Verdict {
    if content.is_none() && discarded.is_empty() {
        return Verdict::Pass;
    }
    Verdict::Changed { content, discarded }
}

/// Text that humans read; other kinds are read by programs.
fn text_of(content: &Content) -> Option<&str> {
    match &content.body {
        Body::Text(text) => Some(&text.text),
        Body::Forward(forward) => Some(&forward.text),
        _ => None,
    }
}

/// The content with another text. What a dialect stored verbatim contains the old one, so it is removed.
fn with_text(content: &Content, text: String) -> Content {
    let mut content = Content { verbatim: None, ..content.clone() };
    match &mut content.body {
        Body::Text(body) => body.text = text,
        Body::Forward(forward) => forward.text = text,
        _ => {}
    }
    content
}
