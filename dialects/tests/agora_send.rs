//! `POST /messages/users`: leniency of agora.md 2, errors of 8.2 and 8.3, sizes of decision 13.

use tidings_dialects::agora::{self, Call, Timing};
use tidings_domain::{App, ConversationId, MsgId, Policy, Sent, Target, UserId, UserRef};

fn refused(request: &str) -> (u16, &'static str, String) {
    let refusal = agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users)
        .expect_err("the request is wrong");
    (refusal.status, refusal.error, refusal.description.into_owned())
}

#[test]
fn errors_have_the_words_of_8_3() {
    let send = |text: &str| (400, "message_send_error", text.to_owned());
    let body = r#""type":"txt","body":{"msg":"x"}"#;
    assert_eq!(refused(&format!(r#"{{"from":"","to":["a"],{body}}}"#)), send("param from can't be empty"));
    for to in ["", r#""to":[],"#, r#""to":"","#, r#""to":null,"#] {
        assert_eq!(refused(&format!("{{{to}{body}}}")), send("param to can't be empty"));
    }
    assert_eq!(refused(r#"{"to":["a"],"body":{"msg":"x"}}"#), send("param type can't be empty"));
    assert_eq!(refused(r#"{"to":["a"],"type":"","body":{"msg":"x"}}"#), send("param type can't be empty"));
    for body in ["", r#","body":null"#, r#","body":{}"#] {
        assert_eq!(refused(&format!(r#"{{"to":["a"],"type":"txt"{body}}}"#)), send("param body can't be empty"));
    }
    for ext in ["null", "[1]", "\"x\"", "1"] {
        let request = format!(r#"{{"to":["a"],{body},"ext":{ext}}}"#);
        assert_eq!(refused(&request), send("param ext must be JSONObject"));
    }
    let many = vec!["\"a\""; 601].join(",");
    assert_eq!(refused(&format!(r#"{{"to":[{many}],{body}}}"#)), send("params to's size can't exceed limit 600"));
}

#[test]
fn wrong_json_has_the_words_of_8_2() {
    for text in ["", "{", "from=nora", "{\"to\":[\"a\"],}"] {
        let (status, error, description) = refused(text);
        assert_eq!((status, error), (400, "json_parse"));
        assert!(description.starts_with("Unexpected character."), "{description}");
    }
    for (text, wrong) in [
        ("[]", "it must be a JSON object"),
        ("7", "it must be a JSON object"),
        (r#"{"to":[1.5],"type":"txt","body":{"msg":"x"}}"#, "to: must be a string, or a whole number"),
        (r#"{"to":["a"],"type":1,"body":{"msg":"x"}}"#, "type: invalid type: integer `1`, expected a string"),
        (r#"{"to":["a"],"type":"txt","body":"x"}"#, "body must be an object"),
        (r#"{"to":["a"],"type":"txt","body":["x"]}"#, "body must be an object"),
        (r#"{"to":["a"],"type":"txt","body":{"msg":7}}"#, "body: msg: invalid type: integer `7`, expected a string"),
        (r#"{"to":["a"],"type":"txt","body":{"text":"x"}}"#, "body: missing field `msg`"),
        (
            r#"{"to":["a"],"type":"img","body":{"filename":"x"}}"#,
            "body: url, or uuid and secret of a file, is required",
        ),
        (r#"{"to":["a"],"type":"file","body":{"url":"x"}}"#, "body: filename is required"),
        (
            r#"{"to":["a"],"type":"loc","body":{"lat":"north","lng":"1","addr":""}}"#,
            "body: lat: expected a number or a decimal string",
        ),
        (
            r#"{"to":["a"],"type":"custom","body":{"customEvent":"with space"}}"#,
            "body: customEvent must be 1 to 32 of a-z A-Z 0-9 - _ / .",
        ),
        (
            r#"{"to":["a"],"type":"custom","body":{"customExts":{"n":1}}}"#,
            "body: customExts: invalid type: integer `1`, expected a string",
        ),
        (
            r#"{"to":["a"],"type":"text","body":{"msg":"x"}}"#,
            "type must be one of txt, img, audio, video, file, loc, cmd, custom",
        ),
        (r#"{"to":["a"],"type":"txt","body":{"msg":"x"},"sync_device":"2"}"#, "sync_device: must be true or false"),
    ] {
        // Clients parse the vendor's words; the detail follows them.
        let description = format!("Request body is invalid. Please check body is correct. {wrong}");
        assert_eq!(refused(text), (400, "invalid_request_body", description), "{text}");
    }
}

/// Under `strict_bodies` and without.
fn drafted(request: &str, strict: bool) -> Result<tidings_domain::Draft, agora::Refusal> {
    let policy = Policy { strict_bodies: strict, ..Policy::default() };
    agora::draft(request.as_bytes(), &policy, agora::Addressing::Users)
}

#[test]
fn bodies_are_taken_as_the_vendors_sdks_send_them_unless_they_are_strict_decision_38() {
    let uuid = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";
    let file = |kind: &str| format!(r#"{{"to":["a"],"type":"{kind}","body":{{"uuid":"{uuid}","secret":"s","x":1}}}}"#);
    for request in [
        r#"{"to":[1001],"type":"txt","body":{"msg":"x"}}"#.to_owned(),
        r#"{"to":1001,"from":7,"type":"txt","body":{"msg":"x"}}"#.to_owned(),
        r#"{"to":["a"],"type":"txt","body":{"msg":"x"},"ext":[]}"#.to_owned(),
        r#"{"to":["a"],"type":"custom","body":[ ]}"#.to_owned(),
        r#"{"to":["a"],"type":"cmd","body":{"k":"v"}}"#.to_owned(),
        r#"{"to":["a"],"type":"txt","body":{"msg":"x"},"roam_ignore_users":[5]}"#.to_owned(),
        file("img"),
        file("audio"),
        file("video"),
        file("file"),
    ] {
        assert!(drafted(&request, false).is_ok(), "{request}");
        assert_eq!(drafted(&request, true).unwrap_err().status, 400, "{request}");
    }
    let draft = drafted(r#"{"to":[1001],"type":"txt","body":{"msg":"x"},"ext":[]}"#, false).unwrap();
    assert_eq!(agora::ext_from(&draft.content).as_deref(), Some("{}"));
    let content = drafted(&file("file"), false).unwrap().content;
    assert_eq!(content.body.media().unwrap().url, format!("/chatfiles/{uuid}"));
    assert_eq!(agora::body_from(&content).1, format!(r#"{{"uuid":"{uuid}","secret":"s","x":1}}"#), "as it was sent");
    for half in
        [r#"{"uuid":"0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77"}"#, r#"{"secret":"s"}"#, r#"{"uuid":"../x","secret":"s"}"#]
    {
        let request = format!(r#"{{"to":["a"],"type":"file","body":{half}}}"#);
        assert_eq!(drafted(&request, false).unwrap_err().error, "invalid_request_body", "{half}");
    }
}

#[test]
fn a_size_does_not_depend_on_escapes_decision_40() {
    let request =
        |msg: &str, ext: &str| format!(r#"{{"to":["a"],"type":"txt","body":{{"msg":"{msg}"}},"ext":{{"k":"{ext}"}}}}"#);
    let verdict = |request: &str| drafted(request, false).map(|_| ()).map_err(|refusal| refusal.status);
    for (raw, escaped, bytes) in
        [("x", r"\u0078", 1), ("é", r"\u00e9", 2), ("猫", r"\u732b", 3), ("😀", r"\ud83d\ude00", 4), ("/", r"\/", 1)]
    {
        // {"k":""} is 8 bytes of ext, {"msg":""} 10 of body.
        for (count, verdict_of_ext) in [((3072 - 8) / bytes, Ok(())), ((3072 - 8) / bytes + 1, Err(413))] {
            for text in [raw, escaped] {
                assert_eq!(verdict(&request("", &text.repeat(count))), verdict_of_ext, "ext {text} {count}");
            }
        }
        for (count, verdict_of_body) in [((5120 - 18) / bytes, Ok(())), ((5120 - 18) / bytes + 1, Err(413))] {
            for text in [raw, escaped] {
                assert_eq!(verdict(&request(&text.repeat(count), "")), verdict_of_body, "body {text} {count}");
            }
        }
    }
}

#[test]
fn a_custom_message_has_at_most_16_exts() {
    let request = |count: usize| {
        let exts: Vec<String> = (0..count).map(|n| format!(r#""k{n}":"v""#)).collect();
        format!(r#"{{"to":["a"],"type":"custom","body":{{"customExts":{{{}}}}}}}"#, exts.join(","))
    };
    assert!(agora::draft(request(16).as_bytes(), &Policy::default(), agora::Addressing::Users).is_ok());
    assert_eq!(refused(&request(17)).1, "invalid_request_body");
}

#[test]
fn sizes_follow_decision_13() {
    let too_large = (413, "Request Entity Too Large", "Request Entity Too Large.".to_owned());
    let request = |msg: usize, ext: usize| {
        let (msg, ext) = ("m".repeat(msg), "e".repeat(ext));
        format!(r#"{{"to":["a"],"type":"txt","body":{{ "msg" : "{msg}" }},"ext": {{ "k":"{ext}" }}}}"#)
    };
    let accepted = |text: &str| agora::draft(text.as_bytes(), &Policy::default(), agora::Addressing::Users).is_ok();
    // {"msg":""} has 10 bytes and {"k":""} has 8.
    assert!(accepted(&request(5120 - 18 - 100, 100)));
    assert_eq!(refused(&request(5120 - 18 - 99, 100)), too_large);
    assert!(accepted(&request(1, 3072 - 8)));
    assert_eq!(refused(&request(1, 3072 - 7)), too_large);
}

#[test]
fn recipients_collapse_and_a_bare_string_is_one() {
    let names = |request: &str| -> Vec<String> {
        let draft = agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users).unwrap();
        let name = |target: &Target| match target {
            Target::User(UserRef::Name(name)) => name.written().to_owned(),
            Target::User(UserRef::Id(id)) => id.to_string(),
            Target::Group(_) | Target::Room(_) => unreachable!("users alone were named"),
        };
        draft.targets.iter().map(name).collect()
    };
    let body = r#""type":"txt","body":{"msg":"x"},"sync_device":true,"routetype":"ROUTE_ONLINE""#;
    assert_eq!(names(&format!(r#"{{"to":["Omar","pia","OMAR"],{body}}}"#)), ["Omar", "pia"]);
    assert_eq!(names(&format!(r#"{{"to":"omar",{body}}}"#)), ["omar"]);
}

#[test]
fn lenient_values_of_2_2_are_taken() {
    for body in [
        r#""type":"loc","body":{"lat":52.5,"lng":-13,"addr":""}"#,
        r#""type":"video","body":{"url":"u","thumbnail":"t","length":"12","file_length":"9"}"#,
        r#""type":"audio","body":{"url":"u"}"#,
        r#""type":"img","body":{"url":"u","size":null,"filename":null}"#,
    ] {
        let request = format!(r#"{{"to":["a"],{body}}}"#);
        assert!(agora::draft(request.as_bytes(), &Policy::default(), agora::Addressing::Users).is_ok(), "{body}");
    }
}

#[test]
fn the_answer_has_the_keys_of_2_4_and_folded_names() {
    let app = App::example();
    let uri = "https://chat.example.test/acme/lobby/messages/users";
    let call = Call { app: &app, action: "post", path: "/messages/users", uri };
    let sent = Sent {
        receiver: 32,
        conversation: ConversationId::direct(UserId(0), UserId(32)),
        msg_id: MsgId(1_402_118_873_456_100),
        seq: 1,
        username: "Omar".into(),
    };
    let timing = Timing { timestamp: 1_752_600_000_123, duration: 2 };
    insta::assert_snapshot!(String::from_utf8(agora::sent(&call, timing, &[sent])).unwrap(), @r#"{"path":"/messages/users","uri":"https://chat.example.test/acme/lobby/messages/users","timestamp":1752600000123,"organization":"acme","application":"3f1c2a90","action":"post","data":{"omar":"1402118873456100"},"duration":2,"applicationName":"lobby"}"#);
}

#[test]
fn an_error_has_the_keys_of_1_6() {
    let refusal = agora::Refusal::message_send("param to can't be empty");
    let json = agora::error(&refusal, Timing { timestamp: 5, duration: 0 });
    insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"error":"message_send_error","exception":"MessageSendErrorException","timestamp":5,"duration":0,"error_description":"param to can't be empty"}"#);
}

#[test]
fn a_user_is_shown_as_in_10_2() {
    let app = App::example();
    let call = Call { app: &app, action: "get", path: "/users/nora", uri: "http://h/acme/lobby/users/nora" };
    let user = agora::User {
        uuid: "u",
        username: "Nora",
        nickname: "",
        created: 1,
        modified: 2,
        activated: true,
        push: agora::Push::default(),
    };
    let json = agora::one_user(&call, Timing { timestamp: 5, duration: 0 }, &user, true);
    insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"path":"/users/nora","uri":"http://h/acme/lobby/users/nora","timestamp":5,"organization":"acme","application":"3f1c2a90","action":"get","entities":[{"uuid":"u","type":"user","created":1,"modified":2,"username":"nora","activated":true}],"duration":0,"applicationName":"lobby","count":1}"#);
}
