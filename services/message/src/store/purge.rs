//! Removes data past an app's retention.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};
use tidings_store::{Column, Db, Gather, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

use crate::row_options::Flags;

/// The oldest messages up to an id.
static OLDEST: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "msg_id", "lane", "event_no", "flags"],
        "select m.conv_a, m.conv_b, m.msg_id, m.lane, m.event_no, m.flags from message m
         where m.app_id = $1 and m.msg_id + 0 <= $2 order by m.msg_id + 0 limit cast($3 as bigint)",
    )
});

const COLUMNS: [(&str, Kind); 4] =
    [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("up_to", Kind::Int)];

/// Keeps the counts at the newest removed message, since messages above it are counted from there.
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

static EMPTY: LazyLock<[ManyRows; 8]> = LazyLock::new(|| {
    let place = ["app_id", "conv_a", "conv_b", "msg_id"];
    let of_file = ["app_id", "conv_a", "conv_b", "msg_id", "uuid"];
    let of_user = ["app_id", "user_id", "conv_a", "conv_b", "msg_id"];
    let of_reaction = ["app_id", "conv_a", "conv_b", "msg_id", "reaction_id"];
    let of_reactor = ["app_id", "conv_a", "conv_b", "msg_id", "reaction_id", "user_id"];
    [
        empty("message", &place),
        empty("recalled", &place),
        empty("late", &place),
        empty("stray", &place),
        empty("excluded", &of_user),
        empty("file_use", &of_file),
        empty("reaction", &of_reaction),
        empty("reaction_user", &of_reactor),
    ]
});

pub fn many() -> Vec<&'static ManyRows> {
    [&*KEEP_COUNTS].into_iter().chain(EMPTY.iter()).collect()
}

pub fn gathers() -> Vec<&'static Gather> {
    vec![&OLDEST]
}

/// Messages that are removed together.
#[derive(Debug, Default)]
pub struct Oldest {
    /// The newest of them in each conversation.
    pub newest: BTreeMap<ConversationId, MsgId>,
    /// The highest event number of them in each lane, without imports: those have late numbers and early times.
    pub events: BTreeMap<i64, i64>,
    /// The number of them.
    pub count: usize,
}

/// Up to `limit` of the oldest messages that are not above `up_to`.
pub async fn oldest(db: &Db, app: AppId, up_to: MsgId, limit: i64) -> Result<Oldest, Error> {
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = OLDEST.read(db, &[app.0, up_to.0, limit]).await?;
    let mut oldest = Oldest { count: rows.len(), ..Oldest::default() };
    for (a, b, msg_id, lane, event_no, flags) in rows {
        // Ascending, so the last one stays.
        oldest.newest.insert(ConversationId::from_key(a, b), MsgId(msg_id));
        if !Flags::of(flags).imported {
            let highest = oldest.events.entry(lane).or_default();
            *highest = event_no.max(*highest);
        }
    }
    Ok(oldest)
}

/// The first events of a lane that are not rows of the log.
const FIRST_EVENTS: &str = "
    select event_no, made_at from event
    where app_id = $1 and lane = $2 order by event_no limit cast($3 as bigint)";

const REMOVE_EVENTS: &str = "delete from event where app_id = $1 and lane = $2 and event_no <= $3";

pub const ALL: &[&str] = &[FIRST_EVENTS, REMOVE_EVENTS];

/// The last of up to `limit` first events of a lane that were all created before `until`; and how many they are.
pub async fn first_events(
    db: &Db,
    app: AppId,
    lane: i64,
    until: UnixMillis,
    limit: i64,
) -> Result<Option<(i64, usize)>, Error> {
    let rows: Vec<(i64, i64)> =
        on_db!(db, |c| sqlx::query_as(FIRST_EVENTS).bind(app.0).bind(lane).bind(limit).fetch_all(c).await)?;
    let old = rows.iter().take_while(|(_, made_at)| *made_at < until.0);
    Ok(old.clone().last().map(|(event_no, _)| (*event_no, old.count())))
}

/// Removes the events of a lane up to that one.
pub async fn remove_events(tx: &mut Tx, app: AppId, lane: i64, up_to: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(REMOVE_EVENTS).bind(app.0).bind(lane).bind(up_to).execute(c).await.map(drop))
}

/// Removes every message up to the given one of each conversation. Their heads must be locked.
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
