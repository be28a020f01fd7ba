//! Agora's callbacks, whole, and the answer that decides (agora.md 11).

use insta::assert_snapshot;
use tidings_dialects::agora::{
    Addressing, Decision, Edit, Event, REST_OPERATOR, decision, draft, edit_callback, post_send_callback,
    pre_send_callback, read_ack_callback, recall_callback, security,
};
use tidings_domain::{App, Content, ConversationKind, Dialect, Ext, JsonText, MsgId, Policy, UnixMillis, Verbatim};

const AT: UnixMillis = UnixMillis(1_752_600_000_123);
const CALL: &str = "5b0d4a3e-2f10-4c7a-9a55-0f2f1f0c9e11";
const GROUP: &str = "251893004017665";

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("bodies are UTF-8")
}

fn content(type_and_body: &str) -> Content {
    let request = format!(r#"{{"to":["omar"],{type_and_body}}}"#);
    draft(request.as_bytes(), &Policy::default(), Addressing::Users).expect("the test's bodies are valid").content
}

fn in_group(app: &App) -> Event<'_> {
    Event {
        app,
        secret: "s3cr3t",
        timestamp: AT,
        kind: ConversationKind::Group,
        from: "nora",
        to: GROUP,
        id: "1402118873456100352",
        host: "tidings",
    }
}

fn to_omar(app: &App) -> Event<'_> {
    Event { kind: ConversationKind::Direct, to: "omar", ..in_group(app) }
}

#[test]
fn security_is_the_contracts_vector_agora_11_1() {
    assert_eq!(security(&format!("acme#lobby_{CALL}"), "s3cr3t", AT), "f30eccc49b435af8e3d429133cfa78c8");
}

#[test]
fn pre_send_is_the_contracts_example_agora_11_2() {
    let body = text(pre_send_callback(&in_group(&App::example()), CALL, &Content::text("hello")));
    assert_snapshot!(body, @r#"{"callId":"acme#lobby_5b0d4a3e-2f10-4c7a-9a55-0f2f1f0c9e11","timestamp":1752600000123,"chat_type":"groupchat","group_id":"251893004017665","from":"nora","to":"251893004017665","msg_id":"1402118873456100352","payload":{"bodies":[{"msg":"hello","type":"txt"}],"ext":{},"from":"nora","to":"251893004017665"},"securityVersion":"1.0.0","security":"f30eccc49b435af8e3d429133cfa78c8"}"#);
}

#[test]
fn before_a_message_rooms_are_told_apart_and_afterwards_not_agora_11_3() {
    let app = App::example();
    let room = Event { kind: ConversationKind::Room, ..in_group(&app) };
    assert!(text(pre_send_callback(&room, CALL, &Content::text(""))).contains(r#""chat_type":"chatroom""#));
    assert!(text(post_send_callback(&room, false, &Content::text(""))).contains(r#""chat_type":"groupchat""#));
}

#[test]
fn post_send_tells_an_accepted_message_agora_11_3() {
    let sent = content(r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"rose"}},"ext":{"k":1.0}"#);
    let body = text(post_send_callback(&to_omar(&App::example()), false, &sent));
    assert_snapshot!(body, @r#"{"callId":"acme#lobby_1402118873456100352","eventType":"chat","timestamp":1752600000123,"chat_type":"chat","from":"nora","to":"omar","msg_id":"1402118873456100352","payload":{"bodies":[{"customEvent":"gift","customExts":[{"kind":"rose"}],"v2:customExts":{"kind":"rose"},"type":"custom"}],"ext":{"k":1.0},"from":"nora","to":"omar"},"securityVersion":"1.0.0","security":"33193993dadb0c207ada6c984a1d0ead","appkey":"acme#lobby","host":"tidings"}"#);
    assert!(text(post_send_callback(&to_omar(&App::example()), true, &sent)).contains(r#""eventType":"chat_offline""#));
}

#[test]
fn a_recall_names_the_message_and_has_no_bodies_agora_11_3() {
    let app = App::example();
    let event = Event { id: "1402118873456100400", ..to_omar(&app) };
    assert_snapshot!(text(recall_callback(&event, MsgId(7))), @r#"{"callId":"acme#lobby_1402118873456100400","eventType":"chat","timestamp":1752600000123,"chat_type":"recall","from":"nora","to":"omar","recall_id":"7","msg_id":"1402118873456100400","payload":{"ack_message_id":"7","bodies":[],"ext":{},"from":"nora","to":"omar"},"securityVersion":"1.0.0","security":"e094d3dc826950af289541a5baf194f7","appkey":"acme#lobby","host":"tidings"}"#);
}

#[test]
fn a_receipt_in_a_group_says_that_receipts_are_allowed_agora_11_3() {
    let app = App::example();
    assert_snapshot!(text(read_ack_callback(&in_group(&app), MsgId(7))), @r#"{"callId":"acme#lobby_1402118873456100352","eventType":"chat","timestamp":1752600000123,"chat_type":"read_ack","group_id":"251893004017665","from":"nora","to":"251893004017665","msg_id":"1402118873456100352","payload":{"ack_message_id":"7","bodies":[],"ext":{},"from":"nora","to":"251893004017665","msg_config":{"allow_group_ack":true}},"securityVersion":"1.0.0","security":"33193993dadb0c207ada6c984a1d0ead","appkey":"acme#lobby","host":"tidings"}"#);
    let direct = text(read_ack_callback(&to_omar(&app), MsgId(7)));
    assert!(!direct.contains("msg_config") && !direct.contains("group_id"), "{direct}");
}

#[test]
fn an_edit_tells_who_and_how_often_agora_11_3() {
    let content = Content::text("hullo");
    let edit = Edit {
        message: MsgId(7),
        count: 2,
        edited_at: AT,
        operator: REST_OPERATOR,
        sent_at: UnixMillis(1_752_599_000_000),
        sender: "nora",
        content: &content,
    };
    assert_snapshot!(text(edit_callback(&to_omar(&App::example()), &edit)), @r#"{"callId":"acme#lobby_1402118873456100352","eventType":"chat","timestamp":1752600000123,"chat_type":"edit","from":"nora","to":"omar","msg_id":"1402118873456100352","payload":{"edit_message_id":"7","bodies":[{"msg":"hullo","type":"txt"}],"ext":{},"from":"nora","to":"omar","meta":{"edit_msg":{"count":2,"edit_time":1752600000123,"operator":"easemob_rest_app_admin","send_time":1752599000000,"sender":"nora"}}},"securityVersion":"1.0.0","security":"33193993dadb0c207ada6c984a1d0ead","appkey":"acme#lobby","host":"tidings"}"#);
}

fn hello() -> Content {
    content(r#""type":"txt","body":{"msg":"hello"},"ext":{"k":1}"#)
}

fn decided(answer: &str) -> Option<Decision> {
    decision(200, answer.as_bytes(), &hello())
}

fn rejected(text: &str) -> Decision {
    Decision::Reject(text.to_owned())
}

#[test]
fn valid_decides_and_code_is_shown_agora_11_2() {
    let table = [
        (r#"{"valid":true}"#, Decision::Deliver),
        (r#"{"valid":true,"code":"HX:10000","chatroom_msg_level":"normal","payload":null}"#, Decision::Deliver),
        (r#"{"valid":false}"#, rejected("custom logic denied")),
        (r#"{"valid":false,"code":""}"#, rejected("Message blocked by external logic")),
        (r#"{"valid":false,"code":"no sw\u0065aring","payload":{}}"#, rejected("no swearing")),
        (r#"{"valid":false,"code":403}"#, rejected("403")),
    ];
    for (answer, decision) in table {
        assert_eq!(decided(answer), Some(decision), "{answer}");
    }
}

#[test]
fn what_is_no_answer_decides_nothing_agora_11_2() {
    for none in ["", "ok", "[true]", "{}", r#"{"valid":"maybe"}"#, r#"{"valid":null}"#] {
        assert_eq!(decided(none), None, "{none}");
    }
    assert_eq!(decision(201, br#"{"valid":false}"#, &hello()), None);
    assert_eq!(decision(200, b"{\"valid\":false,\"code\":\"\xff\"}", &hello()), None);
}

#[test]
fn an_answer_has_a_thousand_characters_and_its_payload_1_kb_agora_11_2() {
    let of = |length: usize| format!(r#"{{"valid":false,"code":"{}"}}"#, "é".repeat(length - 25));
    assert_eq!(of(1000).chars().count(), 1000);
    assert!(decided(&of(1000)).is_some() && decided(&of(1001)).is_none());
    let wide = |chars: usize| {
        format!(r#"{{"valid":true,"payload":{{"bodies":[{{"type":"txt","msg":"{}"}}]}}}}"#, "é".repeat(chars))
    };
    assert!(decided(&wide(480)).is_some() && decided(&wide(600)).is_none());
}

#[test]
fn a_changed_body_replaces_the_message_agora_11_2() {
    let changed = Content { ext: hello().ext, ..Content::text("h***o") };
    for payload in [
        r#"{"bodies":[{"type":"txt","msg":"h***o"}]}"#,
        r#"{"bodies":[{"msg":"h***o"},{"msg":"more"}],"ext":{"k":1},"from":"nora"}"#,
        r#"{"type":"txt","msg":"h***o"}"#,
    ] {
        let decision = decided(&format!(r#"{{"valid":true,"payload":{payload}}}"#));
        assert_eq!(decision, Some(Decision::DeliverChanged(Box::new(changed.clone()))), "{payload}");
    }
    let with_ext = Content { ext: JsonText::parse(r#"{"k":2}"#).ok().map(Ext::Object), ..hello() };
    let decision = decided(r#"{"valid":true,"payload":{"ext":{"k":2}}}"#);
    assert_eq!(decision, Some(Decision::DeliverChanged(Box::new(with_ext))));
}

#[test]
fn a_payload_that_repeats_the_message_changes_nothing_agora_11_2() {
    let odd = Verbatim { dialect: Dialect::Agora, json: JsonText::parse(r#"{"x":1,"msg":"hello"}"#).unwrap() };
    let messages = [
        Content { verbatim: Some(odd), ..Content::text("hello") },
        content(r#""type":"loc","body":{"lat":"52.51630","lng":"13.3777","addr":"x"}"#),
        content(r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"rose","count":"3"}}"#),
        Content { ext: Some(Ext::Text("plain".to_owned())), ..Content::text("hello") },
    ];
    for message in messages {
        let told: serde_json::Value =
            serde_json::from_slice(&pre_send_callback(&in_group(&App::example()), CALL, &message)).unwrap();
        let answer = serde_json::json!({ "valid": true, "payload": told["payload"] }).to_string();
        assert_eq!(decision(200, answer.as_bytes(), &message), Some(Decision::Deliver), "{answer}");
    }
    for nothing in ["{}", r#"{"bodies":[]}"#, r#"{"bodies":null,"ext":null}"#] {
        assert_eq!(decided(&format!(r#"{{"valid":true,"payload":{nothing}}}"#)), Some(Decision::Deliver), "{nothing}");
    }
}

#[test]
fn of_a_custom_messages_two_values_the_changed_one_counts_agora_11_3() {
    let sent = content(r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"rose"}}"#);
    let changed = content(r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"*"}}"#);
    for exts in [
        r#""customExts":[{"kind":"*"}],"v2:customExts":{"kind":"rose"}"#,
        r#""customExts":[{"kind":"rose"}],"v2:customExts":{"kind":"*"}"#,
        r#""customExts":{"kind":"*"}"#,
    ] {
        let answer =
            format!(r#"{{"valid":true,"payload":{{"bodies":[{{"type":"custom","customEvent":"gift",{exts}}}]}}}}"#);
        let expected = Decision::DeliverChanged(Box::new(changed.clone()));
        assert_eq!(decision(200, answer.as_bytes(), &sent), Some(expected), "{exts}");
    }
}

#[test]
fn a_payload_that_cannot_be_read_decides_nothing_agora_11_2() {
    for odd in ["[]", "7", r#"{"bodies":{}}"#, r#"{"bodies":[{"type":"txt"}]}"#, r#"{"bodies":[{"type":"x","a":1}]}"#] {
        assert_eq!(decided(&format!(r#"{{"valid":true,"payload":{odd}}}"#)), None, "{odd}");
    }
    assert_eq!(decided(r#"{"valid":true,"payload":{"ext":[]}}"#), None);
}
