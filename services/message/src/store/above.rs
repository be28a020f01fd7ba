//! Counts of the messages above a user's mark, from which unread counts are made.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Column, Db, GatherMany, Kind, row};

/// The head of a conversation, and the counts at and above a mark: the counts at the newest row up to it (or at what
/// was purged), the recalled ones above it, those that were imported late, those hidden from the user, and in groups
/// the user's own. A direct conversation has those in `ordinal_low`. The condition on `conv_b` is that of the index on
/// one sender's messages. `hidden`: whether the user cannot see the message
/// that the conversation is listed for.
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
        AboveRow::COLUMNS,
        "select h.conv_a, h.conv_b, h.listed_msg_id,
            h.ordinal - coalesce((select m.ordinal from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), h.purged_ordinal) as ordinal,
            h.ordinal_low - coalesce((select m.ordinal_low from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id <= r.mark
                order by m.msg_id desc limit 1), h.purged_ordinal_low) as ordinal_low,
            (select count(*) from late m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id > r.mark
                and (m.conv_b < 0 or m.sender_id <> r.user_id)) as late,
            (select count(*) from recalled m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id > r.mark
                and m.sender_id <> r.user_id)
            + (select count(*) from excluded m
                where m.app_id = r.app_id and m.user_id = r.user_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b
                and m.msg_id > r.mark and m.counted = 1) as unseen,
            case when r.conv_b < 0 then (select count(*) from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.conv_b in (-1, -2)
                and m.countable = 1 and m.sender_id = r.user_id and m.msg_id > r.mark) else 0 end as own,
            (select count(*) from excluded x where x.app_id = r.app_id and x.user_id = r.user_id
                and x.conv_a = r.conv_a and x.conv_b = r.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b and h.listed_msg_id > 0",
        "",
    )
});

pub fn lookup() -> &'static GatherMany {
    &ABOVE
}

/// The result of [`above`] for one mark.
#[derive(Debug, Clone, Copy)]
pub struct Above {
    pub conversation: ConversationId,
    pub listed_msg_id: MsgId,
    /// Countable messages above the mark, except those that were imported late.
    pub ordinal: i64,
    /// Those of the lower party of a direct conversation.
    pub ordinal_low: i64,
    /// Countable messages above the mark that were imported late: those of others, in groups all.
    pub late: i64,
    /// Countable messages of others above the mark that were recalled, or are hidden from the user.
    pub unseen: i64,
    /// Countable messages of the user's own above the mark; only counted in groups.
    pub own: i64,
    /// As in [`super::listed::Listed`].
    pub is_hidden: bool,
}

row! {
    struct AboveRow {
        conv_a: i64,
        conv_b: i64,
        listed_msg_id: i64,
        ordinal: i64,
        ordinal_low: i64,
        late: i64,
        unseen: i64,
        own: i64,
        hidden: i64,
    }
}

/// Counts for the marks of one user; the cost does not depend on the number of others' messages above them.
/// Conversations without a message are left out.
pub async fn above(db: &Db, app: AppId, user: UserId, marks: &[(ConversationId, MsgId)]) -> Result<Vec<Above>, Error> {
    let rows = [
        Column::Int(vec![app.0; marks.len()]),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().0).collect()),
        Column::Int(marks.iter().map(|(conversation, _)| conversation.key().1).collect()),
        Column::Int(vec![user.0; marks.len()]),
        Column::Int(marks.iter().map(|(_, mark)| mark.0).collect()),
    ];
    let rows: Vec<AboveRow> = ABOVE.read(db, &rows).await?;
    let found = rows.into_iter().map(|row| Above {
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        listed_msg_id: MsgId(row.listed_msg_id),
        ordinal: row.ordinal,
        ordinal_low: row.ordinal_low,
        late: row.late,
        unseen: row.unseen,
        own: row.own,
        is_hidden: row.hidden != 0,
    });
    Ok(found.collect())
}
