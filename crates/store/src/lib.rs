//! One SQL text on SQLite and PostgreSQL.
//!
//! [`Db`] is one service's database on either engine, [`Tx`] a transaction in it. [`on_db!`] and [`on_tx!`] run one
//! sqlx expression on whichever engine it is. [`ManyRows`] is a statement over any number of rows. Statements use
//! `$1` placeholders, `on conflict` and `returning`, 64-bit milliseconds from our clock, JSON as text; never `now()`.

mod checkpoint;
mod connect;
mod db;
mod error;
mod many_rows;
mod migrate;
mod open;
mod plans;
mod scale;

pub use db::{Db, Engine, Tx};
pub use error::{domain_error, is_conflict};
pub use many_rows::{Column, Gather, GatherMany, Kind, ManyRows};
pub use migrate::{Schema, Standing};
pub use open::{Location, open, reach};
pub use scale::Scale;
pub use sqlx;

/// Runs one sqlx expression outside a transaction: `on_db!(db, |c| sqlx::query(SQL).fetch_all(c).await)`.
///
/// On SQLite it runs on a reading connection, so it cannot write.
#[macro_export]
macro_rules! on_db {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db {
            $crate::Db::Sqlite(db) => {
                let $c = db.readers();
                $body
            }
            $crate::Db::Postgres(db) => {
                let $c = db;
                $body
            }
        }
        .map_err($crate::domain_error)
    };
}

/// Runs one sqlx expression inside a transaction: `on_tx!(tx, |c| sqlx::query(SQL).execute(c).await)`.
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, |$c:ident| $body:expr) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => {
                let $c = &mut **tx;
                $body
            }
            $crate::Tx::Postgres(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
        .map_err($crate::domain_error)
    };
}
