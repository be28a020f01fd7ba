//! Everything acknowledged is there after any crash, once, and nothing else is: rules 1 and 2 of
//! ARCHITECTURE.md.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use tidings_proto::pb;
use tidings_testkit::{Agora, Installation, Suite, TestApp, wait_until};

use crate::log::{assert_gap_free, demo_history, direct, history, register, send_until_acknowledged, text_of};

const KILLS: usize = 25;
const SENDERS: usize = 8;
/// Acknowledgements between two kills.
const BETWEEN: usize = 12;
/// Every conversation has this many senders.
const SHARE: usize = 2;

/// Senders that send one message after the other, each until it is acknowledged.
struct Load {
    acknowledged: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    senders: Vec<tokio::task::JoinHandle<BTreeMap<String, i64>>>,
}

impl Load {
    fn start(agora: &Agora) -> Self {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let failures = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let senders = (0..SENDERS).map(|n| {
            let (acknowledged, failures) = (Arc::clone(&acknowledged), Arc::clone(&failures));
            let (agora, stop) = (agora.clone(), Arc::clone(&stop));
            let pair = n / SHARE * 2;
            let (from, to) = (format!("user{}", pair + n % 2), format!("user{}", pair + 1 - n % 2));
            tokio::spawn(async move {
                let mut ids = BTreeMap::new();
                while !stop.load(Ordering::SeqCst) {
                    let text = format!("{n}/{}", ids.len());
                    let (id, failed) = send_until_acknowledged(&agora, &text, &from, &to, &text).await;
                    assert_eq!(ids.insert(text, id), None);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                    failures.fetch_add(failed, Ordering::SeqCst);
                }
                ids
            })
        });
        let senders = senders.collect();
        Self { acknowledged, failures, stop, senders }
    }

    /// Waits until the senders have made progress.
    async fn progress(&self) {
        let enough = self.acknowledged.load(Ordering::SeqCst) + BETWEEN;
        wait_until("messages to be acknowledged", async || {
            assert!(self.senders.iter().all(|sender| !sender.is_finished()), "a sender failed");
            self.acknowledged.load(Ordering::SeqCst) >= enough
        })
        .await;
    }

    /// Ids of the acknowledged messages by text, of each conversation. Direct clients of the killed process see errors;
    /// a gateway waits in their place for a while, and repeats calls with a key.
    async fn finish(self, engine: &str, is_felt: bool) -> Vec<BTreeMap<String, i64>> {
        self.stop.store(true, Ordering::SeqCst);
        let senders: Vec<_> = join_all(self.senders).await.into_iter().map(Result::unwrap).collect();
        let failures = self.failures.load(Ordering::SeqCst);
        tell(engine, self.acknowledged.load(Ordering::SeqCst), failures);
        assert!(!is_felt || failures >= KILLS, "only {failures} attempts met a kill");
        let shares = senders.chunks(SHARE).map(|share| share.iter().flatten());
        shares.map(|share| share.map(|(text, id)| (text.clone(), *id)).collect()).collect()
    }
}

/// Every acknowledged message is there once with its id, there are no others, and there is no gap.
fn assert_exactly(messages: &[pb::Message], acknowledged: &BTreeMap<String, i64>) {
    assert_gap_free(messages);
    let stored: BTreeMap<String, i64> =
        messages.iter().map(|message| (text_of(message).to_owned(), message.msg_id)).collect();
    assert_eq!(messages.len(), stored.len(), "a message is there twice");
    assert_eq!(&stored, acknowledged);
}

fn names() -> Vec<String> {
    (0..SENDERS / SHARE * 2).map(|n| format!("user{n}")).collect()
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs the test")]
fn tell(engine: &str, acknowledged: usize, failures: usize) {
    eprintln!("{engine}: {KILLS} kills, {acknowledged} messages acknowledged, {failures} attempts not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_message_service_on_postgres_lose_and_repeat_nothing() {
    let app = TestApp::of(Arc::new(Suite::split(1).await)).await;
    let names = names();
    let ids = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let load = Load::start(&app.agora());
    for _ in 0..KILLS {
        load.progress().await;
        app.suite.crash("message", 0).await;
    }
    load.progress().await;
    let acknowledged = load.finish("PostgreSQL", false).await;

    for (pair, acknowledged) in ids.chunks(2).zip(&acknowledged) {
        assert_exactly(&history(&app, direct(pair[0], pair[1])).await, acknowledged);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_all_in_one_on_sqlite_lose_and_repeat_nothing() {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&names().iter().map(String::as_str).collect::<Vec<_>>()).await;

    let load = Load::start(&agora);
    for _ in 0..KILLS {
        load.progress().await;
        installation.kill();
        installation.start().await;
    }
    load.progress().await;
    let acknowledged = load.finish("SQLite", true).await;

    for (n, acknowledged) in acknowledged.iter().enumerate() {
        let (one, other) = (format!("user{}", n * 2), format!("user{}", n * 2 + 1));
        assert_exactly(&demo_history(&installation, &one, &other).await, acknowledged);
    }
}
