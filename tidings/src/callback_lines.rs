//! Endpoints and deliveries as rows.

use tidings_proto::{moment_or_zero, pb, span_or_zero};

use crate::{
    conversation_lines::conversation,
    lines::{Row, word},
};

/// The command line's names of dialects.
pub const DIALECTS: [(&str, pb::CallbackDialect); 3] = [
    ("tencent", pb::CallbackDialect::Tencent),
    ("agora", pb::CallbackDialect::Agora),
    ("lanying", pb::CallbackDialect::Lanying),
];

/// The command line's names of failure policies.
pub const RETRIES: [(&str, pb::RetryMode); 3] =
    [("durable", pb::RetryMode::Durable), ("none", pb::RetryMode::None), ("timeout", pb::RetryMode::Timeout)];

/// The command line's names of delivery states.
pub const STATES: [(&str, pb::DeliveryState); 3] = [
    ("waiting", pb::DeliveryState::Waiting),
    ("delivered", pb::DeliveryState::Delivered),
    ("dead", pb::DeliveryState::Dead),
];

/// The states of endpoints.
const ENDPOINT_STATES: [(&str, pb::EndpointState); 2] =
    [("active", pb::EndpointState::Active), ("paused", pb::EndpointState::Paused)];

/// An endpoint without its token and key.
pub fn endpoint(endpoint: &pb::Endpoint) -> Row {
    let (dialect, retry) = (word(&DIALECTS, &endpoint.dialect()), word(&RETRIES, &endpoint.retry()));
    let state = word(&ENDPOINT_STATES, &endpoint.state());
    let because = endpoint.paused_because.as_str();
    let state_text = if because.is_empty() { state.to_owned() } else { format!("{state}: {because}") };
    let events = if endpoint.events.is_empty() { "all events".to_owned() } else { endpoint.events.join(",") };
    Row::default()
        .shown("id", endpoint.id)
        .cell("state", state, state_text)
        .field("paused_because", because)
        .shown("dialect", dialect)
        .shown("url", endpoint.url.as_str())
        .cell("events", endpoint.events.as_slice(), events)
        .cell("retry", retry, format!("retry {retry}"))
        .span("timeout_ms", "timeout", span_or_zero(endpoint.timeout))
        .time("created_at_ms", "made at", moment_or_zero(endpoint.created_at).0)
        .flag("has_token", endpoint.has_token, "token")
        .flag("ordered", endpoint.ordered, "ordered")
        .flag("allow_private", endpoint.allow_private, "private addresses")
}

/// A delivery without its body and attempts.
pub fn delivery(delivery: &pb::CallbackDelivery) -> Row {
    let state = word(&STATES, &delivery.state());
    let attempts = delivery.attempts.len();
    let row = Row::default()
        .shown("id", delivery.id)
        .shown("state", state)
        .cell("endpoint_id", delivery.endpoint_id, format!("endpoint {}", delivery.endpoint_id))
        .shown("event", delivery.event.as_str())
        .shown("command", delivery.command.as_str())
        .shown("event_id", delivery.event_id.as_str());
    conversation(row, delivery.conversation.as_ref())
        .cell("msg_id", delivery.msg_id, format!("message {}", delivery.msg_id))
        .time("created_at_ms", "made at", moment_or_zero(delivery.created_at).0)
        .time("at_ms", due(state), moment_or_zero(delivery.at).0)
        .cell("attempt_count", attempts, format!("attempts {attempts}"))
}

/// A delivery with its body and every attempt.
pub fn delivery_in_full(shown: &pb::CallbackDelivery) -> Row {
    let row = delivery(shown).line().text("").text("body");
    let row = row.shown("body", &*String::from_utf8_lossy(&shown.body));
    row.rows("attempts", shown.attempts.iter().map(attempt))
}

/// What the time of a delivery in that state is.
pub fn due(state: &str) -> &'static str {
    if state == "waiting" { "next try at" } else { "done at" }
}

fn attempt(attempt: &pb::CallbackAttempt) -> Row {
    let status = if attempt.status == 0 { "no answer".to_owned() } else { format!("HTTP {}", attempt.status) };
    Row::default()
        .text("")
        .time("at_ms", "at", moment_or_zero(attempt.at).0)
        .span("duration_ms", "took", span_or_zero(attempt.duration))
        .cell("status", attempt.status, status)
        .shown("answer", attempt.answer.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tidings_proto::{duration, timestamp_unless_zero as at};

    use super::*;
    use crate::lines::Output;

    #[test]
    fn an_endpoint_is_one_line_or_an_object() {
        let mut shown = pb::Endpoint {
            id: 7,
            dialect: pb::CallbackDialect::Tencent.into(),
            url: "https://h/im?s=1".into(),
            retry: pb::RetryMode::Durable.into(),
            timeout: Some(duration(Duration::from_secs(2))),
            state: pb::EndpointState::Active.into(),
            created_at: at(1_790_000_000_000),
            ..Default::default()
        };
        let line = "7\tactive\ttencent\thttps://h/im?s=1\tall events\tretry durable\ttimeout 2000 ms\
                    \tmade at 2026-09-21T14:13:20.000Z";
        assert_eq!(endpoint(&shown).written(Output::Text), [line]);
        shown.events = vec!["message.sent".into(), "message.recalled".into()];
        shown.state = pb::EndpointState::Paused.into();
        shown.paused_because = "it answered 410".into();
        (shown.has_token, shown.ordered, shown.allow_private) = (true, true, true);
        let line = "7\tpaused: it answered 410\ttencent\thttps://h/im?s=1\tmessage.sent,message.recalled\
                    \tretry durable\ttimeout 2000 ms\tmade at 2026-09-21T14:13:20.000Z\ttoken\tordered\tprivate addresses";
        assert_eq!(endpoint(&shown).written(Output::Text), [line]);
        let json = r#"{"allow_private":true,"created_at_ms":1790000000000,"dialect":"tencent","events":["message.sent","message.recalled"],"has_token":true,"id":7,"ordered":true,"paused_because":"it answered 410","retry":"durable","state":"paused","timeout_ms":2000,"url":"https://h/im?s=1"}"#;
        assert_eq!(endpoint(&shown).written(Output::Json), [json]);
    }

    #[test]
    fn a_delivery_is_one_line_and_in_full_has_body_and_attempts_whatever_was_answered() {
        let tried = pb::CallbackAttempt {
            at: at(5),
            duration: Some(duration(Duration::from_millis(6))),
            status: 500,
            answer: "a\tb\n\u{1b}[2Jü".into(),
        };
        let shown = pb::CallbackDelivery {
            id: 9,
            endpoint_id: 7,
            event_id: "evt_1".into(),
            event: "message.sent".into(),
            command: "C2C.CallbackAfterSendMsg".into(),
            conversation: Some(pb::ConversationId {
                kind: pb::ConversationKind::Direct.into(),
                id: 1,
                higher_user_id: 2,
            }),
            msg_id: 3,
            state: pb::DeliveryState::Waiting.into(),
            created_at: at(4),
            at: at(8),
            attempts: vec![tried],
            body: b"{}".to_vec(),
        };
        let line = "9\twaiting\tendpoint 7\tmessage.sent\tC2C.CallbackAfterSendMsg\tevt_1\tdirect 1 2\tmessage 3\
                    \tmade at 1970-01-01T00:00:00.004Z\tnext try at 1970-01-01T00:00:00.008Z\tattempts 1";
        assert_eq!(delivery(&shown).written(Output::Text), [line]);
        let tried = "\tat 1970-01-01T00:00:00.005Z\ttook 6 ms\tHTTP 500\ta\\tb\\n\\u{1b}[2Jü";
        assert_eq!(delivery_in_full(&shown).written(Output::Text), [line, "\tbody\t{}", tried]);
        let json = r#"{"at_ms":8,"attempt_count":1,"command":"C2C.CallbackAfterSendMsg","conversation":{"higher_user_id":2,"id":1,"kind":"direct"},"created_at_ms":4,"endpoint_id":7,"event":"message.sent","event_id":"evt_1","id":9,"msg_id":3,"state":"waiting"}"#;
        assert_eq!(delivery(&shown).written(Output::Json), [json]);
        let full: Value = serde_json::from_str(&delivery_in_full(&shown).written(Output::Json).concat()).unwrap();
        let attempts = json!([{"at_ms": 5, "duration_ms": 6, "status": 500, "answer": "a\tb\n\u{1b}[2Jü"}]);
        assert_eq!((&full["body"], &full["attempts"]), (&"{}".into(), &attempts));
    }
}
