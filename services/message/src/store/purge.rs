//! Removing what is past an app's retention.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId};
use tidings_store::{Column, Db, Gather, Kind, ManyRows, Tx};

/// The oldest messages up to an id.
static OLDEST: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "msg_id"],
        "select m.conv_a, m.conv_b, m.msg_id from message m
         where m.app_id = $1 and m.msg_id + 0 <= $2 order by m.msg_id + 0 limit cast($3 as bigint)",
    )
});

const COLUMNS: [(&str, Kind); 4] =
    [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("up_to", Kind::Int)];

/// Keeps the counts at the newest message that goes, since what lies above it is counted from there.
static KEEP_COUNTS: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &COLUMNS,
        "update conversation_head
         set purged_msg_id = m.msg_id, purged_ordinal = m.ordinal, purged_ordinal_low = m.ordinal_low
         from r, message m
         where conversation_head.app_id = r.app_id and conversation_head.conv_a = r.conv_a
           and conversation_head.conv_b = r.conv_b and conversation_head.purged_msg_id < r.up_to
           and m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id = r.up_to",
    )
});

/// Empties one of the tables up to a message of each conversation.
fn empty(table: &str, key: &[&str]) -> ManyRows {
    let (key, of_t) = (key.join(", "), key.iter().map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", "));
    let sqlite = format!(
        "delete from {table} where ({key}) in (select {of_t} from r cross join {table} t
            where t.app_id = r.app_id and t.conv_a = r.conv_a and t.conv_b = r.conv_b and t.msg_id <= r.up_to)"
    );
    let postgres = format!(
        "delete from {table} t using r
         where t.app_id = r.app_id and t.conv_a = r.conv_a and t.conv_b = r.conv_b and t.msg_id <= r.up_to"
    );
    ManyRows::per_engine(&COLUMNS, &sqlite, &postgres)
}

static EMPTY: LazyLock<[ManyRows; 5]> = LazyLock::new(|| {
    let place = ["app_id", "conv_a", "conv_b", "msg_id"];
    let of_file = ["app_id", "conv_a", "conv_b", "msg_id", "uuid"];
    let of_user = ["app_id", "user_id", "conv_a", "conv_b", "msg_id"];
    [
        empty("message", &place),
        empty("recalled", &place),
        empty("late", &place),
        empty("excluded", &of_user),
        empty("file_use", &of_file),
    ]
});

pub fn many() -> Vec<&'static ManyRows> {
    [&*KEEP_COUNTS].into_iter().chain(EMPTY.iter()).collect()
}

pub fn gathers() -> Vec<&'static Gather> {
    vec![&OLDEST]
}

/// The newest of up to `limit` oldest messages that are not above `up_to`, by conversation; and how many they are.
pub async fn oldest(
    db: &Db,
    app: AppId,
    up_to: MsgId,
    limit: i64,
) -> Result<(BTreeMap<ConversationId, MsgId>, usize), Error> {
    let rows: Vec<(i64, i64, i64)> = OLDEST.read(db, &[app.0, up_to.0, limit]).await?;
    let count = rows.len();
    let mut newest = BTreeMap::new();
    for (a, b, msg_id) in rows {
        // Ascending, so the last one stays.
        newest.insert(ConversationId::from_key(a, b), MsgId(msg_id));
    }
    Ok((newest, count))
}

/// Removes every message up to the given one of each conversation. Their heads are locked.
pub async fn remove(tx: &mut Tx, app: AppId, up_to: &BTreeMap<ConversationId, MsgId>) -> Result<(), Error> {
    let rows = || {
        [
            Column::Int(vec![app.0; up_to.len()]),
            Column::Int(up_to.keys().map(|conversation| conversation.key().0).collect()),
            Column::Int(up_to.keys().map(|conversation| conversation.key().1).collect()),
            Column::Int(up_to.values().map(|msg_id| msg_id.0).collect()),
        ]
    };
    KEEP_COUNTS.execute(tx, &rows()).await?;
    for statement in EMPTY.iter() {
        statement.execute(tx, &rows()).await?;
    }
    Ok(())
}
