//! Order across processes (docs/internals/appender.md, decision 2).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::join_all;
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, Suite, TestApp};

use crate::log::{agora_send, assert_gap_free, direct, history, register, text_of, walk};

const CONVERSATIONS: usize = 8;
const SENDERS: usize = 64;
const EACH: usize = 12;

/// Two message services and two gateways on one database.
pub async fn doubled() -> (TestApp, [Agora; 2]) {
    let app = TestApp::of(Arc::new(Suite::split(2).await)).await;
    let first = app.agora();
    let mut second = first.clone();
    second.base = first.base.replace(&app.suite.urls()[0], &app.suite.urls()[1]);
    assert_ne!(first.base, second.base);
    (app, [first, second])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_senders_through_two_processes_leave_no_gap_and_ids_that_grow_with_seq() {
    let (app, gateways) = doubled().await;
    let names: Vec<String> = (0..CONVERSATIONS * 2).map(|n| format!("user{n}")).collect();
    let ids = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let conversations: Vec<_> = ids.chunks(2).map(|pair| direct(pair[0], pair[1])).collect();
    let done = Arc::new(AtomicBool::new(false));

    let readers: Vec<_> = (0..CONVERSATIONS)
        .map(|n| tokio::spawn(read_until(app.clone(), conversations[n], n % 2, Arc::clone(&done))))
        .collect();
    let senders = (0..SENDERS).map(|n| {
        let pair = (n % CONVERSATIONS) * 2;
        let side = (n / CONVERSATIONS) % 2;
        let (from, to) = (names[pair + side].clone(), names[pair + 1 - side].clone());
        let agora = gateways[(n / CONVERSATIONS / 2) % 2].clone();
        tokio::spawn(async move {
            for i in 0..EACH {
                agora.send_text(&from, &to, &format!("{n}/{i}")).await;
            }
        })
    });
    for sender in join_all(senders).await {
        sender.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for reader in join_all(readers).await {
        assert!(reader.unwrap() > 1, "a reader that read along");
    }

    for conversation in conversations {
        let messages = history(&app, conversation).await;
        assert_eq!(messages.len(), SENDERS / CONVERSATIONS * EACH);
        assert_gap_free(&messages);
        assert_each_sender_in_order(&messages);
    }
}

/// Reads a conversation repeatedly while it grows; returns how often. What was seen once never changes, and no
/// message is seen before its predecessor.
async fn read_until(app: TestApp, conversation: pb::ConversationId, copy: usize, done: Arc<AtomicBool>) -> usize {
    let mut log = app.suite.messages_of(copy);
    let mut seen: Vec<i64> = Vec::new();
    let mut reads = 0;
    loop {
        let last = done.load(Ordering::SeqCst);
        let mut messages = walk(|page| app.request(page), &mut log, conversation, 0, 7).await;
        messages.reverse();
        assert_gap_free(&messages);
        let ids: Vec<i64> = messages.iter().map(|message| message.msg_id).collect();
        assert!(ids.starts_with(&seen), "what was seen has changed");
        seen = ids;
        reads += 1;
        if last {
            return reads;
        }
    }
}

/// Senders that wait for each answer find their messages in the order in which they sent them.
fn assert_each_sender_in_order(messages: &[pb::Message]) {
    let mut next = [0; SENDERS];
    for message in messages {
        let (sender, number) = text_of(message).split_once('/').unwrap();
        let next = &mut next[sender.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<usize>().unwrap(), *next);
        *next += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_through_another_gateway_or_after_a_restart_gets_the_same_bytes_decision_2() {
    let (app, gateways) = doubled().await;
    let ids = register(&app, &["ann", "bob"]).await;
    let send = async |gateway: usize, key: &str| {
        let reply = Reply::to(agora_send(&gateways[gateway], key, "ann", "bob", key)).await;
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
        reply.text
    };

    let first = send(0, "one").await;
    assert_eq!(send(1, "one").await, first);

    let at_once = join_all((0..16).map(|n| send(n % 2, "two"))).await;
    assert!(at_once.windows(2).all(|pair| pair[0] == pair[1]), "{at_once:#?}");

    for (role, copy) in [("message", 0), ("gateway", 1), ("message", 1), ("directory", 0)] {
        app.suite.crash(role, copy).await;
        assert_eq!(send(0, "one").await, first, "after a crash of {role} {copy}");
        assert_eq!(send(1, "two").await, at_once[0], "after a crash of {role} {copy}");
    }

    let messages = history(&app, direct(ids[0], ids[1])).await;
    assert_eq!(messages.iter().map(text_of).collect::<Vec<_>>(), ["one", "two"]);
}
