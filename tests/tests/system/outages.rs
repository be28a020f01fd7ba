//! What Tidings depends on stops, dies or hangs while clients continue: what they see, and that everything recovers
//! without a restart.

use std::time::Instant;

use tidings_testkit::{Broker, Bucket, PostgresServer, Proxy, wait_until};

use crate::fleet::{Done, Fleet, Load, failures};

/// Answers during an outage: with a store that hangs, every fourth round of a client takes as long as a call may.
const DURING: usize = 60;

/// What the clients of a load saw of one outage.
struct Seen {
    outage: &'static str,
    answers: usize,
    failures: usize,
    /// From the end of the outage until requests no longer failed.
    recovery_ms: u128,
}

/// Waits until the load has made progress without a failure, and until it has done so again.
async fn recovered(load: &Load) -> u128 {
    let begun = Instant::now();
    let mut at = 0;
    wait_until("requests to succeed again", async || {
        let (_, before) = load.counts();
        at = begun.elapsed().as_millis();
        load.progress().await;
        load.counts().1 == before
    })
    .await;
    let (_, before) = load.counts();
    load.progress().await;
    assert_eq!(load.counts().1, before, "requests fail after they had recovered");
    at
}

/// The failures that are not refusals for a while, each with the time after which to repeat.
fn unclear(clients: &[Done]) -> Vec<String> {
    let all = [failures(clients, |done| &done.safe_failures), failures(clients, |done| &done.unsafe_failures)];
    all.concat().into_iter().filter(|failure| !failure.contains("503")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "nginx answers 502 while it takes every gateway for unavailable"]
async fn postgres_nats_and_s3_die_stop_and_hang_and_everything_recovers_without_a_restart() {
    let mut postgres = PostgresServer::start().await;
    let mut broker = Broker::default();
    broker.start().await;
    let store = Bucket::shared().endpoint.trim_start_matches("http://").to_owned();
    let store = Proxy::to(store).await;
    let endpoint = format!("http://{}", store.address());
    let settings = [
        ("TIDINGS_DATABASE_URL", postgres.url()),
        ("TIDINGS_BUS_URL", broker.url()),
        ("TIDINGS_FILES_S3_ENDPOINT", endpoint),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let fleet = Fleet::start(&settings).await;
    let load = fleet.load();
    load.progress().await;
    let (_, failed) = load.counts();
    assert_eq!(failed, 0, "requests fail before anything happened");

    let mut table = Vec::new();
    for outage in
        ["NATS is killed", "NATS hangs", "S3 is cut off", "S3 hangs", "PostgreSQL is stopped", "PostgreSQL is killed"]
    {
        let (answers, failed) = load.counts();
        match outage {
            "NATS is killed" => broker.kill(),
            "NATS hangs" => broker.signal("STOP"),
            "S3 is cut off" => store.cut(),
            "S3 hangs" => store.freeze(),
            "PostgreSQL is stopped" => postgres.stop().await,
            _ => postgres.kill(),
        }
        load.progress_by(DURING).await;
        let at = |(now_answers, now_failed): (usize, usize)| (now_answers - answers, now_failed - failed);
        let during = at(load.counts());
        if outage.starts_with("NATS") {
            assert_eq!(during.1, 0, "{outage}: the bus only carries hints");
        } else {
            assert!(during.1 > 0, "{outage}: nobody noticed");
        }
        match outage {
            "NATS is killed" => broker.start().await,
            "NATS hangs" => broker.signal("CONT"),
            "S3 is cut off" | "S3 hangs" => store.heal(),
            _ => postgres.resume().await,
        }
        let recovery_ms = recovered(&load).await;
        let (answers, failures) = at(load.counts());
        table.push(Seen { outage, answers, failures, recovery_ms });
    }
    let clients = load.finish().await;
    eprintln!("outage | answers | of these refused | whole again after");
    for Seen { outage, answers, failures, recovery_ms } in table {
        eprintln!("{outage} | {answers} | {failures} | {recovery_ms} ms");
    }
    fleet.assert_none(&unclear(&clients));
    fleet.assert_kept(&clients).await;
}
