//! Callbacks do not stop: backlogs, restarts with calls in flight, broken keys, deleted apps.

use std::time::Duration;

use tidings_store::{Db, Location, Schema, on_db, on_tx, open, sqlx};
use tidings_testkit::{Answer, Installation, Received, Receiver, wait_until};

use crate::data_folder::{installed, run};

fn added(installation: &Installation, app: &str, receiver: &Receiver) {
    let url = receiver.url();
    run(installation, &["callback", "add", "--app", app, "--dialect", "tencent", "--url", &url, "--allow-private"]);
}

/// The callback service's tables, accessed directly.
async fn tables(installation: &Installation) -> Db {
    const SCHEMA: Schema = Schema { name: "callback", sqlite: &[], postgres: &[] };
    open(&Location::Folder(installation.data().to_owned()), &SCHEMA, false).await.unwrap()
}

async fn execute(db: &Db, statement: &'static str) {
    let mut tx = db.begin().await.unwrap();
    on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db, statement: &'static str) -> i64 {
    let (count,): (i64,) = on_db!(db, |c| sqlx::query_as(statement).fetch_one(c).await).unwrap();
    count
}

fn says(received: &[Received], text: &str) -> usize {
    received.iter().filter(|received| String::from_utf8_lossy(&received.body).contains(text)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_events_are_read_and_told_while_thousands_of_retries_are_due_or_replayed() {
    // More than the maximum of untried deliveries of an endpoint.
    const RETRIES: &str = "
        insert into delivery (app_id, endpoint_id, delivery_id, event_id, event, command, conv_a, conv_b, msg_id,
            address, platform, trace, body, created_at, state, at_ms, tries, attempts)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 2500)
        select e.app_id, e.endpoint_id, 1000000 + i, 'm1-' || (1000000 + i), 'message.sent',
            'C2C.CallbackAfterSendMsg', 0, i, i, '', 'RESTAPI', '', 'an old one', 1, 1, i, 1, ''
        from endpoint e, n";
    let mut installation = installed().await;
    let receiver = Receiver::start(|_| Answer::ok());
    added(&installation, "demo/demo", &receiver);
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    installation.stop().await;
    let db = tables(&installation).await;
    execute(&db, RETRIES).await;
    db.close().await;

    installation.start().await;
    let agora = installation.agora().await;
    agora.send_text("nora", "omar", "the first new one").await;
    wait_until("the new event", async || says(&receiver.received(), "the first new one") == 1).await;
    wait_until("the old ones", async || says(&receiver.received(), "an old one") == 2500).await;

    // Replayed deliveries are untried in their new schedule, and were not written by the reader of the feed.
    run(&installation, &["callback", "replay", "--app", "demo/demo"]);
    agora.send_text("nora", "omar", "the second new one").await;
    wait_until("the new event", async || says(&receiver.received(), "the second new one") == 1).await;
    wait_until("the old ones again", async || says(&receiver.received(), "an old one") == 5000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_flight_are_finished_and_written_down_when_the_process_stops() {
    let mut installation = installed().await;
    let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_secs(1)));
    added(&installation, "demo/demo", &receiver);
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "in flight").await;
    receiver.wait_for(1).await;
    assert_eq!(installation.stop().await, 0);

    installation.start().await;
    installation.agora().await.send_text("nora", "omar", "after the start").await;
    wait_until("the later event", async || says(&receiver.received(), "after the start") == 1).await;
    assert_eq!(says(&receiver.received(), "in flight"), 1);
    let db = tables(&installation).await;
    assert_eq!(count(&db, "select count(*) from delivery where state = 2 and delivery_id = 1").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_whose_key_cannot_be_opened_holds_up_nobody_else_and_is_cured_by_another_key() {
    let mut installation = installed().await;
    let (broken, well) = (Receiver::start(|_| Answer::ok()), Receiver::start(|_| Answer::ok()));
    added(&installation, "demo/demo", &broken);
    added(&installation, "demo/demo", &well);
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    installation.stop().await;
    let db = tables(&installation).await;
    execute(&db, "update endpoint set secret = 'AAAA' where endpoint_id = 1").await;
    db.close().await;

    installation.start().await;
    installation.agora().await.send_text("nora", "omar", "to whom it may concern").await;
    well.wait_for(1).await;
    let listed = run(&installation, &["callback", "list", "--app", "demo/demo"]);
    assert!(listed.contains("its key cannot be used, rotate it"), "{listed}");
    assert_eq!(broken.count(), 0);
    run(&installation, &["callback", "rotate", "--app", "demo/demo", "1"]);
    broken.wait_for(1).await;
    let listed = run(&installation, &["callback", "list", "--app", "demo/demo"]);
    assert!(!listed.contains("cannot be used"), "{listed}");
}

const WAITING: &str = "
    insert into delivery (app_id, endpoint_id, delivery_id, event_id, event, command, conv_a, conv_b, msg_id,
        address, platform, trace, body, created_at, state, at_ms, tries, attempts)
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
    select (select max(app_id) from endpoint), 1, 1000 + i, 'm1-' || i, 'message.sent',
        'C2C.CallbackAfterSendMsg', 0, i, i, '', 'RESTAPI', '', 'm', 1, 1, i, 1, '' from n";

const LEFT: &str = "
    select (select count(*) from endpoint) + (select count(*) from delivery) + (select count(*) from counter)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoints_of_a_deleted_app_end_and_nothing_of_theirs_stays() {
    let installation = installed().await;
    let receiver = Receiver::start(|_| Answer::status(500));
    let others = Receiver::start(|_| Answer::ok());
    run(&installation, &["app", "create", "gone/app"]);
    added(&installation, "gone/app", &receiver);
    added(&installation, "demo/demo", &others);
    let db = tables(&installation).await;
    execute(&db, WAITING).await;
    receiver.wait_for(1).await;
    run(&installation, &["app", "delete", "gone/app", "--yes"]);
    // The endpoint of the other app and its counter stay.
    wait_until("the deleted app's callbacks to be gone", async || count(&db, LEFT).await == 2).await;
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "others go on").await;
    others.wait_for(1).await;
}
