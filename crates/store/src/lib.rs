//! One SQL text on SQLite and PostgreSQL.
//!
//! [`Db`] is one service's database on either engine, [`Tx`] a transaction in it. [`on_db!`] and [`on_tx!`] run one
//! sqlx expression on whichever engine it is. [`ManyRows`] is a statement over any number of rows. Statements use
//! `$1` placeholders, `on conflict` and `returning`, 64-bit milliseconds that are passed in, JSON as text; never
//! `now()`. Times that processes compare with each other, such as leases, come from their one common clock:
//! [`Db::now`], [`Tx::now`].

mod app_rows;
mod checkpoint;
mod commit_signal;
mod connect;
mod damage;
mod db;
mod error;
mod invalidation;
mod limits;
mod many_rows;
mod migrate;
mod now;
mod open;
mod plans;
mod pool_use;
mod postgres;
mod resting;
mod row;
mod scale;
mod server;
mod snapshot;
mod sqlite;
mod sqlite_file;
pub mod table_copy;

pub use app_rows::AppRows;
pub use commit_signal::CommitSignal;
pub use damage::Damage;
pub use db::{Db, Engine, Tx};
pub use error::{LostTransaction, domain_error, is_conflict, lost};
pub use many_rows::{Column, Gather, GatherMany, Kind, ManyRows};
pub use migrate::{Schema, SchemaState};
pub use open::{Location, open, reach};
pub use pool_use::PoolUse;
#[doc(hidden)]
pub use postgres::by;
#[doc(hidden)]
pub use row::{Columns, columns_of};
pub use scale::Scale;
#[doc(hidden)]
pub use serde;
pub use server::{MOST_CONNECTIONS, ServerSettings};
pub use snapshot::snapshot;
pub use sqlx;

/// Runs one sqlx expression outside a transaction: `on_db!(db, |c| sqlx::query(SQL).fetch_all(c).await)`.
///
/// On SQLite it runs on a reading connection, so it cannot write. On PostgreSQL it may run more than once, on one
/// connection after another, until one works; it times out after 4.5 seconds.
#[macro_export]
macro_rules! on_db {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db {
            $crate::Db::Sqlite(db) => {
                let $c = db.readers();
                let done = $body;
                done.map_err(|error| db.seen(error))
            }
            $crate::Db::Postgres(db) => {
                let mut reading = db.reading();
                loop {
                    let done = match reading.lend().await {
                        Ok(mut lent) => {
                            let done = match lent.connection() {
                                Ok($c) => $crate::by(reading.until(), async { $body }).await,
                                Err(error) => Err(error),
                            };
                            lent.after(done)
                        }
                        Err(error) => Err(error),
                    };
                    match done {
                        Err(error) if reading.goes_on_after(&error) => {}
                        done => break done,
                    }
                }
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
                let done = $body;
                done.map_err(|error| tx.seen(error))
            }
            $crate::Tx::Postgres(tx) => {
                let until = tx.until();
                let done = match tx.connection() {
                    Ok($c) => $crate::by(until, async { $body }).await,
                    Err(error) => Err(error),
                };
                tx.after(done)
            }
        }
        .map_err($crate::domain_error)
    };
}
