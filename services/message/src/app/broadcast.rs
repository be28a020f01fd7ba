//! Sends one content to every registered user, several hundred per transaction.
//!
//! Under an idempotency key each part has a key of its own, derived from the call's and from the last user of the
//! previous part. A repetition is answered part by part, so it continues where the first call stopped. A part's answer
//! says how far it went, so users who were added or deleted meanwhile make no difference. Once it has ended, the call's
//! key itself is answered, so that a repetition sends nothing to later users.

use super::{
    once::{self, Once},
    send::{self, MAX_CALL},
};
use crate::{
    Deps,
    appender::{Appender, Reply},
    content::StoredContent,
    screening::ModerationScope,
    store::key::{self, Answered, NewKey},
};
use tidings_domain::{Actor, App, Caller, Content, Draft, Error, Target, UserId, UserRef};

/// Maximum number of messages in one transaction.
const PART: usize = 500;

/// The content of a broadcast.
#[derive(Debug, Clone)]
pub struct BroadcastCommand {
    pub sender: Option<UserRef>,
    pub content: Content,
    pub system: bool,
    /// As in [`Draft`].
    pub call: String,
    pub idempotency_key: Option<String>,
}

/// Returns how many messages were sent, by this call or the one that it repeats. `request` is the canonical request
/// without its key.
pub async fn broadcast(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    command: &BroadcastCommand,
    scope: ModerationScope,
    request: &[u8],
) -> Result<usize, Error> {
    if caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself broadcasts"));
    }
    let now = deps.clock.now();
    let once = Once::of(&command.call, command.idempotency_key.as_deref());
    let (key, earlier) = once::find_answer(&deps.db, (caller, app), once, request, now).await?;
    if let Some((new, answered)) = key.as_ref().zip(earlier.as_ref()) {
        return repeated(new, answered);
    }
    let most = part(app, &command.content)?;
    let mut sent = 0;
    let mut after = UserId(0);
    loop {
        let receivers = deps.directory.registered(caller, after, most).await?;
        if receivers.is_empty() {
            return ended(deps, key, sent).await;
        }
        let draft = draft(command, receivers, after);
        let reply = send::send(deps, appender, (caller, app), draft, scope, request).await?;
        sent += reply.sent.len();
        after = last_of(&reply).ok_or_else(|| Error::internal("a part of a broadcast without a message"))?;
    }
}

/// Records that it has ended, with how many messages, unless another process was first.
async fn ended(deps: &Deps, key: Option<NewKey>, sent: usize) -> Result<usize, Error> {
    let Some(new) = key else {
        return Ok(sent);
    };
    let mut tx = deps.db.begin().await?;
    let earlier = key::claim(&mut tx, std::slice::from_ref(&new), deps.clock.now()).await?;
    if let Some(answered) = earlier.get(&new.key) {
        return repeated(&new, answered);
    }
    key::answer(&mut tx, &[(&new.key, sent.to_string())]).await?;
    tx.commit().await?;
    Ok(sent)
}

fn repeated(new: &NewKey, answered: &Answered) -> Result<usize, Error> {
    new.check_same(answered)?;
    answered.reply.parse().map_err(Error::internal)
}

/// Receivers per transaction, within every limit on a single send.
fn part(app: &App, content: &Content) -> Result<i32, Error> {
    let size = StoredContent::write(content)?.size();
    Ok(PART.min(app.policy.max_recipients).min(MAX_CALL / size.max(1)).max(1) as i32)
}

fn draft(command: &BroadcastCommand, receivers: Vec<UserId>, after: UserId) -> Draft {
    let command = command.clone();
    let targets = receivers.into_iter().map(|user| Target::User(UserRef::Id(user))).collect();
    Draft {
        sender: command.sender,
        system: command.system,
        idempotency_key: command.idempotency_key.map(|key| format!("{key}/{after}")),
        ..Draft::new(command.call, targets, command.content)
    }
}

fn last_of(reply: &Reply) -> Option<UserId> {
    reply.sent.iter().map(|sent| UserId(sent.receiver)).max()
}
