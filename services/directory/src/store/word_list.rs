//! Word lists.

use tidings_domain::{AppId, Error, WordAction, WordList};
use tidings_store::{Db, Tx, on_db, on_tx};

use crate::model::screening::{NewWordList, WordListSummary};

/// The number of lists other than the one of that name, and the bytes of their words.
const OTHERS: &str = "
    select count(*), cast(coalesce(sum(word_bytes), 0) as bigint)
    from word_list where app_id = $1 and name <> $2";

const PUT: &str = "
    insert into word_list (app_id, name, action, word_count, word_bytes, words)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, name) do update set
        action = excluded.action,
        word_count = excluded.word_count,
        word_bytes = excluded.word_bytes,
        words = excluded.words";

const LIST: &str = "select name, action, word_count from word_list where app_id = $1";
const FIND: &str = "select name, action, words from word_list where app_id = $1 and name = $2";
const ALL_WITH_WORDS: &str = "select name, action, words from word_list where app_id = $1";
const DELETE: &str = "delete from word_list where app_id = $1 and name = $2 returning name, action, word_count";
const DELETE_ALL: &str = "delete from word_list where app_id = $1";

pub(crate) const ALL: &[&str] = &[OTHERS, PUT, LIST, FIND, ALL_WITH_WORDS, DELETE, DELETE_ALL];

type SummaryRow = (String, String, i64);
type ListRow = (String, String, String);

const fn action_name(action: WordAction) -> &'static str {
    match action {
        WordAction::Refuse => "refuse",
        WordAction::Mask => "mask",
    }
}

fn action(name: &str) -> Result<WordAction, Error> {
    match name {
        "refuse" => Ok(WordAction::Refuse),
        "mask" => Ok(WordAction::Mask),
        _ => Err(Error::internal(format!("a word list has the action {name}"))),
    }
}

fn summary((name, action_name, words): SummaryRow) -> Result<WordListSummary, Error> {
    Ok(WordListSummary { name, action: action(&action_name)?, words })
}

fn word_list((name, action_name, words): ListRow) -> Result<WordList, Error> {
    Ok(WordList { name, action: action(&action_name)?, words: words.lines().map(str::to_owned).collect() })
}

/// Other lists than the one of that name: how many, and the bytes of their words.
pub(crate) async fn others(tx: &mut Tx, app: AppId, name: &str) -> Result<(i64, i64), Error> {
    on_tx!(tx, |c| sqlx::query_as(OTHERS).bind(app.0).bind(name).fetch_one(c).await)
}

/// Stores the list, replacing one with its name.
pub(crate) async fn put(tx: &mut Tx, app: AppId, list: &NewWordList) -> Result<(), Error> {
    let WordList { name, action, words } = list.get();
    let lines = words.join("\n");
    on_tx!(tx, |c| sqlx::query(PUT)
        .bind(app.0)
        .bind(name)
        .bind(action_name(*action))
        .bind(words.len() as i64)
        .bind(list.bytes())
        .bind(&lines)
        .execute(c)
        .await
        .map(drop))
}

/// By name. Sorted here, since the engines' own orders differ.
pub(crate) async fn list(db: &Db, app: AppId) -> Result<Vec<WordListSummary>, Error> {
    let rows: Vec<SummaryRow> = on_db!(db, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    let mut lists = rows.into_iter().map(summary).collect::<Result<Vec<_>, _>>()?;
    lists.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(lists)
}

pub(crate) async fn find(db: &Db, app: AppId, name: &str) -> Result<Option<WordList>, Error> {
    let row: Option<ListRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(name).fetch_optional(c).await)?;
    row.map(word_list).transpose()
}

/// By name, with their words.
pub(crate) async fn all(db: &Db, app: AppId) -> Result<Vec<WordList>, Error> {
    let rows: Vec<ListRow> = on_db!(db, |c| sqlx::query_as(ALL_WITH_WORDS).bind(app.0).fetch_all(c).await)?;
    let mut lists = rows.into_iter().map(word_list).collect::<Result<Vec<_>, _>>()?;
    lists.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(lists)
}

/// The list as it was; `None` when there is none with that name.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, name: &str) -> Result<Option<WordListSummary>, Error> {
    let row: Option<SummaryRow> =
        on_tx!(tx, |c| sqlx::query_as(DELETE).bind(app.0).bind(name).fetch_optional(c).await)?;
    row.map(summary).transpose()
}

pub(crate) async fn delete_all(tx: &mut Tx, app: AppId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(DELETE_ALL).bind(app.0).execute(c).await.map(drop))
}
