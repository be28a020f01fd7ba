//! Reactions to messages. Changes are made under the lock of the conversation's head, as recalls are.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, Tx, on_db, on_tx, row, sqlx};

use super::which::Which;

const KINDS: &str = "
    select reaction_id, text, made_at, changed_at, users, last_place from reaction
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";

const KIND: &str = "
    select reaction_id, text, made_at, changed_at, users, last_place from reaction
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and reaction_id = $5";

/// Adds nothing to a message that was recalled or purged, or for a user who was added before.
const ADD_USER: &str = "
    insert into reaction_user (app_id, conv_a, conv_b, msg_id, reaction_id, user_id, place, made_at)
    select m.app_id, m.conv_a, m.conv_b, m.msg_id, cast($5 as bigint), cast($6 as bigint), cast($7 as bigint),
        cast($8 as bigint)
    from message m
    where m.app_id = $1 and m.conv_a = $2 and m.conv_b = $3 and m.msg_id = $4 and m.recalled_at is null
    on conflict (app_id, conv_a, conv_b, msg_id, reaction_id, user_id) do nothing";

const COUNT_UP: &str = "
    insert into reaction (app_id, conv_a, conv_b, msg_id, reaction_id, text, made_at, changed_at, users, last_place)
    values ($1, $2, $3, $4, $5, $6, $7, $7, 1, 1)
    on conflict (app_id, conv_a, conv_b, msg_id, reaction_id) do update
    set users = reaction.users + 1, last_place = reaction.last_place + 1, changed_at = excluded.changed_at";

const HAS_USER: &str = "
    select 1 from reaction_user
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and reaction_id = $5 and user_id = $6";

const REMOVE_USER: &str = "
    delete from reaction_user
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and reaction_id = $5 and user_id = $6";

const COUNT_DOWN: &str = "
    update reaction set users = users - 1
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and reaction_id = $5 and users > 1";

const REMOVE: &str = "
    delete from reaction
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and reaction_id = $5";

const FORGET: &str = "delete from reaction where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";
const FORGET_USERS: &str =
    "delete from reaction_user where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";

pub const ALL: &[&str] =
    &[KINDS, KIND, ADD_USER, COUNT_UP, HAS_USER, REMOVE_USER, COUNT_DOWN, REMOVE, FORGET, FORGET_USERS];

/// The reactions of messages, with their first users (-1: there are fewer), and whether `user_id` is among all of them.
static LIST: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("user_id", Kind::Int),
    ];
    let user = |place: usize| {
        format!(
            "coalesce((select u.user_id from reaction_user u
                where u.app_id = k.app_id and u.conv_a = k.conv_a and u.conv_b = k.conv_b and u.msg_id = k.msg_id
                    and u.reaction_id = k.reaction_id
                order by u.place limit 1 offset {place}), -1)"
        )
    };
    let query = format!(
        "select k.msg_id, k.reaction_id, k.text, k.made_at, k.changed_at, k.users, {} as first, {} as second,
            {} as third,
            (select count(*) from reaction_user u
                where u.app_id = k.app_id and u.conv_a = k.conv_a and u.conv_b = k.conv_b and u.msg_id = k.msg_id
                    and u.reaction_id = k.reaction_id and u.user_id = r.user_id) as own
         from r cross join reaction k
         where k.app_id = r.app_id and k.conv_a = r.conv_a and k.conv_b = r.conv_b and k.msg_id = r.msg_id",
        user(0),
        user(1),
        user(2),
    );
    GatherMany::new(&columns, ListRow::COLUMNS, &query, "")
});

/// Who added a reaction, in that order, after a place.
static USERS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["user_id", "place", "made_at"],
        "select u.user_id, u.place, u.made_at from reaction_user u
         where u.app_id = $1 and u.conv_a = $2 and u.conv_b = $3 and u.msg_id = $4 and u.reaction_id = $5
            and u.place > $6
         order by u.place limit cast($7 as bigint)",
    )
});

pub fn lookups() -> Vec<&'static GatherMany> {
    vec![&LIST]
}

pub fn gathers() -> Vec<&'static Gather> {
    vec![&USERS]
}

row! {
    struct ListRow {
        msg_id: i64,
        reaction_id: i64,
        text: String,
        made_at: i64,
        changed_at: i64,
        users: i64,
        first: i64,
        second: i64,
        third: i64,
        own: i64,
    }
}

/// One reaction of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub id: i64,
    pub text: String,
    /// When its first user was added.
    pub made_at: UnixMillis,
    /// When its last user was added.
    pub changed_at: UnixMillis,
    pub users: i64,
    last_place: i64,
}

/// A reaction, and who added it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub msg_id: MsgId,
    pub reaction: Reaction,
    /// The first three.
    pub first: Vec<UserId>,
    /// Whether the asking user is among all of them.
    pub own: bool,
}

/// One user of a reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reactor {
    pub user: UserId,
    pub place: i64,
    pub made_at: UnixMillis,
}

type KindRow = (i64, String, i64, i64, i64, i64);

fn kind((id, text, made_at, changed_at, users, last_place): KindRow) -> Reaction {
    Reaction { id, text, made_at: UnixMillis(made_at), changed_at: UnixMillis(changed_at), users, last_place }
}

/// Every reaction of a message, in no order.
pub async fn kinds(tx: &mut Tx, which: Which) -> Result<Vec<Reaction>, Error> {
    let (a, b) = which.conversation.key();
    let rows: Vec<KindRow> = on_tx!(tx, |c| sqlx::query_as(KINDS)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(kind).collect())
}

/// Adds the user; `None` if the message was removed, or they were added before. `earlier` is the reaction if it exists.
pub async fn add(
    tx: &mut Tx,
    which: Which,
    user: UserId,
    (id, text, earlier): (i64, &str, Option<&Reaction>),
    now: UnixMillis,
) -> Result<Option<Reaction>, Error> {
    let (a, b) = which.conversation.key();
    let place = earlier.map_or(0, |earlier| earlier.last_place) + 1;
    let added = on_tx!(&mut *tx, |c| sqlx::query(ADD_USER)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(id)
        .bind(user.0)
        .bind(place)
        .bind(now.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    if added == 0 {
        return Ok(None);
    }
    on_tx!(&mut *tx, |c| sqlx::query(COUNT_UP)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(id)
        .bind(text)
        .bind(now.0)
        .execute(c)
        .await
        .map(drop))?;
    let (made_at, users) = earlier.map_or((now, 1), |earlier| (earlier.made_at, earlier.users + 1));
    Ok(Some(Reaction { id, text: text.to_owned(), made_at, changed_at: now, users, last_place: place }))
}

/// Removes the user, and with the last one the reaction; false if they were not there.
pub async fn remove(tx: &mut Tx, which: Which, user: UserId, id: i64) -> Result<bool, Error> {
    let (a, b) = which.conversation.key();
    let removed = on_tx!(&mut *tx, |c| sqlx::query(REMOVE_USER)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(id)
        .bind(user.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    if removed == 0 {
        return Ok(false);
    }
    for statement in [COUNT_DOWN, REMOVE] {
        let done = on_tx!(&mut *tx, |c| sqlx::query(statement)
            .bind(which.app.0)
            .bind(a)
            .bind(b)
            .bind(which.msg_id.0)
            .bind(id)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
        if done > 0 {
            break;
        }
    }
    Ok(true)
}

/// Removes every reaction of a message, since it was recalled.
pub async fn forget(tx: &mut Tx, which: Which) -> Result<(), Error> {
    let (a, b) = which.conversation.key();
    for statement in [FORGET, FORGET_USERS] {
        on_tx!(&mut *tx, |c| sqlx::query(statement)
            .bind(which.app.0)
            .bind(a)
            .bind(b)
            .bind(which.msg_id.0)
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// The reactions of messages, each message's in the order in which they were first added.
pub async fn list(
    db: &Db,
    app: AppId,
    messages: &[(ConversationId, MsgId)],
    user: UserId,
) -> Result<Vec<Listed>, Error> {
    let columns = [
        Column::Int(vec![app.0; messages.len()]),
        Column::Int(messages.iter().map(|(conversation, _)| conversation.key().0).collect()),
        Column::Int(messages.iter().map(|(conversation, _)| conversation.key().1).collect()),
        Column::Int(messages.iter().map(|(_, msg_id)| msg_id.0).collect()),
        Column::Int(vec![user.0; messages.len()]),
    ];
    let rows: Vec<ListRow> = LIST.read(db, &columns).await?;
    let mut listed: Vec<Listed> = rows.into_iter().map(listed).collect();
    listed.sort_unstable_by_key(|it| (it.reaction.made_at, it.reaction.id));
    Ok(listed)
}

fn listed(row: ListRow) -> Listed {
    let first = [row.first, row.second, row.third].into_iter().filter(|user| *user >= 0).map(UserId).collect();
    let reaction = kind((row.reaction_id, row.text, row.made_at, row.changed_at, row.users, 0));
    Listed { msg_id: MsgId(row.msg_id), reaction, first, own: row.own > 0 }
}

/// One reaction; `None` if no user has added it.
pub async fn find(db: &Db, which: Which, id: i64) -> Result<Option<Reaction>, Error> {
    let (a, b) = which.conversation.key();
    let row: Option<KindRow> = on_db!(db, |c| sqlx::query_as(KIND)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(kind))
}

/// Whether the user added the reaction.
pub async fn has(db: &Db, which: Which, id: i64, user: UserId) -> Result<bool, Error> {
    let (a, b) = which.conversation.key();
    let found: Option<(i32,)> = on_db!(db, |c| sqlx::query_as(HAS_USER)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(id)
        .bind(user.0)
        .fetch_optional(c)
        .await)?;
    Ok(found.is_some())
}

/// Up to `limit` users of a reaction after a place, in the order in which they were added.
pub async fn users(db: &Db, which: Which, id: i64, after: i64, limit: i64) -> Result<Vec<Reactor>, Error> {
    let (a, b) = which.conversation.key();
    let rows: Vec<(i64, i64, i64)> = USERS.read(db, &[which.app.0, a, b, which.msg_id.0, id, after, limit]).await?;
    let users = rows.into_iter();
    Ok(users.map(|(user, place, at)| Reactor { user: UserId(user), place, made_at: UnixMillis(at) }).collect())
}
