//! Reading the log.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, Message, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, Tx, on_db, on_tx, sqlx};

use crate::content::StoredContent;

/// The cast keeps SQLite from planning the query again for each limit that it is given.
static PAGE: LazyLock<Gather> = LazyLock::new(|| {
    let place = ["conv_a", "conv_b", "msg_id", "seq", "sender_id", "sent_at", "countable", "system"];
    Gather::new(
        &[&place[..], &["edited_at", "edits", "body", "ext", "config", "verbatim"]].concat(),
        "select conv_a, conv_b, msg_id, seq, sender_id, sent_at, countable, system, edited_at, edits,
            body, ext, config, verbatim
         from message
         where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id <= $4 and msg_id > $5 and recalled_at is null
         order by msg_id desc limit cast($6 as bigint)",
    )
});

/// `+ 0` names the index that only this reads; see the migration.
const FIND: &str = "
    select conv_a, conv_b, msg_id, seq, sender_id, sent_at, countable, system, edited_at, edits,
        body, ext, config, verbatim
    from message where app_id = $1 and msg_id + 0 = $2 and recalled_at is null";

/// Recalled or not. The sum as above.
const PLACE_OF: &str = "
    select conv_a, conv_b, sender_id, sent_at, recalled_at from message where app_id = $1 and msg_id + 0 = $2";

const HEAD: &str = "
    select seq, last_msg_id from conversation_head where app_id = $1 and conv_a = $2 and conv_b = $3";

/// The direct ones: groups have no participants here.
static CONVERSATIONS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "last_msg_id"],
        "select p.conv_a, p.conv_b, h.last_msg_id
         from participant p
         cross join conversation_head h
         where p.app_id = $1 and p.user_id = $2 and h.seq > 0
           and h.app_id = p.app_id and h.conv_a = p.conv_a and h.conv_b = p.conv_b
         order by h.last_msg_id desc",
    )
});

/// Where a conversation stands, and what lies at and above a mark: the counts at the newest row up to it, the recalled
/// ones above it, and in groups the user's own. A direct conversation has those in `ordinal_low`. The condition on
/// `conv_b` is that of the index on what one sender wrote.
static ABOVE: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("user_id", Kind::Int),
        ("mark", Kind::Int),
    ];
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "last_msg_id", "ordinal", "ordinal_low", "recalled", "own"],
        "select h.conv_a, h.conv_b, h.last_msg_id,
            h.ordinal - coalesce((select m.ordinal from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), 0) as ordinal,
            h.ordinal_low - coalesce((select m.ordinal_low from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), 0) as ordinal_low,
            (select count(*) from recalled m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id > r.mark
                and m.sender_id <> r.user_id) as recalled,
            case when r.conv_b < 0 then (select count(*) from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.conv_b in (-1, -2)
                and m.countable = 1 and m.sender_id = r.user_id and m.msg_id > r.mark) else 0 end as own
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b and h.seq > 0",
        "",
    )
});

pub const ALL: &[&str] = &[FIND, HEAD, PLACE_OF];

pub fn gathers() -> Vec<&'static Gather> {
    vec![&PAGE, &CONVERSATIONS]
}

pub fn lookup() -> &'static GatherMany {
    &ABOVE
}

/// Up to `limit` messages from `start` downwards, above `floor`, newest first.
pub async fn page(
    db: &Db,
    app: AppId,
    conversation: ConversationId,
    start: MsgId,
    floor: MsgId,
    limit: i64,
) -> Result<Vec<Message>, Error> {
    let (a, b) = conversation.key();
    let rows: Vec<MessageRow> = PAGE.read(db, &[app.0, a, b, start.0, floor.0, limit]).await?;
    rows.into_iter().map(message).collect()
}

/// One message by its id.
pub async fn find(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(message).transpose()
}

/// The same in a transaction.
pub async fn find_in(tx: &mut Tx, app: AppId, msg_id: MsgId) -> Result<Option<Message>, Error> {
    let row: Option<MessageRow> =
        on_tx!(tx, |c| sqlx::query_as(FIND).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    row.map(message).transpose()
}

/// The newest seq and id of a conversation.
pub async fn head(db: &Db, app: AppId, conversation: ConversationId) -> Result<Option<(i64, MsgId)>, Error> {
    let (a, b) = conversation.key();
    let row: Option<(i64, i64)> =
        on_db!(db, |c| sqlx::query_as(HEAD).bind(app.0).bind(a).bind(b).fetch_optional(c).await)?;
    Ok(row.map(|(seq, last)| (seq, MsgId(last))))
}

/// A message's place in the log, also when it was recalled.
#[derive(Debug, Clone, Copy)]
pub struct PlaceOf {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub recalled: bool,
}

/// Where a message is.
pub async fn place_of(db: &Db, app: AppId, msg_id: MsgId) -> Result<Option<PlaceOf>, Error> {
    let row: Option<(i64, i64, i64, i64, Option<i64>)> =
        on_db!(db, |c| sqlx::query_as(PLACE_OF).bind(app.0).bind(msg_id.0).fetch_optional(c).await)?;
    Ok(row.map(|(a, b, sender, sent_at, recalled_at)| PlaceOf {
        conversation: ConversationId::from_key(a, b),
        sender: UserId(sender),
        sent_at: UnixMillis(sent_at),
        recalled: recalled_at.is_some(),
    }))
}

/// A conversation and its newest message.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    pub conversation: ConversationId,
    pub last_msg_id: MsgId,
}

/// Every direct conversation of a user, newest activity first.
pub async fn conversations(db: &Db, app: AppId, user: UserId) -> Result<Vec<Listed>, Error> {
    let rows: Vec<(i64, i64, i64)> = CONVERSATIONS.read(db, &[app.0, user.0]).await?;
    let listed = rows
        .into_iter()
        .map(|(a, b, last)| Listed { conversation: ConversationId::from_key(a, b), last_msg_id: MsgId(last) });
    Ok(listed.collect())
}

/// What [`above`] found for one mark.
#[derive(Debug, Clone, Copy)]
pub struct Above {
    pub conversation: ConversationId,
    pub last_msg_id: MsgId,
    /// Countable messages above the mark.
    pub ordinal: i64,
    /// Those of the lower party of a direct conversation.
    pub ordinal_low: i64,
    /// Countable messages of others above the mark that were recalled.
    pub recalled: i64,
    /// Countable messages of the user's own above the mark; only counted in groups.
    pub own: i64,
}

/// Looks at marks of one user; the cost does not depend on how much of others lies above them. Conversations without a
/// message are left out.
pub async fn above(db: &Db, app: AppId, user: UserId, marks: &[(ConversationId, MsgId)]) -> Result<Vec<Above>, Error> {
    let rows = [
        Column::Int(vec![app.0; marks.len()]),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().0).collect()),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().1).collect()),
        Column::Int(vec![user.0; marks.len()]),
        Column::Int(marks.iter().map(|(_, mark)| mark.0).collect()),
    ];
    let rows: Vec<(i64, i64, i64, i64, i64, i64, i64)> = ABOVE.read(db, &rows).await?;
    let found = rows.into_iter().map(|(a, b, last, ordinal, ordinal_low, recalled, own)| Above {
        conversation: ConversationId::from_key(a, b),
        last_msg_id: MsgId(last),
        ordinal,
        ordinal_low,
        recalled,
        own,
    });
    Ok(found.collect())
}

type MessageRow =
    (i64, i64, i64, i64, i64, i64, i64, i64, Option<i64>, i64, String, Option<String>, Option<String>, Option<String>);

fn message(row: MessageRow) -> Result<Message, Error> {
    let (a, b, msg_id, seq, sender, sent_at, countable, system, edited_at, edits, body, ext, config, verbatim) = row;
    Ok(Message {
        conversation: ConversationId::from_key(a, b),
        msg_id: MsgId(msg_id),
        seq,
        sender: UserId(sender),
        sent_at: UnixMillis(sent_at),
        content: StoredContent { body, ext, config, verbatim }.read()?,
        countable: countable != 0,
        system: system != 0,
        edited_at: edited_at.map(UnixMillis),
        edits: edits as i32,
    })
}
