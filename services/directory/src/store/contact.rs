//! Users' contacts. Two users who are contacts have a row each.

use std::{collections::HashSet, sync::LazyLock};

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, GatherMany, Kind, ManyRows, Tx, on_tx, row};

use super::keyed;
use crate::model::contact::{Contact, ContactChange, ContactProfile, NewContact, Relation};

const PAIR: [(&str, Kind); 3] = [("app_id", Kind::Int), ("user_id", Kind::Int), ("contact_id", Kind::Int)];

/// Those of some users who are contacts of one. One primary key lookup per row; see `store::users`.
static AMONG: LazyLock<GatherMany> = LazyLock::new(|| {
    let is_it = "c.app_id = r.app_id and c.user_id = r.user_id and c.contact_id = r.contact_id";
    let sqlite = format!("select c.contact_id from r cross join contact c where {is_it}");
    let postgres =
        format!("select c.contact_id from r cross join lateral (select * from contact c where {is_it} limit 1) c");
    GatherMany::per_engine(&PAIR, &["contact_id"], &sqlite, &postgres)
});

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("contact_id", Kind::Int),
        ("added_at", Kind::Int),
        ("remark", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into contact (app_id, user_id, contact_id, added_at, remark, ext, mute_notification)
        select r.app_id, r.user_id, r.contact_id, r.added_at, r.remark, '', false from r",
    )
});

const DELETE: &str = "delete from contact where app_id = $1 and user_id = $2 and contact_id = $3";

/// Null fields are unchanged.
const UPDATE: &str = "
    update contact set remark = coalesce($4, remark), ext = coalesce($5, ext),
        mute_notification = coalesce($6, mute_notification)
    where app_id = $1 and user_id = $2 and contact_id = $3";

macro_rules! columns {
    () => {
        "c.contact_id, c.added_at, c.remark, c.ext, c.mute_notification,
        (select u.username from app_user u where u.app_id = c.app_id and u.user_id = c.contact_id) as username"
    };
}

const COLUMNS: [&str; 6] =
    ["contact_id", "added_at", "remark", "ext", "json(iif(mute_notification, 'true', 'false'))", "username"];

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = concat!(
        "select ",
        columns!(),
        " from contact c where c.app_id = $1 and c.user_id = $2 and c.contact_id > $3 order by c.contact_id limit $4"
    );
    Gather::new(&COLUMNS, query)
});

static IDS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(&["contact_id"], "select c.contact_id from contact c where c.app_id = $1 and c.user_id = $2")
});

row! {
    struct ProfileRow {
        user_id: i64,
        username: Option<String>,
        nickname: String,
        avatar: String,
        description: String,
        public_info: String,
        is_contact: i64,
        is_blocked: i64,
        added_at: i64,
        remark: String,
        ext: String,
        mute_notification: bool,
    }
}

/// Registered users, what they show to everybody, and their relation to `user_id`. Four primary key lookups per row.
static PROFILES: LazyLock<GatherMany> = LazyLock::new(|| {
    let select = "
    select u.user_id, u.username, u.nickname, coalesce(p.avatar, '') as avatar,
        coalesce(p.description, '') as description, coalesce(p.public_info, '') as public_info,
        cast(case when c.user_id is null then 0 else 1 end as bigint) as is_contact,
        cast(case when b.user_id is null then 0 else 1 end as bigint) as is_blocked,
        coalesce(c.added_at, 0) as added_at, coalesce(c.remark, '') as remark, coalesce(c.ext, '') as ext,
        coalesce(c.mute_notification, false) as mute_notification";
    let is_user = "u.app_id = r.app_id and u.user_id = r.contact_id";
    let living = "u.deleted_at is null and u.registered";
    let has_profile = "p.app_id = r.app_id and p.user_id = r.contact_id";
    let is_contact = "c.app_id = r.app_id and c.user_id = r.user_id and c.contact_id = r.contact_id";
    let is_blocked = "b.app_id = r.app_id and b.user_id = r.user_id and b.blocked_id = r.contact_id";
    let sqlite = format!(
        "{select} from r cross join app_user u left join user_profile p on {has_profile}
        left join contact c on {is_contact} left join user_block b on {is_blocked} where {is_user} and {living}"
    );
    let postgres = format!(
        "{select} from r
        cross join lateral (select * from app_user u where {is_user} limit 1) u
        left join lateral (select * from user_profile p where {has_profile} limit 1) p on true
        left join lateral (select * from contact c where {is_contact} limit 1) c on true
        left join lateral (select * from user_block b where {is_blocked} limit 1) b on true
        where {living}"
    );
    let out = ProfileRow::COLUMNS.iter().map(|column| match *column {
        "mute_notification" => "json(iif(mute_notification, 'true', 'false'))",
        column => column,
    });
    GatherMany::per_engine(&PAIR, &out.collect::<Vec<_>>(), &sqlite, &postgres)
});

/// Locks the totals of the contacts of a user who is deleted.
const LOCK_TOTALS: &str = "
    select count(*) from (
        select t.user_id from contact c join contact_total t on t.app_id = c.app_id and t.user_id = c.user_id
        where c.app_id = $1 and c.contact_id = $2 order by t.user_id for update of t) l";
const LOWER_TOTALS: &str = "
    update contact_total set contacts = contacts - 1
    where app_id = $1 and user_id in (select c.user_id from contact c where c.app_id = $1 and c.contact_id = $2)";
const FORGET_TOTAL: &str = "delete from contact_total where app_id = $1 and user_id = $2";
const FORGET_LIST: &str = "delete from contact where app_id = $1 and user_id = $2";
const FORGET_CONTACT: &str = "delete from contact where app_id = $1 and contact_id = $2";
const FORGET: [&str; 4] = [LOWER_TOTALS, FORGET_TOTAL, FORGET_LIST, FORGET_CONTACT];

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts: Vec<String> = [DELETE, UPDATE].into_iter().chain(FORGET).map(str::to_owned).collect();
    if engine == Engine::Postgres {
        texts.push(LOCK_TOTALS.to_owned());
    }
    texts.extend([LIST.text(engine), IDS.text(engine)]);
    [texts, AMONG.texts(engine), INSERT.texts(engine), PROFILES.texts(engine)].concat()
}

fn set(found: Vec<(i64,)>) -> HashSet<UserId> {
    found.into_iter().map(|(user,)| UserId(user)).collect()
}

/// Those of `others` who are contacts of `user`.
pub(crate) async fn among(db: &Db, app: AppId, user: UserId, others: &[UserId]) -> Result<HashSet<UserId>, Error> {
    AMONG.read(db, &keyed::pair_rows(app, user, others)).await.map(set)
}

/// The same inside a transaction.
pub(crate) async fn among_in(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    others: &[UserId],
) -> Result<HashSet<UserId>, Error> {
    AMONG.fetch(tx, &keyed::pair_rows(app, user, others)).await.map(set)
}

/// All contacts of `user`, in any order.
pub(crate) async fn ids(db: &Db, app: AppId, user: UserId) -> Result<Vec<UserId>, Error> {
    let found: Vec<(i64,)> = IDS.read(db, &[app.0, user.0]).await?;
    Ok(found.into_iter().map(|(contact,)| UserId(contact)).collect())
}

/// Adds rows that are not there.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, new: &[NewContact], now: UnixMillis) -> Result<(), Error> {
    let rows = [
        Column::Int(vec![app.0; new.len()]),
        Column::Int(new.iter().map(|new| new.user.0).collect()),
        Column::Int(new.iter().map(|new| new.contact.0).collect()),
        Column::Int(vec![now.0; new.len()]),
        Column::Text(new.iter().map(|new| Some(new.remark.as_str())).collect()),
    ];
    INSERT.execute(tx, &rows).await
}

/// Removes both rows; false when the two were no contacts.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, user: UserId, other: UserId) -> Result<bool, Error> {
    let mut deleted = 0;
    for (one, another) in [(user, other), (other, user)] {
        deleted += on_tx!(&mut *tx, |c| sqlx::query(DELETE)
            .bind(app.0)
            .bind(one.0)
            .bind(another.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))?;
    }
    Ok(deleted > 0)
}

/// False when the two are not contacts.
pub(crate) async fn update(
    tx: &mut Tx,
    app: AppId,
    user: UserId,
    contact: UserId,
    change: &ContactChange,
) -> Result<bool, Error> {
    let updated = on_tx!(tx, |c| sqlx::query(UPDATE)
        .bind(app.0)
        .bind(user.0)
        .bind(contact.0)
        .bind(change.remark.as_deref())
        .bind(change.ext.as_deref())
        .bind(change.mute_notification)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(updated > 0)
}

/// Contacts with ids above `after`, in order of their ids.
pub(crate) async fn list(db: &Db, app: AppId, user: UserId, after: i64, limit: i64) -> Result<Vec<Contact>, Error> {
    let rows: Vec<(i64, i64, String, String, bool, Option<String>)> =
        LIST.read(db, &[app.0, user.0, after, limit]).await?;
    let contact =
        |(contact, added_at, remark, ext, mute_notification, username): (_, _, _, _, _, Option<String>)| Contact {
            user: UserId(contact),
            username: username.unwrap_or_default(),
            remark,
            ext,
            mute_notification,
            added_at: UnixMillis(added_at),
        };
    Ok(rows.into_iter().map(contact).collect())
}

/// Those of `others` who exist, in any order.
pub(crate) async fn profiles(
    db: &Db,
    app: AppId,
    user: UserId,
    others: &[UserId],
) -> Result<Vec<ContactProfile>, Error> {
    let rows: Vec<ProfileRow> = PROFILES.read(db, &keyed::pair_rows(app, user, others)).await?;
    let profile = |row: ProfileRow| ContactProfile {
        relation: match (row.is_blocked, row.is_contact) {
            (0, 0) => Relation::Stranger,
            (0, _) => Relation::Contact,
            _ => Relation::Blocked,
        },
        nickname: row.nickname,
        avatar: row.avatar,
        description: row.description,
        public_info: row.public_info,
        contact: Contact {
            user: UserId(row.user_id),
            username: row.username.unwrap_or_default(),
            remark: row.remark,
            ext: row.ext,
            mute_notification: row.mute_notification,
            added_at: UnixMillis(row.added_at),
        },
    };
    Ok(rows.into_iter().map(profile).collect())
}

/// Removes a user who is deleted from all lists, and their own.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    if tx.engine() == Engine::Postgres {
        on_tx!(&mut *tx, |c| sqlx::query(LOCK_TOTALS).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    }
    for statement in FORGET {
        on_tx!(&mut *tx, |c| sqlx::query(statement).bind(app.0).bind(user.0).execute(c).await.map(drop))?;
    }
    Ok(())
}
