//! Servers that are asked before a message goes into the log.

use std::time::Duration;

use tidings_domain::{AppId, ConversationKind, Error, Hook, HookForm};
use tidings_store::{Tx, on_tx};

const INSERT: &str = "
    insert into hook (app_id, hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const LIST: &str = "
    select hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private
    from hook where app_id = $1 order by hook_id";

const DELETE: &str = "delete from hook where app_id = $1 and hook_id = $2";

pub(crate) const ALL: &[&str] = &[INSERT, LIST, DELETE];

/// Forms and kinds as the columns have them.
const FORMS: [(HookForm, i64); 2] = [(HookForm::Tencent, 1), (HookForm::Agora, 2)];
const KINDS: [(ConversationKind, &str); 3] =
    [(ConversationKind::Direct, "1"), (ConversationKind::Group, "2"), (ConversationKind::Room, "3")];

/// Adds it; its token is sealed.
pub(crate) async fn insert(tx: &mut Tx, app: AppId, hook: &Hook, token: Option<String>) -> Result<(), Error> {
    let form = FORMS.iter().find(|(form, _)| *form == hook.form).map_or(0, |(_, code)| *code);
    let kinds = KINDS.iter().filter(|(kind, _)| hook.kinds.contains(kind)).map(|(_, code)| *code);
    on_tx!(tx, |c| sqlx::query(INSERT)
        .bind(app.0)
        .bind(hook.id)
        .bind(form)
        .bind(&hook.url)
        .bind(token)
        .bind(hook.timeout.as_millis() as i64)
        .bind(hook.refuse_on_failure)
        .bind(kinds.collect::<Vec<_>>().join(","))
        .bind(hook.allow_private)
        .execute(c)
        .await
        .map(drop))
}

type HookRow = (i64, i64, String, Option<String>, i64, bool, String, bool);

/// All of an app, by id; `open` gives a sealed token in the clear.
pub(crate) async fn list(
    tx: &mut Tx,
    app: AppId,
    open: impl Fn(&str) -> Result<String, Error>,
) -> Result<Vec<Hook>, Error> {
    let rows: Vec<HookRow> = on_tx!(tx, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    rows.into_iter().map(|row| hook(row, &open)).collect()
}

fn hook(row: HookRow, open: impl Fn(&str) -> Result<String, Error>) -> Result<Hook, Error> {
    let (id, code, url, token, timeout_ms, refuse_on_failure, kinds, allow_private) = row;
    let form = FORMS.iter().find(|(_, known)| *known == code).map(|(form, _)| *form);
    Ok(Hook {
        id,
        form: form.ok_or_else(|| Error::internal(format!("form {code} in a column")))?,
        url,
        token: token.as_deref().map(open).transpose()?,
        timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        refuse_on_failure,
        kinds: KINDS
            .iter()
            .filter(|(_, code)| kinds.split(',').any(|kind| kind == *code))
            .map(|(kind, _)| *kind)
            .collect(),
        allow_private,
    })
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, id: i64) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE).bind(app.0).bind(id).execute(c).await.map(drop))
}
