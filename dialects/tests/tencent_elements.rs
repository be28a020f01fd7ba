//! Every kind of message as Tencent's elements and back (tencent.md 5), and what receivers answer (1 and 6).

use tidings_dialects::tencent::{
    Failure, NotElements, Verdict, after_answer, elements, elements_back, refused_code, verdict,
};
use tidings_domain::{
    Body, Command, Content, ConversationKind, Custom, Dialect, Ext, File, Forward, Image, JsonText, Location, Media,
    Text, Verbatim, Video, Voice,
};

const FILE: &str = "https://h/acme/lobby/chatfiles/5b0d4a3e-2f10-4c7a-9a55-0f2f1f0c9e11";

fn content(body: Body) -> Content {
    Content { body, ext: None, config: None, verbatim: None }
}

fn media(url: &str, name: Option<&str>, size: Option<i64>) -> Media {
    Media { url: url.to_owned(), name: name.map(str::to_owned), size, secret: None }
}

fn custom(event: Option<&str>, exts: &[(&str, &str)]) -> Body {
    let exts = exts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Body::Custom(Custom { event: event.map(str::to_owned), exts })
}

fn place(latitude: &str, longitude: &str, address: Option<&str>) -> Body {
    let address = address.map(str::to_owned);
    Body::Location(Location { latitude: latitude.to_owned(), longitude: longitude.to_owned(), address })
}

#[test]
fn every_kind_is_one_element_that_leads_back_tencent_5() {
    let param = |json| JsonText::parse(json).ok();
    let table = [
        (
            Body::Text(Text { text: "a\0\"b".to_owned() }),
            r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a\u0000\"b"}}]"#.to_owned(),
        ),
        (
            Body::Voice(Voice { media: media(FILE, None, Some(900)), duration: Some(7.0) }),
            format!(r#"[{{"MsgType":"TIMSoundElem","MsgContent":{{"Url":"{FILE}","UUID":"5b0d4a3e-2f10-4c7a-9a55-0f2f1f0c9e11","Size":900,"Second":7,"Download_Flag":2}}}}]"#),
        ),
        (
            Body::File(File { media: media("https://h/4", Some("plan.pdf"), Some(5_000_000_000)) }),
            r#"[{"MsgType":"TIMFileElem","MsgContent":{"Url":"https://h/4","UUID":"","FileSize":5000000000,"FileName":"plan.pdf","Download_Flag":2}}]"#.to_owned(),
        ),
        (
            Body::Image(Image { media: media("https://h/cat.png?v=1", None, Some(9)), width: Some(640.0), height: Some(360.0) }),
            r#"[{"MsgType":"TIMImageElem","MsgContent":{"UUID":"","ImageFormat":3,"ImageInfoArray":[{"Type":1,"Size":9,"Width":640,"Height":360,"URL":"https://h/cat.png?v=1"},{"Type":2,"Size":9,"Width":640,"Height":360,"URL":"https://h/cat.png?v=1"},{"Type":3,"Size":9,"Width":640,"Height":360,"URL":"https://h/cat.png?v=1"}]}}]"#.to_owned(),
        ),
        (
            Body::Video(Video {
                media: media("https://h/c.mp4", None, Some(734_003)),
                duration: Some(12.0),
                width: Some(480.0),
                height: Some(360.0),
                thumbnail: Some(media("https://h/t.jpg", None, None)),
            }),
            r#"[{"MsgType":"TIMVideoFileElem","MsgContent":{"VideoUrl":"https://h/c.mp4","VideoUUID":"","VideoSize":734003,"VideoSecond":12,"VideoFormat":"mp4","VideoDownloadFlag":2,"ThumbUrl":"https://h/t.jpg","ThumbUUID":"","ThumbSize":0,"ThumbWidth":480,"ThumbHeight":360,"ThumbFormat":"jpg","ThumbDownloadFlag":2}}]"#.to_owned(),
        ),
        (
            place("52.51630", "-13.3777", Some("Pariser Platz")),
            r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"Pariser Platz","Latitude":52.51630,"Longitude":-13.3777}}]"#.to_owned(),
        ),
        (
            Body::Command(Command { action: "refresh".to_owned(), param: param(r#"{"n":9007199254740993}"#) }),
            r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"refresh","Desc":"command","Ext":"{\"n\":9007199254740993}","Sound":""}}]"#.to_owned(),
        ),
        (
            Body::Command(Command { action: "refresh".to_owned(), param: None }),
            r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"refresh","Desc":"command","Ext":"","Sound":""}}]"#.to_owned(),
        ),
        (
            custom(Some("gift"), &[("kind", "rose"), ("count", "3")]),
            r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"gift","Desc":"custom","Ext":"{\"kind\":\"rose\",\"count\":\"3\"}","Sound":""}}]"#.to_owned(),
        ),
        (custom(None, &[]), r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"","Desc":"custom","Ext":"","Sound":""}}]"#.to_owned()),
        (
            Body::Forward(Forward { text: "two messages".to_owned(), attachment: Some("[1,2]".to_owned()) }),
            r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"two messages","Desc":"forward","Ext":"[1,2]","Sound":""}}]"#.to_owned(),
        ),
    ];
    for (body, json) in table {
        let content = content(body);
        assert_eq!(elements(&content), json);
        assert_eq!(elements_back(&json), Ok(content), "and back: {json}");
    }
}

#[test]
fn what_is_not_known_is_zero_or_empty_and_fractions_are_rounded_tencent_4() {
    let image = |width| Body::Image(Image { media: media("https://h/1", None, Some(-1)), width, height: None });
    let info = |kind, width| format!(r#"{{"Type":{kind},"Size":0,"Width":{width},"Height":0,"URL":"https://h/1"}}"#);
    for (width, shown) in [(None, "0"), (Some(827.6), "828"), (Some(-3.0), "0"), (Some(1e99), "4294967295")] {
        let infos = [info(1, shown), info(2, shown), info(3, shown)].join(",");
        assert_eq!(
            elements(&content(image(width))),
            format!(
                r#"[{{"MsgType":"TIMImageElem","MsgContent":{{"UUID":"","ImageFormat":255,"ImageInfoArray":[{infos}]}}}}]"#
            )
        );
    }
    for odd in ["", "north", "1e999", "+1", "\"1\""] {
        let json = elements(&content(place(odd, "0.5", None)));
        assert!(json.contains(r#""Desc":"","Latitude":0,"Longitude":0.5"#), "{json}");
    }
}

#[test]
fn an_image_has_the_number_of_its_format_tencent_5() {
    let names = [("a.JPG", 1), ("a.jpeg", 1), ("a.gif", 2), ("a.png", 3), ("a.bmp", 4), ("a.webp", 255), ("png", 255)];
    for (name, format) in names {
        let image = Image { media: media(FILE, Some(name), None), ..Image::default() };
        let json = elements(&content(Body::Image(image)));
        let start =
            format!(r#"{{"UUID":"5b0d4a3e-2f10-4c7a-9a55-0f2f1f0c9e11","ImageFormat":{format},"ImageInfoArray""#);
        assert!(json.contains(&start), "{json}");
    }
}

#[test]
fn uuids_are_those_that_urls_end_in_tencent_5() {
    let uuid = |url: &str| {
        let json = elements(&content(Body::File(File { media: media(url, None, None) })));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json[0]["MsgContent"]["UUID"].as_str().unwrap().len()
    };
    assert_eq!([uuid(&format!("{FILE}?a=b")), uuid(&format!("{FILE}#x")), uuid(&FILE.to_uppercase())], [36; 3]);
    assert_eq!([uuid(""), uuid(&format!("{FILE}/x")), uuid(&format!("{FILE}1")), uuid("5b0d4a3e")], [0; 4]);
}

#[test]
fn of_several_elements_texts_are_joined_and_else_the_first_with_a_place_counts_tencent_5() {
    let text = |text: &str| Ok(Content::text(text));
    let many = |json: &str| elements_back(json);
    let hi = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi "}}"#;
    let you = r#"{"MsgContent":{"Text":"you","more":1},"MsgType":"TIMTextElem"}"#;
    let face = r#"{"MsgType":"TIMFaceElem","MsgContent":{"Index":1,"Data":"smile"}}"#;
    assert_eq!(many(&format!("[{hi},{you}]")), text("hi you"));
    assert_eq!(many(&format!("[{face},{you},{hi}]")), text("you"));
    assert_eq!(
        many(&format!("[{face},{face}]")),
        Ok(content(custom(Some("TIMFaceElem"), &[("Index", "1"), ("Data", "smile")])))
    );
}

#[test]
fn a_custom_element_that_is_not_ours_is_written_as_it_was_read_tencent_5() {
    let theirs =
        r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"a\":1}","Desc":"gift","Ext":"","Sound":"ding"}}]"#;
    let read = elements_back(theirs).unwrap();
    let exts = [("Data", "{\"a\":1}"), ("Desc", "gift"), ("Ext", ""), ("Sound", "ding")];
    assert_eq!(read, content(custom(Some("TIMCustomElem"), &exts)));
    assert_eq!(elements(&read), theirs);
}

#[test]
fn media_without_a_url_and_numbers_as_texts_are_read_tencent_5() {
    let json = r#"[{"MsgType":"TIMSoundElem","MsgContent":{"UUID":"x","Size":"9","Second":0,"Url":null}}]"#;
    let voice = Voice { media: media("", None, Some(9)), duration: None };
    assert_eq!(elements_back(json), Ok(content(Body::Voice(voice))));
    let json =
        r#"[{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":[{"Type":3,"URL":"t"},{"Type":1,"URL":"o"}]}}]"#;
    let image = Image { media: media("o", None, None), ..Image::default() };
    assert_eq!(elements_back(json), Ok(content(Body::Image(image))));
}

#[test]
fn what_is_no_msg_body_has_the_vendors_numbers_tencent_7() {
    let table = [
        ("", 90002),
        ("[", 90002),
        ("[]", 90002),
        ("{}", 90007),
        ("\"x\"", 90007),
        ("[1]", 90010),
        ("[[]]", 90010),
        (r#"[{"MsgType":"TIMTextElem"}]"#, 90010),
        (r#"[{"MsgContent":{"Text":"a"}}]"#, 90010),
        (r#"[{"MsgType":"TIMTextElem","MsgContent":{}}]"#, 90010),
        (r#"[{"MsgType":"TIMTextElem","MsgContent":["a"]}]"#, 90010),
        (r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Latitude":1}}]"#, 90010),
        (r#"[{"MsgType":"TIMFaceElem","MsgContent":7}]"#, 90010),
    ];
    for (json, code) in table {
        assert_eq!(elements_back(json).map_err(NotElements::code), Err(code), "{json}");
    }
}

fn hi() -> Content {
    let ext = Some(Ext::Object(JsonText::parse(r#"{"k":"v"}"#).expect("it is JSON")));
    Content { ext, config: Some("{}".to_owned()), ..Content::text("hi") }
}

fn judged(answer: &str) -> Option<Verdict> {
    verdict(200, answer.as_bytes(), &hi())
}

fn refused(code: Option<i32>, info: &str) -> Verdict {
    Verdict::Refuse { code, info: info.to_owned() }
}

#[test]
fn error_code_decides_tencent_6() {
    let answer = |code: &str| judged(&format!(r#"{{"ActionStatus":"OK","ErrorCode":{code},"ErrorInfo":"no"}}"#));
    assert_eq!(answer("0"), Some(Verdict::Deliver));
    assert_eq!(answer("1"), Some(refused(None, "no")));
    assert_eq!(answer("2"), Some(Verdict::Discard));
    assert_eq!([answer("120001"), answer("130000")], [120_001, 130_000].map(|code| Some(refused(Some(code), "no"))));
    for none in ["3", "-1", "120000", "130001", "4294967297", "null", "true", "\"x\""] {
        assert_eq!(answer(none), None, "{none}");
    }
}

#[test]
fn a_refused_sender_is_told_20006_or_10016_tencent_6() {
    let codes = [ConversationKind::Direct, ConversationKind::Group, ConversationKind::Room].map(refused_code);
    assert_eq!(codes, [20006, 10016, 10016]);
}

#[test]
fn answers_are_read_leniently_tencent_1() {
    assert_eq!(judged(r#" {"ErrorCode":"0","more":[]} "#), Some(Verdict::Deliver));
    assert_eq!(judged(r#"{"ActionStatus":7,"ErrorCode":1,"ErrorInfo":null}"#), Some(refused(None, "")));
}

#[test]
fn what_is_no_answer_is_no_verdict_tencent_1() {
    for none in ["", "OK", "[0]", "{}", r#"{"ActionStatus":"OK"}"#, r#"{"ErrorCode":0} x"#, "null"] {
        assert_eq!(judged(none), None, "{none}");
    }
    for status in [201, 204, 301, 404, 500] {
        assert_eq!(verdict(status, br#"{"ErrorCode":0}"#, &hi()), None, "{status}");
    }
}

#[test]
fn msg_body_and_cloud_custom_data_replace_with_0_alone_tencent_6() {
    let new = r#""MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"h*"}}],"CloudCustomData":"{\"k\":2}""#;
    let changed = Content { ext: Some(Ext::Text("{\"k\":2}".to_owned())), config: hi().config, ..Content::text("h*") };
    assert_eq!(judged(&format!(r#"{{"ErrorCode":0,{new}}}"#)), Some(Verdict::DeliverChanged(Box::new(changed))));
    assert_eq!(judged(&format!(r#"{{"ErrorCode":1,{new}}}"#)), Some(refused(None, "")));
    assert_eq!(judged(&format!(r#"{{"ErrorCode":2,{new}}}"#)), Some(Verdict::Discard));
}

#[test]
fn empty_and_repeated_replacements_change_nothing_tencent_6() {
    for same in [
        r#""MsgBody":null,"CloudCustomData":null"#,
        r#""MsgBody":[ ],"CloudCustomData":"""#,
        r#""MsgBody":[{"MsgContent":{"Text":"h\u0069"}, "MsgType":"TIMTextElem"}],"CloudCustomData":"{\"k\":\"v\"}""#,
    ] {
        assert_eq!(judged(&format!(r#"{{"ErrorCode":0,{same}}}"#)), Some(Verdict::Deliver), "{same}");
    }
}

#[test]
fn a_replacement_that_cannot_be_read_is_no_verdict_tencent_6() {
    for odd in ["{}", "7", r#"[{"MsgType":"TIMTextElem"}]"#] {
        assert_eq!(judged(&format!(r#"{{"ErrorCode":0,"MsgBody":{odd}}}"#)), None, "{odd}");
    }
}

#[test]
fn a_file_at_the_same_address_keeps_its_name_and_secret_tencent_5() {
    let mut media = media("https://h/1", Some("a.amr"), Some(9));
    media.secret = Some("Qz8".to_owned());
    let json = JsonText::parse(r#"{"odd":1}"#).unwrap();
    let verbatim = Some(Verbatim { dialect: Dialect::Agora, json });
    let sent = Content { verbatim, ..content(Body::Voice(Voice { media: media.clone(), duration: Some(1.0) })) };
    let changed = |url: &str| {
        let element = format!(r#"{{"MsgType":"TIMSoundElem","MsgContent":{{"Url":"{url}","Size":9,"Second":2}}}}"#);
        verdict(200, format!(r#"{{"ErrorCode":0,"MsgBody":[{element}]}}"#).as_bytes(), &sent)
    };
    let voice =
        |media| Some(Verdict::DeliverChanged(Box::new(content(Body::Voice(Voice { media, duration: Some(2.0) })))));
    assert_eq!(changed("https://h/1"), voice(media));
    assert_eq!(
        changed("https://h/2"),
        voice(Media { url: "https://h/2".to_owned(), size: Some(9), ..Media::default() })
    );
}

#[test]
fn complaints_after_the_event_are_told_decision_33() {
    let failed = |code, info: &str| Some(Failure { code, info: info.to_owned() });
    assert_eq!(after_answer(br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#), None);
    assert_eq!(after_answer(br#"{"ActionStatus":"FAIL","ErrorInfo":"db","ErrorCode":1}"#), failed(1, "db"));
    assert_eq!(after_answer(br#"{"ActionStatus":"FAIL"}"#), failed(0, ""));
    assert_eq!(after_answer(br#"{"ActionStatus":"OK","ErrorCode":"7"}"#), failed(7, ""));
    for any in ["", "ok", "[]", "{}", "{\"ErrorCode\":null}", "\u{feff}{}"] {
        assert_eq!(after_answer(any.as_bytes()), None, "{any}");
    }
}
