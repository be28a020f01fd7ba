//! A user's conversations with unread counts.

use tidings_domain::{Caller, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_proto::{error_from_status, internal, required};
use tidings_runtime::context;

use crate::{
    Deps,
    store::{cursor as store, mark, pin},
};

/// Maximum number of conversations that the message service counts at once.
const MOST: i32 = 10_000;

/// A conversation as listed.
#[derive(Debug, Clone)]
pub struct Listed {
    pub conversation: ConversationId,
    /// Zero: the user has no message there.
    pub head: MsgId,
    pub unread: i64,
    /// When it was pinned; `None`: it is not.
    pub pinned_at: Option<UnixMillis>,
    pub marks: Vec<i32>,
}

/// A page of them with pins and marks, as [`list`], and the token of the next one.
pub async fn with_marks(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    page_size: i32,
    page_token: String,
) -> Result<(Vec<Listed>, String), Error> {
    let page = list(deps, caller, user, page_size, page_token).await?;
    let found = page.conversations;
    let places = found.iter().map(|entry| required("conversation", entry.conversation)?.try_into());
    let places: Vec<ConversationId> = places.collect::<Result<_, Error>>()?;
    let entries = places.into_iter().zip(found).map(|(place, entry)| (place, Some(entry)));
    Ok((marked(deps, caller, user, entries.collect()).await?, page.next_page_token))
}

/// These conversations, in this order.
pub async fn these(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    places: &[ConversationId],
) -> Result<Vec<Listed>, Error> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let only = places.iter().map(|place| (*place).into()).collect();
    let request = internal::UnreadRequest { page_size: MOST, only, ..Default::default() };
    let found = unread(deps, caller, user, request).await?.conversations;
    let of = |place: ConversationId| {
        let wire = Some(place.into());
        found.iter().find(|entry| entry.conversation == wire).copied()
    };
    marked(deps, caller, user, places.iter().map(|place| (*place, of(*place))).collect()).await
}

async fn marked(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    entries: Vec<(ConversationId, Option<internal::UnreadConversation>)>,
) -> Result<Vec<Listed>, Error> {
    let places: Vec<ConversationId> = entries.iter().map(|(place, _)| *place).collect();
    let pins = pin::of_places(&deps.db, caller.app, user, &places).await?;
    let mut marks = mark::of_places(&deps.db, caller.app, user, &places).await?;
    let listed = entries.into_iter().map(|(conversation, entry)| {
        let (head, unread) = entry.map_or((MsgId::ZERO, 0), |entry| (MsgId(entry.head_msg_id), entry.unread));
        let pinned_at = pins.get(&conversation).copied();
        Listed { conversation, head, unread, pinned_at, marks: marks.remove(&conversation).unwrap_or_default() }
    });
    Ok(listed.collect())
}

/// A page of them, newest activity first; size and token as in the requests.
pub async fn list(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    page_size: i32,
    page_token: String,
) -> Result<internal::UnreadResponse, Error> {
    unread(deps, caller, user, internal::UnreadRequest { page_size, page_token, ..Default::default() }).await
}

/// The user's total unread count over all one-to-one conversations (tencent.md 4).
pub async fn unread_total(deps: &Deps, caller: &Caller, user: UserId) -> Result<i64, Error> {
    let all = internal::UnreadRequest { page_size: MOST, direct_only: true, ..Default::default() };
    let conversations = unread(deps, caller, user, all).await?.conversations;
    Ok(conversations.iter().map(|conversation| conversation.unread).sum())
}

async fn unread(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    wanted: internal::UnreadRequest,
) -> Result<internal::UnreadResponse, Error> {
    let cursors = store::of_user(&deps.db, caller.app, user).await?;
    let marks = cursors.into_iter().map(|cursor| internal::Mark {
        conversation: Some(cursor.conversation.into()),
        read_msg_id: cursor.marks.read.max(cursor.marks.cleared).0,
        unlisted_msg_id: cursor.unlisted.0,
    });
    let is_wanted = |mark: &internal::Mark| {
        wanted.only.is_empty() || mark.conversation.is_some_and(|place| wanted.only.contains(&place))
    };
    let marks = marks.filter(is_wanted).collect();
    let request = internal::UnreadRequest { user_id: Some(user.0), marks, ..wanted };
    let answer =
        deps.message_internal.clone().unread(context::request(caller, request)).await.map_err(error_from_status)?;
    Ok(answer.into_inner())
}
