//! Helpers for sending over gRPC and for reading the log back.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tidings_proto::pb::{self, content, message_service_client::MessageServiceClient, registered, target, user_ref};
use tidings_testkit::{Agora, Installation, TestApp};
use tonic::{Code, Request, Response, Status, transport::Channel};
use tonic_types::StatusExt as _;

/// Registers users and returns their ids.
pub async fn register(app: &TestApp, names: &[&str]) -> Vec<i64> {
    let user = |name: &&str| pb::NewUser { username: (*name).to_owned(), ..Default::default() };
    let wanted = pb::RegisterUsersRequest { users: names.iter().map(user).collect(), name_rule: 0, is_open: false };
    let reply = app.directory().register_users(app.request(wanted)).await.unwrap().into_inner();
    let id = |registered: pb::Registered| match registered.result.unwrap() {
        registered::Result::User(user) => user.id,
        registered::Result::Failure(failure) => panic!("{}", failure.text),
    };
    reply.results.into_iter().map(id).collect()
}

pub fn user(id: i64) -> pb::UserRef {
    pb::UserRef { user: Some(user_ref::User::UserId(id)) }
}

pub fn direct(one: i64, other: i64) -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: one.min(other), higher_user_id: one.max(other) }
}

/// A text from one user to others.
pub fn text(from: i64, to: &[i64], text: &str) -> pb::SendRequest {
    let body = content::Body::Text(pb::Text { text: text.to_owned() });
    let target = |id: &i64| pb::Target { target: Some(target::Target::UserId(*id)) };
    pb::SendRequest {
        sender: Some(user(from)),
        targets: to.iter().map(target).collect(),
        content: Some(pb::Content { body: Some(body), ..Default::default() }),
        ..Default::default()
    }
}

/// The same with an idempotency key.
pub fn keyed(key: &str, request: pb::SendRequest) -> pb::SendRequest {
    pb::SendRequest { idempotency_key: key.to_owned(), ..request }
}

pub fn text_of(message: &pb::Message) -> &str {
    match message.content.as_ref().and_then(|content| content.body.as_ref()) {
        Some(content::Body::Text(text)) => &text.text,
        other => panic!("no text: {other:?}"),
    }
}

/// Reads a whole conversation above `floor`, newest first, page by page. `dress` makes a request of the app.
pub async fn walk(
    dress: impl Fn(pb::PageRequest) -> Request<pb::PageRequest>,
    log: &mut MessageServiceClient<Channel>,
    conversation: pb::ConversationId,
    floor_msg_id: i64,
    limit: i32,
) -> Vec<pb::Message> {
    let mut messages = Vec::new();
    let mut start_msg_id = 0;
    loop {
        let wanted = pb::PageRequest { conversation: Some(conversation), start_msg_id, limit, floor_msg_id };
        let page = log.page(dress(wanted)).await.unwrap().into_inner();
        messages.extend(page.messages);
        start_msg_id = page.next_msg_id;
        if start_msg_id == 0 {
            return messages;
        }
    }
}

/// A whole conversation, oldest first.
pub async fn history(app: &TestApp, conversation: pb::ConversationId) -> Vec<pb::Message> {
    let mut messages = walk(|page| app.request(page), &mut app.messages(), conversation, 0, 200).await;
    messages.reverse();
    messages
}

/// A direct conversation of the demo app, oldest first.
pub async fn demo_history(installation: &Installation, one: &str, other: &str) -> Vec<pb::Message> {
    let (one, other) = (demo_user(installation, one).await, demo_user(installation, other).await);
    let dress = |page| installation.request(page);
    let mut messages = walk(dress, &mut installation.messages(), direct(one, other), 0, 200).await;
    messages.reverse();
    messages
}

async fn demo_user(installation: &Installation, name: &str) -> i64 {
    let named = pb::UserRef { user: Some(user_ref::User::Username(name.to_owned())) };
    let wanted = installation.request(pb::GetUserRequest { user: Some(named) });
    installation.directory().get_user(wanted).await.unwrap().into_inner().id
}

/// Numbers run from 1 without a gap, and ids increase with them.
pub fn assert_gap_free(messages: &[pb::Message]) {
    for (message, seq) in messages.iter().zip(1..) {
        assert_eq!(message.seq, seq, "a gap before message {}", message.msg_id);
    }
    for pair in messages.windows(2) {
        assert!(pair[0].msg_id < pair[1].msg_id, "ids do not grow from seq {} on", pair[0].seq);
    }
}

/// Code, and the reason in ErrorInfo of the domain `tidings`.
pub fn refusal<T: std::fmt::Debug>(reply: Result<Response<T>, Status>) -> (Code, String) {
    let status = reply.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "tidings");
    (status.code(), info.reason.clone())
}

pub fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// An Agora send of a text with an idempotency key. The Host is always the same, so answers through several gateways
/// are comparable (decision 1).
pub fn agora_send(agora: &Agora, key: &str, from: &str, to: &str, text: &str) -> RequestBuilder {
    let body = json!({"from": from, "to": [to], "type": "txt", "body": {"msg": text}});
    let request = agora.request(reqwest::Method::POST, "/messages/users");
    request.header("host", "chat.test").header("idempotency-key", key).json(&body)
}

/// Sends until the message is acknowledged; returns its id and how many attempts failed. An unavailable server answers
/// 503 or not at all, and nothing else.
pub async fn send_until_acknowledged(agora: &Agora, key: &str, from: &str, to: &str, text: &str) -> (i64, usize) {
    for failures in 0.. {
        if let Ok(response) = agora_send(agora, key, from, to, text).send().await {
            let status = response.status();
            if let Ok(answer) = response.text().await {
                if status == StatusCode::OK {
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    return (answer["data"][to].as_str().unwrap().parse().unwrap(), failures);
                }
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the loop has no end")
}
