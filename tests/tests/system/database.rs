//! A PostgreSQL that freezes, restarts, or has clients that disconnect: calls end, a restart causes no errors, and
//! everything recovers by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::SystemClock;
use tidings_store::sqlx::{self, Connection as _, PgConnection};
use tidings_testkit::{Agora, Proxy, Reply, Suite, TestApp, fresh_database, wait_until};

use crate::log::{assert_gap_free, direct, history, keyed, register, text, text_of};

/// Far beyond every limit: what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(1);

async fn app_on(database: String) -> TestApp {
    TestApp::of(Arc::new(Suite::all_in_one(Some(database), Arc::new(SystemClock)))).await
}

fn to_bob(text: &str) -> Value {
    json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": text}})
}

async fn ended(call: impl Future<Output = Reply>) -> Reply {
    tokio::time::timeout(PATIENCE, call).await.expect("the call ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_a_503_for_everybody_and_heals_by_itself() {
    let (proxy, database) = Proxy::before(&fresh_database().await).await;
    let app = app_on(database).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "before").await;

    proxy.freeze();
    let sends: Vec<_> = (0..40).map(|n| to_bob(&format!("{n}"))).collect();
    let sends = join_all(sends.iter().map(|body| ended(agora.post("/messages/users", body))));
    let reads = join_all((0..10).map(|_| ended(agora.get("/users/ann"))));
    let rooms = join_all((0..10).map(|_| ended(agora.get("/chatgroups"))));
    let (sends, reads, rooms) = tokio::join!(sends, reads, rooms);
    for reply in [sends, reads, rooms].concat() {
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
    }

    proxy.heal();
    wait_until("sends to succeed again", async || {
        ended(agora.post("/messages/users", &to_bob("after"))).await.status == 200
    })
    .await;
    wait_until("reads to succeed again", async || {
        join_all((0..20).map(|_| ended(agora.get("/users/ann")))).await.iter().all(|reply| reply.status == 200)
    })
    .await;
}

/// Ends every connection of Tidings, as a restart does.
async fn cut_all(database: &str) {
    const CUT: &str = "
        select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and application_name = 'tidings'";
    let mut admin = PgConnection::connect(database).await.unwrap();
    let cut: i64 = sqlx::query_scalar(CUT).fetch_one(&mut admin).await.unwrap();
    assert!(cut > 0, "nothing was connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_costs_no_client_an_error() {
    const SENDERS: usize = 8;
    const CUTS: usize = 20;
    let database = fresh_database().await;
    let app = app_on(database.clone()).await;
    let names: Vec<String> = (0..SENDERS).map(|n| format!("user{n}")).collect();
    let ids = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let agora = app.agora();
    let (stop, stopped) = tokio::sync::watch::channel(false);

    let senders = (0..SENDERS).map(|n| {
        let (mut log, app, ids, stopped) = (app.messages(), &app, &ids, stopped.clone());
        async move {
            let mut sent = Vec::new();
            while !*stopped.borrow() {
                let key = format!("{n}/{}", sent.len());
                let request = keyed(&key, text(ids[n], &[ids[(n + 1) % SENDERS]], &key));
                log.send(app.request(request)).await.expect("a send with a key");
                sent.push(key);
            }
            sent
        }
    });
    let readers = (0..4).map(|_| {
        let (agora, stopped) = (&agora, stopped.clone());
        async move {
            while !*stopped.borrow() {
                agora.get("/users/user0").await.expect(200);
            }
        }
    });
    let cuts = async {
        for _ in 0..CUTS {
            cut_all(&database).await;
            // Calls sent meanwhile have new connections, which the next cut should hit while in use.
            let before = history(&app, direct(ids[0], ids[1])).await.len();
            wait_until("sends to go on", async || history(&app, direct(ids[0], ids[1])).await.len() > before + 2).await;
        }
        stop.send_replace(true);
    };
    let (sent, _, ()) = tokio::join!(join_all(senders), join_all(readers), cuts);
    for (n, sent) in sent.into_iter().enumerate() {
        let messages = history(&app, direct(ids[n], ids[(n + 1) % SENDERS])).await;
        let texts: Vec<_> = messages.iter().map(text_of).collect();
        assert_eq!(texts, sent, "each once, in order");
        assert_gap_free(&messages);
    }
}

/// Starts a call and disconnects after so long.
async fn abandon(agora: &Agora, path: &str, body: &Value, after: Duration) {
    let request = agora.request(Method::POST, path).json(body).timeout(after);
    let _ = request.send().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_away_leave_no_transaction_open() {
    const OPEN: &str = "
        select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'tidings' and state <> 'idle'";
    let database = fresh_database().await;
    let app = app_on(database.clone()).await;
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    let group = json!({"groupname": "g", "owner": "ann", "public": true, "maxusers": 200, "members": ["bob"]});
    for round in 0..30_u64 {
        let calls = (0..16).map(|n| {
            let (agora, group) = (&agora, &group);
            let after = Duration::from_micros(200 * (n + 1) + 37 * round);
            async move {
                abandon(agora, "/chatgroups", group, after).await;
                abandon(agora, "/users", &json!([{"username": format!("u{round}x{n}"), "password": "p"}]), after).await;
            }
        });
        join_all(calls).await;
    }
    let mut admin = PgConnection::connect(&database).await.unwrap();
    let patience = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>(OPEN).fetch_one(&mut admin).await.unwrap() > 0 {
        assert!(Instant::now() < patience, "a transaction stays open");
    }
    agora.post("/chatgroups", &group).await.expect(200);
}
