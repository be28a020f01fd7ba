//! SQLite on a full disk: the failed transaction leaves nothing behind, not even a broken connection
//! (docs/internals/sqlite.md).

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

use tidings_domain::{Error, Reason};
use tidings_store::{Db, Location, Schema, Tx, on_db, on_tx, open, sqlx};

const SCHEMA: Schema =
    Schema { name: "notes", sqlite: &["create table note (body text not null) strict"], postgres: &[] };

async fn write(tx: &mut Tx, body: &str) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query("insert into note (body) values ($1)").bind(body).execute(c).await.map(drop))
}

/// A limit of this connection simulates the disk's.
async fn take_all_room(tx: &mut Tx) {
    on_tx!(tx, |c| sqlx::query("pragma max_page_count = 1").execute(c).await.map(drop)).unwrap();
}

async fn count(db: &Db) -> i64 {
    on_db!(db, |c| sqlx::query_scalar("select count(*) from note").fetch_one(c).await).unwrap()
}

#[tokio::test]
async fn writing_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap();

    for _ in 0..3 {
        let mut tx = db.begin().await.unwrap();
        write(&mut tx, "lost").await.unwrap();
        take_all_room(&mut tx).await;
        let full = write(&mut tx, &"x".repeat(100_000)).await.unwrap_err();
        assert_eq!(full.reason(), Reason::StorageFull);
    }
    assert_eq!(count(&db).await, 0);

    let mut tx = db.begin().await.unwrap();
    write(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
}

/// The next user of the connection comes right after a transaction that ended by itself.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_find_the_disk_full_and_nothing_else_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap();
    let writers = (0..16).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let mut tx = db.begin().await.unwrap();
                take_all_room(&mut tx).await;
                let full = write(&mut tx, &"x".repeat(100_000)).await.unwrap_err();
                assert_eq!(full.reason(), Reason::StorageFull);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut tx = db.begin().await.unwrap();
    write(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
}
