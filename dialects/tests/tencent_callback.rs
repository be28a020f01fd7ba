//! The bodies of Tencent's callbacks, whole (tencent.md 4 and 6, decisions 30 to 32).

use insta::assert_snapshot;
use tidings_dialects::tencent::{
    Direct, GroupMessage, GroupRecall, Mention, MsgKey, Outcome, Presence, Read, StateChange, Withdrawn, after_read,
    after_send, after_withdraw, before_send, group_after_recall, group_after_send, group_before_send, state_change,
};
use tidings_domain::{Content, Ext, GroupKind, JsonText, MsgId, UnixMillis};

const AT: UnixMillis = UnixMillis(1_557_481_126_950);
const KEY: MsgKey = MsgKey { seq: 48374, random: 2_837_546, time: 1_557_481_126 };

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("bodies are UTF-8")
}

fn red_packet() -> Content {
    Content { ext: Some(Ext::Text("your cloud custom data".to_owned())), ..Content::text("red packet") }
}

fn direct(content: &Content) -> Direct<'_> {
    Direct { from: "jared", to: "Jonh", key: KEY, online_only: true, content, event_time: None }
}

#[test]
fn after_send_is_the_body_of_the_seed() {
    let body = text(after_send(&direct(&red_packet()), Outcome::Delivered { unread: 7 }));
    assert_snapshot!(body, @r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg","From_Account":"jared","To_Account":"Jonh","MsgSeq":48374,"MsgRandom":2837546,"MsgTime":1557481126,"MsgKey":"48374_2837546_1557481126","OnlineOnlyFlag":1,"SendMsgResult":0,"ErrorInfo":"send msg succeed","UnreadMsgNum":7,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data"}"#);
}

#[test]
fn a_failed_message_tells_minus_one_unread_decision_32() {
    let content = Content::text("word");
    let failed = Outcome::Failed { code: 80001, info: "text blocked" };
    let message = Direct { online_only: false, event_time: Some(AT), ..direct(&content) };
    let body = text(after_send(&message, failed));
    assert_snapshot!(body, @r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg","From_Account":"jared","To_Account":"Jonh","MsgSeq":48374,"MsgRandom":2837546,"MsgTime":1557481126,"MsgKey":"48374_2837546_1557481126","OnlineOnlyFlag":0,"SendMsgResult":80001,"ErrorInfo":"text blocked","UnreadMsgNum":-1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"word"}}],"EventTime":1557481126950}"#);
}

#[test]
fn before_send_has_no_outcome_tencent_6() {
    let content = red_packet();
    let body = text(before_send(&Direct { event_time: Some(AT), ..direct(&content) }));
    assert_snapshot!(body, @r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"jared","To_Account":"Jonh","MsgSeq":48374,"MsgRandom":2837546,"MsgTime":1557481126,"MsgKey":"48374_2837546_1557481126","OnlineOnlyFlag":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data","EventTime":1557481126950}"#);
}

#[test]
fn numbers_stay_in_range_and_are_no_strings_tencent_4() {
    let content = Content::text("");
    let key = MsgKey::of((1 << 32) + 4_294_967_295, MsgId((1 << 52) - 1), UnixMillis(-1));
    let body = after_send(&Direct { key, ..direct(&content) }, Outcome::Delivered { unread: i64::MAX });
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["MsgSeq"], &body["MsgRandom"]), (&4_294_967_295_u32.into(), &4_294_967_295_u32.into()));
    assert_eq!((&body["MsgTime"], &body["UnreadMsgNum"]), (&0.into(), &i32::MAX.into()));
    let body = after_send(&direct(&content), Outcome::Delivered { unread: -3 });
    assert!(text(body).contains(r#""UnreadMsgNum":0,"#), "only a failure has -1");
}

#[test]
fn cloud_custom_data_is_the_ext_text_where_there_is_one_decision_31() {
    let with = |ext| text(before_send(&direct(&Content { ext, ..Content::text("") })));
    let object = Ext::Object(JsonText::parse(r#"{ "n" : 1.0, "\u0065":"\/" }"#).unwrap());
    assert!(with(Some(object)).ends_with(r#","CloudCustomData":"{\"n\":1.0,\"\\u0065\":\"\\/\"}"}"#));
    assert!(!with(Some(Ext::Text(String::new()))).contains("CloudCustomData"));
    assert!(!with(None).contains("CloudCustomData"));
}

#[test]
fn a_group_message_has_random_and_no_key_tencent_6() {
    let content = red_packet();
    let message = GroupMessage {
        group: 251_893_004_017_665,
        kind: GroupKind::Group,
        from: "jared",
        operator: "admin",
        msg_id: MsgId(7 * (1 << 32) + 2_837_546),
        online_only: false,
        content: &content,
        event_time: AT,
    };
    let before = text(group_before_send(&message));
    assert_snapshot!(before, @r#"{"CallbackCommand":"Group.CallbackBeforeSendMsg","GroupId":"251893004017665","Type":"Public","From_Account":"jared","Operator_Account":"admin","Random":2837546,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data","EventTime":1557481126950}"#);
    let after = text(group_after_send(&message, 3, AT, &[Mention::All, Mention::Account("48")]));
    assert_snapshot!(after, @r#"{"CallbackCommand":"Group.CallbackAfterSendMsg","GroupId":"251893004017665","Type":"Public","From_Account":"jared","Operator_Account":"admin","Random":2837546,"MsgSeq":3,"MsgTime":1557481126,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data","EventTime":1557481126950,"GroupAtInfo":[{"GroupAtAllFlag":1},{"GroupAtAllFlag":0,"GroupAt_Account":"48"}]}"#);
    let in_room = text(group_after_send(&GroupMessage { kind: GroupKind::Room, ..message }, 1, AT, &[]));
    assert!(in_room.contains(r#""Type":"ChatRoom","#) && !in_room.contains("GroupAtInfo"), "{in_room}");
}

#[test]
fn a_read_tells_seconds_and_what_is_left_tencent_6() {
    let body = text(after_read(&Read { reader: "Jonh", peer: "jared", up_to: AT, unread: 2, event_time: AT }));
    assert_snapshot!(body, @r#"{"CallbackCommand":"C2C.CallbackAfterMsgReport","Report_Account":"Jonh","Peer_Account":"jared","LastReadTime":1557481126,"UnreadMsgNum":2,"EventTime":1557481126950}"#);
}

#[test]
fn a_recall_names_the_message_tencent_6() {
    let withdrawn = Withdrawn { from: "jared", to: "Jonh", key: KEY, unread: 6, event_time: AT };
    assert_snapshot!(text(after_withdraw(&withdrawn)), @r#"{"CallbackCommand":"C2C.CallbackAfterMsgWithDraw","From_Account":"jared","To_Account":"Jonh","MsgKey":"48374_2837546_1557481126","UnreadMsgNum":6,"EventTime":1557481126950}"#);
    let taken = GroupRecall { group: 17, kind: GroupKind::Group, operator: "admin", seqs: &[3, 4], event_time: AT };
    assert_snapshot!(text(group_after_recall(&taken)), @r#"{"CallbackCommand":"Group.CallbackAfterRecallMsg","Operator_Account":"admin","Type":"Public","GroupId":"17","MsgSeqList":[{"MsgSeq":3},{"MsgSeq":4}],"EventTime":1557481126950}"#);
}

#[test]
fn a_state_change_has_kicked_devices_at_the_top_if_any_tencent_6() {
    let change =
        StateChange { account: "jared", presence: Presence::LoggedIn, kicked: &["iOS", "Android"], event_time: AT };
    assert_snapshot!(text(state_change(&change)), @r#"{"CallbackCommand":"State.StateChange","EventTime":1557481126950,"Info":{"Action":"Login","To_Account":"jared","Reason":"Register"},"KickedDevice":[{"Platform":"iOS"},{"Platform":"Android"}]}"#);
    let words = [
        (Presence::LoggedOut, r#""Action":"Logout","To_Account":"jared","Reason":"Unregister""#),
        (Presence::LinkClosed, r#""Action":"Disconnect","To_Account":"jared","Reason":"LinkClose""#),
        (Presence::TimedOut, r#""Action":"Disconnect","To_Account":"jared","Reason":"Timeout""#),
    ];
    for (presence, info) in words {
        let body = text(state_change(&StateChange { presence, kicked: &[], ..change }));
        assert_eq!(
            body,
            format!(r#"{{"CallbackCommand":"State.StateChange","EventTime":1557481126950,"Info":{{{info}}}}}"#)
        );
    }
}
