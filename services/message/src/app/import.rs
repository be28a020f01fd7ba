//! Adds a message of another system to a conversation, with its own time (agora.md 7).

use std::time::Duration;

use tidings_dialects::agora::moved;
use tidings_domain::{Actor, App, BEGINNING, Caller, Content, Draft, Error, StoredFile, Target, UnixMillis, UserRef};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::context;

use super::{
    once::{self, Once},
    places::{self, Found},
    send::within_limits,
};
use crate::{
    Deps,
    appender::{Appender, Call, Disposition, Reply},
    origin::Origin,
    row_options::Flags,
};

/// The message to add.
#[derive(Debug)]
pub struct ImportCommand {
    pub sender: UserRef,
    pub target: Target,
    pub content: Content,
    /// When it was sent; `None` is now.
    pub sent_at: Option<UnixMillis>,
    /// Whether it counts as unread if it is above the reader's mark (decision 17).
    pub countable: bool,
    pub accept_unknown_names: bool,
    /// The name of the public call.
    pub call: String,
    pub idempotency_key: Option<String>,
    /// The base URL of our own copy of the content's file, up to its uuid; `None` leaves the file where it is.
    pub fetch_into: Option<String>,
}

/// Appends the message, or returns the first answer of the same call. `request` is the canonical request without its
/// key. Nothing is delivered and there is no callback: an imported row is marked as such.
pub async fn import(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    command: ImportCommand,
    request: &[u8],
    now: UnixMillis,
) -> Result<Reply, Error> {
    if caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself imports"));
    }
    let Deps { db, directory, .. } = deps;
    let ImportCommand {
        sender,
        target,
        content,
        sent_at,
        countable,
        accept_unknown_names,
        call,
        idempotency_key,
        fetch_into,
    } = command;
    let once = Once::of(&call, idempotency_key.as_deref());
    let (key, earlier) = once::find_answer(db, (caller, app), once, request, now).await?;
    if let Some((new, answered)) = key.as_ref().zip(earlier.as_ref()) {
        return Reply::repeated(new, answered);
    }
    check_time(sent_at, now)?;
    if matches!(target, Target::Room(_)) {
        return Err(Error::invalid("target", "must not be a room"));
    }
    within_limits(app, &content, 1)?;
    let countable = countable && content.countable();
    let draft = Draft { sender: Some(sender), accept_unknown_names, ..Draft::new(call, vec![target], content) };
    let Found { sender, places, refused } = places::places(directory, (caller, app), &draft, now).await?;
    // As for imports that succeed, there is no event (decision 17).
    if let Some(refused) = refused {
        return Err(refused.why.into());
    }
    // Last, so that nothing is fetched for an import that is refused.
    let content = match fetch_into {
        Some(base) => fetched(deps, caller, draft.content, &base).await?,
        None => draft.content,
    };
    let stored = within_limits(app, &content, 1)?;
    let call = Call {
        app: caller.app,
        sender,
        by_app: caller.is_app(),
        places,
        countable,
        flags: Flags { imported: true, ..Flags::default() },
        delivery: None,
        hidden_from: Vec::new(),
        origin: Origin::of(caller),
        disposition: Disposition::Kept,
        sent_at,
        key,
        content: stored,
        accepted_at: now,
    };
    appender.append(call).await
}

/// The content with our own copy of its file. A copy that ends up in no message expires as all files do.
async fn fetched(deps: &Deps, caller: &Caller, content: Content, base: &str) -> Result<Content, Error> {
    let Some(media) = content.body.media() else {
        return Ok(content);
    };
    let name = StoredFile::name_of(media.name.as_deref().unwrap_or_default());
    let request = pb::FetchRequest { url: media.url.clone(), name };
    let file = deps.files.clone().fetch(context::request(caller, request)).await.map_err(error_from_status)?;
    let file = file.into_inner();
    Ok(moved(content, &format!("{base}{}", file.uuid), file.size))
}

/// How far the importing client's clock may be ahead of ours.
const SKEW: Duration = Duration::from_mins(1);

/// Ids start in 2010, and nothing is sent later than now, within the tolerance of two clocks (decision 6).
fn check_time(sent_at: Option<UnixMillis>, now: UnixMillis) -> Result<(), Error> {
    match sent_at {
        Some(sent_at) if sent_at > now + SKEW => {
            Err(Error::invalid("sent_at", "must not be more than a minute in the future"))
        }
        Some(sent_at) if sent_at < BEGINNING => Err(Error::invalid("sent_at", "must not be before 2010")),
        _ => Ok(()),
    }
}
