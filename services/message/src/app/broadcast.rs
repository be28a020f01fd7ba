//! Sends one content to every registered user, some hundred in a transaction.
//!
//! Under an idempotency key each part has a key of its own, made of the call's and of the last user of the part before.
//! A repetition is answered part by part from there, so it goes on where the first call stopped. A part's answer says
//! how far it went, so it does not matter who came or left meanwhile.

use tidings_domain::{Actor, App, Caller, Content, Draft, Error, Target, UserId, UserRef};
use tidings_proto::{
    error_from_status,
    pb::{self, directory_service_client::DirectoryServiceClient},
};
use tidings_runtime::{Wire, context};

use super::send::{self, MAX_CALL};
use crate::{
    Deps,
    appender::{Appender, Reply},
    content::StoredContent,
};

/// Most messages in one transaction.
const PART: usize = 500;

/// What to tell everybody.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub sender: Option<UserRef>,
    pub content: Content,
    pub system: bool,
    /// As in [`Draft`].
    pub call: String,
    pub idempotency_key: Option<String>,
}

/// How many messages were sent, by this call or the one that it repeats. `request` is the canonical request without its
/// key.
pub async fn broadcast(
    deps: &Deps,
    appender: &Appender,
    users: &DirectoryServiceClient<Wire>,
    (caller, app): (&Caller, &App),
    wanted: &Wanted,
    request: &[u8],
) -> Result<usize, Error> {
    if caller.actor != Actor::App {
        return Err(Error::not_permitted("only the app itself broadcasts"));
    }
    let most = part(app, &wanted.content)?;
    let mut sent = 0;
    let mut after = UserId(0);
    loop {
        let receivers = registered(users, caller, after, most).await?;
        if receivers.is_empty() {
            return Ok(sent);
        }
        let draft = draft(wanted, receivers, after);
        let reply = send::send(deps, appender, (caller, app), draft, request, deps.clock.now()).await?;
        sent += reply.sent.len();
        after = last_of(&reply).ok_or_else(|| Error::internal("a part of a broadcast without a message"))?;
    }
}

/// Receivers in one transaction, within every bound on a single send.
fn part(app: &App, content: &Content) -> Result<usize, Error> {
    let size = StoredContent::write(content)?.size();
    Ok(PART.min(app.policy.max_recipients).min(MAX_CALL / size.max(1)).max(1))
}

/// Users above `after` by ascending id; none when there are no more.
async fn registered(
    users: &DirectoryServiceClient<Wire>,
    caller: &Caller,
    after: UserId,
    most: usize,
) -> Result<Vec<UserId>, Error> {
    let asked = pb::ListUsersRequest { after_id: after.0, limit: most as i32 };
    let answer = users.clone().list_users(context::request(caller, asked)).await.map_err(error_from_status)?;
    Ok(answer.into_inner().users.iter().map(|user| UserId(user.id)).collect())
}

fn draft(wanted: &Wanted, receivers: Vec<UserId>, after: UserId) -> Draft {
    let wanted = wanted.clone();
    Draft {
        sender: wanted.sender,
        targets: receivers.into_iter().map(|user| Target::User(UserRef::Id(user))).collect(),
        content: wanted.content,
        system: wanted.system,
        online_only: false,
        members_only: false,
        accept_unknown_names: false,
        call: wanted.call,
        idempotency_key: wanted.idempotency_key.map(|key| format!("{key}/{after}")),
        transaction_id: None,
    }
}

fn last_of(reply: &Reply) -> Option<UserId> {
    reply.sent.iter().map(|sent| UserId(sent.receiver)).max()
}
