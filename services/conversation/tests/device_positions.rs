//! Positions of devices, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{convert::Infallible, sync::Arc, time::Duration};

use tidings_conversation::{Deps, SCHEMA, build};
use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, App, AppId, Caller, ManualClock, Platform, Reason, UnixMillis, UserId};
use tidings_proto::{
    error_from_status,
    internal::{
        GetDevicePositionRequest, SaveDevicePositionRequest,
        conversation_internal_service_client::ConversationInternalServiceClient,
        conversation_internal_service_server::ConversationInternalServiceServer,
        message_internal_service_client::MessageInternalServiceClient,
    },
    pb::{self, message_service_client::MessageServiceClient},
};
use tidings_runtime::{Tasks, Wire, context};
use tidings_store::{Db, Location, open};
use tidings_testkit::{fresh_database, grpc_answer};
use tonic::body::Body;
use tower::service_fn;

const ANN: i64 = 16;
const BOB: i64 = 32;

/// A fake directory that knows the app and all users.
async fn the_app(request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
    if request.uri().path().ends_with("/GetUser") {
        return Ok(grpc_answer(&pb::User { registered: true, enabled: true, ..Default::default() }));
    }
    Ok(grpc_answer(&pb::App::from(App::example())))
}

struct Service {
    client: ConversationInternalServiceClient<Wire>,
    clock: Arc<ManualClock>,
}

fn service(db: &Db) -> Service {
    let wire = Wire::local(service_fn(the_app));
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let directory = DirectoryCache::new(wire.clone(), wire.clone(), Arc::<ManualClock>::clone(&clock));
    let (message_internal, message) =
        (MessageInternalServiceClient::new(wire.clone()), MessageServiceClient::new(wire));
    let (tasks, of_deps) = (Tasks::default(), Arc::<ManualClock>::clone(&clock));
    let deps = Deps {
        db: db.clone(),
        directory,
        message,
        message_internal,
        clock: of_deps,
        read: Arc::default(),
        delivered: Arc::default(),
        pinned: Arc::default(),
        tasks,
    };
    let wire = Wire::local(ConversationInternalServiceServer::new(build(deps)));
    Service { client: ConversationInternalServiceClient::new(wire), clock }
}

fn by<T>(user: i64, message: T) -> tonic::Request<T> {
    let actor = Actor::User(UserId(user));
    context::request(&Caller { app: AppId(1), actor, address: None, platform: Platform::RestApi }, message)
}

impl Service {
    async fn save(&self, user: i64, device: &str, cursor: &str) -> Result<(), Reason> {
        self.save_at(user, device, cursor, 5).await
    }

    async fn save_at(&self, user: i64, device: &str, cursor: &str, reached_at_ms: i64) -> Result<(), Reason> {
        self.clock.advance(Duration::from_millis(1));
        let (device, cursor) = (device.to_owned(), cursor.to_owned());
        let request = SaveDevicePositionRequest { user_id: None, device, cursor, reached_at_ms };
        let saved = self.client.clone().save_device_position(by(user, request)).await;
        saved.map(drop).map_err(|status| error_from_status(status).reason())
    }

    /// Empty: it is not known.
    async fn cursor(&self, user: i64, device: &str) -> String {
        let request = GetDevicePositionRequest { user_id: None, device: device.to_owned() };
        self.client.clone().get_device_position(by(user, request)).await.unwrap().into_inner().cursor
    }
}

async fn a_device_is_known_by_its_user_and_its_name(db: &Db) {
    let service = service(db);
    assert_eq!(service.cursor(ANN, "web").await, "");
    service.save(ANN, "web", "1:7").await.unwrap();
    service.save(ANN, "phone", "1:8").await.unwrap();
    service.save(ANN, "web", "1:9").await.unwrap();
    assert_eq!((service.cursor(ANN, "web").await, service.cursor(ANN, "phone").await), ("1:9".into(), "1:8".into()));
    assert_eq!(service.cursor(BOB, "web").await, "");
    let long = "x".repeat(129);
    for (device, cursor) in [("", "1:1"), ("web", ""), ("a\0b", "1:1"), (long.as_str(), "1:1")] {
        assert_eq!(service.save(ANN, device, cursor).await, Err(Reason::InvalidArgument), "{device:?} {cursor:?}");
    }
}

async fn of_a_users_devices_the_16_that_were_saved_last_are_remembered(db: &Db) {
    let service = service(db);
    service.save(BOB, "web", "1:1").await.unwrap();
    // Of those of the same millisecond, the first by name is the newest.
    for number in (1..=17).rev() {
        service.save(ANN, &format!("device {number:02}"), "1:1").await.unwrap();
    }
    assert_eq!(service.cursor(ANN, "device 17").await, "");
    for number in 1..=16 {
        assert_eq!(service.cursor(ANN, &format!("device {number:02}")).await, "1:1", "{number}");
    }
    assert_eq!(service.cursor(BOB, "web").await, "1:1");
}

async fn an_older_connection_of_a_device_moves_its_position_not_back(db: &Db) {
    let service = service(db);
    service.save_at(ANN, "web", "1:9", 20).await.unwrap();
    service.save_at(ANN, "web", "1:7", 10).await.unwrap();
    assert_eq!(service.cursor(ANN, "web").await, "1:9");
    service.save_at(ANN, "web", "1:11", 30).await.unwrap();
    assert_eq!(service.cursor(ANN, "web").await, "1:11");
    // The clock of a gateway was ahead: what another one saves later counts all the same.
    service.save_at(ANN, "web", "1:12", i64::MAX).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let now = tx.now(&*service.clock).await.unwrap();
    drop(tx);
    service.save_at(ANN, "web", "1:13", now.0 + 1).await.unwrap();
    assert_eq!(service.cursor(ANN, "web").await, "1:13");
}

async fn on_sqlite(folder: &tempfile::TempDir) -> Db {
    open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap()
}

async fn on_postgres() -> Db {
    open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap()
}

#[tokio::test]
async fn a_device_is_known_by_its_user_and_its_name_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_device_is_known_by_its_user_and_its_name(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn a_device_is_known_by_its_user_and_its_name_on_postgres() {
    a_device_is_known_by_its_user_and_its_name(&on_postgres().await).await;
}

#[tokio::test]
async fn an_older_connection_moves_nothing_back_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    an_older_connection_of_a_device_moves_its_position_not_back(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn an_older_connection_moves_nothing_back_on_postgres() {
    an_older_connection_of_a_device_moves_its_position_not_back(&on_postgres().await).await;
}

#[tokio::test]
async fn the_devices_of_a_user_are_bounded_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    of_a_users_devices_the_16_that_were_saved_last_are_remembered(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn the_devices_of_a_user_are_bounded_on_postgres() {
    of_a_users_devices_the_16_that_were_saved_last_are_remembered(&on_postgres().await).await;
}
