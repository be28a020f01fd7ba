//! With any input, every route answers in its dialect's envelope, and never with an internal error.
//!
//! The cases are the same in every run: each round has a seed and an app of its own, since calls that delete users and
//! groups leave fewer targets for later ones.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};
use tidings_testkit::{Reply, TestApp};
use tokio::runtime::Runtime;

use crate::{
    lanying_access::listed_paths,
    people::{Person, group_of, people},
    policy::on_any_shape,
};

const ROUNDS: u8 = 8;
/// Per round.
const CASES: u32 = 400;

/// Ann, Bob, Ann's group with Bob and her room, as numbered in a fresh app; an unknown id and the app itself.
const IDS: [i64; 6] = [16_000_000, 16_000_016, 16_000_033, 16_000_050, 999_984, 0];

/// Keys that some routes know.
const KEYS: [&str; 98] = [
    "from",
    "to",
    "type",
    "body",
    "ext",
    "msg",
    "url",
    "filename",
    "size",
    "width",
    "lat",
    "lng",
    "addr",
    "action",
    "param",
    "customEvent",
    "customExts",
    "username",
    "password",
    "grant_type",
    "client_id",
    "ttl",
    "targets",
    "content_type",
    "content",
    "attachment",
    "config",
    "from_user_id",
    "transaction_id",
    "user_id",
    "name",
    "length",
    "thumb",
    "file_length",
    "group_id",
    "user_list",
    "group_list",
    "value",
    "duration",
    "apply_approval",
    "approval",
    "new_owner",
    "reason",
    "description",
    "conversation_id",
    "msg_id",
    "related_mid",
    "online_only",
    "device_sn",
    "device_guid",
    "login_name",
    "old_password",
    "new_password",
    "nick_name",
    "avatar",
    "private_info",
    "mobile",
    "email",
    "list",
    "cursor",
    "limit",
    "target",
    "target_type",
    "users",
    "routetype",
    "sync_device",
    "roam_ignore_users",
    "msg_timestamp",
    "is_ack_read",
    "need_download",
    "msgs",
    "chat_type",
    "force",
    "channel",
    "delete_roam",
    "new_msg",
    "new_ext",
    "is_combine_ext",
    "groupname",
    "owner",
    "members",
    "maxusers",
    "public",
    "desc",
    "chatroom_msg_level",
    "usernames",
    "nickname",
    "chat",
    "groupchat",
    "newpassword",
    "notification_display_style",
    "properties",
    "newadmin",
    "newowner",
    "mute_duration",
    "mute",
    "announcement",
    "message",
];
/// Query parameters that some routes know.
const PARAMETERS: [&str; 27] = [
    "limit",
    "cursor",
    "opposite_id",
    "msg_id_start",
    "conversation_id",
    "msg_id",
    "device_sn",
    "surprise",
    "group_id",
    "user_id",
    "roster_id",
    "user_list",
    "value",
    "duration",
    "page_num",
    "page_size",
    "version",
    "channel",
    "type",
    "useMsgId",
    "userId",
    "thumbnail",
    "share-secret",
    "Expires",
    "pagenum",
    "pagesize",
    "joined_time",
];
/// Texts with a meaning for some route.
const TEXTS: [&str; 24] = [
    "",
    "ann",
    "admin",
    "txt",
    "img",
    "audio",
    "video",
    "file",
    "loc",
    "cmd",
    "custom",
    "password",
    "inherit",
    "client_credentials",
    "{}",
    "{\"url\":\"u\"}",
    "[]",
    "0",
    "-1",
    "9223372036854775808",
    "1e5",
    "\u{0}",
    "😀",
    "%FF",
];

#[derive(Debug, Clone)]
struct Call {
    by_user: bool,
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    lanying: bool,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&TEXTS[..]).prop_map(str::to_owned), 1 => ".{0,20}"]
}

fn id() -> impl Strategy<Value = i64> {
    prop::sample::select(&IDS[..])
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_i64..20).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        2 => text().prop_map(Value::from),
        2 => id().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![3 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => text()];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key, inner), 0..6).prop_map(|pairs| pairs.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// A valid request with a few of its keys changed, so that more than the first check is reached.
fn nearly_good() -> impl Strategy<Value = Value> {
    let [ann, bob, group, room, ..] = IDS;
    let good = vec![
        json!({"from": "ann", "to": ["bob", "ann"], "type": "txt", "body": {"msg": "x", "url": "u", "filename": "f"}, "ext": {}}),
        json!({"from": "ann", "to": ["bob"], "type": "img", "body": {"url": "u", "size": {"width": 1, "height": 2}}}),
        json!({"to": ["bob"], "type": "custom", "body": {"customEvent": "e", "customExts": {"a": "b"}}}),
        json!([{"username": "a1"}, {"username": "a2", "nickname": "n"}]),
        json!({"username": "ann", "name": "ann", "user_id": bob, "grant_type": "inherit", "autoCreateUser": true}),
        json!({"type": 1, "targets": [ann, bob], "content_type": 0, "content": "x", "ext": "e", "config": "c"}),
        json!({"type": 1, "targets": [bob], "content_type": 3, "attachment": "{\"url\":\"u\"}", "transaction_id": 1}),
        json!({"type": 2, "targets": [group, room], "content_type": 0, "content": "x", "online_only": false}),
        json!({"type": 2, "targets": [group], "content_type": 11, "content": "x", "related_mid": 1}),
        json!({"conversation_id": group, "msg_id": 1, "name": "tea", "type": 0}),
        json!({"group_id": group, "user_list": [ann, bob], "duration": 1, "value": "x", "apply_approval": 1}),
        json!({"group_id": group, "user_id": bob, "approval": true, "new_owner": bob, "value": true}),
        json!({"group_list": [group, room], "list": [{"username": "a3", "password": "pw"}], "user_id": bob}),
        json!({"from": "ann", "target": "bob", "type": "txt", "body": {"msg": "x"}, "msg_timestamp": 1_652_600_000_000_i64}),
        json!({"from": "ann", "target_type": "users", "target": ["bob"], "msg": {"type": "txt", "msg": "x"}}),
        json!({"from": "ann", "to": [group.to_string()], "users": ["bob"], "type": "txt", "body": {"msg": "x"}}),
        json!({"msg_id": "1", "to": "bob", "chat_type": "chat", "force": true, "msgs": [{"msg_id": "1", "to": "bob", "chat_type": "chat"}]}),
        json!({"channel": "bob", "type": "chat", "delete_roam": true, "user": "ann"}),
        json!({"groupname": "g", "name": "r", "owner": "ann", "members": ["bob"], "public": true, "maxusers": 5}),
        json!({"username": "bob", "chat": 5, "usernames": ["bob"], "targets": ["bob"], "properties": ["ext"]}),
        json!({"nickname": "x", "notification_no_disturbing": 1, "ext": "x", "newpassword": "y"}),
        json!({"nick_name": "x", "avatar": "x", "old_password": "x", "new_password": "y", "login_name": "ann"}),
    ];
    (prop::sample::select(good), vec((prop::sample::select(&KEYS[..]), value()), 0..3)).prop_map(
        |(mut body, changes)| {
            if let Some(object) = body.as_object_mut() {
                object.extend(changes.into_iter().map(|(key, value)| (key.to_owned(), value)));
            }
            body
        },
    )
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => nearly_good().prop_map(|body| body.to_string()),
        3 => value().prop_map(|body| body.to_string()),
        1 => ".{0,40}",
        1 => (nearly_good(), any::<prop::sample::Index>()).prop_map(|(body, at)| {
            let text = body.to_string();
            let end = at.index(text.len());
            text.chars().take(end).collect()
        }),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => (0_i64..50).prop_map(|n| n.to_string()),
        2 => id().prop_map(|id| id.to_string()),
        1 => text(),
    ];
    let pair = (prop::sample::select(&PARAMETERS[..]), number).prop_map(|(key, value)| format!("{key}={value}"));
    prop_oneof![4 => vec(pair, 0..5).prop_map(|pairs| pairs.join("&")), 1 => "[ -~]{0,30}"]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(&["user_id", "group_id", "idempotency-key", "content-type", "x-request-id"][..]);
    let text = prop_oneof![
        3 => id().prop_map(|id| id.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => "[ -~]{0,20}",
    ];
    prop_oneof![2 => Just(vec![]), 3 => vec((name, text), 1..3)]
}

/// Paths of the Agora dialect.
const AGORA: [&str; 68] = [
    "/token",
    "/users",
    "/messages",
    "/messages/users",
    "/messages/users",
    "/messages/chatgroups",
    "/messages/chatgroups/users",
    "/messages/chatrooms",
    "/messages/chatrooms/users",
    "/messages/broadcast",
    "/messages/users/broadcast",
    "/messages/chatrooms/broadcast",
    "/messages/users/import",
    "/messages/chatgroups/import",
    "/messages/msg_recall",
    "/messages/recall",
    "/messages/batch_recall",
    "/messages/rewrite/1",
    "/users/ann/user_channel",
    "/rest/message/roaming/chat/user/ann",
    "/rest/message/roaming/chat/user/ann/time",
    "/rest/message/roaming/group/user/ann",
    "/rest/message/roaming/user/ann/delete/all",
    "/users/ann/messageroaming",
    "/users/ann/user_channels",
    "/sdk/user/ann/user_channels/list",
    "/sdk/user/ann/user_channels/mark",
    "/sdk/user/ann/user_channels/mark/search",
    "/sdk/user/ann/user_channel/top",
    "/sdk/user/ann/user_channel/pin",
    "/chatgroups/16000033/acks/1",
    "/chatgroups",
    "/chatgroups/16000033",
    "/chatgroups/16000033/users",
    "/chatgroups/16000033/users/bob",
    "/chatgroups/user/ann",
    "/chatrooms",
    "/chatrooms/16000050/users",
    "/chatfiles",
    "/chatfiles/7c0e9a10-4d5b-11ef-9b7a-5f0e6a2d9c31",
    "/users/ann/chatfiles/lifetime",
    "/chatmessages/2025071514",
    "/chatmessages/2025071514.gz",
    "/tidings/users/ann/export",
    "/tidings/users/ann/messages",
    "/tidings/users/ann/conversations",
    "/users/ann",
    "/users/bob/password",
    "/users/bob/activate",
    "/users/ann/status",
    "/users/ann/resources",
    "/users/ann/disconnect/web_1",
    "/users/ann/offline_msg_count",
    "/users/ann/offline_msg_status/1",
    "/users/batch/status",
    "/mutes",
    "/mutes/bob",
    "/metadata/user/ann",
    "/metadata/user/get",
    "/users/ann/notification",
    "/users/ann/notification/language",
    "/users/ann/notification/mute/type",
    "/users/ann/notification/user/bob",
    "/users/ann/notification/chatgroup/%00",
    "/users/ann/presence",
    "/users/ann/presence/100",
    "/users/ann/presence/sublist",
    "/users/ann/presence/web/%00",
];

/// Method, path, and whether it is Lanying's.
fn route() -> impl Strategy<Value = (&'static str, String, bool)> {
    let method = || prop::sample::select(&["GET", "POST", "POST", "PUT", "DELETE"][..]);
    let agora = prop::sample::select(&AGORA[..]);
    let lanying = prop::sample::select(listed_paths().into_iter().collect::<Vec<_>>());
    prop_oneof![
        6 => (method(), lanying).prop_map(|(method, path)| (method, path.to_owned(), true)),
        5 => (method(), agora).prop_map(|(method, path)| (method, path.to_owned(), false)),
        1 => (method(), "[a-z%/]{0,12}").prop_map(|(method, name)| (method, format!("/users/{name}"), false)),
        1 => "[ -~]{0,20}".prop_map(|path| ("GET", format!("/message/{path}"), true)),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    (any::<bool>(), route(), query(), headers(), body()).prop_map(
        |(by_user, (method, path, lanying), query, headers, body)| Call {
            by_user,
            method,
            path,
            query,
            headers,
            body,
            lanying,
        },
    )
}

/// The app, its first user, and the client that calls.
struct World {
    app: TestApp,
    ann: Person,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let app = on_any_shape().await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let room = ann.client.post("/group/create", &json!({"type": 2, "user_list": [bob.id]})).await.expect(200);
        assert_eq!(json!([ann.id, bob.id, group, room["data"]["group_id"]]), json!(IDS[..4]));
        Self { app, ann, http: reqwest::Client::new() }
    }
}

/// Sends a call; `None` if it is not a valid URL.
async fn answer(World { app, ann, http }: &World, call: &Call) -> Option<(Reply, bool)> {
    let base = if call.lanying { app.suite.url() } else { app.agora().base };
    let url = Url::parse(&format!("{base}{}?{}", call.path, call.query)).ok()?;
    // A path such as `..` is resolved to another one.
    let lanying = ["message", "user", "token", "group", "roster", "file"].contains(&url.path_segments()?.next()?);
    let method: Method = call.method.parse().expect("a method");
    let mut request = http.request(method, url).header("app_id", app.lanying().app_id).body(call.body.clone());
    request = if call.by_user {
        request.header("access-token", &ann.client.token).bearer_auth(&ann.client.token)
    } else {
        request.header("access-token", app.lanying().token).bearer_auth(app.agora().token)
    };
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    Some((Reply::to(request).await, lanying))
}

fn check(call: &Call, reply: &Reply, lanying: bool) -> Result<(), TestCaseError> {
    let status = reply.status.as_u16();
    prop_assert!(status < 500 || status == 503, "{call:?}: {status} {}", reply.text);
    let body: Value = serde_json::from_str(&reply.text)
        .map_err(|_| TestCaseError::fail(format!("{call:?}: {status} {:?} is no JSON", reply.text)))?;
    let well_formed = match (lanying, status) {
        (true, 200) => match body["code"].as_i64() {
            Some(200) => body.get("data").is_some(),
            // That number is reserved for internal errors.
            Some(code) => code != 20000 && body["message"].is_string(),
            None => false,
        },
        (true, 404 | 405 | 503) => body["code"] == status && body["message"].is_string(),
        (false, 200) => {
            let named = ["action", "access_token", "requestStatusCode"].iter().any(|key| body[key].is_string());
            named || body.get("result").is_some()
        }
        (false, 400..500 | 503) => {
            body["error"].is_string() && body["error_description"].is_string() && body["exception"].is_string()
        }
        _ => false,
    };
    prop_assert!(well_formed, "{call:?}: {status} {}", reply.text);
    Ok(())
}

#[test]
fn every_answer_is_an_envelope_and_none_is_a_fault() {
    let runtime = Runtime::new().expect("a runtime");
    for round in 0..ROUNDS {
        let world = runtime.block_on(World::new());
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let seeded = TestRng::from_seed(RngAlgorithm::ChaCha, &[round; 32]);
        let outcome = TestRunner::new_with_rng(config, seeded).run(&call(), |call| {
            let Some((reply, lanying)) = runtime.block_on(answer(&world, &call)) else {
                return Ok(());
            };
            check(&call, &reply, lanying)
        });
        if let Err(error) = outcome {
            panic!("round {round}: {error}");
        }
    }
}
