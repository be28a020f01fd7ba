//! Which files profiles and groups reference, so that no recall of a message deletes them. Files that a group shares are
//! in `group_file`.

use std::{collections::BTreeSet, sync::LazyLock};

use tidings_domain::{AppId, Error, UserId, uuids_in};
use tidings_store::{Column, Db, Engine, Kind, ManyRows, Tx, on_db, on_tx};

static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("kind", Kind::Int), ("id", Kind::Int), ("uuid", Kind::Text)];
    ManyRows::new(
        &columns,
        "insert into shown_file (app_id, kind, id, uuid) select app_id, kind, id, uuid from r where true",
    )
});

const REMOVE: &str = "delete from shown_file where app_id = $1 and kind = $2 and id = $3";

const IS_SHOWN: &str = "
    select cast(case when exists (select 1 from shown_file where app_id = $1 and uuid = $2)
        or exists (select 1 from group_file where app_id = $1 and uuid = $2) then 1 else 0 end as bigint)";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    [REMOVE, IS_SHOWN].map(str::to_owned).into_iter().chain(ADD.texts(engine)).collect()
}

/// The owner of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Profile(UserId),
    Group(i64),
}

impl Holder {
    const fn key(self) -> (i64, i64) {
        match self {
            Self::Profile(user) => (1, user.0),
            Self::Group(group) => (2, group),
        }
    }
}

/// Replaces the holder's references by the files in the texts.
pub(crate) async fn replace(tx: &mut Tx, app: AppId, holder: Holder, texts: &[&str]) -> Result<(), Error> {
    remove(tx, app, holder).await?;
    add(tx, app, holder, texts).await
}

/// The same for a new holder.
pub(crate) async fn add(tx: &mut Tx, app: AppId, holder: Holder, texts: &[&str]) -> Result<(), Error> {
    let files: BTreeSet<String> = texts.iter().flat_map(|text| uuids_in(text)).collect();
    if files.is_empty() {
        return Ok(());
    }
    let (kind, id) = holder.key();
    let rows = [
        Column::Int(vec![app.0; files.len()]),
        Column::Int(vec![kind; files.len()]),
        Column::Int(vec![id; files.len()]),
        Column::Text(files.iter().map(|uuid| Some(uuid.as_str())).collect()),
    ];
    ADD.execute(tx, &rows).await
}

/// Removes a holder.
pub(crate) async fn remove(tx: &mut Tx, app: AppId, holder: Holder) -> Result<(), Error> {
    let (kind, id) = holder.key();
    on_tx!(tx, |c| sqlx::query(REMOVE).bind(app.0).bind(kind).bind(id).execute(c).await.map(drop))
}

/// Whether anything of the app references the file.
pub(crate) async fn is_shown(db: &Db, app: AppId, uuid: &str) -> Result<bool, Error> {
    let shown: (i64,) = on_db!(db, |c| sqlx::query_as(IS_SHOWN).bind(app.0).bind(uuid).fetch_one(c).await)?;
    Ok(shown.0 != 0)
}
