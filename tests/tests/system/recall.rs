//! Recalls and edits from outside, and concurrent with sends of two processes: decisions 5, 16 and 27.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::{
    duration,
    pb::{self, edit_request::Change},
};
use tidings_store::sqlx::{self, Connection as _, PgConnection};
use tidings_testkit::{Suite, TestApp, every_shape, fresh_database};
use tonic::Code;

use crate::log::{assert_gap_free, direct, history, refusal, refused, register, text, text_of};

async fn say(app: &TestApp, request: pb::SendRequest) -> i64 {
    app.messages().send(app.request(request)).await.unwrap().into_inner().sent[0].msg_id
}

fn plain(msg_id: i64) -> pb::RecallRequest {
    pb::RecallRequest { msg_id, ..Default::default() }
}

every_shape! {
    async fn what_is_recalled_leaves_history_and_unread_and_what_is_edited_stays_decision_5(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let (ann, bob, place) = (ids[0], ids[1], direct(ids[0], ids[1]));
        let (mut log, mut conversations) = (app.messages(), app.conversations());
        let gone = say(&app, text(ann, &[bob], "gone")).await;
        let kept = say(&app, text(ann, &[bob], "kept")).await;

        let edit = pb::EditRequest { msg_id: kept, change: Some(Change::Append("!".into())), ..Default::default() };
        let edited = log.edit(app.request_as(ann, edit)).await.unwrap().into_inner();
        let reply = log.recall(app.request_as(ann, plain(gone))).await.unwrap().into_inner();
        let expected = pb::RecallResponse { recalled: true, conversation: Some(place), sender_id: ann, ..reply };
        assert_eq!(reply, expected);
        let again = log.recall(app.request_as(ann, plain(gone))).await.unwrap().into_inner();
        assert_eq!(again, pb::RecallResponse { recalled: false, ..reply });

        assert_eq!(history(&app, place).await, std::slice::from_ref(&edited));
        assert_eq!((text_of(&edited), edited.edits), ("kept!", 1));
        let list = pb::ListConversationsRequest::default();
        let listed = conversations.list_conversations(app.request_as(bob, list)).await.unwrap().into_inner();
        assert_eq!(listed.unread_total, 1);
        let not_permitted = refused(Code::PermissionDenied, "NOT_PERMITTED");
        assert_eq!(refusal(log.recall(app.request_as(bob, plain(kept))).await), not_permitted);
    }
}

every_shape! {
    async fn what_is_sent_online_only_is_answered_with_an_id_and_found_nowhere(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let place = direct(ids[0], ids[1]);
        let online = pb::SendRequest { online_only: true, ..text(ids[0], &[ids[1]], "typing") };
        let reply = app.messages().send(app.request(online)).await.unwrap().into_inner();
        assert_eq!((reply.sent.len(), reply.sent[0].seq), (1, 0));
        let find = pb::FindRequest { msg_id: reply.sent[0].msg_id };
        assert_eq!(refusal(app.messages().find(app.request(find)).await), refused(Code::NotFound, "MESSAGE_NOT_FOUND"));
        assert_eq!(history(&app, place).await, []);
        let head = pb::HeadRequest { conversation: Some(place) };
        assert_eq!(app.messages().head(app.request(head)).await.unwrap().into_inner(), pb::HeadResponse::default());
        let list = app.request_as(ids[1], pb::ListConversationsRequest::default());
        assert_eq!(app.conversations().list_conversations(list).await.unwrap().into_inner().conversations, []);
    }
}

#[tokio::test]
async fn a_sender_recalls_until_the_window_is_over_and_the_app_afterwards_decision_27() {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let shared: Arc<ManualClock> = Arc::clone(&clock);
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, shared))).await;
    let ids = register(&app, &["ann", "bob"]).await;
    let (one, two) = (say(&app, text(ids[0], &[ids[1]], "1")).await, say(&app, text(ids[0], &[ids[1]], "2")).await);
    let within = |msg_id| pb::RecallRequest { window: Some(duration(Duration::from_mins(5))), ..plain(msg_id) };
    let mut log = app.messages();
    clock.advance(Duration::from_mins(5));
    log.recall(app.request_as(ids[0], within(one))).await.unwrap();
    clock.advance(Duration::from_millis(1));
    let late = refusal(log.recall(app.request_as(ids[0], within(two))).await);
    assert_eq!(late, refused(Code::FailedPrecondition, "RECALL_WINDOW_OVER"));
    assert!(log.recall(app.request(within(two))).await.unwrap().into_inner().recalled);
}

/// Sends, recalls and edits of one app through two processes at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_recalls_and_edits_through_two_processes_leave_no_gap_in_the_feed_and_have_one_effect() {
    const MESSAGES: usize = 24;
    let database = fresh_database().await;
    let suite = Arc::new(Suite::split_with(2, &[("TIDINGS_DATABASE_URL", database.as_str())]).await);
    let app = TestApp::of(Arc::clone(&suite)).await;
    let ids = register(&app, &["ann", "bob", "eve"]).await;
    let (ann, bob) = (ids[0], ids[1]);
    let mut sent = Vec::new();
    for _ in 0..MESSAGES {
        sent.push(say(&app, text(ann, &[bob], "one")).await);
    }

    let recalls = sent.iter().step_by(2).flat_map(|msg_id| (0..4).map(move |n| (n % 2, *msg_id)));
    let recalls = recalls.map(async |(copy, msg_id)| {
        let request = app.request(plain(msg_id));
        suite.messages_of(copy).recall(request).await.unwrap().into_inner().recalled
    });
    let edits = sent.iter().skip(1).step_by(2).map(async |msg_id| {
        let change = Some(Change::Append("!".into()));
        let wanted = pb::EditRequest { msg_id: *msg_id, change, ..Default::default() };
        suite.messages_of(1).edit(app.request(wanted)).await.unwrap();
    });
    let sends = (0..MESSAGES).map(async |n| {
        let request = pb::SendRequest { online_only: n % 3 == 0, ..text(ann, &ids[1..], "two") };
        suite.messages_of(n % 2).send(app.request(request)).await.unwrap();
    });
    let (recalled, _, _) = futures_util::join!(join_all(recalls), join_all(edits), join_all(sends));
    assert_eq!(recalled.iter().filter(|recalled| **recalled).count(), MESSAGES / 2);

    let messages = history(&app, direct(ann, bob)).await;
    assert_eq!(messages.len(), MESSAGES / 2 + MESSAGES * 2 / 3);
    assert!(messages.windows(2).all(|pair| pair[0].msg_id < pair[1].msg_id && pair[0].seq < pair[1].seq));
    assert_gap_free(&history(&app, direct(ann, ids[2])).await);
    assert_lanes_gap_free(&database, app.app().id, MESSAGES / 2 * 2 + MESSAGES / 3 * 2).await;
}

/// Event numbers run from 1 in each lane, over messages, so many other events of messages, and changes.
async fn assert_lanes_gap_free(database: &str, app: i64, others: usize) {
    const NUMBERS: &str = "
        select lane, event_no, 0::bigint as other from tidings_message.message where app_id = $1
        union all select lane, event_no, (kind not like '%.%')::int::bigint from tidings_message.event where app_id = $1
        order by lane, event_no";
    let mut connection = PgConnection::connect(database).await.unwrap();
    let numbers: Vec<(i64, i64, i64)> = sqlx::query_as(NUMBERS).bind(app).fetch_all(&mut connection).await.unwrap();
    let mut last = std::collections::BTreeMap::new();
    for (lane, number, _) in &numbers {
        let last = last.entry(lane).or_insert(0);
        *last += 1;
        assert_eq!(number, last, "in lane {lane}");
    }
    assert_eq!(numbers.iter().filter(|(_, _, other)| *other == 1).count(), others);
}
