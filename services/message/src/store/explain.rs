//! All stored data about one message.

use tidings_domain::{AppId, Error};
use tidings_store::{Db, on_db, row, sqlx};

row! {
    /// A message's row without its content.
    #[derive(Debug)]
    pub struct PlaceRow {
        pub conv_a: i64,
        pub conv_b: i64,
        pub seq: i64,
        pub lane: i64,
        pub event_no: i64,
        pub sender_id: i64,
        pub sent_at: i64,
        pub flags: i64,
        pub recalled_at: Option<i64>,
        pub edited_at: Option<i64>,
        pub edits: i64,
        pub origin: Option<String>,
    }
}

/// The sum selects the index that only searches by id use.
const PLACE: &str = "
    select m.conv_a, m.conv_b, m.seq, m.lane, m.event_no, m.sender_id, m.sent_at, m.flags, m.recalled_at, m.edited_at,
        m.edits, m.origin
    from message m where m.app_id = $1 and m.msg_id + 0 = $2";

row! {
    /// Another event of the message.
    #[derive(Debug)]
    pub struct EventRow {
        pub event_no: i64,
        pub kind: String,
        pub made_at: i64,
        pub actor_id: i64,
        pub trace: Option<String>,
        pub reason: Option<String>,
    }
}

/// The conversation's index: those of a message are few among those of its conversation.
const EVENTS: &str = "
    select e.event_no, e.kind, e.made_at, e.actor_id, e.trace, e.reason from event e
    where e.app_id = $1 and e.conv_a = $2 and e.conv_b = $3 and e.event_no > $5 and e.msg_id = $4
    order by e.event_no limit 200";

const FILES: &str = "
    select uuid from file_use
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 order by uuid limit 200";

pub const ALL: &[&str] = &[PLACE, EVENTS, FILES];

/// The message's row, recalled or not.
pub async fn place(db: &Db, app: AppId, msg_id: i64) -> Result<Option<PlaceRow>, Error> {
    on_db!(db, |c| sqlx::query_as(PLACE).bind(app.0).bind(msg_id).fetch_optional(c).await)
}

/// Its events after that of its sending, oldest first.
pub async fn events(
    db: &Db,
    app: AppId,
    (a, b): (i64, i64),
    (msg_id, above): (i64, i64),
) -> Result<Vec<EventRow>, Error> {
    on_db!(db, |c| sqlx::query_as(EVENTS).bind(app.0).bind(a).bind(b).bind(msg_id).bind(above).fetch_all(c).await)
}

/// The files that it contains.
pub async fn files(db: &Db, app: AppId, (a, b): (i64, i64), msg_id: i64) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> =
        on_db!(db, |c| sqlx::query_as(FILES).bind(app.0).bind(a).bind(b).bind(msg_id).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(uuid,)| uuid).collect())
}
