//! Lanying's callbacks, whole (lanying.md 8).

use insta::assert_snapshot;
use tidings_dialects::lanying::{Event, edited_callback, recalled_callback, sent_callback};
use tidings_domain::{App, Body, Content, ConversationKind, Ext, File, JsonText, Media, MsgId, UnixMillis, UserId};

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("bodies are UTF-8")
}

fn event(app: &App) -> Event<'_> {
    Event { app, msg_id: MsgId(9_007_199_254_740_991), from: UserId(16), to: 32, at: UnixMillis(1_752_600_000_123) }
}

#[test]
fn a_plain_text_has_the_keys_that_receivers_read_without_default_lanying_8() {
    let body = text(sent_callback(&event(&App::example()), ConversationKind::Direct, &Content::text("hi")));
    assert_snapshot!(body, @r#"{"appId":"welovemaxim","msgId":9007199254740991,"from":{"uid":"16"},"to":{"uid":"32"},"type":"CHAT","ctype":"TEXT","content":"hi","ext":"","timestamp":1752600000123}"#);
}

#[test]
fn ext_config_and_attachment_are_json_in_texts_lanying_8() {
    let media = Media { url: "https://h/4".to_owned(), name: Some("plan.pdf".to_owned()), ..Media::default() };
    let content = Content {
        body: Body::File(File { media }),
        ext: JsonText::parse(r#"{ "ai" : {"role":"ai"} }"#).ok().map(Ext::Object),
        config: Some(r#"{ "mentionAll":true }"#.to_owned()),
        verbatim: None,
    };
    let app = App::example();
    let body = text(sent_callback(&Event { to: 17, ..event(&app) }, ConversationKind::Group, &content));
    assert_snapshot!(body, @r#"{"appId":"welovemaxim","msgId":9007199254740991,"from":{"uid":"16"},"to":{"uid":"17"},"type":"GROUPCHAT","ctype":"FILE","content":"","ext":"{\"ai\":{\"role\":\"ai\"}}","config":"{ \"mentionAll\":true }","attachment":"{\"url\":\"https://h/4\",\"dName\":\"plan.pdf\"}","timestamp":1752600000123}"#);
    let in_room = text(sent_callback(&event(&app), ConversationKind::Room, &content));
    assert!(in_room.contains(r#""type":"GROUPCHAT""#), "{in_room}");
}

#[test]
fn an_edit_is_a_replace_of_the_message_lanying_8() {
    let body = text(edited_callback(&event(&App::example()), &Content::text("hullo")));
    assert_snapshot!(body, @r#"{"appId":"welovemaxim","msgId":9007199254740991,"from":{"uid":"16"},"to":{"uid":"32"},"type":"REPLACE","ctype":"TEXT","content":"hullo","ext":"","timestamp":1752600000123,"relatedMid":9007199254740991}"#);
}

#[test]
fn a_recall_is_no_text_lanying_8() {
    let body = text(recalled_callback(&event(&App::example())));
    assert_snapshot!(body, @r#"{"appId":"welovemaxim","msgId":9007199254740991,"from":{"uid":"16"},"to":{"uid":"32"},"type":"RECALL","ctype":"RECALL","content":"","ext":"","timestamp":1752600000123,"relatedMid":9007199254740991}"#);
}
