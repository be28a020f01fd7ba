//! Rate limits (decisions 7 and 14; agora.md 2, 2.7, 8.2 and 9).

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, Suite, TestApp};

use crate::{envelope::agora_error, policy};

/// The beginning of a day, so that no window ends during a test.
const NOW: UnixMillis = UnixMillis(1_790_035_200_000);

const OPEN: i32 = 1;
const VENDOR: i32 = 2;
const VENDOR_2024: i32 = 3;

fn limited(limits: i32, rates: &[(&str, i64)]) -> pb::Policy {
    let rates = rates.iter().map(|(name, quota)| ((*name).to_owned(), *quota)).collect::<HashMap<_, _>>();
    pb::Policy { limits: Some(limits), rates, ..Default::default() }
}

/// A suite with its own clock, and an app with that policy, groups and a room.
struct Prepared {
    clock: Arc<ManualClock>,
    app: TestApp,
    agora: Agora,
    groups: Vec<String>,
    room: String,
}

async fn prepared(policy: pb::Policy) -> Prepared {
    let clock = Arc::new(ManualClock::new(NOW));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let mut groups = Vec::new();
    for _ in 0..4 {
        let group = agora.post("/chatgroups", &json!({"owner": "nora", "members": ["omar"]})).await.expect(200);
        groups.push(group["data"]["groupid"].as_str().expect("an id").to_owned());
    }
    let room = agora.post("/chatrooms", &json!({"owner": "nora"})).await.expect(200);
    let room = room["data"]["id"].as_str().expect("an id").to_owned();
    policy::set(&app, policy).await;
    // A gateway caches the app's policy for five seconds.
    clock.advance(Duration::from_mins(1));
    Prepared { clock, app, agora, groups, room }
}

fn text(to: &[String]) -> Value {
    json!({"from": "nora", "to": to, "type": "txt", "body": {"msg": "x"}})
}

impl Prepared {
    async fn to_groups(&self, groups: &[String]) -> Reply {
        self.agora.post("/messages/chatgroups", &text(groups)).await
    }

    async fn to_omar(&self) -> Reply {
        self.agora.post("/messages/users", &text(&["omar".to_owned()])).await
    }
}

fn quota(reply: &Reply) {
    assert_eq!(agora_error(reply, 403), ("message_send_error".to_owned(), "message send reach limit".to_owned()));
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
}

fn calls(reply: &Reply) {
    assert_eq!(agora_error(reply, 429), ("reach_limit".to_owned(), "This request has reached api limit".to_owned()));
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
}

#[tokio::test]
async fn under_vendor_the_21st_message_of_a_second_to_one_group_is_403_and_others_go_on_decision_14() {
    let it = prepared(limited(VENDOR, &[])).await;
    for _ in 0..20 {
        it.to_groups(&it.groups[..1]).await.expect(200);
    }
    quota(&it.to_groups(&it.groups[..1]).await);
    // Refused together with another group, of whose quota nothing is used.
    quota(&it.to_groups(&it.groups[..2]).await);
    for _ in 0..20 {
        it.to_groups(&it.groups[1..2]).await.expect(200);
    }
    quota(&it.to_groups(&it.groups[1..2]).await);
    it.to_groups(&it.groups[2..]).await.expect(200);
    it.clock.advance(Duration::from_secs(1));
    it.to_groups(&it.groups[..1]).await.expect(200);
}

#[tokio::test]
async fn under_vendor_the_101st_call_of_a_second_is_429_while_other_calls_and_apps_go_on_decision_14() {
    let it = prepared(limited(VENDOR, &[])).await;
    for _ in 0..100 {
        it.to_omar().await.expect(200);
    }
    calls(&it.to_omar().await);
    calls(&it.to_omar().await);
    it.to_groups(&it.groups[..1]).await.expect(200);
    assert_eq!(it.agora.get("/users/nora").await.status, 200);
    let neighbour = policy::neighbour(&it.app).await;
    policy::set(&neighbour, limited(VENDOR, &[])).await;
    neighbour.agora().send_text("nora", "omar", "x").await;
    // 100 messages were sent, however many calls were refused.
    it.clock.advance(Duration::from_secs(1));
    it.to_omar().await.expect(200);
}

#[tokio::test]
async fn under_vendor_2024_the_eighth_call_of_three_groups_is_403_and_the_21st_single_call_429_agora_2() {
    let it = prepared(limited(VENDOR_2024, &[])).await;
    for _ in 0..7 {
        it.to_groups(&it.groups[..3]).await.expect(200);
    }
    quota(&it.to_groups(&it.groups[..3]).await);
    it.clock.advance(Duration::from_secs(1));
    for _ in 0..20 {
        it.to_groups(&it.groups[..1]).await.expect(200);
    }
    calls(&it.to_groups(&it.groups[..1]).await);
    // Rooms have rates of their own.
    it.agora.post("/messages/chatrooms", &text(std::slice::from_ref(&it.room))).await.expect(200);
}

#[tokio::test]
async fn a_call_to_many_users_counts_for_each_of_them_agora_2() {
    let it = prepared(limited(VENDOR, &[("rate_user_messages", 10)])).await;
    let names = |count: usize| (0..count).map(|n| format!("user{n}")).collect::<Vec<_>>();
    it.agora.post("/messages/users", &text(&names(9))).await.expect(200);
    it.agora.post("/messages/users", &text(&names(9))).await.expect(200);
    quota(&it.to_omar().await);
    it.clock.advance(Duration::from_secs(59));
    quota(&it.to_omar().await);
    it.clock.advance(Duration::from_secs(1));
    it.to_omar().await.expect(200);
}

#[tokio::test]
async fn every_other_rate_refuses_in_its_own_words() {
    let one = [
        "rate_token_calls",
        "rate_room_calls",
        "rate_targeted_messages",
        "rate_delete_conversation",
        "rate_group_calls",
    ];
    let mut rates: Vec<(&str, i64)> = one.iter().map(|name| (*name, 1)).collect();
    rates.extend([
        ("rate_room_messages", 1),
        ("rate_room_broadcasts", 2),
        ("rate_room_broadcasts_day", 1),
        ("rate_broadcasts", 1),
    ]);
    rates.extend([("rate_online_broadcasts_day", 1), ("rate_broadcasts_day", 5)]);
    let it = prepared(limited(OPEN, &rates)).await;
    let room = text(std::slice::from_ref(&it.room));
    let second = async |method: Method, path: &str, body: Value| {
        let send = || Reply::to(it.agora.request(method.clone(), path).json(&body));
        send().await.expect(200);
        send().await
    };
    let grant = json!({"grant_type": "client_credentials", "client_id": it.app.secrets.client_id,
        "client_secret": it.app.secrets.client_secret});
    calls(&second(Method::POST, "/token", grant).await);
    calls(&second(Method::POST, "/messages/chatrooms", room.clone()).await);
    it.clock.advance(Duration::from_secs(1));
    let mut targeted = text(&it.groups[..1]);
    targeted["users"] = json!(["omar"]);
    calls(&second(Method::POST, "/messages/chatgroups/users", targeted).await);
    let channel = json!({"channel": "omar", "type": "chat", "delete_roam": true});
    calls(&second(Method::DELETE, "/users/nora/user_channel", channel.clone()).await);
    // Per user.
    Reply::to(
        it.agora
            .request(Method::DELETE, "/users/omar/user_channel")
            .json(&json!({"channel": "nora", "type": "chat", "delete_roam": true})),
    )
    .await
    .expect(200);
    let told = |reply: &Reply| agora_error(reply, 403);
    let of_day = |text: &str| ("exceed_limit".to_owned(), format!("{text} limit exceeded"));
    let broadcast = json!({"from": "admin", "msg": {"type": "txt", "msg": "x"}});
    let rooms = second(Method::POST, "/messages/chatrooms/broadcast", broadcast.clone()).await;
    assert_eq!(told(&rooms), of_day("chatroom broadcast"));
    let online = second(Method::POST, "/messages/users/broadcast", broadcast).await;
    assert_eq!(told(&online), of_day("online user broadcast"));
    let all = json!({"target_type": "users", "from": "admin", "msg": {"type": "txt", "msg": "x"}});
    calls(&second(Method::POST, "/messages/broadcast", all).await);
}

#[tokio::test]
async fn answers_say_how_the_quota_stands() {
    let it = prepared(limited(VENDOR, &[("rate_calls", 40), ("rate_user_messages", 0)])).await;
    let shown = |reply: &Reply| {
        let header = |name: &str| reply.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
        format!("{:?} {:?} {:?}", header("ratelimit-policy"), header("ratelimit"), header("retry-after"))
    };
    let first = it.to_omar().await;
    assert_eq!(shown(&first), r#"Some("\"calls\";q=40;w=1") Some("\"calls\";r=39;t=1") None"#);
    for _ in 1..40 {
        it.to_omar().await.expect(200);
    }
    let refused = it.to_omar().await;
    assert_eq!(shown(&refused), r#"Some("\"calls\";q=40;w=1") Some("\"calls\";r=0;t=1") Some("1")"#);
    // An app without quotas has no such headers.
    let open = policy::neighbour(&it.app).await;
    let reply = open.agora().post("/messages/users", &text(&["omar".to_owned()])).await;
    assert_eq!(shown(&reply), "None None None");
}

/// A window of a minute, so that its end seldom falls into the test; if it does, the count is repeated.
#[tokio::test]
async fn two_gateways_together_admit_the_quota_within_a_tenth_decision_7() {
    const QUOTA: usize = 100;
    let suite = Arc::new(Suite::split(2).await);
    let app = TestApp::of(suite.clone()).await;
    policy::set(&app, limited(OPEN, &[("rate_user_messages", QUOTA as i64)])).await;
    let other = app.agora().base.replace(&suite.urls()[0], &suite.urls()[1]);
    let minute = || tidings_domain::Clock::now(&tidings_domain::SystemClock).0 / 60_000;
    for _ in 0..3 {
        let begun = minute();
        let mut admitted = 0;
        for n in 0..3 * QUOTA {
            let mut agora = app.agora();
            if n % 2 == 1 {
                agora.base.clone_from(&other);
            }
            let reply = agora.post("/messages/users", &text(&["omar".to_owned()])).await;
            match reply.status.as_u16() {
                200 => admitted += 1,
                _ => quota(&reply),
            }
        }
        if minute() == begun {
            assert!((QUOTA * 9 / 10..=QUOTA * 11 / 10).contains(&admitted), "{admitted} of {QUOTA}");
            return;
        }
    }
    panic!("every round ran into the next minute");
}
