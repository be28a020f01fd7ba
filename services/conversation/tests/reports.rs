//! Reports to the message service, of several apps, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use http::HeaderValue;
use tidings_conversation::{Deps, SCHEMA, build};
use tidings_directory_client::DirectoryCache;
use tidings_domain::{App, Error, ManualClock, UnixMillis};
use tidings_proto::{
    internal::{self, message_internal_service_client::MessageInternalServiceClient},
    pb::{self, message_service_client::MessageServiceClient},
    status_from_error,
};
use tidings_runtime::{Tasks, Wire, context};
use tidings_store::{Db, Location, on_tx, open, sqlx};
use tidings_testkit::{fresh_database, grpc_answer};
use tonic::body::Body;
use tower::service_fn;

/// The app whose reports are refused.
const REFUSED: &str = "2";
/// More than are reported at once.
const MANY: i64 = 600;

/// A fake message service that takes nothing of one app.
async fn take(request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
    if request.headers().get(context::APP) == Some(&HeaderValue::from_static(REFUSED)) {
        return Ok(status_from_error(Error::invalid("reads", "are not taken")).into_http());
    }
    Ok(match request.uri().path().rsplit('/').next() {
        Some("ReportReads") => grpc_answer(&internal::ReportReadsResponse {}),
        Some("ReportDelivered") => grpc_answer(&internal::ReportDeliveredResponse {}),
        Some("ReportPins") => grpc_answer(&internal::ReportPinsResponse {}),
        _ => grpc_answer(&pb::App::from(App::example())),
    })
}

fn start(db: &Db) {
    let wire = Wire::local(service_fn(take));
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let directory = DirectoryCache::new(wire.clone(), wire.clone(), Arc::<ManualClock>::clone(&clock));
    let (message_internal, message) =
        (MessageInternalServiceClient::new(wire.clone()), MessageServiceClient::new(wire));
    build(Deps {
        db: db.clone(),
        directory,
        message,
        message_internal,
        clock,
        read: Arc::default(),
        delivered: Arc::default(),
        pinned: Arc::default(),
        tasks: Tasks::default(),
    });
}

const TABLES: [(&str, &str); 3] = [
    (
        "read_report",
        "user_id, conv_a, conv_b, read_id, at_ms, address, platform, trace)
            values ($1, 16, 16, 32, $2, 1, '', 'rest', '')",
    ),
    (
        "delivered_report",
        "user_id, conv_a, conv_b, delivered_id, at_ms, address, platform, trace)
            values ($1, 16, 16, 32, $2, 1, '', 'rest', '')",
    ),
    (
        "pin_report",
        "conv_a, conv_b, report_no, msg_id, operator_id, pinned, at_ms, address, platform, trace)
            values ($1, 16, 32, $2, 7, 16, 1, 1, '', 'rest', '')",
    ),
];

async fn write(db: &Db, app: i64, count: i64) {
    for (table, rest) in TABLES {
        let statement = format!("insert into {table} (app_id, {rest}");
        let mut tx = db.begin().await.unwrap();
        for number in 1..=count {
            on_tx!(&mut tx, |c| sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .bind(app)
                .bind(number)
                .execute(c)
                .await
                .map(drop))
            .unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// How many reports there are of each kind.
async fn left(db: &Db, app: &str) -> [i64; 3] {
    let mut tx = db.begin().await.unwrap();
    let mut left = [0; 3];
    for ((table, _), count) in TABLES.into_iter().zip(&mut left) {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table} where app_id = {app}"));
        *count = on_tx!(&mut tx, |c| sqlx::query_scalar(statement).fetch_one(c).await).unwrap();
    }
    left
}

async fn what_is_refused_of_one_app_keeps_no_others_reports(db: &Db) {
    for (app, count) in [(1, 3), (2, MANY), (3, MANY), (4, 3)] {
        write(db, app, count).await;
    }
    start(db);
    let patience = Instant::now() + Duration::from_secs(30);
    for app in ["1", "3", "4"] {
        while left(db, app).await != [0; 3] {
            assert!(Instant::now() < patience, "waited in vain for the reports of app {app}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(left(db, REFUSED).await, [MANY; 3]);
}

#[tokio::test]
async fn what_is_refused_of_one_app_keeps_no_others_reports_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap();
    what_is_refused_of_one_app_keeps_no_others_reports(&db).await;
}

#[tokio::test]
async fn what_is_refused_of_one_app_keeps_no_others_reports_on_postgres() {
    let db = open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap();
    what_is_refused_of_one_app_keeps_no_others_reports(&db).await;
}
