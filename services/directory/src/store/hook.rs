//! Hooks. Their tokens are sealed.

use std::time::Duration;

use tidings_domain::{AppId, ConversationKind, Entropy, Error, Hook, HookForm, HookSubject};
use tidings_store::{Db, Tx, on_db, on_tx, row};

use crate::{model::screening::NewHook, seal::DataKey};

const COUNT: &str = "select count(*) from hook where app_id = $1";

const TAKE_ID: &str = "
    update app set next_hook_id = next_hook_id + 1 where app_id = $1 returning next_hook_id - 1";

const INSERT: &str = "
    insert into hook (app_id, hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private, subjects)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    returning hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private, subjects";

const LIST: &str = "
    select hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private, subjects
    from hook where app_id = $1 order by hook_id";

const DELETE: &str = "
    delete from hook where app_id = $1 and hook_id = $2
    returning hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private, subjects";

const DELETE_ALL: &str = "delete from hook where app_id = $1";

pub(crate) const ALL: &[&str] = &[COUNT, TAKE_ID, INSERT, LIST, DELETE, DELETE_ALL];

/// The column name that tokens are sealed with.
const TOKEN: &str = "hook.token";

const FORMS: [(&str, HookForm); 2] = [("tencent", HookForm::Tencent), ("agora", HookForm::Agora)];

const KINDS: [(&str, ConversationKind); 3] =
    [("direct", ConversationKind::Direct), ("group", ConversationKind::Group), ("room", ConversationKind::Room)];

const SUBJECTS: [(&str, HookSubject); 6] = [
    ("message", HookSubject::Message),
    ("group_creation", HookSubject::GroupCreation),
    ("group_application", HookSubject::GroupApplication),
    ("group_invitation", HookSubject::GroupInvitation),
    ("contact_request", HookSubject::ContactRequest),
    ("contact_answer", HookSubject::ContactAnswer),
];

row! {
    struct HookRow {
        hook_id: i64,
        form: String,
        url: String,
        token: Option<String>,
        timeout_ms: i64,
        refuse_on_failure: bool,
        kinds: String,
        allow_private: bool,
        subjects: String,
    }
}

fn name<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Result<T, Error> {
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| Error::internal(format!("a hook has the unknown name {name}")))
}

/// Names with commas between them.
fn all_named<T: Copy>(table: &[(&str, T)], names: &str) -> Result<Vec<T>, Error> {
    names.split(',').filter(|name| !name.is_empty()).map(|one| named(table, one)).collect()
}

fn names<T: PartialEq>(table: &[(&'static str, T)], values: &[T]) -> String {
    values.iter().map(|value| name(table, value)).collect::<Vec<_>>().join(",")
}

fn hook(key: &DataKey, app: AppId, row: HookRow) -> Result<Hook, Error> {
    Ok(Hook {
        id: row.hook_id,
        form: named(&FORMS, &row.form)?,
        url: row.url,
        token: row.token.map(|token| key.open(app, TOKEN, &token)).transpose()?.map(|token| token.expose().to_owned()),
        timeout: Duration::from_millis(row.timeout_ms.unsigned_abs()),
        refuse_on_failure: row.refuse_on_failure,
        kinds: all_named(&KINDS, &row.kinds)?,
        allow_private: row.allow_private,
        subjects: all_named(&SUBJECTS, &row.subjects)?,
    })
}

pub(crate) async fn count(tx: &mut Tx, app: AppId) -> Result<i64, Error> {
    on_tx!(tx, |c| sqlx::query_scalar(COUNT).bind(app.0).fetch_one(c).await)
}

/// Adds a hook under a number that was never used in the app.
pub(crate) async fn insert(
    tx: &mut Tx,
    app: AppId,
    new: &NewHook,
    key: &DataKey,
    entropy: &dyn Entropy,
) -> Result<Hook, Error> {
    let id: i64 = on_tx!(&mut *tx, |c| sqlx::query_scalar(TAKE_ID).bind(app.0).fetch_one(c).await)?;
    let token = new.token.as_ref().map(|token| key.seal(app, TOKEN, token, entropy));
    let row: HookRow = on_tx!(tx, |c| sqlx::query_as(INSERT)
        .bind(app.0)
        .bind(id)
        .bind(name(&FORMS, &new.form))
        .bind(&new.url)
        .bind(token)
        .bind(new.timeout.as_millis() as i64)
        .bind(new.refuse_on_failure)
        .bind(names(&KINDS, &new.kinds))
        .bind(new.allow_private)
        .bind(names(&SUBJECTS, &new.subjects))
        .fetch_one(c)
        .await)?;
    hook(key, app, row)
}

/// By ascending id.
pub(crate) async fn list(db: &Db, app: AppId, key: &DataKey) -> Result<Vec<Hook>, Error> {
    let rows: Vec<HookRow> = on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    rows.into_iter().map(|row| hook(key, app, row)).collect()
}

/// The hook as it was; `None` when there is none with that number.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, id: i64, key: &DataKey) -> Result<Option<Hook>, Error> {
    let row: Option<HookRow> = on_tx!(tx, |c| sqlx::query_as(DELETE).bind(app.0).bind(id).fetch_optional(c).await)?;
    row.map(|row| hook(key, app, row)).transpose()
}

pub(crate) async fn delete_all(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE_ALL).bind(app.0).execute(c).await.map(drop))
}
