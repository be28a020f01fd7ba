//! The limits on pinned and marked conversations, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{convert::Infallible, sync::Arc};

use tidings_conversation::{Deps, SCHEMA, build};
use tidings_directory_client::DirectoryCache;
use tidings_domain::{Actor, App, AppId, Caller, ManualClock, Platform, Reason, UnixMillis, UserId};
use tidings_proto::{
    error_from_status,
    internal::message_internal_service_client::MessageInternalServiceClient,
    pb::{
        self, conversation_service_client::ConversationServiceClient,
        conversation_service_server::ConversationServiceServer, message_service_client::MessageServiceClient,
    },
};
use tidings_runtime::{Tasks, Wire, context};
use tidings_store::{Db, Location, on_tx, open, sqlx};
use tidings_testkit::{fresh_database, grpc_answer};
use tonic::body::Body;
use tower::service_fn;

const ANN: i64 = 16;
const BOB: i64 = 32;
const MOST: i64 = 1_000;

/// A fake directory that knows the app and all users.
async fn the_app(request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
    if request.uri().path().ends_with("/GetUser") {
        return Ok(grpc_answer(&pb::User { registered: true, enabled: true, ..Default::default() }));
    }
    Ok(grpc_answer(&pb::App::from(App::example())))
}

fn service(db: &Db) -> ConversationServiceClient<Wire> {
    let wire = Wire::local(service_fn(the_app));
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let directory = DirectoryCache::new(wire.clone(), wire.clone(), Arc::<ManualClock>::clone(&clock));
    let (message_internal, message) =
        (MessageInternalServiceClient::new(wire.clone()), MessageServiceClient::new(wire));
    let tasks = Tasks::default();
    let deps = Deps {
        db: db.clone(),
        directory,
        message,
        message_internal,
        clock,
        read: Arc::default(),
        delivered: Arc::default(),
        pinned: Arc::default(),
        tasks,
    };
    ConversationServiceClient::new(Wire::local(ConversationServiceServer::new(build(deps))))
}

fn by<T>(user: i64, message: T) -> tonic::Request<T> {
    let actor = Actor::User(UserId(user));
    context::request(&Caller { app: AppId(1), actor, address: None, platform: Platform::RestApi }, message)
}

/// Whether it changed anything.
async fn pin(db: &Db, user: i64, other: i64, pinned: bool) -> Result<bool, Reason> {
    let conversation =
        pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: user, higher_user_id: other };
    let request = pb::PinRequest { user_id: None, conversation: Some(conversation), pinned };
    let reply = service(db).pin(by(user, request)).await;
    reply.map(|reply| reply.into_inner().changed).map_err(|status| error_from_status(status).reason())
}

async fn pinned(db: &Db, user: i64) -> Vec<i64> {
    let reply = service(db).list_pinned(by(user, pb::ListPinnedRequest { user_id: None })).await;
    reply.unwrap().into_inner().conversations.iter().map(|place| place.higher_user_id).collect()
}

/// Gives Ann one pin less than the limit.
async fn fill(db: &Db) {
    const FILL: &str = "insert into pin (app_id, user_id, conv_a, conv_b, pin_no) values (1, $1, $1, $2, $3)";
    const NUMBER: &str = "insert into pin_head (app_id, user_id, last_no) values (1, $1, $2)";
    let mut tx = db.begin().await.unwrap();
    for n in 1..MOST {
        let other = 1_000 + n;
        on_tx!(&mut tx, |c| sqlx::query(FILL).bind(ANN).bind(other).bind(n).execute(c).await.map(drop)).unwrap();
    }
    on_tx!(&mut tx, |c| sqlx::query(NUMBER).bind(ANN).bind(MOST).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

async fn a_thousand_and_no_more(db: &Db) {
    fill(db).await;
    assert_eq!(pin(db, ANN, 100, true).await, Ok(true));
    assert_eq!(pin(db, ANN, 101, true).await, Err(Reason::InvalidArgument));
    assert_eq!(pin(db, ANN, 100, true).await, Ok(false));
    assert_eq!(pin(db, BOB, 101, true).await, Ok(true));
    let before = pinned(db, ANN).await;
    assert_eq!((before.len() as i64, before[0]), (MOST, 100));
    assert_eq!(pin(db, ANN, 100, false).await, Ok(true));
    assert_eq!(pin(db, ANN, 101, true).await, Ok(true));
    assert_eq!(pinned(db, ANN).await[0], 101);
}

async fn pins_at_once_stay_within_a_thousand(db: &Db) {
    fill(db).await;
    let (one, two, three) = tokio::join!(pin(db, ANN, 100, true), pin(db, ANN, 101, true), pin(db, ANN, 102, true));
    assert_eq!([one, two, three].iter().filter(|pinned| pinned.is_ok()).count(), 1);
    assert_eq!(pinned(db, ANN).await.len() as i64, MOST);
}

fn with(other: i64) -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: ANN, higher_user_id: other }
}

/// Sets mark 3 on Ann's conversations with these; returns how many were ignored.
async fn mark(db: &Db, others: &[i64], marked: bool) -> Result<usize, Reason> {
    let conversations = others.iter().map(|other| with(*other)).collect();
    let request = pb::MarkConversationsRequest { user_id: None, mark: 3, conversations, marked };
    let reply = service(db).mark_conversations(by(ANN, request)).await;
    reply.map(|reply| reply.into_inner().ignored.len()).map_err(|status| error_from_status(status).reason())
}

async fn a_mark_is_on_a_thousand_conversations_and_no_more(db: &Db) {
    const FILL: &str =
        "insert into mark (app_id, user_id, conv_a, conv_b, mark, mark_no) values (1, $1, $1, $2, 3, $3)";
    const NUMBER: &str = "insert into pin_head (app_id, user_id, last_no) values (1, $1, $2)";
    let mut tx = db.begin().await.unwrap();
    for n in 2..MOST {
        let other = 1_000 + n;
        on_tx!(&mut tx, |c| sqlx::query(FILL).bind(ANN).bind(other).bind(n).execute(c).await.map(drop)).unwrap();
    }
    on_tx!(&mut tx, |c| sqlx::query(NUMBER).bind(ANN).bind(MOST).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    // 998 so far: of three calls at once that mark two each, one fits.
    let (one, two, three) =
        tokio::join!(mark(db, &[100, 101], true), mark(db, &[102, 103], true), mark(db, &[104, 105], true));
    assert_eq!([one, two, three].iter().filter(|marked| marked.is_ok()).count(), 1);
    assert_eq!(mark(db, &[106], true).await, Err(Reason::InvalidArgument));
    assert_eq!(mark(db, &[1_999, 1_998], false).await, Ok(0));
    // What is marked already takes no place, and nobody marks a conversation of others.
    assert_eq!(mark(db, &[106, 1_997], true).await, Ok(0));
    let foreign = pb::ConversationId { id: BOB, ..with(100) };
    let request = pb::MarkConversationsRequest { user_id: None, mark: 3, conversations: vec![foreign], marked: true };
    let reply = service(db).mark_conversations(by(ANN, request)).await.unwrap().into_inner();
    assert_eq!(reply.ignored, [foreign]);
    for (mark, conversations) in [(20, vec![with(100)]), (-1, vec![with(100)]), (0, Vec::new())] {
        let request = pb::MarkConversationsRequest { user_id: None, mark, conversations, marked: true };
        let refused = service(db).mark_conversations(by(ANN, request)).await.unwrap_err();
        assert_eq!(error_from_status(refused).reason(), Reason::InvalidArgument);
    }
}

async fn on_sqlite(folder: &tempfile::TempDir) -> Db {
    open(&Location::Folder(folder.path().to_owned()), &SCHEMA, true).await.unwrap()
}

async fn on_postgres() -> Db {
    open(&Location::Postgres(fresh_database().await), &SCHEMA, true).await.unwrap()
}

#[tokio::test]
async fn a_user_pins_a_thousand_conversations_and_no_more_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_thousand_and_no_more(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn a_user_pins_a_thousand_conversations_and_no_more_on_postgres() {
    a_thousand_and_no_more(&on_postgres().await).await;
}

#[tokio::test]
async fn pins_at_once_stay_within_the_bound_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    pins_at_once_stay_within_a_thousand(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn pins_at_once_stay_within_the_bound_on_postgres() {
    pins_at_once_stay_within_a_thousand(&on_postgres().await).await;
}

#[tokio::test]
async fn a_mark_is_on_a_thousand_conversations_and_no_more_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_mark_is_on_a_thousand_conversations_and_no_more(&on_sqlite(&folder).await).await;
}

#[tokio::test]
async fn a_mark_is_on_a_thousand_conversations_and_no_more_on_postgres() {
    a_mark_is_on_a_thousand_conversations_and_no_more(&on_postgres().await).await;
}
