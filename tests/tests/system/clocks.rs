//! Wrong clocks: they have no lasting effect. The program's wall clock is shifted by the offset in a file.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidings_domain::{Clock as _, MsgId, SystemClock, UnixMillis};
use tidings_testkit::{Agora, Answer, Installation, Receiver, Reply, fresh_database, wait_until};

use crate::data_folder::run;

const HOUR: i64 = 3_600_000;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// An installation whose clock can be set.
struct Machine {
    installation: Installation,
    faults: TempDir,
}

impl Machine {
    fn new(database: Option<&str>) -> Self {
        let faults = tempfile::tempdir().unwrap();
        let mut installation =
            Installation::default().with("TIDINGS_TEST_FAULTS", &faults.path().display().to_string());
        if let Some(database) = database {
            installation.set("TIDINGS_DATABASE_URL", database);
            installation.set("TIDINGS_SERVICE_KEY", "0123456789abcdef0123456789abcdef");
            installation.set("TIDINGS_DATA_KEY", &"5a".repeat(32));
        }
        Self { installation, faults }
    }

    /// Sets the clock forward by so much. Written atomically, since the program may read it at any time.
    fn set(&self, ms: i64) {
        let (new, place) = (self.faults.path().join("new"), self.faults.path().join("clock"));
        fs::write(&new, ms.to_string()).unwrap();
        fs::rename(new, place).unwrap();
    }

    async fn readiness(&self) -> Option<(u16, Value)> {
        let answer = reqwest::get(format!("{}/readyz", self.installation.url())).await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_str(&answer.text().await.ok()?).ok()?))
    }

    async fn wait_until_not_ready_since(&self, why: &str) {
        wait_until(why, async || {
            self.readiness().await.is_some_and(|(status, said)| {
                let reason = said["reason"].as_str().unwrap_or_default();
                assert!(status == 200 || reason.starts_with("read-only, ") || reason.contains("not answer"), "{said}");
                status == 503 && reason.contains(why)
            })
        })
        .await;
    }

    async fn wait_until_ready(&self) {
        wait_until("the process to be ready", async || self.readiness().await.is_some_and(|(status, _)| status == 200))
            .await;
    }
}

fn now() -> i64 {
    SystemClock.now().0
}

/// Sends a text, whose id must be of now.
async fn send(agora: &Agora, to: &str) -> MsgId {
    let id = MsgId(agora.send_text("nora", to, "m").await.parse().unwrap());
    let apart = id.moment().0 - now();
    assert!(apart.abs() < 60_000, "an id of {} seconds ahead", apart / 1000);
    id
}

async fn refused(agora: &Agora) -> Reply {
    let message = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "refused"}});
    let reply = agora.post("/messages/users", &message).await;
    assert_eq!(reply.status, 503, "{}", reply.json());
    reply
}

async fn a_glitch_leaves_nothing(database: Option<&str>) {
    let mut machine = Machine::new(database);
    machine.installation.start().await;
    let agora = machine.installation.agora().await;
    agora.register(&["nora", "omar", "pia"]).await;
    let mut sent = vec![send(&agora, "omar").await];
    for glitch in [TEN_YEARS, -HOUR] {
        machine.set(glitch);
        // At once, not only after a readiness check.
        refused(&agora).await;
        let direction = if glitch > 0 { "315360000 seconds ahead of" } else { "3600 seconds behind" };
        machine.wait_until_not_ready_since(&format!("the clock of this machine jumped: it is {direction}")).await;
        refused(&agora).await;
        // Reads are served meanwhile, with tokens issued before.
        assert_eq!(agora.get("/users/nora").await.status, 200);
        machine.set(0);
        machine.wait_until_ready().await;
        for to in ["omar", "pia"] {
            sent.push(send(&agora, to).await);
        }
    }
    machine.installation.kill();
    machine.installation.start().await;
    sent.push(send(&machine.installation.agora().await, "omar").await);
    assert!(sent.windows(2).all(|pair| pair[0] < pair[1]), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glitch_of_the_clock_is_refused_and_leaves_nothing_on_sqlite() {
    a_glitch_leaves_nothing(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glitch_of_the_clock_is_refused_and_leaves_nothing_on_postgres() {
    a_glitch_leaves_nothing(Some(&fresh_database().await)).await;
}

async fn a_start_with_a_wrong_clock_leaves_nothing(database: Option<&str>, why: &str) {
    let mut machine = Machine::new(database);
    machine.installation.start().await;
    let agora = machine.installation.agora().await;
    agora.register(&["nora", "omar", "pia"]).await;
    let before = send(&agora, "omar").await;
    machine.installation.kill();

    machine.set(TEN_YEARS);
    machine.installation.launch();
    machine.wait_until_not_ready_since(why).await;
    refused(&agora).await;
    assert_eq!(agora.get("/users/nora").await.status, 200);
    machine.set(0);
    machine.wait_until_ready().await;
    assert!(send(&agora, "omar").await > before);
    send(&agora, "pia").await;
    machine.installation.kill();
    machine.installation.start().await;
    send(&agora, "pia").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_wrong_clock_sends_nothing_until_it_is_right_on_sqlite() {
    let why = "the clock of this machine may be wrong: it is 3153600";
    a_start_with_a_wrong_clock_leaves_nothing(None, why).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_wrong_clock_sends_nothing_until_it_is_right_on_postgres() {
    let why = "the clock of this machine is wrong: it is 3153";
    a_start_with_a_wrong_clock_leaves_nothing(Some(&fresh_database().await), why).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_held_that_took_it_to_be_an_hour_later_is_taken_over_when_it_dies() {
    let database = fresh_database().await;
    let (mut ahead, mut other) = (Machine::new(Some(&database)), Machine::new(Some(&database)));
    ahead.installation.start().await;
    let receiver = Receiver::start(|_| Answer::ok());
    let url = receiver.url();
    let grpc = ahead.installation.grpc_url();
    let add = ["callback", "--server", &grpc, "add", "--app", "demo/demo", "--dialect", "tencent", "--url", &url];
    let add = [&add[..], &["--allow-private"]].concat();
    // So many that both processes work for some.
    for _ in 0..8 {
        run(&ahead.installation, &add);
    }
    ahead.set(HOUR);
    ahead.wait_until_not_ready_since("the clock of this machine jumped: it is 3600 seconds ahead of").await;
    other.installation.start().await;
    let agora = other.installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    // It works for its endpoints, and sends nothing itself.
    send(&agora, "omar").await;
    receiver.wait_for(8).await;
    ahead.installation.kill();
    send(&agora, "omar").await;
    receiver.wait_for(16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_does_not_wait_for_a_clock_that_was_set_back() {
    let mut machine = Machine::new(None);
    machine.installation.start().await;
    let failed = AtomicBool::new(false);
    let receiver =
        Receiver::start(move |_| Answer::status(if failed.swap(true, Ordering::SeqCst) { 200 } else { 500 }));
    let url = receiver.url();
    let add = ["callback", "add", "--app", "demo/demo", "--dialect", "tencent", "--url", &url, "--allow-private"];
    run(&machine.installation, &add);
    let agora = machine.installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    send(&agora, "omar").await;
    receiver.wait_for(1).await;
    machine.set(-HOUR);
    receiver.wait_for(2).await;
}

/// The clock is set permanently. This takes the minute for which it must have run steadily.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lasting_correction_is_accepted_and_ids_are_of_the_time_that_it_is() {
    let mut machine = Machine::new(None);
    machine.set(HOUR);
    machine.installation.start().await;
    let agora = machine.installation.agora().await;
    agora.register(&["nora", "omar", "pia"]).await;
    let ahead = MsgId(agora.send_text("nora", "omar", "ahead").await.parse().unwrap());
    assert!(ahead.moment() > UnixMillis(now() + HOUR / 2));
    machine.set(0);
    refused(&agora).await;
    // Waited for in two steps, since each waits for a minute at most.
    let began = Instant::now();
    wait_until("half a minute to pass", async || began.elapsed() >= Duration::from_secs(30)).await;
    machine.wait_until_ready().await;
    // The conversation that is ahead continues from there, and does not affect others.
    let next = MsgId(agora.send_text("nora", "omar", "on").await.parse().unwrap());
    assert!(next > ahead && next.moment() < UnixMillis(ahead.moment().0 + 60_000));
    send(&agora, "pia").await;
}
