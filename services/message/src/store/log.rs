//! Writing messages.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Kind, ManyRows, Tx};

use crate::content::StoredContent;

/// One row of the log.
#[derive(Debug)]
pub struct NewMessage<'a> {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub seq: i64,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub countable: bool,
    pub system: bool,
    pub ordinal: i64,
    pub ordinal_low: i64,
    pub lane: i64,
    pub event_no: i64,
    pub content: &'a StoredContent,
}

static APPEND: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("seq", Kind::Int),
        ("sender_id", Kind::Int),
        ("sent_at", Kind::Int),
        ("countable", Kind::Int),
        ("system", Kind::Int),
        ("ordinal", Kind::Int),
        ("ordinal_low", Kind::Int),
        ("lane", Kind::Int),
        ("event_no", Kind::Int),
        ("body", Kind::Text),
        ("ext", Kind::Text),
        ("config", Kind::Text),
        ("verbatim", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into message (app_id, conv_a, conv_b, msg_id, seq, sender_id, sent_at, countable, system,
             ordinal, ordinal_low, lane, event_no, body, ext, config, verbatim)
         select app_id, conv_a, conv_b, msg_id, seq, sender_id, sent_at, countable, system,
             ordinal, ordinal_low, lane, event_no, body, ext, config, verbatim
         from r",
    )
});

pub fn many() -> Vec<&'static ManyRows> {
    vec![&APPEND]
}

/// Appends rows; heads and lanes are locked.
pub async fn append(tx: &mut Tx, rows: &[NewMessage<'_>]) -> Result<(), Error> {
    let int = |value: fn(&NewMessage<'_>) -> i64| Column::Int(rows.iter().map(value).collect());
    let columns = [
        int(|row| row.app.0),
        int(|row| row.conversation.key().0),
        int(|row| row.conversation.key().1),
        int(|row| row.msg_id.0),
        int(|row| row.seq),
        int(|row| row.sender.0),
        int(|row| row.sent_at.0),
        int(|row| row.countable.into()),
        int(|row| row.system.into()),
        int(|row| row.ordinal),
        int(|row| row.ordinal_low),
        int(|row| row.lane),
        int(|row| row.event_no),
        Column::Text(rows.iter().map(|row| Some(row.content.body.as_str())).collect()),
        Column::Text(rows.iter().map(|row| row.content.ext.as_deref()).collect()),
        Column::Text(rows.iter().map(|row| row.content.config.as_deref()).collect()),
        Column::Text(rows.iter().map(|row| row.content.verbatim.as_deref()).collect()),
    ];
    APPEND.execute(tx, &columns).await
}
