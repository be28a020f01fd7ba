//! Hints between processes: two message services and two gateways joined by a NATS server (docs/internals/bus.md). Whatever
//! becomes of the hints, clients get every message once and in order.

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use tidings_testkit::{Agora, Authority, Broker, LossyBroker, Socket, Suite, TestApp, tidings_binary, wait_until};
use tokio::task::JoinHandle;

/// The processes that use the bus: the directory and both message services.
const JOINED: usize = 3;
/// Messages between the steps of a test.
const BETWEEN: usize = 30;

/// Two gateways, each with a message service of its own, one user connected at each.
struct Joined {
    app: TestApp,
    /// A client of REST at each gateway.
    gateways: [Agora; 2],
    inboxes: [Inbox; 2],
}

/// Users by the gateway at which they are connected.
const USERS: [&str; 2] = ["nora", "omar"];

impl Joined {
    async fn start(bus: &str, others: &[(&str, &str)]) -> Self {
        let settings = [&[("TIDINGS_BUS_URL", bus)], others].concat();
        let app = TestApp::of(Arc::new(Suite::split_with(2, &settings).await)).await;
        let first = app.agora();
        let mut second = first.clone();
        second.base = first.base.replace(&app.suite.urls()[0], &app.suite.urls()[1]);
        first.register(&USERS).await;
        let mut inboxes = Vec::new();
        for (user, url) in USERS.iter().zip(app.suite.urls()) {
            let token = first.logged_in(user).await.token;
            inboxes.push(Inbox::of(Socket::open_at(url, &app, &token, None).await));
        }
        let inboxes = inboxes.try_into().unwrap_or_else(|_| panic!("two"));
        Self { app, gateways: [first, second], inboxes }
    }

    /// Sends from the user at this gateway to the one at the other.
    async fn send(&self, gateway: usize, text: &str) {
        send(&self.gateways[gateway], gateway, text).await;
    }

    /// The sum of a number of all processes.
    async fn number(&self, series: &str) -> usize {
        let values = |text: &str| -> usize {
            let lines = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            lines.map(|value| value.parse::<usize>().unwrap()).sum()
        };
        self.app.suite.metrics().await.iter().map(|reply| values(&reply.text)).sum()
    }

    async fn until_connected(&self, processes: usize) {
        wait_until(&format!("{processes} processes to be connected"), async || {
            self.number(r#"tidings_bus_connected{kind="nats"}"#).await == processes
        })
        .await;
    }

    /// Sends in both directions, all the time.
    fn load(&self) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = [Arc::<AtomicUsize>::default(), Arc::default()];
        let senders = [0, 1].map(|gateway| {
            let (agora, stop, sent) = (self.gateways[gateway].clone(), Arc::clone(&stop), Arc::clone(&sent[gateway]));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    send(&agora, gateway, &sent.load(Ordering::SeqCst).to_string()).await;
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Load { stop, sent, senders }
    }

    /// Both got what the load has sent, once and in order.
    async fn assert_got(&self, load: Load) {
        load.stop.store(true, Ordering::SeqCst);
        for sender in load.senders {
            sender.await.unwrap();
        }
        for (gateway, sent) in load.sent.iter().enumerate() {
            // What would come twice would come before it.
            self.send(gateway, "the end").await;
            let numbers = (0..sent.load(Ordering::SeqCst)).map(|n| n.to_string());
            let expected: Vec<String> = numbers.chain(["the end".to_owned()]).collect();
            let inbox = &self.inboxes[1 - gateway];
            wait_until("the end", async || inbox.texts().last().is_some_and(|last| last == "the end")).await;
            assert_eq!(inbox.texts(), expected);
        }
    }
}

async fn send(agora: &Agora, gateway: usize, text: &str) {
    agora.send_text(USERS[gateway], USERS[1 - gateway], text).await;
}

struct Load {
    stop: Arc<AtomicBool>,
    sent: [Arc<AtomicUsize>; 2],
    senders: [JoinHandle<()>; 2],
}

impl Load {
    /// Waits until both have sent more.
    async fn progress(&self) {
        let enough = self.sent.each_ref().map(|sent| sent.load(Ordering::SeqCst) + BETWEEN);
        wait_until("messages to be sent", async || {
            assert!(!self.senders.iter().any(JoinHandle::is_finished), "a send failed");
            self.sent.iter().zip(enough).all(|(sent, enough)| sent.load(Ordering::SeqCst) >= enough)
        })
        .await;
    }
}

/// The texts of the messages in a frame.
fn texts(frame: &Value) -> Vec<String> {
    let events = frame["events"].as_array().into_iter().flatten().filter(|event| event["kind"] == "message.sent");
    events.map(|event| event["message"]["payload"]["bodies"][0]["msg"].as_str().unwrap().to_owned()).collect()
}

/// The texts that a connected client got.
struct Inbox {
    texts: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Inbox {
    fn of(mut socket: Socket) -> Self {
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let got = Arc::clone(&taken);
        let reader = tokio::spawn(async move {
            loop {
                let frame = socket.next_of("events").await;
                got.lock().unwrap().extend(texts(&frame));
            }
        });
        Self { texts: taken, reader }
    }

    /// Without those that only tried whether hints arrive.
    fn texts(&self) -> Vec<String> {
        assert!(!self.reader.is_finished(), "the connection was closed");
        self.texts.lock().unwrap().iter().filter(|text| *text != PROBE).cloned().collect()
    }

    fn has_probe(&self) -> bool {
        self.texts.lock().unwrap().iter().any(|text| text == PROBE)
    }
}

const PROBE: &str = "a probe";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_cross_processes_by_hints_alone() {
    let mut broker = Broker::default();
    broker.start().await;
    // Nobody looks without a hint.
    let faults = tempfile::tempdir().unwrap();
    std::fs::write(faults.path().join("message.looks"), "").unwrap();
    let joined = Joined::start(&broker.url(), &[("TIDINGS_TEST_FAULTS", &faults.path().display().to_string())]).await;
    joined.until_connected(JOINED).await;
    // A hint may be published before the other process has subscribed.
    for gateway in [0, 1] {
        wait_until("a hint to cross", async || {
            joined.send(gateway, PROBE).await;
            joined.inboxes[1 - gateway].has_probe()
        })
        .await;
    }
    let load = joined.load();
    load.progress().await;
    joined.assert_got(load).await;
    for series in ["tidings_bus_hints_published_total", "tidings_bus_hints_received_total"] {
        assert!(joined.number(series).await >= 2, "{series}");
    }
    assert_eq!(joined.number(r#"tidings_bus_hints_dropped_total{reason="invalid"}"#).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_absent_killed_and_back_delays_nothing_for_long_and_fails_nothing() {
    let mut broker = Broker::default();
    let joined = Joined::start(&broker.url(), &[]).await;
    let load = joined.load();
    load.progress().await;
    joined.until_connected(0).await;
    broker.start().await;
    joined.until_connected(JOINED).await;
    load.progress().await;
    broker.kill();
    joined.until_connected(0).await;
    load.progress().await;
    broker.start().await;
    joined.until_connected(JOINED).await;
    load.progress().await;
    joined.assert_got(load).await;
    assert!(joined.number(r#"tidings_bus_hints_dropped_total{reason="disconnected"}"#).await > 0);
    let logged = joined.app.suite.logged();
    let outages = logged.lines().filter(|line| line.contains("the bus is not connected")).count();
    assert_eq!(outages, 2 * JOINED, "{logged}");
    assert!(!logged.contains("broker's"), "{logged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_that_are_lost_repeated_and_reordered_lose_and_double_no_message() {
    let mut broker = Broker::default();
    broker.start().await;
    let lossy = LossyBroker::before(&broker).await;
    let joined = Joined::start(&lossy.url(), &[]).await;
    joined.until_connected(JOINED).await;
    let load = joined.load();
    for _ in 0..5 {
        load.progress().await;
    }
    joined.assert_got(load).await;
    assert!(lossy.published() > 100, "{}", lossy.published());
    assert!(joined.number("tidings_bus_hints_received_total").await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_the_directory_are_hinted_at_and_a_client_goes_on_where_its_killed_gateway_left_it() {
    let mut broker = Broker::default();
    broker.start().await;
    let suite = Suite::replicated(2, &[("TIDINGS_BUS_URL", &broker.url())]).await;
    let app = TestApp::of(Arc::new(suite)).await;
    let agora = app.agora();
    agora.register(&USERS).await;
    // Two directories come first, then two file services, then two message services.
    let received = async || {
        let replies = app.suite.metrics().await;
        let has = |text: &str| {
            let mut counts = text.lines().filter_map(|line| line.strip_prefix("tidings_bus_hints_received_total "));
            counts.any(|count| count != "0")
        };
        [0, 4].map(|first| replies[first..first + 2].iter().any(|reply| has(&reply.text)))
    };
    let mut names = (0..).map(|n| format!("user{n}"));
    wait_until("hints at changes, and at their events", async || {
        agora.register(&[&names.next().unwrap()]).await;
        received().await == [true, true]
    })
    .await;

    let token = agora.logged_in("omar").await.token;
    let mut socket = Socket::open_at(&app.suite.urls()[1], &app, &token, None).await;
    let (stop, sender) = (Arc::new(AtomicBool::new(false)), agora.clone());
    let stopped = Arc::clone(&stop);
    let sending = tokio::spawn(async move {
        let mut count = 0;
        while !stopped.load(Ordering::SeqCst) {
            sender.send_text("nora", "omar", &count.to_string()).await;
            count += 1;
        }
        count
    });
    let mut got: Vec<String> = Vec::new();
    let take = |got: &mut Vec<String>, frame: &Value| {
        for text in texts(frame) {
            // What came after the last cursor may come again.
            if !got.contains(&text) {
                got.push(text);
            }
        }
    };
    while got.len() < BETWEEN {
        take(&mut got, &socket.next_of("events").await);
    }
    app.suite.signal("gateway", 1, "KILL");
    while let Ok(frame) = socket.next().await {
        take(&mut got, &frame);
    }
    let mut socket = Socket::open_at(&app.suite.urls()[0], &app, &token, socket.cursor.as_deref()).await;
    let enough = got.len() + BETWEEN;
    while got.len() < enough {
        take(&mut got, &socket.next_of("events").await);
    }
    stop.store(true, Ordering::SeqCst);
    let count: usize = sending.await.unwrap();
    while got.len() < count {
        take(&mut got, &socket.next_of("events").await);
    }
    assert_eq!(got, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// The lines of `tidings doctor` about the bus.
fn doctor(url: &str, others: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(tidings_binary());
    command.args(["doctor", "--data"]).arg(folder.path().join("data")).env("TIDINGS_BUS_URL", url);
    let said = command.envs(others.iter().copied()).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().filter(|line| line.contains(" bus")).map(str::to_owned).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_refuses_hints_is_told_of_once_and_delays_nothing_for_long() {
    let user = "user: tidings, password: \"a broker's password\"";
    let mut broker = Broker::of(&format!(
        "authorization {{ users: [{{ {user}, permissions: {{ publish: \"other\", subscribe: \"other\" }} }}] }}"
    ));
    broker.start().await;
    let joined = Joined::start(&broker.url(), &[]).await;
    joined.until_connected(JOINED).await;
    let load = joined.load();
    load.progress().await;
    joined.assert_got(load).await;
    assert!(joined.number(r#"tidings_bus_hints_dropped_total{reason="refused"}"#).await > JOINED);
    let logged = joined.app.suite.logged();
    let refusals: Vec<&str> = logged.lines().filter(|line| line.contains("the bus refuses hints")).collect();
    assert_eq!(refusals.len(), JOINED, "{logged}");
    assert!(refusals.iter().all(|line| line.contains("tidings.")), "{refusals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_whether_the_broker_is_reached_also_over_tls_with_certificates_of_both_sides() {
    let mut broker = Broker::default();
    let (url, address) = (broker.url(), broker.address().to_owned());
    let said = doctor(&url, &[]);
    assert!(said.contains(&format!("nats://{address}: IO error")) && !said.contains("password"), "{said}");
    broker.start().await;
    let said = doctor(&url, &[]);
    assert!(said.contains(&format!("answers at nats://{address}")), "{said}");
    let said = doctor(&format!("nats://tidings:wr0ng@{address}"), &[]);
    assert!(said.contains("authorization violation") && !said.contains("wr0ng"), "{said}");
    let said = doctor("amqp://broker", &[]);
    assert!(said.contains("config: bus.url must start with nats:// or tls://"), "{said}");

    let authority = Authority::default();
    let (served, shown) = (authority.issue("broker"), authority.issue("peer"));
    let (ca, certificate, key) = (authority.file(), served.certificate.display(), served.key.display());
    let mut secure = Broker::with(&format!(
        "tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", ca_file: \"{}\", verify: true }}",
        ca.display()
    ));
    secure.start().await;
    let url = secure.url().replacen("nats://", "tls://", 1);
    let [ca, certificate, key] = [&ca, &shown.certificate, &shown.key].map(|path| path.display().to_string());
    let trusted = ("TIDINGS_TLS_PEER_CA", ca.as_str());
    let own = [trusted, ("TIDINGS_TLS_PEER_CERTIFICATE", &certificate), ("TIDINGS_TLS_PEER_KEY", &key)];
    let said = doctor(&url, &own);
    assert!(said.contains(&format!("answers at tls://{}", secure.address())), "{said}");
    let stranger = Authority::default().file().display().to_string();
    for others in [vec![], vec![trusted], vec![("TIDINGS_TLS_PEER_CA", &stranger), own[1], own[2]]] {
        let said = doctor(&url, &others);
        assert!(!said.is_empty() && !said.contains("answers"), "{others:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_gets_what_others_publish_under_its_prefix_and_ignores_what_is_no_hint() {
    let mut broker = Broker::default();
    broker.start().await;
    let suite = Suite::split_with(1, &[("TIDINGS_BUS_URL", &broker.url()), ("TIDINGS_BUS_PREFIX", "chat.one")]).await;
    let number = async |series: &str| -> usize {
        let replies = suite.metrics().await;
        let lines = replies.iter().flat_map(|reply| reply.text.lines());
        lines.filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse::<usize>().ok()).sum()
    };
    let mut client = broker.client().await;
    wait_until("hints at 5 and 7", async || {
        client.publish("chat.one.events", b"5 7").await;
        number("tidings_bus_hints_received_total").await >= 2
    })
    .await;
    let long = vec![0xff; 60_000];
    for garbage in [b"x".as_slice(), b"", b"5 ", &long] {
        client.publish("chat.one.events", garbage).await;
    }
    client.publish("chat.one.changes", b"5").await;
    client.publish("tidings.events", b"x").await;
    client.publish("chat.two.events", b"x").await;
    client.publish("chat.one.events.x", b"x").await;
    wait_until("garbage to be counted", async || {
        number(r#"tidings_bus_hints_dropped_total{reason="invalid"}"#).await == 5
    })
    .await;
    client.publish("chat.one.changes", b"").await;
    let before = number("tidings_bus_hints_received_total").await;
    wait_until("a hint after it", async || {
        client.publish("chat.one.events", b"5").await;
        number("tidings_bus_hints_received_total").await > before + 1
    })
    .await;
    assert_eq!(number(r#"tidings_bus_hints_dropped_total{reason="invalid"}"#).await, 5);
}
