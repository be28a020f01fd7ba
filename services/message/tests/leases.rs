//! Node numbers: no two processes mint under one, and a successor mints above its predecessor
//! (docs/internals/appender.md, message ids).

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{ManualClock, NODES, Reason, UnixMillis};
use tidings_message::{Deps, MessageGrpc, SCHEMA, Screens, build};
use tidings_proto::{
    internal::file_internal_service_client::FileInternalServiceClient, pb::file_service_client::FileServiceClient,
};
use tidings_runtime::{
    Connector, LocalBus, Tasks, Wire,
    config::{Addresses, Appender},
};
use tidings_store::{Db, Location, on_db, on_tx, open, sqlx};
use tidings_testkit::fresh_database;

const START: UnixMillis = UnixMillis(1_790_000_000_000);

/// Starts a message service on the database.
async fn start(db: &Db, clock: &Arc<ManualClock>) -> Result<MessageGrpc, tidings_domain::Error> {
    let nowhere = Wire::remote(&Addresses::read("http://127.0.0.1:1"), "key", &Connector::plain()).unwrap();
    let files = FileServiceClient::new(nowhere.clone());
    let directory = DirectoryCache::new(nowhere.clone(), nowhere.clone(), Arc::<ManualClock>::clone(clock));
    let (db, clock) = (db.clone(), Arc::<ManualClock>::clone(clock));
    build(Deps {
        db,
        directory,
        files,
        files_internal: FileInternalServiceClient::new(nowhere),
        screens: Arc::new(Screens::new()?),
        bus: Arc::new(LocalBus::default()),
        clock,
        appender: Appender::default(),
        tasks: Tasks::default(),
    })
    .await
}

/// Number, holder, highest time of ids.
async fn leases(db: &Db) -> Vec<(i64, String, i64)> {
    const LEASES: &str = "select node, holder, reached_at from node_lease order by node";
    on_db!(db, |c| sqlx::query_as(LEASES).fetch_all(c).await).unwrap()
}

#[tokio::test]
async fn processes_on_one_database_have_numbers_of_their_own_and_there_are_32() {
    let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
    let clock = Arc::new(ManualClock::new(START));
    let mut started = Vec::new();
    // Eight at a time: all of them share the connections of this one process.
    for some in (0..NODES).collect::<Vec<_>>().chunks(8) {
        started.extend(futures_util::future::join_all(some.iter().map(|_| start(&db, &clock))).await);
    }
    let failed: Vec<_> = started.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let held = leases(&db).await;
    assert_eq!(held.iter().map(|lease| lease.0).collect::<Vec<_>>(), (0..NODES).collect::<Vec<_>>());
    assert_eq!(held.iter().map(|lease| &lease.1).collect::<BTreeSet<_>>().len(), NODES as usize);

    let refused = start(&db, &clock).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Unavailable);
    assert!(refused.subject().contains("all node numbers are taken"), "{refused}");

    let mut tx = db.begin().await.unwrap();
    on_tx!(&mut tx, |c| sqlx::query("update node_lease set expires_at = 0 where node = 0").execute(c).await.map(drop))
        .unwrap();
    tx.commit().await.unwrap();
    clock.advance(Duration::from_secs(20));
    start(&db, &clock).await.unwrap();
    let later = leases(&db).await;
    assert_ne!(later[0].1, held[0].1);
    assert!(later[0].2 > held[0].2, "the successor may mint up to a later time");
}

#[tokio::test]
async fn on_sqlite_a_restarted_process_need_not_wait_for_its_own_lease() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap();
    let clock = Arc::new(ManualClock::new(START));
    for _ in 0..NODES * 2 {
        start(&db, &clock).await.unwrap();
    }
}
