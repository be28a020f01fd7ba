//! Decision 11: what a dialect writes, it gets back verbatim.

use tidings_dialects::{agora, lanying};
use tidings_domain::{Content, Policy};

mod support;

use support::lanying_draft;

fn agora_draft(body: &str, ext: &str) -> Content {
    let request = format!("{{ \"to\" : [\"omar\"],\n\"type\":\"txt\", \"body\" : {body}, \"ext\":{ext} }}");
    agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users)
        .expect("the test's bodies are valid")
        .content
}

#[test]
fn agora_gets_tokens_back_and_white_space_dropped() {
    let bodies = [
        (r#"{"msg":"👩‍👩‍👧 \u0000 \ud83d\ude00 \/ \n"}"#, r#"{"msg":"👩‍👩‍👧 \u0000 \ud83d\ude00 \/ \n"}"#),
        (
            r#"{ "msg" : "a b" , "mine" : [ 1.0e+5, 900719925474099312345 ] }"#,
            r#"{"msg":"a b","mine":[1.0e+5,900719925474099312345]}"#,
        ),
        (r#"{"x":{"deep":null},"msg":"late"}"#, r#"{"x":{"deep":null},"msg":"late"}"#),
    ];
    for (sent, back) in bodies {
        let content = agora_draft(sent, "{}");
        assert_eq!(agora::body_from(&content), ("txt", back.to_owned()));
    }
}

#[test]
fn agora_ext_keeps_digits_escapes_and_order() {
    let ext = r#"{"n":9007199254740993,"f":1.10,"e":"\u00e9\ud83d\ude00","dup":1,"dup":[2],"n2":-0,"o":{"b":1,"a":2}}"#;
    assert_eq!(agora::ext_from(&agora_draft(r#"{"msg":""}"#, ext)).as_deref(), Some(ext));
}

#[test]
fn u0000_reads_in_the_other_dialect_as_the_character() {
    let content = agora_draft(r#"{"msg":"a\u0000b"}"#, "{}");
    assert_eq!(lanying::fields_of(&content).content, "a\0b");
    assert_eq!(content.verbatim, None);
}

#[test]
fn msg_in_place_of_type_and_body_shows_as_the_body_agora_2_5() {
    let request = br#"{"to":"omar","from":"nora","msg":{"type":"txt","msg":"hi","k":1.0}}"#;
    let content = agora::draft(request, &Policy::default(), agora::Addressing::Users).unwrap().content;
    assert_eq!(agora::body_from(&content), ("txt", r#"{"msg":"hi","k":1.0}"#.to_owned()));
}

#[test]
fn lanying_gets_its_texts_back() {
    let texts = [
        (0, "text 👩‍👩‍👧 \0 \u{feff}", "ignored? no"),
        (1, "caption", r#"{ "fLen":9 , "url":"https:\/\/h\/1","width":828.0,"more":1e2 }"#),
        (4, "", r#"{"fLen":"x","url":"x","url2":7}"#),
        (5, "", r#"{"lat":"40.02","lon":116.390,"addr":"x"}"#),
        (5, "here", ""),
        (6, "go", "not json"),
        (7, "fwd", "[]"),
    ];
    for (content_type, text, attachment) in texts {
        let request = serde_json::json!({
            "type": "1", "targets": ["32"], "content_type": content_type.to_string(), "content": text,
            "attachment": attachment, "config": "{ \"mentionAll\" : true }", "ext": "{ \"a\" : 1.0 }",
        });
        let content = lanying_draft(request.to_string().as_bytes(), &Policy::default()).unwrap().content;
        let fields = lanying::fields_of(&content);
        assert_eq!(fields.content, text);
        assert_eq!(fields.attachment.as_deref().unwrap_or_default(), attachment);
        assert_eq!(fields.config.as_deref(), Some("{ \"mentionAll\" : true }"));
        assert_eq!(fields.ext.as_deref(), Some("{ \"a\" : 1.0 }"));
    }
}

#[test]
fn lone_surrogates_are_refused_alike_wherever_they_stand() {
    for (field, fields) in [
        ("body", r#""body":{"msg":"\ud800"}"#),
        ("body", r#""body":{"msg":"x","more":["\udc00"]}"#),
        ("ext", r#""body":{"msg":"x"},"ext":{"k":"\ud83d"}"#),
        ("ext", r#""body":{"msg":"x"},"ext":{"\ude00":{}}"#),
        ("from", r#""body":{"msg":"x"},"from":"\ud800""#),
    ] {
        let agora = format!(r#"{{"to":["omar"],"type":"txt",{fields}}}"#);
        let refusal = agora::draft(agora.as_bytes(), &Policy::default(), agora::Addressing::Users).unwrap_err();
        assert_eq!(refusal.error, "invalid_request_body", "{fields}");
        assert!(refusal.description.contains(&format!("{field} has an unpaired surrogate")), "{refusal:?}");
    }
    for field in ["content", "ext", "config", "attachment"] {
        let lanying = format!(r#"{{"type":1,"targets":[32],"content_type":6,"content":"x","{field}":"\ud800"}}"#);
        let refusal = lanying_draft(lanying.as_bytes(), &Policy::default()).unwrap_err();
        assert_eq!((refusal.code, refusal.message.contains(field)), (10002, true), "{refusal:?}");
    }
}

#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_in_body_and_ext_alike() {
    let request = br#"{"to":["omar"],"type":"txt","type":"txt","body":{"msg":"a","msg":"b"},"ext":{"k":1,"k":2}}"#;
    let content = agora::draft(request, &Policy::default(), agora::Addressing::Users).unwrap().content;
    assert_eq!(lanying::fields_of(&content).content, "b");
    // Readers that take the first value would otherwise see text in a body that no word filter has checked; an `ext` is
    // the app's own, and stored verbatim.
    assert_eq!(agora::body_from(&content).1, r#"{"msg":"b"}"#);
    assert_eq!(agora::ext_from(&content).as_deref(), Some(r#"{"k":1,"k":2}"#));
}

#[test]
fn an_ext_of_the_other_dialect_that_no_reader_takes_is_shown_as_a_text() {
    let lanying = br#"{"type":1,"targets":[32],"content_type":0,"content":"x","ext":"{\"a\":\"\\ud800\"}"}"#;
    let content = lanying_draft(lanying, &Policy::default()).unwrap().content;
    assert_eq!(agora::ext_from(&content).as_deref(), Some(r#"{"ext":"{\"a\":\"\\ud800\"}"}"#));
}
