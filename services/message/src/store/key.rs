//! Idempotency keys: earlier requests and their answers.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, Error, Reason, UnixMillis};
use tidings_store::{Column, Db, GatherMany, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

/// A key in its scope. Ordered, since rows are locked in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub app: AppId,
    /// Caller and call.
    pub scope: String,
    pub key: String,
}

/// A key with its request.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub key: Key,
    /// Empty if any repetition counts as the same.
    pub fingerprint: String,
    pub expires_at: UnixMillis,
}

/// The record of an earlier call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub fingerprint: String,
    pub reply: String,
}

impl NewKey {
    /// Refuses another request under the same key (decision 2).
    pub fn check_same(&self, answered: &Answered) -> Result<(), Error> {
        if self.fingerprint == answered.fingerprint {
            return Ok(());
        }
        Err(Error::new(Reason::KeyConflict, self.key.key.clone()))
    }
}

const KEY: [(&str, Kind); 3] = [("app_id", Kind::Int), ("scope", Kind::Text), ("key", Kind::Text)];

static CLAIM: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, scope, key] = KEY;
    let columns = [app, scope, key, ("fingerprint", Kind::Text), ("made_at", Kind::Int), ("expires_at", Kind::Int)];
    ManyRows::new(
        &columns,
        "insert into idempotency_key (app_id, scope, key, fingerprint, made_at, expires_at)
         select app_id, scope, key, fingerprint, made_at, expires_at from r where true
         on conflict (app_id, scope, key) do update
         set fingerprint = excluded.fingerprint, made_at = excluded.made_at, expires_at = excluded.expires_at,
             reply = null
         where idempotency_key.expires_at <= excluded.made_at
         returning app_id, scope, key",
    )
});

static FIND: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &KEY,
        &["app_id", "scope", "key", "fingerprint", "reply"],
        "select k.app_id, k.scope, k.key, k.fingerprint, coalesce(k.reply, '') as reply
         from r cross join idempotency_key k
         where k.app_id = r.app_id and k.scope = r.scope and k.key = r.key",
        "",
    )
});

static ANSWER: LazyLock<ManyRows> = LazyLock::new(|| {
    let [app, scope, key] = KEY;
    ManyRows::new(
        &[app, scope, key, ("reply", Kind::Text)],
        "update idempotency_key set reply = r.reply from r
         where idempotency_key.app_id = r.app_id and idempotency_key.scope = r.scope and idempotency_key.key = r.key",
    )
});

const FIND_ONE: &str = "
    select fingerprint, coalesce(reply, '') from idempotency_key
    where app_id = $1 and scope = $2 and key = $3 and expires_at > $4";

const FORGET: &str = "
    delete from idempotency_key where (app_id, scope, key) in
        (select app_id, scope, key from idempotency_key where expires_at <= $1 limit 500)";

pub const ALL: &[&str] = &[FIND_ONE, FORGET];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&CLAIM, &ANSWER]
}

pub fn lookup() -> &'static GatherMany {
    &FIND
}

/// Claims the keys that are free and returns the answers of the others. A key that another process holds in an open
/// transaction is waited for. `keys` are sorted and distinct.
pub async fn claim(tx: &mut Tx, keys: &[NewKey], now: UnixMillis) -> Result<BTreeMap<Key, Answered>, Error> {
    let [app, scope, key] = columns(keys.iter().map(|new| &new.key));
    let rows = [
        app,
        scope,
        key,
        Column::Text(keys.iter().map(|new| Some(new.fingerprint.as_str())).collect()),
        Column::Int(vec![now.0; keys.len()]),
        Column::Int(keys.iter().map(|new| new.expires_at.0).collect()),
    ];
    let claimed: Vec<(i64, String, String)> = CLAIM.fetch(tx, &rows).await?;
    if claimed.len() == keys.len() {
        return Ok(BTreeMap::new());
    }
    let claimed: Vec<Key> = claimed.into_iter().map(|(app, scope, key)| Key { app: AppId(app), scope, key }).collect();
    let taken = keys.iter().map(|new| &new.key).filter(|key| !claimed.contains(key));
    let found: Vec<(i64, String, String, String, String)> = FIND.fetch(tx, &columns(taken)).await?;
    let found = found.into_iter().map(|(app, scope, key, fingerprint, reply)| {
        (Key { app: AppId(app), scope, key }, Answered { fingerprint, reply })
    });
    Ok(found.collect())
}

/// The answer of a call with this key, if it has not expired.
pub async fn find(db: &Db, key: &Key, now: UnixMillis) -> Result<Option<Answered>, Error> {
    let row: Option<(String, String)> = on_db!(db, |c| sqlx::query_as(FIND_ONE)
        .bind(key.app.0)
        .bind(&key.scope)
        .bind(&key.key)
        .bind(now.0)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(|(fingerprint, reply)| Answered { fingerprint, reply }))
}

/// Records the answers of claimed keys.
pub async fn answer(tx: &mut Tx, answers: &[(&Key, String)]) -> Result<(), Error> {
    let [app, scope, key] = columns(answers.iter().map(|(key, _)| *key));
    let replies = Column::Text(answers.iter().map(|(_, reply)| Some(reply.as_str())).collect());
    ANSWER.execute(tx, &[app, scope, key, replies]).await
}

/// Removes up to 500 expired keys; true when there may be more.
pub async fn forget(db: &Db, now: UnixMillis) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    let dropped =
        on_tx!(&mut tx, |c| sqlx::query(FORGET).bind(now.0).execute(c).await.map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(dropped == 500)
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> [Column<'a>; 3] {
    [
        Column::Int(keys.clone().map(|key| key.app.0).collect()),
        Column::Text(keys.clone().map(|key| Some(key.scope.as_str())).collect()),
        Column::Text(keys.map(|key| Some(key.key.as_str())).collect()),
    ]
}
