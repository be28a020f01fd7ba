//! Every kind of message, from each dialect to the other (lanying.md 4, agora.md 2.2).

use tidings_dialects::{agora, lanying};
use tidings_domain::{Content, Policy};

mod support;

use support::lanying_draft;

fn from_agora(kind: &str, body: &str) -> Content {
    let request = format!(r#"{{"from":"nora","to":["omar"],"type":"{kind}","body":{body}}}"#);
    agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users)
        .expect("the table holds valid bodies")
        .content
}

fn from_lanying(rest: &str) -> Content {
    let request = format!(r#"{{"type":1,"targets":[32],{rest}}}"#);
    lanying_draft(request.as_bytes(), &Policy::default()).expect("the table holds valid bodies").content
}

#[test]
fn what_agora_writes_reads_in_lanying_as() {
    let table = [
        ("txt", r#"{"msg":"lunch?"}"#, "TEXT", "lunch?", None),
        (
            "img",
            r#"{"filename":"cat.png","secret":"Qz8","url":"https://h/1","size":{"width":640,"height":360.5}}"#,
            "IMAGE",
            "",
            Some(r#"{"url":"https://h/1","dName":"cat.png","width":640,"height":360.5,"secret":"Qz8"}"#),
        ),
        (
            "audio",
            r#"{"filename":"hi.amr","length":7,"url":"https://h/2"}"#,
            "AUDIO",
            "",
            Some(r#"{"url":"https://h/2","dName":"hi.amr","duration":7}"#),
        ),
        (
            "video",
            r#"{"filename":"c.mp4","thumb":"https://h/t","thumb_secret":"t9","length":12,"file_length":734003,"url":"https://h/3"}"#,
            "VIDEO",
            "",
            Some(r#"{"url":"https://h/3","dName":"c.mp4","fLen":734003,"duration":12}"#),
        ),
        (
            "file",
            r#"{"filename":"plan.pdf","file_length":9,"url":"https://h/4"}"#,
            "FILE",
            "",
            Some(r#"{"url":"https://h/4","dName":"plan.pdf","fLen":9}"#),
        ),
        (
            "loc",
            r#"{"lat":"52.51630","lng":"13.3777","addr":"Pariser Platz"}"#,
            "LOCATION",
            "",
            Some(r#"{"lat":52.51630,"lon":13.3777,"addr":"Pariser Platz"}"#),
        ),
        ("cmd", r#"{"action":"refresh"}"#, "COMMAND", "refresh", None),
        (
            "cmd",
            r#"{"action":"refresh","param":{"n":9007199254740993}}"#,
            "COMMAND",
            "refresh",
            Some(r#"{"n":9007199254740993}"#),
        ),
        (
            "custom",
            r#"{"customEvent":"gift","customExts":{"kind":"rose","count":"3"}}"#,
            "COMMAND",
            "gift",
            Some(r#"{"kind":"rose","count":"3"}"#),
        ),
        ("custom", "{}", "COMMAND", "", None),
    ];
    for (kind, body, ctype, text, attachment) in table {
        let content = from_agora(kind, body);
        let fields = lanying::fields_of(&content);
        assert_eq!((fields.ctype, &*fields.content, fields.attachment.as_deref()), (ctype, text, attachment), "{body}");
        assert_eq!(agora::body_from(&content), (kind, body.to_owned()), "and back");
        assert_eq!(content.verbatim, None, "bodies in the order of the vendor's samples need no copy: {body}");
    }
}

#[test]
fn what_lanying_writes_reads_in_agora_as() {
    let table = [
        (r#""content_type":0,"content":"hi""#, "txt", r#"{"msg":"hi"}"#),
        (
            r#""content_type":1,"content":"","attachment":"{\"url\":\"https://h/1\",\"dName\":\"cat.png\",\"fLen\":9,\"width\":828.0,\"height\":1792.0}""#,
            "img",
            r#"{"filename":"cat.png","file_length":9,"url":"https://h/1","size":{"width":828,"height":1792}}"#,
        ),
        (
            r#""content_type":2,"attachment":"{\"url\":\"https://h/2\",\"duration\":7}""#,
            "audio",
            r#"{"length":7,"url":"https://h/2"}"#,
        ),
        (
            r#""content_type":3,"attachment":"{\"url\":\"https://h/3\",\"duration\":7,\"width\":1,\"height\":2}""#,
            "video",
            r#"{"length":7,"url":"https://h/3","size":{"width":1,"height":2}}"#,
        ),
        (
            r#""content_type":4,"attachment":"{\"url\":\"https://h/4\",\"dName\":\"plan.pdf\"}""#,
            "file",
            r#"{"filename":"plan.pdf","url":"https://h/4"}"#,
        ),
        (
            r#""content_type":5,"attachment":"{\"lat\":40.020,\"lon\":116.39,\"addr\":\"x\"}""#,
            "loc",
            r#"{"lat":"40.020","lng":"116.39","addr":"x"}"#,
        ),
        (
            r#""content_type":6,"content":"refresh","attachment":"{\"n\":1}""#,
            "cmd",
            r#"{"action":"refresh","param":{"n":1}}"#,
        ),
        (r#""content_type":6,"content":"refresh","attachment":"not json""#, "cmd", r#"{"action":"refresh"}"#),
        (
            r#""content_type":7,"content":"two messages","attachment":"[1,2]""#,
            "custom",
            r#"{"customEvent":"forward","customExts":{"text":"two messages","attachment":"[1,2]"}}"#,
        ),
    ];
    for (request, kind, body) in table {
        assert_eq!(agora::body_from(&from_lanying(request)), (kind, body.to_owned()), "{request}");
    }
}

#[test]
fn ext_crosses_as_decision_11_says() {
    let from_text = |text: &str| {
        let ext = serde_json::to_string(text).unwrap();
        agora::ext_from(&from_lanying(&format!(r#""content_type":0,"content":"","ext":{ext}"#)))
    };
    assert_eq!(from_text("plain \u{1F600}").as_deref(), Some("{\"ext\":\"plain \u{1F600}\"}"));
    assert_eq!(from_text("[1]").as_deref(), Some(r#"{"ext":"[1]"}"#));
    assert_eq!(from_text(r#"{ "a" : 1.0 }"#).as_deref(), Some(r#"{"a":1.0}"#));
    assert_eq!(from_text(""), None, "empty and absent are equal");

    let from_object = |ext: &str| {
        let request = format!(r#"{{"to":["omar"],"type":"txt","body":{{"msg":""}},"ext":{ext}}}"#);
        let content = agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users).unwrap().content;
        let text = lanying::fields_of(&content).ext.unwrap().into_owned();
        (text, agora::ext_from(&content).unwrap())
    };
    assert_eq!(from_object(r#"{"ext":"pl\u0061in"}"#), ("plain".into(), r#"{"ext":"pl\u0061in"}"#.into()));
    assert_eq!(from_object(r#"{"ext":"{}"}"#), (r#"{"ext":"{}"}"#.into(), r#"{"ext":"{}"}"#.into()));
    assert_eq!(from_object(r#"{"ext":"a","b":1}"#).0, r#"{"ext":"a","b":1}"#);
}
