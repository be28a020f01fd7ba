//! Messages whose id is of another minute than the one in which they were sent.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};
use tidings_store::{Column, Db, GatherMany, Kind, ManyRows, Tx, on_db, sqlx};

const PLACE: [(&str, Kind); 4] =
    [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("msg_id", Kind::Int)];

static NOTE: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, a, b, msg_id] = PLACE;
    ManyRows::new(
        &[app, a, b, msg_id, ("sent_at", Kind::Int)],
        "insert into stray (app_id, conv_a, conv_b, msg_id, sent_at)
         select app_id, conv_a, conv_b, msg_id, sent_at from r where true",
    )
});

static AMONG: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &PLACE,
        &["msg_id"],
        "select s.msg_id from r cross join stray s
         where s.app_id = r.app_id and s.conv_a = r.conv_a and s.conv_b = r.conv_b and s.msg_id = r.msg_id",
        "",
    )
});

const COUNT: &str = "select count(*) from stray where app_id = $1 and sent_at >= $2 and sent_at < $3";

pub const ALL: &[&str] = &[COUNT];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&NOTE]
}

pub fn lookup() -> &'static GatherMany {
    &AMONG
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Stray {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub sent_at: UnixMillis,
}

fn places<'a>(
    app: impl Iterator<Item = AppId>,
    places: impl Iterator<Item = (ConversationId, MsgId)> + Clone,
) -> [Column<'a>; 4] {
    [
        Column::Int(app.map(|app| app.0).collect()),
        Column::Int(places.clone().map(|(conversation, _)| conversation.key().0).collect()),
        Column::Int(places.clone().map(|(conversation, _)| conversation.key().1).collect()),
        Column::Int(places.map(|(_, msg_id)| msg_id.0).collect()),
    ]
}

/// Records messages of this transaction.
pub async fn note(tx: &mut Tx, strays: &[Stray]) -> Result<(), Error> {
    let apps = strays.iter().map(|stray| stray.app);
    let [app, a, b, msg_id] = places(apps, strays.iter().map(|stray| (stray.conversation, stray.msg_id)));
    let sent_at = Column::Int(strays.iter().map(|stray| stray.sent_at.0).collect());
    NOTE.execute(tx, &[app, a, b, msg_id, sent_at]).await
}

/// Which of these messages of an app were recorded.
pub async fn among(db: &Db, app: AppId, messages: &[(ConversationId, MsgId)]) -> Result<HashSet<MsgId>, Error> {
    let columns = places(messages.iter().map(|_| app), messages.iter().copied());
    let rows: Vec<(i64,)> = AMONG.read(db, &columns).await?;
    Ok(rows.into_iter().map(|(msg_id,)| MsgId(msg_id)).collect())
}

/// How many were sent from the first time on and before the second.
pub async fn count(db: &Db, app: AppId, (from, until): (UnixMillis, UnixMillis)) -> Result<i64, Error> {
    let (count,): (i64,) =
        on_db!(db, |c| sqlx::query_as(COUNT).bind(app.0).bind(from.0).bind(until.0).fetch_one(c).await)?;
    Ok(count)
}
