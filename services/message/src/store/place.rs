//! Where a message is in the log, and how far a conversation reaches.

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Db, on_db, row, sqlx};

use crate::row_options;

/// Recalled or not. The sum as in `store::read`.
const PLACE_OF: &str = "
    select conv_a, conv_b, sender_id, sent_at, recalled_at, body like '{\"command\"%' as is_command, delivery from message
    where app_id = $1 and msg_id + 0 = $2";

const HEAD: &str = "
    select seq, last_msg_id from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

const PURGED: &str = "
    select purged_msg_id from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

pub const ALL: &[&str] = &[PLACE_OF, HEAD, PURGED];

/// A message's position in the log, even if it was recalled.
#[derive(Debug, Clone)]
pub struct LogPosition {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub recalled: bool,
    pub is_command: bool,
    /// The receivers; empty: everybody there.
    pub audience: Vec<UserId>,
}

impl LogPosition {
    /// Whether it was sent only to others.
    pub fn is_not_for(&self, user: UserId) -> bool {
        !self.audience.is_empty() && self.sender != user && !self.audience.contains(&user)
    }
}

row! {
    struct PlaceRow {
        conv_a: i64,
        conv_b: i64,
        sender_id: i64,
        sent_at: i64,
        recalled_at: Option<i64>,
        is_command: bool,
        delivery: Option<String>,
    }
}

/// The conversation of a message.
pub async fn place_of(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<LogPosition>, Error> {
    let row: Option<PlaceRow> =
        on_db!(db, |c| sqlx::query_as(PLACE_OF).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (audience, _) = row_options::read(row.delivery.as_deref())?;
    Ok(Some(LogPosition {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        sender: UserId(row.sender_id),
        sent_at: UnixMillis(row.sent_at),
        recalled: row.recalled_at.is_some(),
        is_command: row.is_command,
        audience,
    }))
}

/// The newest seq and id of a conversation.
pub async fn head(db: &Db, app: AppId, conversation: ConversationId) -> Result<Option<(i64, MsgId)>, Error> {
    let (a, b) = conversation.key();
    let row: Option<(i64, i64)> =
        on_db!(db, |c| sqlx::query_as(HEAD).bind(app.0).bind(a).bind(b).fetch_optional(c).await)?;
    Ok(row.map(|(seq, last)| (seq, MsgId(last))))
}

/// Everything in the conversation up to here was removed permanently; zero if nothing was.
pub async fn purged(db: &Db, app: AppId, conversation: ConversationId) -> Result<MsgId, Error> {
    let (a, b) = conversation.key();
    let row: Option<(i64,)> =
        on_db!(db, |c| sqlx::query_as(PURGED).bind(app.0).bind(a).bind(b).fetch_optional(c).await)?;
    Ok(row.map_or(MsgId::ZERO, |(msg_id,)| MsgId(msg_id)))
}
