//! `/message/send` and history: lanying.md 2, 4, 5 and decisions 8, 24, 25.

use tidings_dialect::lanying::{self, Page};
use tidings_domain::{
    Content, ConversationId, Error, Marks, Message, MsgId, Policy, Reason, Target, UnixMillis, UserId, UserRef,
};

fn code(request: &str) -> i32 {
    lanying::draft(request.as_bytes(), &Policy::default()).expect_err("the request is wrong").code
}

#[test]
fn numbers_may_be_decimal_strings() {
    let request = br#"{"type":"1","targets":["32",48],"content_type":"0","content":"hi","from_user_id":"64","transaction_id":"9223372036854775807"}"#;
    let draft = lanying::draft(request, &Policy::default()).unwrap();
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
fn groups_are_not_there_yet() {
    assert_eq!(code(r#"{"type":2,"targets":[17],"content_type":0,"content":"x"}"#), 20001);
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
        text(lanying::unread(UserId(48), conversations)),
        r#"{"code":200,"data":[{"conversation_id":{"uid":32},"num":3}]}"#
    );
}

fn message(sender: i64, msg_id: i64, content: Content) -> Message {
    Message {
        conversation: ConversationId::direct(UserId(32), UserId(48)),
        msg_id: MsgId(msg_id),
        seq: 1,
        sender: UserId(sender),
        sent_at: UnixMillis(1_752_600_000_123),
        content,
        countable: true,
        system: false,
        edited_at: None,
        edits: 0,
    }
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
    insta::assert_snapshot!(String::from_utf8(lanying::history(&page)).unwrap(), @r#"{"code":200,"data":{"is_last":false,"messages":[{"msg_id":9,"from_xid":{"uid":32,"device_sn":0},"to_xid":{"uid":48,"device_sn":0},"ctype":"TEXT","status":"DELIVERED","timestamp":1752600000123,"content":"mine, delivered"},{"msg_id":8,"from_xid":{"uid":32,"device_sn":0},"to_xid":{"uid":48,"device_sn":0},"ctype":"TEXT","status":"READ","timestamp":1752600000123,"content":"mine, read"},{"msg_id":7,"from_xid":{"uid":48,"device_sn":0},"to_xid":{"uid":32,"device_sn":0},"ctype":"TEXT","status":"UNREAD","timestamp":1752600000123,"content":"yours, unread"}],"next_msg_id":6}}"#);
}
