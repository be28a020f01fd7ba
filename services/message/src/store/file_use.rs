//! Which messages reference which files, and the files released by recalls.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

use super::which::Which;

/// The decision whether a file is deleted locks its rows of `released_file` first, then looks for references. So
/// uncommitted references must be waited for there: on PostgreSQL, a statement that writes a reference locks those rows
/// too. SQLite has one writer.
macro_rules! touch {
    () => {
        ", touched as (
            update released_file f set since = f.since
            from (select distinct app_id, uuid from r) n where f.app_id = n.app_id and f.uuid = n.uuid) "
    };
}

const USE: [(&str, Kind); 6] = [
    ("app_id", Kind::Int),
    ("conv_a", Kind::Int),
    ("conv_b", Kind::Int),
    ("msg_id", Kind::Int),
    ("by_app", Kind::Int),
    ("uuid", Kind::Text),
];

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    let insert = "insert into file_use (app_id, conv_a, conv_b, msg_id, by_app, uuid)
         select app_id, conv_a, conv_b, msg_id, by_app, uuid from r where true";
    ManyRows::per_engine(&USE, insert, &format!("{}{insert}", touch!()))
});

static KEEP: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("uuid", Kind::Text)];
    let insert = "insert into kept_file (app_id, uuid) select app_id, uuid from r where true
         on conflict (app_id, uuid) do nothing";
    ManyRows::per_engine(&columns, insert, &format!("{}{insert}", touch!()))
});

const REMOVE: &str = "
    delete from file_use where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 returning uuid, by_app";

const RELEASE: &str = "
    insert into released_file (app_id, uuid, user_id, since) values ($1, $2, $3, $4)
    on conflict (app_id, uuid, user_id) do update set since = excluded.since";

/// The cast keeps SQLite from planning the query again for each limit.
const DUE: &str = "
    select uuid, user_id, since from released_file
    where app_id = $1 and since <= $2 order by since limit cast($3 as bigint)";

/// Changes nothing; a writer of a reference to the file waits here, and is waited for.
const LOCK: &str = "
    update released_file set since = since where app_id = $1 and uuid = $2 and user_id = $3 and since = $4";

const IS_SHOWN: &str = "
    select cast(case when exists (select 1 from file_use where app_id = $1 and uuid = $2)
        or exists (select 1 from kept_file where app_id = $1 and uuid = $2) then 1 else 0 end as bigint)";

const FORGET: &str = "delete from released_file where app_id = $1 and uuid = $2 and user_id = $3 and since = $4";

pub const ALL: &[&str] = &[REMOVE, RELEASE, DUE, LOCK, IS_SHOWN, FORGET];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&ADD, &KEEP]
}

/// A message that references a file.
#[derive(Debug, Clone)]
pub struct FileUse {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    /// The app itself made the call.
    pub by_app: bool,
    pub uuid: String,
}

/// Records the files of messages.
pub async fn add(tx: &mut Tx, uses: &[FileUse]) -> Result<(), Error> {
    if uses.is_empty() {
        return Ok(());
    }
    let rows = [
        Column::Int(uses.iter().map(|row| row.app.0).collect()),
        Column::Int(uses.iter().map(|row| row.conversation.key().0).collect()),
        Column::Int(uses.iter().map(|row| row.conversation.key().1).collect()),
        Column::Int(uses.iter().map(|row| row.msg_id.0).collect()),
        Column::Int(uses.iter().map(|row| row.by_app.into()).collect()),
        Column::Text(uses.iter().map(|row| Some(row.uuid.as_str())).collect()),
    ];
    ADD.execute(tx, &rows).await
}

/// Records files that no recall may delete. In ascending order, so that processes do not deadlock.
pub async fn keep(tx: &mut Tx, files: &[(AppId, String)]) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let mut files: Vec<_> = files.iter().collect();
    files.sort_unstable();
    files.dedup();
    let rows = [
        Column::Int(files.iter().map(|(app, _)| app.0).collect()),
        Column::Text(files.iter().map(|(_, uuid)| Some(uuid.as_str())).collect()),
    ];
    KEEP.execute(tx, &rows).await
}

/// Removes the message's references; returns them, and whether the app itself had sent it.
pub async fn remove(tx: &mut Tx, which: Which) -> Result<Vec<(String, bool)>, Error> {
    let (a, b) = which.conversation.key();
    let rows: Vec<(String, i64)> = on_tx!(tx, |c| sqlx::query_as(REMOVE)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(|(uuid, by_app)| (uuid, by_app != 0)).collect())
}

/// A file released by a recall.
#[derive(Debug)]
pub struct Released {
    pub uuid: String,
    /// In whose name; [`UserId::ADMIN`] is the app itself.
    pub user: UserId,
    pub since: UnixMillis,
}

/// Records a file to be deleted, unless something references it.
pub async fn release(tx: &mut Tx, app: AppId, released: &Released) -> Result<(), Error> {
    change(tx, RELEASE, app, released).await.map(drop)
}

/// Up to `limit` files that were released by then, oldest first.
pub async fn due(db: &Db, app: AppId, by: UnixMillis, limit: i64) -> Result<Vec<Released>, Error> {
    let rows: Vec<(String, i64, i64)> =
        on_db!(db, |c| sqlx::query_as(DUE).bind(app.0).bind(by.0).bind(limit).fetch_all(c).await)?;
    let released = |(uuid, user, since)| Released { uuid, user: UserId(user), since: UnixMillis(since) };
    Ok(rows.into_iter().map(released).collect())
}

/// Waits for messages that are being appended and reference the file; false if another recall has released it since.
pub async fn lock(tx: &mut Tx, app: AppId, released: &Released) -> Result<bool, Error> {
    change(tx, LOCK, app, released).await
}

/// Whether a message references the file, or it is recorded as kept.
pub async fn is_shown(tx: &mut Tx, app: AppId, uuid: &str) -> Result<bool, Error> {
    let shown: (i64,) = on_tx!(tx, |c| sqlx::query_as(IS_SHOWN).bind(app.0).bind(uuid).fetch_one(c).await)?;
    Ok(shown.0 != 0)
}

/// Removes the record, unless another recall has renewed it.
pub async fn forget(tx: &mut Tx, app: AppId, released: &Released) -> Result<(), Error> {
    change(tx, FORGET, app, released).await.map(drop)
}

async fn change(tx: &mut Tx, how: &'static str, app: AppId, released: &Released) -> Result<bool, Error> {
    let changed = on_tx!(tx, |c| sqlx::query(how)
        .bind(app.0)
        .bind(&released.uuid)
        .bind(released.user.0)
        .bind(released.since.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed > 0)
}

#[cfg(test)]
mod tests {
    use tidings_domain::{GroupId, MsgId};
    use tidings_store::{Location, open};
    use tidings_testkit::{fresh_database, wait_until};

    use super::*;
    use crate::SCHEMA;

    const APP: AppId = AppId(7);
    const UUID: &str = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";
    const WAITING: &str = "
        select cast(count(*) as bigint) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";

    /// Whether the file is referenced, as checked before it is removed.
    async fn decide(db: Db, released: Released) -> bool {
        let mut tx = db.begin().await.unwrap();
        assert!(lock(&mut tx, APP, &released).await.unwrap());
        let shown = is_shown(&mut tx, APP, &released.uuid).await.unwrap();
        tx.commit().await.unwrap();
        shown
    }

    #[tokio::test]
    async fn a_use_that_is_not_committed_yet_is_waited_for_and_wins() {
        let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
        let released = || Released { uuid: UUID.to_owned(), user: UserId(16), since: UnixMillis(1) };
        for kept in [false, true] {
            let mut tx = db.begin().await.unwrap();
            release(&mut tx, APP, &released()).await.unwrap();
            tx.commit().await.unwrap();
            assert!(!decide(db.clone(), released()).await);

            let mut tx = db.begin().await.unwrap();
            let (conversation, msg_id) = (ConversationId::Group(GroupId(3)), MsgId(5));
            if kept {
                keep(&mut tx, &[(APP, UUID.to_owned())]).await.unwrap();
            } else {
                let file_use = FileUse { app: APP, conversation, msg_id, by_app: false, uuid: UUID.to_owned() };
                add(&mut tx, &[file_use]).await.unwrap();
            }
            let deciding = tokio::spawn(decide(db.clone(), released()));
            wait_until("the decision to wait", async || {
                let waiting: (i64,) = on_db!(&db, |c| sqlx::query_as(WAITING).fetch_one(c).await).unwrap();
                waiting.0 > 0 || deciding.is_finished()
            })
            .await;
            tx.commit().await.unwrap();
            assert!(deciding.await.unwrap());

            let mut tx = db.begin().await.unwrap();
            remove(&mut tx, Which { app: APP, conversation, msg_id }).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}
