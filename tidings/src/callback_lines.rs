//! Endpoints and deliveries as lines of text, with a tab between columns.

use tidings_proto::pb;

use crate::lines::{plain, word};

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

/// An endpoint without its secrets.
pub fn endpoint(endpoint: &pb::Endpoint) -> String {
    let (dialect, retry) = (word(&DIALECTS, &endpoint.dialect()), word(&RETRIES, &endpoint.retry()));
    let state = match endpoint.state() {
        pb::EndpointState::Active => "active".to_owned(),
        pb::EndpointState::Paused if endpoint.paused_because.is_empty() => "paused".to_owned(),
        pb::EndpointState::Paused => format!("paused: {}", plain(&endpoint.paused_because)),
        pb::EndpointState::Unspecified => "unknown".to_owned(),
    };
    let events = if endpoint.events.is_empty() { "all events".to_owned() } else { endpoint.events.join(",") };
    let mut line = format!("{}\t{state}\t{dialect}\t{}\t{}", endpoint.id, plain(&endpoint.url), plain(&events));
    let (timeout, made_at) = (endpoint.timeout_ms, endpoint.created_at_ms);
    let mut push = |text: &str| line.extend(["\t", text]);
    push(&format!("retry {retry}"));
    push(&format!("timeout {timeout} ms"));
    push(&format!("made at {made_at} ms"));
    for (is_set, text) in
        [(endpoint.has_token, "token"), (endpoint.ordered, "ordered"), (endpoint.allow_private, "private addresses")]
    {
        if is_set {
            push(text);
        }
    }
    line
}

/// A delivery without its body and attempts.
pub fn delivery(delivery: &pb::CallbackDelivery) -> String {
    let state = word(&STATES, &delivery.state());
    let when = match delivery.state() {
        pb::DeliveryState::Waiting => "next try at",
        _ => "done at",
    };
    let names = [&delivery.event, &delivery.command, &delivery.event_id].map(|name| plain(name)).join("\t");
    let mut line = format!("{}\t{state}\tendpoint {}\t{names}", delivery.id, delivery.endpoint_id);
    let columns = [
        conversation(delivery.conversation.as_ref()),
        format!("message {}", delivery.msg_id),
        format!("made at {} ms", delivery.created_at_ms),
        format!("{when} {} ms", delivery.at_ms),
        format!("attempts {}", delivery.attempts.len()),
    ];
    for column in columns {
        line.extend(["\t", &column]);
    }
    line
}

fn conversation(id: Option<&pb::ConversationId>) -> String {
    let Some(id) = id else {
        return "no conversation".to_owned();
    };
    match id.kind() {
        pb::ConversationKind::Direct => format!("direct {} {}", id.id, id.higher_user_id),
        pb::ConversationKind::Group => format!("group {}", id.id),
        pb::ConversationKind::Room => format!("room {}", id.id),
        pb::ConversationKind::Unspecified => "no conversation".to_owned(),
    }
}

/// The payload.
pub fn body(delivery: &pb::CallbackDelivery) -> String {
    format!("body\t{}", plain(&String::from_utf8_lossy(&delivery.body)))
}

/// One attempt.
pub fn attempt(attempt: &pb::CallbackAttempt) -> String {
    let status = if attempt.status == 0 { "no answer".to_owned() } else { format!("HTTP {}", attempt.status) };
    format!("at {} ms\ttook {} ms\t{status}\t{}", attempt.at_ms, attempt.duration_ms, plain(&attempt.answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_one_line() {
        let mut shown = pb::Endpoint {
            id: 7,
            dialect: pb::CallbackDialect::Tencent.into(),
            url: "https://h/im?s=1".into(),
            retry: pb::RetryMode::Durable.into(),
            timeout_ms: 2000,
            state: pb::EndpointState::Active.into(),
            created_at_ms: 1_790_000_000_000,
            ..Default::default()
        };
        let line = "7\tactive\ttencent\thttps://h/im?s=1\tall events\tretry durable\ttimeout 2000 ms\
                    \tmade at 1790000000000 ms";
        assert_eq!(endpoint(&shown), line);
        shown.events = vec!["message.sent".into(), "message.recalled".into()];
        shown.state = pb::EndpointState::Paused.into();
        shown.paused_because = "it answered 410".into();
        (shown.has_token, shown.ordered, shown.allow_private) = (true, true, true);
        let line = "7\tpaused: it answered 410\ttencent\thttps://h/im?s=1\tmessage.sent,message.recalled\
                    \tretry durable\ttimeout 2000 ms\tmade at 1790000000000 ms\ttoken\tordered\tprivate addresses";
        assert_eq!(endpoint(&shown), line);
    }

    #[test]
    fn a_delivery_is_one_line_and_so_is_an_attempt_whatever_was_answered() {
        let tried = pb::CallbackAttempt { at_ms: 5, duration_ms: 6, status: 500, answer: "a\tb\n\u{1b}[2Jü".into() };
        assert_eq!(attempt(&tried), "at 5 ms\ttook 6 ms\tHTTP 500\ta\\tb\\n\\u{1b}[2Jü");
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
            created_at_ms: 4,
            at_ms: 8,
            attempts: vec![tried],
            body: b"{}".to_vec(),
        };
        let line = "9\twaiting\tendpoint 7\tmessage.sent\tC2C.CallbackAfterSendMsg\tevt_1\tdirect 1 2\tmessage 3\
                    \tmade at 4 ms\tnext try at 8 ms\tattempts 1";
        assert_eq!(delivery(&shown), line);
        assert_eq!(body(&shown), "body\t{}");
    }
}
