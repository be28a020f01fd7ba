//! Lists of words.

use tidings_domain::{AppId, Error, WordAction, WordList};
use tidings_store::{Db, Tx, on_db, on_tx};

use crate::model::WordListSummary;

const PUT: &str = "
    insert into word_list (app_id, name, action, words, word_count, bytes) values ($1, $2, $3, $4, $5, $6)
    on conflict (app_id, name) do update set action = excluded.action, words = excluded.words,
        word_count = excluded.word_count, bytes = excluded.bytes";

/// What is there beside the list of that name.
const BESIDE: &str = "
    select count(*), cast(coalesce(sum(bytes), 0) as bigint) from word_list where app_id = $1 and name <> $2";

const SUMMARIES: &str = "select name, action, word_count from word_list where app_id = $1 order by name";
const FIND: &str = "select name, action, words from word_list where app_id = $1 and name = $2";
const LIST: &str = "select name, action, words from word_list where app_id = $1 order by name";
const DELETE: &str = "delete from word_list where app_id = $1 and name = $2 returning name, action, word_count";

pub(crate) const ALL: &[&str] = &[PUT, BESIDE, SUMMARIES, FIND, LIST, DELETE];

const fn code(action: WordAction) -> i64 {
    match action {
        WordAction::Refuse => 1,
        WordAction::Mask => 2,
    }
}

fn action(code: i64) -> Result<WordAction, Error> {
    match code {
        1 => Ok(WordAction::Refuse),
        2 => Ok(WordAction::Mask),
        _ => Err(Error::internal(format!("action {code} in a column"))),
    }
}

/// Puts the list in the place of one with the same name.
pub(crate) async fn put(tx: &mut Tx, app: AppId, list: &WordList) -> Result<(), Error> {
    let words = list.words.join("\n");
    on_tx!(tx, |c| sqlx::query(PUT)
        .bind(app.0)
        .bind(&list.name)
        .bind(code(list.action))
        .bind(&words)
        .bind(list.words.len() as i64)
        .bind(words.len() as i64 + 1)
        .execute(c)
        .await
        .map(drop))
}

/// How many other lists the app has, and how many bytes of words in them.
pub(crate) async fn beside(tx: &mut Tx, app: AppId, name: &str) -> Result<(i64, i64), Error> {
    on_tx!(tx, |c| sqlx::query_as(BESIDE).bind(app.0).bind(name).fetch_one(c).await)
}

type SummaryRow = (String, i64, i64);

fn summary((name, code, words): SummaryRow) -> Result<WordListSummary, Error> {
    Ok(WordListSummary { name, action: action(code)?, words })
}

pub(crate) async fn summaries(db: &Db, app: AppId) -> Result<Vec<WordListSummary>, Error> {
    let rows: Vec<SummaryRow> = on_db!(db, |c| sqlx::query_as(SUMMARIES).bind(app.0).fetch_all(c).await)?;
    rows.into_iter().map(summary).collect()
}

type WordListRow = (String, i64, String);

fn word_list((name, code, words): WordListRow) -> Result<WordList, Error> {
    Ok(WordList { name, action: action(code)?, words: words.lines().map(str::to_owned).collect() })
}

pub(crate) async fn find(db: &Db, app: AppId, name: &str) -> Result<Option<WordList>, Error> {
    let row: Option<WordListRow> = on_db!(db, |c| sqlx::query_as(FIND).bind(app.0).bind(name).fetch_optional(c).await)?;
    row.map(word_list).transpose()
}

/// All of them, by name.
pub(crate) async fn list(tx: &mut Tx, app: AppId) -> Result<Vec<WordList>, Error> {
    let rows: Vec<WordListRow> = on_tx!(tx, |c| sqlx::query_as(LIST).bind(app.0).fetch_all(c).await)?;
    rows.into_iter().map(word_list).collect()
}

pub(crate) async fn delete(tx: &mut Tx, app: AppId, name: &str) -> Result<Option<WordListSummary>, Error> {
    let row: Option<SummaryRow> =
        on_tx!(tx, |c| sqlx::query_as(DELETE).bind(app.0).bind(name).fetch_optional(c).await)?;
    row.map(summary).transpose()
}
