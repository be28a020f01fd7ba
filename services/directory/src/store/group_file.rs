//! Files shared in groups.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Db, Engine, Gather, GatherMany, Tx, on_db, on_tx, row};

use super::keyed;
use crate::model::sharing::{FileKey, SharedFile};

macro_rules! columns {
    () => {
        "group_id, file_no, uuid, owner_id, size, made_at, name"
    };
}

const INSERT: &str = "
    insert into group_file (app_id, group_id, file_no, uuid, owner_id, size, made_at, name)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const BY_UUID: &str =
    concat!("select ", columns!(), " from group_file where app_id = $1 and group_id = $2 and uuid = $3");
const BY_NUMBER: &str =
    concat!("select ", columns!(), " from group_file where app_id = $1 and group_id = $2 and file_no = $3");
const RENAME: &str = "update group_file set name = $4 where app_id = $1 and group_id = $2 and file_no = $3";
const DELETE: &str = "delete from group_file where app_id = $1 and group_id = $2 and file_no = $3";

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let list = concat!(
        "select ",
        columns!(),
        " from group_file where app_id = $1 and group_id = $2 and file_no > $3 order by file_no limit $4"
    );
    Gather::new(SharedFileRow::COLUMNS, list)
});

static OF_GROUPS: LazyLock<GatherMany> = LazyLock::new(|| {
    let query = "
    select f.group_id, f.file_no, f.uuid, f.owner_id, f.size, f.made_at, f.name
    from r join group_file f on f.app_id = r.app_id and f.group_id = r.group_id";
    GatherMany::new(&keyed::GROUP, SharedFileRow::COLUMNS, query, "")
});

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let mut texts = [INSERT, BY_UUID, BY_NUMBER, RENAME, DELETE].map(str::to_owned).to_vec();
    texts.push(LIST.text(engine));
    texts.extend(OF_GROUPS.texts(engine));
    texts
}

row! {
    struct SharedFileRow {
        group_id: i64,
        file_no: i64,
        uuid: String,
        owner_id: i64,
        size: i64,
        made_at: i64,
        name: String,
    }
}

impl From<SharedFileRow> for SharedFile {
    fn from(row: SharedFileRow) -> Self {
        Self {
            group: row.group_id,
            number: row.file_no,
            uuid: row.uuid,
            owner: UserId(row.owner_id),
            name: row.name,
            size: row.size,
            shared_at: UnixMillis(row.made_at),
        }
    }
}

pub(crate) async fn insert(tx: &mut Tx, app: AppId, file: &SharedFile) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(file.group)
        .bind(file.number)
        .bind(&file.uuid)
        .bind(file.owner.0)
        .bind(file.size)
        .bind(file.shared_at.0)
        .bind(&file.name)
        .execute(c)
        .await
        .map(drop))
}

/// A shared file, if the group has it.
pub(crate) async fn find(db: &Db, app: AppId, group: i64, key: &FileKey) -> Result<Option<SharedFile>, Error> {
    let row: Option<SharedFileRow> = match key {
        FileKey::Uuid(uuid) => {
            on_db!(db, |c| sqlx::query_as(BY_UUID).bind(app.0).bind(group).bind(uuid).fetch_optional(c).await)?
        }
        FileKey::Number(number) => {
            on_db!(db, |c| sqlx::query_as(BY_NUMBER).bind(app.0).bind(group).bind(*number).fetch_optional(c).await)?
        }
    };
    Ok(row.map(Into::into))
}

/// The same in a transaction that locked the group.
pub(crate) async fn find_in(tx: &mut Tx, app: AppId, group: i64, key: &FileKey) -> Result<Option<SharedFile>, Error> {
    let row: Option<SharedFileRow> = match key {
        FileKey::Uuid(uuid) => {
            on_tx!(tx, |c| sqlx::query_as(BY_UUID).bind(app.0).bind(group).bind(uuid).fetch_optional(c).await)?
        }
        FileKey::Number(number) => {
            on_tx!(tx, |c| sqlx::query_as(BY_NUMBER).bind(app.0).bind(group).bind(*number).fetch_optional(c).await)?
        }
    };
    Ok(row.map(Into::into))
}

/// Files with numbers above `after`, in order of their numbers.
pub(crate) async fn list(db: &Db, app: AppId, group: i64, after: i64, limit: i64) -> Result<Vec<SharedFile>, Error> {
    let rows: Vec<SharedFileRow> = LIST.read(db, &[app.0, group, after, limit]).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// All files of these groups.
pub(crate) async fn of_groups(tx: &mut Tx, app: AppId, groups: &[i64]) -> Result<Vec<SharedFile>, Error> {
    let rows = keyed::group_rows(app, groups);
    let found: Vec<SharedFileRow> = OF_GROUPS.fetch(tx, &rows).await?;
    Ok(found.into_iter().map(Into::into).collect())
}

pub(crate) async fn rename(tx: &mut Tx, app: AppId, file: &SharedFile, name: &str) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(RENAME)
        .bind(app.0)
        .bind(file.group)
        .bind(file.number)
        .bind(name)
        .execute(c)
        .await
        .map(drop))
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, file: &SharedFile) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(file.group).bind(file.number).execute(c).await.map(drop))
}
