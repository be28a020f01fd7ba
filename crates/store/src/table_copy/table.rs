//! A table of a SQLite file, and its rows in the order of its key.

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, sqlite::SqliteRow};
use tidings_domain::Error;

use crate::domain_error;

/// Rows of a batch, at most.
const ROWS: i64 = 1000;
/// Bytes of texts after which a batch ends.
const BYTES: usize = 4 * 1024 * 1024;

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A number, or null.
    Int(Option<i64>),
    /// A text, or null.
    Text(Option<String>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(Some(text)) => text.len(),
            Self::Text(None) | Self::Int(_) => 8,
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub is_text: bool,
    /// Its place in the key, from 1; 0: it is not of the key.
    pub in_key: i64,
}

/// A table of a file.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

/// Every table, those that others refer to first.
pub async fn all(from: &mut SqliteConnection) -> sqlx::Result<Vec<Table>> {
    const TABLES: &str = "
        select name from sqlite_schema
        where type = 'table' and name not like 'sqlite%' and name not like '\\_sqlx%' escape '\\' order by rootpage";
    const COLUMNS: &str = "select name, type, pk from pragma_table_info($1) order by cid";
    const REFERS: &str = "select distinct \"table\" from pragma_foreign_key_list($1)";
    let mut waiting = Vec::new();
    for (name,) in sqlx::query_as::<_, (String,)>(TABLES).fetch_all(&mut *from).await? {
        let columns: Vec<(String, String, i64)> = sqlx::query_as(COLUMNS).bind(&name).fetch_all(&mut *from).await?;
        let refers: Vec<(String,)> = sqlx::query_as(REFERS).bind(&name).fetch_all(&mut *from).await?;
        let column = |(name, kind, in_key): (String, String, i64)| Column { name, is_text: kind == "TEXT", in_key };
        let table = Table { name: name.clone(), columns: columns.into_iter().map(column).collect() };
        waiting
            .push((table, refers.into_iter().map(|(other,)| other).filter(|other| *other != name).collect::<Vec<_>>()));
    }
    let mut tables: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let is_free = |refers: &[String]| refers.iter().all(|other| tables.iter().any(|table| table.name == *other));
        // Tables in a circle of references would stay; there are none.
        let next = waiting.iter().position(|(_, refers)| is_free(refers)).unwrap_or(0);
        tables.push(waiting.remove(next).0);
    }
    Ok(tables)
}

impl Table {
    /// The columns of the key in their order; all columns where there is none, as in tables of a single row.
    pub fn key(&self) -> Vec<usize> {
        let mut key: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].in_key > 0).collect();
        key.sort_by_key(|at| self.columns[*at].in_key);
        if key.is_empty() { (0..self.columns.len()).collect() } else { key }
    }

    /// The names of the columns, separated by commas.
    pub fn names(&self) -> String {
        self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
    }

    /// The key of a row.
    pub fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key().into_iter().map(|at| row[at].clone()).collect()
    }

    /// The next rows above a key.
    pub async fn batch(&self, from: &mut SqliteConnection, above: Option<&[Value]>) -> Result<Vec<Vec<Value>>, Error> {
        let key = self.key().into_iter().map(|at| format!("\"{}\"", self.columns[at].name)).collect::<Vec<_>>();
        let marks = (1..=key.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let key = key.join(", ");
        let condition = if above.is_some() { format!("where ({key}) > ({marks})") } else { String::new() };
        let names = self.names();
        let text = format!("select {names} from \"{}\" {condition} order by {key} limit {ROWS}", self.name);
        let mut query = sqlx::query(AssertSqlSafe(text));
        for value in above.unwrap_or_default() {
            query = match value {
                Value::Int(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.clone()),
            };
        }
        let (mut rows, mut batch, mut bytes) = (query.fetch(from), Vec::new(), 0);
        while let Some(row) = rows.try_next().await.map_err(domain_error)? {
            let values = self.values(&row).map_err(domain_error)?;
            bytes += values.iter().map(Value::bytes).sum::<usize>();
            batch.push(values);
            if bytes >= BYTES {
                break;
            }
        }
        Ok(batch)
    }

    /// The values of a row of the file.
    pub fn values(&self, row: &SqliteRow) -> sqlx::Result<Vec<Value>> {
        let value = |(at, column): (usize, &Column)| {
            Ok(if column.is_text { Value::Text(row.try_get(at)?) } else { Value::Int(row.try_get(at)?) })
        };
        self.columns.iter().enumerate().map(value).collect()
    }
}
