//! Whatever is sent, every route answers in its dialect's envelope, and never with a fault of ours.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};
use tidings_testkit::{Reply, TestApp};
use tokio::runtime::Runtime;

use crate::policy::on_any_shape;

const CASES: u32 = 1500;

/// Keys that some route knows.
const KEYS: [&str; 34] = [
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
];
/// Query parameters that some route knows.
const PARAMETERS: [&str; 8] =
    ["limit", "cursor", "opposite_id", "msg_id_start", "conversation_id", "msg_id", "device_sn", "surprise"];
/// Texts that mean something to some route.
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

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..20).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
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

/// A good request with a few of its keys changed, so that more than the first check is met.
fn nearly_good() -> impl Strategy<Value = Value> {
    let good = vec![
        json!({"from": "ann", "to": ["bob", "ann"], "type": "txt", "body": {"msg": "x", "url": "u", "filename": "f"}, "ext": {}}),
        json!({"from": "ann", "to": ["bob"], "type": "img", "body": {"url": "u", "size": {"width": 1, "height": 2}}}),
        json!({"to": ["bob"], "type": "custom", "body": {"customEvent": "e", "customExts": {"a": "b"}}}),
        json!({"type": 1, "targets": [32, 48], "content_type": 0, "content": "x", "ext": "e", "config": "c"}),
        json!({"type": 1, "targets": [16], "content_type": 3, "attachment": "{\"url\":\"u\"}", "transaction_id": 1}),
        json!({"username": "ann", "name": "ann", "user_id": 32, "grant_type": "inherit", "autoCreateUser": true}),
        json!([{"username": "a1"}, {"username": "a2", "nickname": "n"}]),
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
    let number = prop_oneof![any::<i64>().prop_map(|n| n.to_string()), (0_i64..50).prop_map(|n| n.to_string()), text()];
    let pair = (prop::sample::select(&PARAMETERS[..]), number).prop_map(|(key, value)| format!("{key}={value}"));
    prop_oneof![4 => vec(pair, 0..5).prop_map(|pairs| pairs.join("&")), 1 => "[ -~]{0,30}"]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(&["user_id", "group_id", "idempotency-key", "content-type", "x-request-id"][..]);
    let text =
        prop_oneof![(0_i64..100).prop_map(|n| n.to_string()), any::<i64>().prop_map(|n| n.to_string()), "[ -~]{0,20}"];
    prop_oneof![3 => Just(vec![]), 2 => vec((name, text), 1..3)]
}

fn route() -> impl Strategy<Value = (&'static str, String, bool)> {
    let fixed = prop::sample::select(vec![
        ("POST", "/token", false),
        ("POST", "/users", false),
        ("GET", "/users", false),
        ("DELETE", "/users", false),
        ("POST", "/messages/users", false),
        ("POST", "/messages/users", false),
        ("PUT", "/messages/users", false),
        ("POST", "/user/register/v2", true),
        ("POST", "/token/id", true),
        ("POST", "/token/user", true),
        ("POST", "/message/send", true),
        ("PUT", "/message/send", true),
        ("GET", "/message/conversation", true),
        ("DELETE", "/message/conversation", true),
        ("GET", "/message/ack", true),
        ("GET", "/message/unread", true),
        ("POST", "/message/ack", true),
    ]);
    let of_user = (prop::sample::select(&["GET", "DELETE"][..]), "[a-z%/]{0,12}");
    prop_oneof![
        6 => fixed.prop_map(|(method, path, lanying)| (method, path.to_owned(), lanying)),
        1 => of_user.prop_map(|(method, name)| (method, format!("/users/{name}"), false)),
        1 => "[ -~]{0,20}".prop_map(|path| ("GET", format!("/message/{path}"), true)),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    (route(), query(), headers(), body()).prop_map(|((method, path, lanying), query, headers, body)| Call {
        method,
        path,
        query,
        headers,
        body,
        lanying,
    })
}

/// Sends a call; `None` when it is no URL.
async fn answer(app: &TestApp, call: &Call) -> Option<(Reply, bool)> {
    let base = if call.lanying { app.suite.url() } else { app.agora().base };
    let url = Url::parse(&format!("{base}{}?{}", call.path, call.query)).ok()?;
    // A path such as `..` leads elsewhere.
    let lanying = ["message", "user", "token"].contains(&url.path_segments()?.next()?);
    let method: Method = call.method.parse().expect("a method");
    let http = reqwest::Client::new();
    let mut request = http.request(method, url).header("app_id", app.lanying().app_id).body(call.body.clone());
    request = request.header("access-token", app.lanying().token).bearer_auth(app.agora().token);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    Some((Reply::to(request).await, lanying))
}

fn check(call: &Call, reply: &Reply, lanying: bool) -> Result<(), TestCaseError> {
    let status = reply.status.as_u16();
    prop_assert!(status < 500, "{call:?}: {status} {}", reply.text);
    let body: Value = serde_json::from_str(&reply.text)
        .map_err(|_| TestCaseError::fail(format!("{call:?}: {status} {:?} is no JSON", reply.text)))?;
    let well_formed = match (lanying, status) {
        (true, 200) => body["code"] == 200 && body.get("data").is_some() || body["message"].is_string(),
        (true, 404 | 405) => body["code"] == status && body["message"].is_string(),
        (false, 200) => body["action"].is_string() || body["access_token"].is_string(),
        (false, 400..500) => {
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
    let app = runtime.block_on(async {
        let app = on_any_shape().await;
        app.agora().register(&["ann", "bob"]).await;
        app
    });
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&call(), |call| {
        let Some((reply, lanying)) = runtime.block_on(answer(&app, &call)) else {
            return Ok(());
        };
        check(&call, &reply, lanying)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
