//! Callback work is shared by processes, each endpoint by one at a time (docs/internals/callbacks.md).

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tidings_proto::{duration, pb};
use tidings_store::sqlx::{self, Connection as _, PgConnection};
use tidings_testkit::{
    Answer, Process, Received, Receiver, Reply, Suite, TestApp, free_address, fresh_database, wait_until,
};
use tokio::task::JoinHandle;

const ENDPOINTS: usize = 20;
const PAIRS: [[&str; 2]; 3] = [["ann", "bob"], ["cid", "dan"], ["eve", "fay"]];

/// One callback process, to which others are added, with endpoints that want each conversation in order.
struct Fleet {
    app: TestApp,
    database: PgConnection,
    receiver: Receiver,
    /// How many texts were sent in each conversation: "0", "1", ...
    sent: [Arc<AtomicUsize>; PAIRS.len()],
}

impl Fleet {
    async fn start() -> Self {
        let url = fresh_database().await;
        let suite = Arc::new(Suite::split_with(1, &[("TIDINGS_DATABASE_URL", &url)]).await);
        let app = TestApp::of(suite).await;
        app.agora().register(PAIRS.as_flattened()).await;
        // So late that calls are open whenever something happens.
        let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_millis(30)));
        for n in 0..ENDPOINTS {
            let new = pb::AddEndpointRequest {
                dialect: pb::CallbackDialect::Tencent.into(),
                url: format!("{}/{n}", receiver.url()),
                events: vec!["message.sent".to_owned()],
                ordered: true,
                timeout: Some(duration(Duration::from_secs(20))),
                allow_private: true,
                ..Default::default()
            };
            app.callbacks().add_endpoint(app.request(new)).await.expect("added");
        }
        let database = PgConnection::connect(&url).await.unwrap();
        let mut fleet = Self { app, database, receiver, sent: Default::default() };
        fleet.until_shared_by(1).await;
        fleet
    }

    async fn second(&mut self) -> Process {
        let process = self.app.suite.launch("callback", &free_address()).await;
        self.until_shared_by(2).await;
        process
    }

    /// How many endpoints each process holds.
    async fn held(&mut self) -> Vec<(String, i64)> {
        const HELD: &str = "
            select lease_owner, count(*) from tidings_callback.endpoint
            where lease_until > extract(epoch from clock_timestamp()) * 1000 group by lease_owner";
        sqlx::query_as(HELD).fetch_all(&mut self.database).await.unwrap()
    }

    /// Waits until every endpoint is held, by as many processes, each of which works for at least a few.
    async fn until_shared_by(&mut self, processes: usize) {
        wait_until(&format!("{processes} to share the endpoints"), async || {
            let held = self.held().await;
            let all: i64 = held.iter().map(|(_, count)| count).sum();
            held.len() == processes && all == ENDPOINTS as i64 && held.iter().all(|(_, count)| *count >= 2)
        })
        .await;
    }

    fn load(&self) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let senders = PAIRS.iter().zip(&self.sent).map(|([from, to], sent)| {
            let (agora, stop, sent) = (self.app.agora(), Arc::clone(&stop), Arc::clone(sent));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    agora.send_text(from, to, &sent.load(Ordering::SeqCst).to_string()).await;
                    sent.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            })
        });
        Load { senders: senders.collect(), stop }
    }

    /// Waits until so many more calls have arrived.
    async fn progress(&self, calls: usize) {
        self.receiver.wait_for(self.receiver.count() + calls).await;
    }

    /// Waits until every endpoint has got everything.
    async fn until_told(&self) {
        let sent: usize = self.sent.iter().map(|sent| sent.load(Ordering::SeqCst)).sum();
        wait_until("everything to be told", async || {
            let told: BTreeSet<(String, String)> = self.receiver.received().iter().map(event_of).collect();
            told.len() == sent * ENDPOINTS
        })
        .await;
    }

    /// What an endpoint was told of a conversation, in order of arrival.
    fn told(&self, endpoint: usize, conversation: usize) -> Vec<usize> {
        let received = self.receiver.received().into_iter().filter(|it| it.path == format!("/{endpoint}"));
        let bodies = received.map(|it| it.json()).filter(|body| body["From_Account"] == PAIRS[conversation][0]);
        bodies.map(|body| body["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap().parse().unwrap()).collect()
    }

    /// Every endpoint has got every event in order. With `is_once`, it has got none twice.
    fn assert_told(&self, is_once: bool) {
        for endpoint in 0..ENDPOINTS {
            for (conversation, sent) in self.sent.iter().enumerate() {
                let mut told = self.told(endpoint, conversation);
                if !is_once {
                    let mut seen = BTreeSet::new();
                    told.retain(|text| seen.insert(*text));
                }
                let sent: Vec<usize> = (0..sent.load(Ordering::SeqCst)).collect();
                assert_eq!(told, sent, "endpoint {endpoint}, conversation {conversation}");
            }
        }
    }
}

/// The endpoint and the event of a call.
fn event_of(received: &Received) -> (String, String) {
    (received.path.clone(), received.headers["webhook-id"].to_str().unwrap().to_owned())
}

/// Senders, one in each conversation.
struct Load {
    senders: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    async fn finish(self) {
        self.stop.store(true, Ordering::SeqCst);
        for sender in join_all(self.senders).await {
            sender.unwrap();
        }
    }
}

/// For how many endpoints each process says that it works.
fn in_numbers(replies: &[Reply]) -> Vec<i64> {
    let value = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("tidings_callback_endpoints "));
        line.expect("every process has the number").parse::<i64>().unwrap()
    };
    replies.iter().map(|reply| value(&reply.text)).filter(|endpoints| *endpoints > 0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_callback_process_takes_its_share_and_gives_it_back_and_nothing_is_lost_doubled_or_reordered() {
    let mut fleet = Fleet::start().await;
    let alone = fleet.held().await;
    assert_eq!(in_numbers(&fleet.app.suite.metrics().await), [ENDPOINTS as i64]);
    let load = fleet.load();
    fleet.progress(200).await;
    let mut second = fleet.second().await;
    fleet.progress(1000).await;
    let first = fleet.held().await.into_iter().find(|(owner, _)| *owner == alone[0].0).unwrap();
    wait_until("the numbers to say so", async || in_numbers(&fleet.app.suite.metrics().await) == [first.1]).await;

    second.terminate();
    wait_until("the second process to stop", async || second.ended().is_some()).await;
    assert_eq!(second.ended(), Some(0), "{}", second.all_logged());
    // It is not waited for.
    let left: (i64, i64) = sqlx::query_as(
        "select (select count(*) from tidings_callback.worker),
            (select count(*) from tidings_callback.endpoint where lease_owner <> $1 and lease_until > 0)",
    )
    .bind(&alone[0].0)
    .fetch_one(&mut fleet.database)
    .await
    .unwrap();
    assert_eq!(left, (1, 0));
    fleet.until_shared_by(1).await;
    fleet.progress(200).await;
    load.finish().await;
    fleet.until_told().await;
    fleet.assert_told(true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_callback_process_worked_for_is_taken_over_and_nothing_is_lost_or_reordered() {
    let mut fleet = Fleet::start().await;
    let second = fleet.second().await;
    let load = fleet.load();
    fleet.progress(300).await;
    second.kill();
    fleet.until_shared_by(1).await;
    fleet.progress(300).await;
    load.finish().await;
    fleet.until_told().await;
    // What was posted and not recorded when it died is posted again.
    fleet.assert_told(false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_callback_process_loses_its_endpoints_and_posts_nothing_of_theirs_when_it_goes_on() {
    let mut fleet = Fleet::start().await;
    let second = fleet.second().await;
    let load = fleet.load();
    fleet.progress(300).await;
    load.finish().await;
    fleet.until_told().await;
    // The outcomes of the last calls are recorded by then.
    wait_until("nothing to be waiting", async || {
        let waiting = "select count(*) from tidings_callback.delivery where state = 1";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut fleet.database).await.unwrap() == 0
    })
    .await;
    second.signal("STOP");
    let load = fleet.load();
    fleet.until_shared_by(1).await;
    fleet.progress(600).await;
    second.signal("CONT");
    fleet.until_shared_by(2).await;
    fleet.progress(600).await;
    load.finish().await;
    fleet.until_told().await;
    fleet.assert_told(true);
}
