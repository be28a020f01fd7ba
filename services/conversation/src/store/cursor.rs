//! Each user's cursors in each conversation.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, Marks, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Gather, Kind, ManyRows, Tx, on_db, sqlx};

use super::{KEY, UserConversation};

static OF_USER: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "read_id", "delivered_id", "cleared_id", "unlisted_id"],
        "select conv_a, conv_b, read_id, delivered_id, cleared_id, unlisted_id
         from cursor where app_id = $1 and user_id = $2",
    )
});

const FIND: &str = "
    select user_id, read_id, delivered_id, cleared_id
    from cursor where app_id = $1 and user_id in ($2, $3) and conv_a = $4 and conv_b = $5";

/// Every cursor moves up or stays; nothing is written when all of them stay.
static RAISE: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, user, a, b] = KEY;
    let columns = [
        app,
        user,
        a,
        b,
        ("read_id", Kind::Int),
        ("delivered_id", Kind::Int),
        ("cleared_id", Kind::Int),
        ("unlisted_id", Kind::Int),
        ("read_at", Kind::Int),
        ("since_id", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into cursor (app_id, user_id, conv_a, conv_b, read_id, delivered_id, cleared_id, unlisted_id, read_at, since_id)
         select app_id, user_id, conv_a, conv_b, read_id, delivered_id, cleared_id, unlisted_id, read_at, since_id
         from r where true
         order by app_id, user_id, conv_a, conv_b
         on conflict (app_id, user_id, conv_a, conv_b) do update set
            read_id = case when excluded.read_id > cursor.read_id
                then excluded.read_id else cursor.read_id end,
            read_at = case when excluded.read_id > cursor.read_id
                then excluded.read_at else cursor.read_at end,
            since_id = case when excluded.since_id > cursor.since_id
                then excluded.since_id else cursor.since_id end,
            delivered_id = case when excluded.delivered_id > cursor.delivered_id
                then excluded.delivered_id else cursor.delivered_id end,
            cleared_id = case when excluded.cleared_id > cursor.cleared_id
                then excluded.cleared_id else cursor.cleared_id end,
            unlisted_id = case when excluded.unlisted_id > cursor.unlisted_id
                then excluded.unlisted_id else cursor.unlisted_id end
         where excluded.read_id > cursor.read_id or excluded.delivered_id > cursor.delivered_id
            or excluded.cleared_id > cursor.cleared_id or excluded.unlisted_id > cursor.unlisted_id
         returning conv_a",
    )
});

pub const ALL: &[&str] = &[FIND];

/// The lists of this table.
pub fn lists() -> Vec<&'static Gather> {
    vec![&OF_USER]
}

pub fn many() -> Vec<&'static ManyRows> {
    vec![&RAISE]
}

/// A cursor as listed.
#[derive(Debug, Clone, Copy)]
pub struct Cursor {
    pub conversation: ConversationId,
    pub marks: Marks,
    pub unlisted: MsgId,
}

/// Every cursor of a user.
pub async fn of_user(db: &Db, app: AppId, user: UserId) -> Result<Vec<Cursor>, Error> {
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = OF_USER.read(db, &[app.0, user.0]).await?;
    let cursors = rows.into_iter().map(|(a, b, read, delivered, cleared, unlisted)| Cursor {
        conversation: ConversationId::from_key(a, b),
        marks: Marks { read: MsgId(read), delivered: MsgId(delivered), cleared: MsgId(cleared) },
        unlisted: MsgId(unlisted),
    });
    Ok(cursors.collect())
}

/// The cursors of a user and another one in a conversation; zeros if they never moved.
pub async fn find(db: &Db, place: UserConversation, other: UserId) -> Result<(Marks, Marks), Error> {
    let (a, b) = place.conversation.key();
    let rows: Vec<(i64, i64, i64, i64)> = on_db!(db, |c| sqlx::query_as(FIND)
        .bind(place.app.0)
        .bind(place.user.0)
        .bind(other.0)
        .bind(a)
        .bind(b)
        .fetch_all(c)
        .await)?;
    let marks_of = |user: UserId| {
        let row = rows.iter().find(|row| row.0 == user.0);
        row.map_or_else(Marks::default, |(_, read, delivered, cleared)| Marks {
            read: MsgId(*read),
            delivered: MsgId(*delivered),
            cleared: MsgId(*cleared),
        })
    };
    Ok((marks_of(place.user), marks_of(other)))
}

/// New cursors of a user in a conversation; zeros leave a cursor unchanged.
#[derive(Debug, Clone, Copy)]
pub struct Raise {
    pub conversation: ConversationId,
    pub to: Marks,
    pub unlisted: MsgId,
    /// Of a read mark: when it moves, and up to where the user could not see the conversation then.
    pub read: (UnixMillis, MsgId),
}

impl Raise {
    /// Of other cursors than the read mark.
    pub const fn unread(conversation: ConversationId, to: Marks, unlisted: MsgId) -> Self {
        Self { conversation, to, unlisted, read: (UnixMillis(0), MsgId::ZERO) }
    }
}

/// Moves a user's cursors up to these; false when all of them were there or further.
pub async fn raise(tx: &mut Tx, app: AppId, user: UserId, raise: Raise) -> Result<bool, Error> {
    Ok(raise_many(tx, app, user, &[raise]).await? > 0)
}

/// The same in several conversations at once; returns in how many anything moved.
pub async fn raise_many(tx: &mut Tx, app: AppId, user: UserId, raises: &[Raise]) -> Result<usize, Error> {
    let int = |value: fn(&Raise) -> i64| Column::Int(raises.iter().map(value).collect());
    let rows = [
        Column::Int(vec![app.0; raises.len()]),
        Column::Int(vec![user.0; raises.len()]),
        int(|raise| raise.conversation.key().0),
        int(|raise| raise.conversation.key().1),
        int(|raise| raise.to.read.0),
        int(|raise| raise.to.delivered.0),
        int(|raise| raise.to.cleared.0),
        int(|raise| raise.unlisted.0),
        int(|raise| raise.read.0.0),
        int(|raise| raise.read.1.0),
    ];
    let moved: Vec<(i64,)> = RAISE.fetch(tx, &rows).await?;
    Ok(moved.len())
}
