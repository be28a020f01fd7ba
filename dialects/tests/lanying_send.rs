//! `/message/send` and history: lanying.md 2, 4, 5 and decisions 8, 24, 25.

use tidings_dialects::lanying::{self, Page};
use tidings_domain::{
    Content, ConversationId, Error, GroupId, LanyingShape, Marks, Message, MsgId, Policy, Reason, Target, UnixMillis,
    UserId, UserRef,
};

mod support;

use support::lanying_draft;

fn code(request: &str) -> i32 {
    lanying_draft(request.as_bytes(), &Policy::default()).expect_err("the request is wrong").code
}

#[test]
fn numbers_may_be_decimal_strings() {
    let request = br#"{"type":"1","targets":["32",48],"content_type":"0","content":"hi","from_user_id":"64","transaction_id":"9223372036854775807"}"#;
    let draft = lanying_draft(request, &Policy::default()).unwrap();
    let target = |id| Target::User(UserRef::Id(UserId(id)));
    assert_eq!(draft.targets, [target(32), target(48)]);
    assert_eq!(draft.sender, Some(UserRef::Id(UserId(64))));
    assert_eq!(draft.transaction_id, Some(i64::MAX));
    assert_eq!(draft.content, Content::text("hi"));
}

#[test]
fn bad_parameters_are_10002() {
    for request in [
        "",
        "[]",
        "{",
        r#"{"targets":[1],"content_type":0,"content":""}"#,
        r#"{"type":3,"targets":[1],"content_type":0,"content":""}"#,
        r#"{"type":1,"content_type":0,"content":""}"#,
        r#"{"type":1,"targets":[],"content_type":0,"content":""}"#,
        r#"{"type":1,"targets":["x"],"content_type":0,"content":""}"#,
        r#"{"type":1,"targets":[1],"content":""}"#,
        r#"{"type":1,"targets":[1],"content_type":0}"#,
        r#"{"type":1,"targets":[1],"content_type":8,"content":""}"#,
        r#"{"type":1,"targets":[1],"content_type":13,"content":""}"#,
        r#"{"type":1,"targets":[1],"content_type":0,"content":7}"#,
        r#"{"type":1,"targets":[1],"content_type":0,"content":"","ext":{}}"#,
    ] {
        assert_eq!(code(request), 10002, "{request}");
    }
}

#[test]
fn media_needs_an_attachment_decision_25() {
    for content_type in 1..=4 {
        for attachment in ["", r#","attachment":"""#, r#","attachment":"[]""#] {
            let request =
                format!(r#"{{"type":1,"targets":[1],"content_type":{content_type},"content":"x"{attachment}}}"#);
            assert_eq!(code(&request), 10002, "{request}");
        }
    }
}

#[test]
fn type_2_is_groups_and_one_kind_per_request_lanying_5_6() {
    let request = br#"{"type":2,"targets":[17,"33"],"content_type":0,"content":"x","online_only":true}"#;
    let draft = lanying_draft(request, &Policy::default()).unwrap();
    assert_eq!(draft.targets, [Target::Group(GroupId(17)), Target::Group(GroupId(33))]);
    assert!(draft.online_only && draft.members_only && !draft.system);
}

#[test]
fn envelopes_leave_out_what_is_absent() {
    let text = |json: Vec<u8>| String::from_utf8(json).unwrap();
    assert_eq!(text(lanying::sent(Some(MsgId(7)))), r#"{"code":200,"data":true,"msg_ids":[7]}"#);
    assert_eq!(text(lanying::sent(None)), r#"{"code":200,"data":true}"#);
    let refusal = lanying::Refusal::from(Error::user_not_found("48"));
    assert_eq!(text(lanying::error(&refusal)), r#"{"code":10000,"message":"user not found: 48"}"#);
    assert!(!refusal.unavailable);
    assert!(lanying::Refusal::from(Error::new(Reason::Overloaded, "")).unavailable);
    let conversations = [(ConversationId::direct(UserId(32), UserId(48)), 3)];
    assert_eq!(
        text(lanying::unread(UserId(48), conversations, LanyingShape::Of2026)),
        r#"{"code":200,"data":[{"conversation_id":{"uid":32},"num":3}]}"#
    );
}

fn message(sender: i64, msg_id: i64, content: Content) -> Message {
    let conversation = ConversationId::direct(UserId(32), UserId(48));
    let by_sender = (UserId(sender), UnixMillis(1_752_600_000_123));
    Message { seq: 1, countable: true, ..Message::plain(conversation, MsgId(msg_id), by_sender, content) }
}

#[test]
fn the_receivers_marks_decide_the_status_decision_5() {
    let marks = |read, delivered| Marks { read: MsgId(read), delivered: MsgId(delivered), cleared: MsgId::ZERO };
    let messages = [
        message(32, 9, Content::text("mine, delivered")),
        message(32, 8, Content::text("mine, read")),
        message(48, 7, Content::text("yours, unread")),
    ];
    let page = Page { reader: UserId(32), own: marks(6, 6), peer: marks(8, 9), messages: &messages, next: MsgId(6) };
    insta::assert_snapshot!(String::from_utf8(lanying::history(&page, LanyingShape::Of2026)).unwrap(), @r#"{"code":200,"data":{"is_last":false,"messages":[{"msg_id":9,"from_xid":{"uid":32,"device_sn":0},"to_xid":{"uid":48,"device_sn":0},"ctype":"TEXT","status":"DELIVERED","timestamp":1752600000123,"content":"mine, delivered"},{"msg_id":8,"from_xid":{"uid":32,"device_sn":0},"to_xid":{"uid":48,"device_sn":0},"ctype":"TEXT","status":"READ","timestamp":1752600000123,"content":"mine, read"},{"msg_id":7,"from_xid":{"uid":48,"device_sn":0},"to_xid":{"uid":32,"device_sn":0},"ctype":"TEXT","status":"UNREAD","timestamp":1752600000123,"content":"yours, unread"}],"next_msg_id":6}}"#);
}

fn group_message(sender: i64, msg_id: i64) -> Message {
    Message { conversation: ConversationId::Group(GroupId(17)), ..message(sender, msg_id, Content::text("hi")) }
}

#[test]
fn in_a_group_the_readers_own_cursor_decides_decision_5() {
    let own = Marks { read: MsgId(7), delivered: MsgId(8), cleared: MsgId::ZERO };
    let messages = [group_message(48, 9), group_message(48, 8), group_message(48, 7), group_message(32, 10)];
    let page = Page { reader: UserId(32), own, peer: Marks::default(), messages: &messages, next: MsgId::ZERO };
    let json: serde_json::Value = serde_json::from_slice(&lanying::history(&page, LanyingShape::Of2026)).unwrap();
    let shown = json["data"]["messages"].as_array().unwrap();
    let status: Vec<&str> = shown.iter().map(|message| message["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["UNREAD", "DELIVERED", "READ", "READ"]);
    assert!(shown.iter().all(|message| message["to_xid"]["uid"] == 17));
}

#[test]
fn the_older_shape_adds_the_vendors_internals_decision_24() {
    let messages = [message(32, 9, Content::text("hi"))];
    let marks = Marks::default();
    let page = Page { reader: UserId(32), own: marks, peer: marks, messages: &messages, next: MsgId(6) };
    let json: serde_json::Value = serde_json::from_slice(&lanying::history(&page, LanyingShape::Of2021)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json["data"]).unwrap());
    let conversations = [(ConversationId::Group(GroupId(17)), 3)];
    let unread = lanying::unread(UserId(48), conversations, LanyingShape::Of2021);
    assert_eq!(
        String::from_utf8(unread).unwrap(),
        r#"{"code":200,"data":[{"conversation_id":{"device_sn":0,"set_device_sn":true,"set_uid":true,"uid":17},"num":3,"set_conversation_id":true,"set_num":true}]}"#
    );
}
