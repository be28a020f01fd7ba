//! Contents on the wire of the vendor's client SDKs, there and back.

use tidings_dialects::agora::{
    Addressing, Names, body_from, draft,
    msync::{
        self, content_from, ext_object, key_values,
        pb::message_body::{
            Type,
            content::{SubType, Type as Kind},
        },
        wire_content,
    },
};
use tidings_domain::{
    Content, ConversationId, Delivery, GroupId, JsonText, Message, MsgId, Policy, Priority, RoomId, UnixMillis, UserId,
};

fn content(kind_and_body: &str) -> Content {
    let request = format!(r#"{{"from":"nora","to":["omar"],{kind_and_body}}}"#);
    draft(request.as_bytes(), &Policy::default(), Addressing::Users).expect("a request").content
}

fn message(conversation: ConversationId, content: Content) -> Message {
    Message::plain(conversation, MsgId(7), (UserId(16), UnixMillis(1_752_588_123_456)), content)
}

fn names() -> Names {
    Names::new([(UserId(16), "Nora".to_owned()), (UserId(32), "omar".to_owned())])
}

#[test]
fn every_kind_of_content_comes_back_from_the_wire() {
    let all = [
        (r#""type":"txt","body":{"msg":"hi \"there\""}"#, Kind::Text),
        (
            r#""type":"img","body":{"filename":"a.png","secret":"s","url":"https://f/1","size":{"width":480,"height":720}}"#,
            Kind::Image,
        ),
        (r#""type":"audio","body":{"filename":"a.amr","length":10,"secret":"s","url":"https://f/2"}"#, Kind::Voice),
        (
            r#""type":"video","body":{"filename":"v.mp4","thumb":"https://f/t","thumb_secret":"ts","length":3,"file_length":58103,"secret":"s","url":"https://f/3","size":{"width":4,"height":3}}"#,
            Kind::Video,
        ),
        (r#""type":"file","body":{"filename":"f.zip","file_length":9,"url":"https://f/4"}"#, Kind::File),
        (r#""type":"loc","body":{"lat":"52.5","lng":"13","addr":"Berlin"}"#, Kind::Location),
        (r#""type":"cmd","body":{"action":"wave","param":{"p":1,"q":"r"}}"#, Kind::Command),
        (r#""type":"custom","body":{"customEvent":"gift","customExts":{"kind":"rose","count":"3"}}"#, Kind::Custom),
    ];
    for (sent, kind) in all {
        let sent = content(sent);
        let wire = wire_content(&sent);
        assert_eq!((wire.kind(), wire.sub_type), (kind, None), "{sent:?}");
        assert_eq!(content_from(&wire, None).unwrap().body, sent.body);
    }
}

#[test]
fn what_only_the_body_says_comes_back_too() {
    let combined = content(
        r#""type":"txt","body":{"msg":"older","subType":"sub_combine","title":"T","summary":"S","combineLevel":1,"filename":"c","url":"https://f/c","secret":"s","file_length":9}"#,
    );
    let wire = wire_content(&combined);
    // Zero, and set: clients look for the field.
    assert_eq!((wire.sub_type, wire.kind()), (Some(SubType::Combine.into()), Kind::Text));
    let back = body_from(&content_from(&wire, None).unwrap()).1;
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    assert_eq!(value(&back), value(&body_from(&combined).1));
    let gif = content(r#""type":"img","body":{"filename":"a.gif","url":"https://f/1","subType":"sub_gif"}"#);
    let back = body_from(&content_from(&wire_content(&gif), None).unwrap()).1;
    assert_eq!(value(&back)["subType"], "sub_gif");
    let house = content(r#""type":"loc","body":{"lat":"1","lng":"2","addr":"a","buildingName":"B"}"#);
    let back = body_from(&content_from(&wire_content(&house), None).unwrap()).1;
    assert_eq!(value(&back)["buildingName"], "B");
}

#[test]
fn a_message_that_lacks_what_its_kind_needs_is_refused() {
    let mut wire = wire_content(&content(r#""type":"img","body":{"filename":"a.png","url":"https://f/1"}"#));
    wire.remote_path = None;
    assert!(content_from(&wire, None).unwrap_err().description.contains("url"));
    let mut nowhere = wire_content(&content(r#""type":"loc","body":{"lat":"1","lng":"2","addr":"a"}"#));
    nowhere.latitude = Some(f64::NAN);
    assert!(content_from(&nowhere, None).unwrap_err().description.contains("lat"));
}

#[test]
fn an_envelope_names_sender_receiver_and_kind_of_conversation() {
    let hi = || content(r#""type":"txt","body":{"msg":"hi"},"ext":{"k":1}"#);
    let direct = message(ConversationId::direct(UserId(16), UserId(32)), hi());
    let body = msync::body_of(&direct, &names(), "acme#lobby");
    let (from, to) = (body.from.as_ref().unwrap(), body.to.as_ref().unwrap());
    assert_eq!((from.app_key(), from.name(), from.domain()), ("acme#lobby", "nora", "easemob.com"));
    assert_eq!((to.name(), body.kind(), ext_object(&body.ext)), ("omar", Type::Chat, r#"{"k":1}"#.to_owned()));

    let asking = Delivery { need_ack: true, ..Delivery::default() };
    let group = Message { delivery: asking, ..message(ConversationId::Group(GroupId(17)), hi()) };
    let group = Message { edited_at: Some(UnixMillis(5)), edits: 2, audience: vec![UserId(32)], ..group };
    let body = msync::body_of(&group, &names(), "acme#lobby");
    assert_eq!((body.kind(), body.to.as_ref().unwrap().domain()), (Type::Groupchat, "conference.easemob.com"));
    assert_eq!(body.msg_config.as_ref().unwrap().allow_group_ack, Some(true));
    assert_eq!(body.meta(), r#"{"edit_msg":{"count":2,"operator":"nora","edit_time":5}}"#);
    let envelope = msync::meta(&group, &names(), "acme#lobby");
    assert_eq!(
        (envelope.id, envelope.routetype, &envelope.directed_users[..]),
        (Some(7), Some(2), &["omar".to_owned()][..])
    );

    let high = Delivery { priority: Priority::High, ..Delivery::default() };
    let room = Message { delivery: high, ..message(ConversationId::Room(RoomId(18)), hi()) };
    let envelope = msync::meta(&room, &names(), "acme#lobby");
    assert_eq!(ext_object(&envelope.ext), r#"{"chatroom_msg_tag":0}"#);
    assert_eq!(msync::body_of(&room, &names(), "acme#lobby").kind(), Type::Chatroom);
}

#[test]
fn an_ext_that_a_client_sends_is_an_object_again() {
    let entries = key_values(r#"{"b":true,"i":1,"s":"x","o":{"k":[]}}"#);
    let ext = JsonText::parse(&ext_object(&entries)).unwrap();
    let text = wire_content(&content(r#""type":"txt","body":{"msg":"hi"}"#));
    let content = content_from(&text, Some(ext)).unwrap();
    assert_eq!(tidings_dialects::agora::ext_from(&content).unwrap(), r#"{"b":true,"i":1,"s":"x","o":{"k":[]}}"#);
}
