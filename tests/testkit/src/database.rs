//! Databases of the test command's PostgreSQL.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

use tidings_store::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
///
/// # Panics
/// Without the PostgreSQL that `cargo xtask test` starts.
pub async fn fresh_database() -> String {
    let admin =
        env::var("TIDINGS_TEST_POSTGRES").expect("run the tests with `cargo xtask test`, which starts PostgreSQL");
    let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&admin).await.expect("the test PostgreSQL answers");
    let create = AssertSqlSafe(format!("create database {name}"));
    sqlx::query(create).execute(&mut connection).await.expect("a new name is free");
    let (server, _) = admin.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{name}")
}
