use std::time::Instant;

use hyper::HeaderMap;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};

use super::*;

const QUERY: &str = "SdkAppid=1400000001&CallbackCommand=C2C.CallbackAfterSendMsg&contenttype=json\
                     &ClientIP=127.0.0.1&OptPlatform=RESTAPI";
/// The official vector (tencent.md 3).
const SIGN: &str = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";
const REQUEST_TIME: i64 = 1_669_872_112;

fn strict(token: Option<&str>) -> StrictTencent {
    let clock = Arc::new(ManualClock::new(UnixMillis(REQUEST_TIME * 1000)));
    StrictTencent { sdk_appid: 1_400_000_001, token: token.map(str::to_owned), clock }
}

/// The seed's example, without its comments.
fn seed() -> Value {
    json!({
        "CallbackCommand": "C2C.CallbackAfterSendMsg",
        "From_Account": "jared",
        "To_Account": "Jonh",
        "MsgSeq": 48374,
        "MsgRandom": 2_837_546,
        "MsgTime": 1_557_481_126,
        "MsgKey": "48374_2837546_1557481126",
        "OnlineOnlyFlag": 1,
        "SendMsgResult": 0,
        "ErrorInfo": "send msg succeed",
        "UnreadMsgNum": 7,
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "red packet"}}],
        "CloudCustomData": "your cloud custom data",
    })
}

fn received(query: &str, body: &str) -> Received {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("content-length", body.len().into());
    let (path, query, at) = ("/".to_owned(), query.to_owned(), Instant::now());
    Received { method: Method::POST, path, query, headers, body: body.to_owned().into(), at }
}

fn check_query(token: Option<&str>, query: &str) -> Result<(), String> {
    strict(token).check(&received(query, &seed().to_string()))
}

/// A body with a matching query.
fn check_body(body: &Value) -> Result<(), String> {
    let command = body["CallbackCommand"].as_str().unwrap_or("C2C.CallbackAfterSendMsg");
    let query = QUERY.replace("C2C.CallbackAfterSendMsg", command);
    strict(None).check(&received(&query, &body.to_string()))
}

/// The seed's example with these values replaced; `null` removes a key.
fn with(changes: Value) -> Value {
    changed(seed(), changes)
}

fn changed(mut body: Value, changes: Value) -> Value {
    let object = body.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.remove(key)
        } else {
            object.insert(key.clone(), value.clone())
        };
    }
    body
}

fn assert_refused(checked: Result<(), String>, why: &str) {
    let said = checked.expect_err(why);
    assert!(said.contains(why), "{said} rather than {why}");
}

fn element(msg_type: &str, content: Value) -> Value {
    json!({"MsgType": msg_type, "MsgContent": content})
}

#[test]
fn the_seeds_example_passes() {
    assert_eq!(check_query(None, QUERY), Ok(()));
    assert_eq!(check_query(None, &format!("s=route&t&{QUERY}")), Ok(()), "the operator's own parameters come first");
    let by_ipv6 = QUERY.replace("127.0.0.1", "2001%3Adb8%3A%3A1");
    assert_eq!(check_query(None, &by_ipv6), Ok(()));
}

#[test]
fn the_seeds_comments_are_refused() {
    let commented = seed().to_string().replace(",\"From_Account\"", ", // Callback command\n\"From_Account\"");
    assert_refused(strict(None).check(&received(QUERY, &commented)), "not plain JSON");
}

#[test]
fn a_query_that_is_not_as_documented_is_refused() {
    let table = [
        (QUERY.replace("SdkAppid", "SdkAppId"), "SdkAppid is written SdkAppId"),
        (QUERY.replace("SdkAppid", "sdkappid"), "SdkAppid is written sdkappid"),
        (QUERY.replace("CallbackCommand=", "callbackCommand="), "CallbackCommand is written"),
        (QUERY.replace("contenttype", "contentType"), "contenttype is written"),
        (QUERY.replace("ClientIP", "ClientIp"), "ClientIP is written"),
        (QUERY.replace("OptPlatform", "Optplatform"), "OptPlatform is written"),
        (QUERY.replace("SdkAppid=1400000001&", ""), "SdkAppid is missing"),
        (QUERY.replace("CallbackCommand=C2C.CallbackAfterSendMsg&", ""), "CallbackCommand is missing"),
        (QUERY.replace("contenttype=json&", ""), "contenttype is missing"),
        (QUERY.replace("ClientIP=127.0.0.1&", ""), "ClientIP is missing"),
        (QUERY.replace("&OptPlatform=RESTAPI", ""), "OptPlatform is missing"),
        (QUERY.replace("1400000001", "1400000002"), "SdkAppid is \"1400000002\""),
        (QUERY.replace("=json", "=JSON"), "contenttype is \"JSON\""),
        (QUERY.replace("RESTAPI", "RestApi"), "OptPlatform is \"RestApi\""),
        (QUERY.replace("127.0.0.1", ""), "ClientIP is no address"),
        (QUERY.replace("127.0.0.1", "localhost"), "ClientIP is no address"),
        (format!("{QUERY}&SdkAppid=1400000001"), "SdkAppid is there twice"),
        (format!("{QUERY}&OptPlatform=RESTAPI"), "OptPlatform is there twice"),
        (format!("{QUERY}&s=route"), "s is not documented"),
        (QUERY.replace("AfterSendMsg", "BeforeSendMsg"), "CallbackCommand is C2C.CallbackAfterSendMsg in the body"),
        (format!("{QUERY}&Sign={SIGN}&RequestTime={REQUEST_TIME}"), "signed, although"),
    ];
    for (query, why) in table {
        assert_refused(check_query(None, &query), why);
    }
}

#[test]
fn a_token_demands_a_fresh_sign_of_its_own_tencent_3() {
    let signed = format!("{QUERY}&Sign={SIGN}&RequestTime={REQUEST_TIME}");
    assert_eq!(check_query(Some("xxxxyyyy"), &signed), Ok(()));
    assert_refused(check_query(Some("xxxxyyyz"), &signed), "Sign is");
    let table = [
        (QUERY.to_owned(), "Sign is missing"),
        (format!("{QUERY}&Sign={SIGN}"), "RequestTime is missing"),
        (format!("{QUERY}&RequestTime={REQUEST_TIME}"), "Sign is missing"),
        (signed.replace("Sign=", "sign="), "Sign is written sign"),
        (signed.replace(SIGN, &SIGN.to_ascii_uppercase()), "Sign is"),
        (signed.replace("RequestTime=16", "RequestTime=+16"), "RequestTime is no number"),
        (signed.replace(&REQUEST_TIME.to_string(), "1669872113"), "Sign is"),
        (format!("{signed}000"), "Sign is"),
    ];
    for (query, why) in table {
        assert_refused(check_query(Some("xxxxyyyy"), &query), why);
    }
    for (off, is_good) in [(0, true), (59, true), (-59, true), (60, false), (-60, false), (300, false)] {
        let receiver = strict(Some("xxxxyyyy"));
        let clock = Arc::new(ManualClock::new(UnixMillis((REQUEST_TIME + off) * 1000)));
        let checked = StrictTencent { clock, ..receiver }.check(&received(&signed, &seed().to_string()));
        assert_eq!(checked.is_ok(), is_good, "{off} s: {checked:?}");
    }
}

#[test]
fn another_transport_is_refused_tencent_1() {
    let good = received(QUERY, &seed().to_string());
    let mut table = vec![(Received { method: Method::PUT, ..good.clone() }, "the method is PUT")];
    for (name, value, why) in [
        ("content-type", "application/json; charset=utf-8", "Content-Type is"),
        ("content-type", "text/plain", "Content-Type is"),
        ("content-length", "7", "Content-Length is"),
        ("transfer-encoding", "chunked", "the body is chunked"),
        ("content-encoding", "gzip", "Content-Encoding"),
    ] {
        let mut odd = good.clone();
        odd.headers.insert(name, value.parse().unwrap());
        table.push((odd, why));
    }
    for (name, why) in [("content-type", "Content-Type is"), ("content-length", "Content-Length is")] {
        let mut odd = good.clone();
        odd.headers.remove(name);
        table.push((odd, why));
    }
    for (odd, why) in table {
        assert_refused(strict(None).check(&odd), why);
    }
}

#[test]
fn a_body_that_is_not_one_object_is_refused() {
    let seed = seed().to_string();
    for (body, why) in [
        (String::new(), "not plain JSON"),
        (format!("[{seed}]"), "no object"),
        (format!("{seed}{seed}"), "not plain JSON"),
        (seed.replacen('{', r#"{"MsgSeq":48374,"#, 1), "MsgSeq is there twice"),
        (seed.replace(r#""Text":"#, r#""Text":"1","Text":"#), "Text is there twice"),
    ] {
        assert_refused(strict(None).check(&received(QUERY, &body)), why);
    }
}

#[test]
fn every_key_is_required_but_the_documented_options_tencent_4() {
    let body = seed();
    for key in body.as_object().unwrap().keys() {
        let checked = check_body(&with(json!({key: null})));
        match key.as_str() {
            "CloudCustomData" => assert_eq!(checked, Ok(())),
            "CallbackCommand" => assert_refused(checked, "CallbackCommand is no text"),
            key => assert_refused(checked, &format!("{key} is missing")),
        }
    }
    let beyond = json!({
        "MsgId": "144115233406643804-1727580296-4026038328",
        "EventTime": 1_557_481_126_123_i64,
        "SupportMessageExtension": 0,
    });
    assert_eq!(check_body(&with(beyond)), Ok(()));
    for unknown in ["Random", "GroupId", "msgSeq", "Msgkey", "From_account"] {
        assert_refused(check_body(&with(json!({unknown: 1}))), &format!("{unknown} is not documented"));
    }
}

#[test]
fn texts_are_texts_and_numbers_are_numbers_in_range_tencent_4() {
    for (key, value) in seed().as_object().unwrap() {
        let other = match value {
            Value::Number(number) => json!(number.to_string()),
            Value::String(_) if key != "CallbackCommand" => json!(1),
            _ => continue,
        };
        assert_refused(check_body(&with(json!({key: other}))), &format!("{key}: "));
    }
    let key = |seq: &Value, random: &Value, time: &Value| json!(format!("{seq}_{random}_{time}"));
    let numbers = |seq: Value, random: Value, time: Value| {
        let key = key(&seq, &random, &time);
        with(json!({"MsgSeq": seq, "MsgRandom": random, "MsgTime": time, "MsgKey": key}))
    };
    let (max, beyond, time) = (json!(4_294_967_295_i64), json!(4_294_967_296_i64), json!(1_557_481_126));
    assert_eq!(check_body(&numbers(max.clone(), max.clone(), json!(2_147_483_647))), Ok(()));
    assert_eq!(check_body(&numbers(json!(0), json!(0), time.clone())), Ok(()));
    assert_refused(check_body(&numbers(beyond.clone(), json!(1), time.clone())), "MsgSeq: ");
    assert_refused(check_body(&numbers(json!(-1), json!(1), time.clone())), "MsgSeq: ");
    assert_refused(check_body(&numbers(json!(1.0), json!(1), time.clone())), "MsgSeq: ");
    assert_refused(check_body(&numbers(json!(1), beyond, time.clone())), "MsgRandom: ");
    assert_refused(check_body(&numbers(json!(1), json!(-1), time)), "MsgRandom: ");
    assert_refused(check_body(&numbers(json!(1), json!(1), json!(2_147_483_648_i64))), "MsgTime: ");
    assert_refused(check_body(&numbers(json!(1), json!(1), json!(0))), "MsgTime: ");
    for (changes, why) in [
        (json!({"OnlineOnlyFlag": 2}), "OnlineOnlyFlag: "),
        (json!({"OnlineOnlyFlag": true}), "OnlineOnlyFlag: "),
        (json!({"UnreadMsgNum": -2}), "UnreadMsgNum: "),
        (json!({"UnreadMsgNum": 2_147_483_648_i64}), "UnreadMsgNum: "),
        (json!({"SendMsgResult": 2_147_483_648_i64, "UnreadMsgNum": -1}), "SendMsgResult: "),
        (json!({"From_Account": ""}), "From_Account: "),
        (json!({"EventTime": "1557481126123"}), "EventTime: "),
        (json!({"EventTime": 1_557_481_126}), "EventTime: "),
        (json!({"CloudCustomData": {}}), "CloudCustomData: "),
    ] {
        assert_refused(check_body(&with(changes)), why);
    }
}

#[test]
fn msg_key_is_made_of_seq_random_and_time_tencent_4() {
    for (key, why) in [
        ("48374_2837546_1557481127", "MsgKey is"),
        ("2837546_48374_1557481126", "MsgKey is"),
        ("48374-2837546-1557481126", "MsgKey: "),
        ("48374_2837546", "MsgKey: "),
        ("48374_2837546_1557481126_1", "MsgKey: "),
        ("+48374_2837546_1557481126", "MsgKey: "),
        ("048374_2837546_1557481126", "MsgKey: "),
        ("4294967296_2837546_1557481126", "MsgKey: "),
        ("", "MsgKey: "),
    ] {
        assert_refused(check_body(&with(json!({"MsgKey": key}))), why);
    }
}

#[test]
fn unread_is_minus_one_exactly_where_the_sending_failed_tencent_4() {
    let failed = json!({"SendMsgResult": 80001, "ErrorInfo": "blocked", "UnreadMsgNum": -1});
    assert_eq!(check_body(&with(failed.clone())), Ok(()));
    for (changes, why) in [
        (changed(failed.clone(), json!({"UnreadMsgNum": 7})), "UnreadMsgNum is 7 where"),
        (changed(failed, json!({"ErrorInfo": "send msg succeed"})), "ErrorInfo is"),
        (json!({"UnreadMsgNum": -1}), "UnreadMsgNum is -1 where"),
        (json!({"ErrorInfo": "ok"}), "ErrorInfo is"),
    ] {
        assert_refused(check_body(&with(changes)), why);
    }
}

/// One of each element, as in section 5.
fn elements() -> Vec<Value> {
    let info = json!({"Type": 1, "Size": 20, "Width": 1, "Height": 2, "URL": "u"});
    let relayed = json!({
        "From_Account": "a", "GroupId": "g", "MsgSeq": 1, "MsgRandom": 2, "MsgTimeStamp": 3,
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "x"}}],
    });
    vec![
        element("TIMTextElem", json!({"Text": ""})),
        element("TIMFaceElem", json!({"Index": 6, "Data": "abc"})),
        element("TIMLocationElem", json!({"Desc": "", "Latitude": 29.340_656, "Longitude": -116})),
        element("TIMCustomElem", json!({"Data": "d", "Desc": "", "Ext": "", "Sound": ""})),
        element("TIMSoundElem", json!({"Url": "u", "UUID": "", "Size": 62351, "Second": 1, "Download_Flag": 2})),
        element("TIMImageElem", json!({"UUID": "x", "ImageFormat": 255, "ImageInfoArray": [info]})),
        element(
            "TIMFileElem",
            json!({"Url": "u", "UUID": "", "FileSize": 5_000_000_000_i64, "FileName": "f", "Download_Flag": 2}),
        ),
        element(
            "TIMVideoFileElem",
            json!({
                "VideoUrl": "u", "VideoUUID": "", "VideoSize": 1, "VideoSecond": 2, "VideoFormat": "mp4",
                "VideoDownloadFlag": 2, "ThumbUrl": "", "ThumbUUID": "", "ThumbSize": 3, "ThumbWidth": 4,
                "ThumbHeight": 5, "ThumbFormat": "", "ThumbDownloadFlag": 2,
            }),
        ),
        element(
            "TIMRelayElem",
            json!({"Title": "t", "MsgNum": 1, "CompatibleText": "c", "AbstractList": ["a"], "MsgList": [relayed]}),
        ),
    ]
}

#[test]
fn every_element_has_exactly_its_keys_of_their_types_tencent_5() {
    assert_eq!(check_body(&with(json!({"MsgBody": elements()}))), Ok(()));
    for element in elements() {
        let msg_type = element["MsgType"].as_str().unwrap();
        let content = element["MsgContent"].as_object().unwrap();
        let odd = |changes: Value| {
            let content = changed(element["MsgContent"].clone(), changes);
            check_body(&with(json!({"MsgBody": [{"MsgType": msg_type, "MsgContent": content}]})))
        };
        assert_refused(odd(json!({"Foo": 1})), &format!("{msg_type}: Foo is not documented"));
        for (key, value) in content {
            assert!(odd(json!({key: null})).is_err(), "{msg_type} needs {key}");
            let other = if value.is_string() { json!(1) } else { json!(value.to_string()) };
            assert_refused(odd(json!({key: other})), &format!("{key}: "));
        }
    }
}

#[test]
fn msg_body_is_an_array_of_documented_elements_tencent_4_5() {
    let text = json!({"Text": "x"});
    let custom = elements().remove(3);
    let image = |info: Value| element("TIMImageElem", json!({"UUID": "", "ImageFormat": 1, "ImageInfoArray": info}));
    for (msg_body, why) in [
        (element("TIMTextElem", text.clone()), "MsgBody: is no array"),
        (json!("[]"), "MsgBody: is no array"),
        (json!([]), "MsgBody: is empty"),
        (json!(["x"]), "MsgBody: has what is no object"),
        (json!([{"MsgType": "TIMTextElem"}]), "MsgContent is no object"),
        (json!([{"MsgContent": text}]), "MsgType is no text"),
        (json!([element("TIMTextElem", json!("x"))]), "MsgContent is no object"),
        (json!([element("TIMTextelem", text.clone())]), "no element TIMTextelem"),
        (json!([{"MsgType": "TIMTextElem", "MsgContent": text, "Id": 1}]), "Id is not documented"),
        (json!([custom, custom]), "2 elements TIMCustomElem"),
        (json!([image(json!([]))]), "ImageInfoArray: is empty"),
        (json!([image(json!([{"Type": 1, "Size": 1, "Width": 1, "Height": 1, "Url": "u"}]))]), "Url is not"),
        (json!([image(json!([{"Type": 4, "Size": 1, "Width": 1, "Height": 1, "URL": "u"}]))]), "Type: "),
    ] {
        assert_refused(check_body(&with(json!({"MsgBody": msg_body}))), why);
    }
}

/// One of each of the other callbacks of messages, and of connections, as in section 6.
fn others() -> Vec<Value> {
    let (time, text) = (1_557_481_126_123_i64, element("TIMTextElem", json!({"Text": "x"})));
    let before = with(json!({
        "CallbackCommand": "C2C.CallbackBeforeSendMsg",
        "SendMsgResult": null,
        "ErrorInfo": null,
        "UnreadMsgNum": null,
    }));
    let group = json!({
        "CallbackCommand": "Group.CallbackBeforeSendMsg", "GroupId": "@TGS#2J4SZEAEL", "Type": "Public",
        "From_Account": "jared", "Operator_Account": "admin", "Random": 123_456, "OnlineOnlyFlag": 0,
        "MsgBody": [text], "EventTime": time,
    });
    let group_after = changed(
        group.clone(),
        json!({
            "CallbackCommand": "Group.CallbackAfterSendMsg", "MsgSeq": 1, "MsgTime": 1_490_686_222,
            "GroupAtInfo": [{"GroupAtAllFlag": 1}, {"GroupAtAllFlag": 0, "GroupAt_Account": "bob"}],
        }),
    );
    vec![
        before,
        group,
        group_after,
        json!({
            "CallbackCommand": "C2C.CallbackAfterMsgReport", "Report_Account": "a", "Peer_Account": "b",
            "LastReadTime": 1_590_580_480, "UnreadMsgNum": 0, "EventTime": time,
        }),
        json!({
            "CallbackCommand": "C2C.CallbackAfterMsgWithDraw", "From_Account": "a", "To_Account": "b",
            "MsgKey": "4294967295_0_1", "UnreadMsgNum": 7, "EventTime": time,
        }),
        json!({
            "CallbackCommand": "Group.CallbackAfterRecallMsg", "Operator_Account": "admin", "Type": "ChatRoom",
            "GroupId": "7", "MsgSeqList": [{"MsgSeq": 130}], "EventTime": time,
        }),
        json!({
            "CallbackCommand": "State.StateChange", "EventTime": time,
            "Info": {"Action": "Login", "To_Account": "a", "Reason": "Register"},
            "KickedDevice": [{"Platform": "Windows"}],
        }),
    ]
}

/// One of each callback of changes of groups and contacts, as in sections 6 and 6.1.
fn changes() -> Vec<Value> {
    let members = json!([{"Member_Account": "bob"}]);
    let of_group = |command: &str, more: Value| {
        let common = json!({
            "CallbackCommand": format!("Group.Callback{command}"), "GroupId": "7", "Type": "Public",
            "Operator_Account": "ann", "EventTime": 1_557_481_126_123_i64,
        });
        changed(common, more)
    };
    let of_contacts =
        |command: &str, more: Value| changed(json!({"CallbackCommand": format!("Sns.Callback{command}")}), more);
    let pairs = json!({"PairList": [{"From_Account": "ann", "To_Account": "bob"}]});
    let asked = json!({"Requester_Account": "ann", "From_Account": "ann", "EventTime": 1_557_481_126_123_i64});
    vec![
        of_group("AfterCreateGroup", json!({"Owner_Account": "ann", "Name": "n", "MemberList": members})),
        of_group(
            "AfterGroupDestroyed",
            json!({"Operator_Account": null, "Owner_Account": "ann", "Name": "n", "MemberList": members}),
        ),
        of_group("AfterNewMemberJoin", json!({"JoinType": "Apply", "NewMemberList": members})),
        of_group("AfterMemberExit", json!({"ExitType": "Quit", "ExitMemberList": members})),
        of_group(
            "AfterGroupInfoChanged",
            json!({
                "Name": "n", "Introduction": "i", "Notification": "n", "FaceUrl": "u",
                "UserDefinedDataList": [{"Key": "k", "Value": "v"}],
            }),
        ),
        of_group(
            "BeforeCreateGroup",
            json!({"GroupId": null, "Owner_Account": "ann", "Name": "n", "CreateGroupNum": 1, "MemberList": members}),
        ),
        of_group("BeforeApplyJoinGroup", json!({"Operator_Account": null, "Requestor_Account": "bob"})),
        of_group("BeforeInviteJoinGroup", json!({"DestinationMembers": members})),
        of_contacts(
            "FriendAdd",
            json!({
                "PairList": [{"From_Account": "ann", "To_Account": "bob", "Initiator_Account": "ann"}],
                "ClientCmd": "friend_add", "Admin_Account": "", "ForceFlag": 0,
            }),
        ),
        of_contacts("FriendDelete", pairs.clone()),
        of_contacts("BlackListAdd", pairs.clone()),
        of_contacts("BlackListDelete", pairs),
        of_contacts(
            "PrevFriendAdd",
            changed(
                asked.clone(),
                json!({
                    "AddType": "Add_Type_Both", "ForceAddFlags": 0,
                    "FriendItem": [{
                        "To_Account": "bob", "Remark": "", "GroupName": "", "AddSource": "", "AddWording": "hi",
                    }],
                }),
            ),
        ),
        of_contacts(
            "PrevFriendResponse",
            changed(
                asked,
                json!({
                    "ResponseFriendItem": [{
                        "To_Account": "bob", "Remark": "", "TagName": "", "ResponseAction": "Response_Action_Agree",
                    }],
                }),
            ),
        ),
    ]
}

#[test]
fn the_other_callbacks_have_their_own_keys_tencent_6() {
    for body in others().into_iter().chain(changes()) {
        assert_eq!(check_body(&body), Ok(()));
        for (key, value) in body.as_object().unwrap() {
            let other = if value.is_string() { json!(1) } else { json!(value.to_string()) };
            if key != "CallbackCommand" {
                assert_refused(check_body(&changed(body.clone(), json!({key: other}))), &format!("{key}: "));
            }
        }
        assert_refused(check_body(&changed(body, json!({"Foo": 1}))), "Foo is not documented");
    }
    let group = others().remove(2);
    for (changes, why) in [
        (json!({"Random": null, "MsgRandom": 1}), "MsgRandom is not documented"),
        (json!({"MsgKey": "1_2_3"}), "MsgKey is not documented"),
        (json!({"MsgSeq": 0}), "MsgSeq is 0"),
        (json!({"MsgSeq": null}), "MsgSeq is missing"),
        (json!({"Type": "group"}), "Type: "),
        (json!({"GroupId": 7}), "GroupId: "),
        (json!({"GroupAtInfo": []}), "GroupAtInfo: is empty"),
        (json!({"EventTime": null}), "EventTime is missing"),
        (json!({"CallbackCommand": "Group.CallbackAfterSend"}), "no command"),
    ] {
        assert_refused(check_body(&changed(group.clone(), changes)), why);
    }
}
