//! An app's rates hold in every dialect: what Lanying's calls count for, and the quotas that they share with all others
//! (decisions 7 and 14; docs/dialects.md).

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb::{self, message_service_client::MessageServiceClient};
use tidings_testkit::{Lanying, Reply, Socket, Suite, TestApp, every_shape};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    door::{reason, with_key},
    envelope::{lanying_data, lanying_error},
    msync_refusals::Raw,
    people::{Person, group_of, people, texts, to_group},
    policy::{neighbour, set},
};

/// The beginning of a day, so that no window ends during a test.
const NOW: UnixMillis = UnixMillis(1_790_035_200_000);
/// Only the rates that are set.
const OPEN: i32 = 1;
const VENDOR: i32 = 2;

fn limited(limits: i32, rates: &[(&str, i64)]) -> pb::Policy {
    let rates = rates.iter().map(|(name, quota)| ((*name).to_owned(), *quota)).collect();
    pb::Policy { limits: Some(limits), rates, ..Default::default() }
}

/// An app with its own clock and two users.
struct Prepared {
    clock: Arc<ManualClock>,
    app: TestApp,
    nora: Person,
    omar: Person,
}

impl Prepared {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
        let [nora, omar] = people(&app, ["nora", "omar"]).await;
        Self { clock, app, nora, omar }
    }

    /// Sets the app's rates, in a new window of each.
    async fn limit(&self, limits: i32, rates: &[(&str, i64)]) {
        set(&self.app, limited(limits, rates)).await;
        // A gateway caches the app's policy for five seconds.
        self.clock.advance(Duration::from_mins(1));
    }

    async fn to_omar(&self, text: &str) -> Reply {
        self.nora.client.post("/message/send", &to_user(self.omar.id, text)).await
    }
}

fn to_user(user: i64, text: &str) -> Value {
    json!({"type": 1, "targets": [user], "content_type": 0, "content": text})
}

fn is_sent(reply: &Reply) {
    assert!(reply.json()["msg_ids"][0].is_i64(), "{}", reply.text);
}

/// The reason of a refusal beyond a rate.
fn beyond(reply: &Reply) -> &str {
    assert_eq!(lanying_error(reply), 10429, "{}", reply.text);
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
    reply.headers["x-tidings-reason"].to_str().expect("ASCII")
}

#[tokio::test]
async fn a_quota_of_messages_is_used_up_by_all_dialects_accounts_and_sockets_together() {
    let it = Prepared::new().await;
    let (agora, key) = (it.app.agora(), it.app.service_account(&["send"]).await.0);
    let mut socket = Socket::open(&it.app, &agora.logged_in("nora").await.token, None).await;
    let mut device = Raw::logged_in(&it.app, "nora").await;
    it.limit(OPEN, &[("rate_user_messages", 5)]).await;
    let by_socket = json!({"type": "send", "id": "1", "chat_type": "chat",
        "message": {"to": ["omar"], "type": "txt", "body": {"msg": "json"}}});
    let by_grpc = || with_key(&key, crate::door::text(it.nora.id, it.omar.id, "grpc"));

    is_sent(&it.to_omar("lanying").await);
    agora.send_text("nora", "omar", "agora").await;
    socket.send(&by_socket).await;
    socket.next_of("sent").await;
    assert_eq!(device.says("omar", "msync").await, (0, String::new()));
    MessageServiceClient::new(it.app.suite.door()).send(by_grpc()).await.expect("it is sent");

    assert_eq!(beyond(&it.to_omar("x").await), "QUOTA_REACHED");
    let text = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "x"}});
    assert_eq!(agora.post("/messages/users", &text).await.status, 403);
    socket.send(&by_socket).await;
    let refused = socket.next_of("error").await;
    assert_eq!((&refused["reason"], refused["retry_after_seconds"].is_u64()), (&json!("QUOTA_REACHED"), true));
    assert_eq!(device.says("omar", "x").await.1, "traffic limit");
    let refused = MessageServiceClient::new(it.app.suite.door()).send(by_grpc()).await.expect_err("a refusal");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "QUOTA_REACHED"));
    assert!(refused.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()), "{refused:?}");

    // Of what was refused nothing is there.
    let page = it.omar.client.history(it.nora.id, 0, 20).await;
    assert_eq!(texts(&page), ["grpc", "msync", "json", "agora", "lanying"]);
    it.clock.advance(Duration::from_mins(1));
    is_sent(&it.to_omar("again").await);
}

#[tokio::test]
async fn under_vendor_the_21st_message_of_a_second_to_one_group_is_refused_whatever_its_dialect_decision_14() {
    let it = Prepared::new().await;
    let (one, other) = (group_of(&it.nora, &[&it.omar]).await, group_of(&it.nora, &[]).await);
    let admin = it.app.lanying();
    it.limit(VENDOR, &[]).await;
    let send = async |client: &Lanying, groups: &[i64]| {
        let body = json!({"type": 2, "targets": groups, "content_type": 0, "content": "x"});
        client.post("/message/send", &body).await
    };
    for _ in 0..10 {
        is_sent(&send(&it.nora.client, &[one]).await);
        let body = json!({"from": "nora", "to": [one.to_string()], "type": "txt", "body": {"msg": "x"}});
        it.app.agora().post("/messages/chatgroups", &body).await.expect(200);
    }
    assert_eq!(beyond(&send(&it.nora.client, &[one]).await), "QUOTA_REACHED");
    assert_eq!(beyond(&admin.post("/message/notify", &to_group(one, "x")).await), "QUOTA_REACHED");
    // Refused together with another group, of whose quota nothing is used.
    for _ in 0..3 {
        assert_eq!(beyond(&send(&admin, &[one, other]).await), "QUOTA_REACHED");
    }
    for _ in 0..20 {
        is_sent(&send(&admin, &[other]).await);
    }
    assert_eq!(beyond(&send(&admin, &[other]).await), "QUOTA_REACHED");
    it.clock.advance(Duration::from_secs(1));
    is_sent(&send(&it.nora.client, &[one]).await);
}

#[tokio::test]
async fn a_send_to_many_counts_for_each_of_them_and_a_refused_one_leaves_its_key_unused() {
    let it = Prepared::new().await;
    it.limit(OPEN, &[("rate_user_messages", 2)]).await;
    let both = json!({"type": 1, "targets": [it.nora.id, it.omar.id], "content_type": 0, "content": "to both"});
    lanying_data(&it.app.lanying().post("/message/send", &both).await);
    let keyed = async || {
        let request = it.nora.client.request(Method::POST, "/message/send").header("Idempotency-Key", "k");
        Reply::to(request.json(&to_user(it.omar.id, "keyed"))).await
    };
    assert_eq!(beyond(&keyed().await), "QUOTA_REACHED");
    it.clock.advance(Duration::from_mins(1));
    let first = keyed().await;
    is_sent(&first);
    assert_eq!(keyed().await.text, first.text);
}

#[tokio::test]
async fn calls_of_one_route_have_a_rate_and_those_without_a_token_use_up_nothing_of_it() {
    let it = Prepared::new().await;
    it.limit(OPEN, &[("rate_calls", 3)]).await;
    let header =
        |reply: &Reply, name: &str| reply.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
    let unread = async |client: &Lanying| client.get("/message/unread").await;
    for _ in 0..3 {
        assert_eq!(lanying_error(&unread(&it.omar.client.with_token("")).await), 10003);
    }
    assert_eq!(beyond(&unread(&it.omar.client.with_token("")).await), "RATE_REACHED");
    for left in ["2", "1", "0"] {
        let reply = unread(&it.omar.client).await;
        lanying_data(&reply);
        assert_eq!(header(&reply, "ratelimit-policy").as_deref(), Some(r#""calls";q=3;w=1"#));
        assert_eq!(header(&reply, "ratelimit"), Some(format!(r#""calls";r={left};t=1"#)));
    }
    let refused = unread(&it.nora.client).await;
    assert_eq!(beyond(&refused), "RATE_REACHED");
    assert_eq!(
        (header(&refused, "retry-after"), header(&refused, "ratelimit")),
        (Some("1".into()), Some(r#""calls";r=0;t=1"#.into()))
    );
    is_sent(&it.to_omar("another route").await);
    it.clock.advance(Duration::from_secs(1));
    lanying_data(&unread(&it.nora.client).await);

    // An app without quotas has no such headers.
    let open = neighbour(&it.app).await;
    let reply = open.lanying().get("/user/list").await;
    assert_eq!((header(&reply, "ratelimit"), header(&reply, "ratelimit-policy")), (None, None));
}

#[tokio::test]
async fn every_other_rate_that_has_a_call_is_reached() {
    let it = Prepared::new().await;
    let (group, agora, admin) = (group_of(&it.nora, &[]).await, it.app.agora(), it.app.lanying());
    let room = json!({"name": "r", "owner": "nora"});
    let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].as_str().expect("an id").to_owned();
    let room: i64 = room.parse().expect("a number");
    let login = json!({"name": "nora", "password": "nora-password"});
    let to_all = json!({"type": 1, "content_type": 0, "content": "x"});
    let hide = json!({"conversation_id": it.omar.id});
    let send = (Method::POST, "/message/send");
    for (rate, client, (method, path), body) in [
        ("rate_token_calls", &admin.with_token(""), (Method::POST, "/token/user"), login),
        ("rate_group_calls", &it.nora.client, send.clone(), to_group(group, "x")),
        ("rate_group_messages", &it.nora.client, send.clone(), to_group(group, "x")),
        ("rate_room_calls", &it.nora.client, send.clone(), to_group(room, "x")),
        ("rate_room_messages", &it.nora.client, send, to_group(room, "x")),
        ("rate_delete_conversation", &it.nora.client, (Method::DELETE, "/message/conversation"), hide),
        ("rate_broadcasts", &admin, (Method::POST, "/message/broadcast"), to_all),
    ] {
        it.limit(OPEN, &[(rate, 1)]).await;
        let first = client.call(method.clone(), path, Some(&body)).await;
        assert_eq!(first.json()["code"], 200, "{rate}: {}", first.text);
        beyond(&client.call(method, path, Some(&body)).await);
    }
}

every_shape! {
    async fn a_second_broadcast_of_the_day_is_refused_where_the_app_may_make_one(app: TestApp) {
        set(&app, limited(OPEN, &[("rate_broadcasts_day", 1)])).await;
        let body = json!({"type": 1, "content_type": 0, "content": "x"});
        lanying_data(&app.lanying().post("/message/broadcast", &body).await);
        assert_eq!(beyond(&app.lanying().post("/message/broadcast", &body).await), "BROADCASTS_REACHED");
    }
}
