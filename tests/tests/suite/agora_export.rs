//! The history export (agora.md 4, errors of 8.3, decision 21).

use std::{collections::HashSet, io::Read as _, sync::Arc, time::Duration};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tidings_dialects::agora::export_time;
use tidings_domain::{Clock as _, ManualClock, MsgId, SystemClock, UnixMillis};
use tidings_proto::pb;
use tidings_testkit::{Agora, Suite, TestApp, every_shape};

use crate::{
    agora_files::{picture, upload},
    envelope::{agora_error, keys},
    policy::{neighbour, set},
};

/// 2025-07-15 14:00 UTC.
const HOUR: i64 = 1_752_588_000_000;
const TIME: &str = "2025071514";

/// Imports a message with that time and returns its id.
async fn import(agora: &Agora, kind: &str, body: Value, at: i64) -> String {
    let target = if kind.starts_with("group:") { "chatgroups" } else { "users" };
    let (kind, to) = kind
        .strip_prefix("group:")
        .and_then(|rest| rest.split_once(':'))
        .map_or((kind, "omar"), |(to, kind)| (kind, to));
    let message =
        json!({"from": "nora", "target": to, "type": kind, "body": body, "msg_timestamp": at, "ext": {"k": "v"}});
    let answer = agora.post(&format!("/messages/{target}/import"), &message).await.expect(200);
    answer["data"]["msg_id"].as_str().expect("an id").to_owned()
}

async fn text(agora: &Agora, text: &str, at: i64) -> String {
    import(agora, "txt", json!({"msg": text}), at).await
}

/// The links of an hour.
async fn links(agora: &Agora, time: &str) -> Vec<String> {
    let answer = agora.get(&format!("/chatmessages/{time}")).await.expect(200);
    let data = answer["data"].as_array().expect("an array");
    data.iter().map(|one| one["url"].as_str().expect("a link").to_owned()).collect()
}

async fn download(url: &str) -> Vec<u8> {
    let response = reqwest::get(url).await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/gzip");
    assert!(!response.headers().contains_key("content-encoding"));
    response.bytes().await.expect("a body").to_vec()
}

fn unpacked(bytes: &[u8]) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).expect("gzip with UTF-8 in it");
    assert!(text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

/// The lines of every file of an hour.
async fn lines(agora: &Agora, time: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for url in links(agora, time).await {
        lines.append(&mut unpacked(&download(&url).await));
    }
    lines
}

fn texts(lines: &[String]) -> Vec<String> {
    let text = |line: &String| {
        let line: Value = serde_json::from_str(line).expect("a JSON object");
        line["payload"]["bodies"][0]["msg"].as_str().expect("a text").to_owned()
    };
    lines.iter().map(text).collect()
}

every_shape! {
    async fn every_type_has_its_line_agora_4(app: TestApp) {
        let agora = app.agora();
        agora.register(&["Nora", "omar"]).await;
        let group = agora.post("/chatgroups", &json!({"groupname": "g", "public": true, "owner": "nora"})).await.expect(200);
        let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let url = "https://chat.example.test/acme/lobby/chatfiles/7c0e9a10-4d5b-11ef-9b7a-5f0e6a2d9c31";
        let bodies = [
            ("txt", json!({"msg": "lunch?"})),
            ("img", json!({"filename": "cat.png", "secret": "Qz8kTw3_", "url": url, "size": {"width": 640, "height": 360}, "file_length": 128_827})),
            ("audio", json!({"filename": "hi.amr", "length": 7, "secret": "mB41xQ", "url": url})),
            ("video", json!({"filename": "clip.mp4", "length": 12, "url": url, "thumb": url, "thumb_secret": "t9Lw", "secret": "v7Xp", "file_length": 734_003})),
            ("file", json!({"filename": "plan.pdf", "secret": "f3Zr", "url": url})),
            ("loc", json!({"lat": "52.5163", "lng": "13.3777", "addr": "Pariser Platz"})),
            ("cmd", json!({"action": "refresh-roster"})),
            ("custom", json!({"customEvent": "gift", "customExts": {"kind": "rose", "count": "3"}})),
        ];
        let mut ids = Vec::new();
        for (n, (kind, body)) in bodies.into_iter().enumerate() {
            ids.push(import(&agora, kind, body, HOUR + 1000 * n as i64).await);
        }
        ids.push(import(&agora, &format!("group:{group}:txt"), json!({"msg": "standup"}), HOUR + 60_000).await);
        let found = lines(&agora, TIME).await;
        let shown: Vec<String> = found.iter().zip(&ids).map(|(line, id)| {
            assert!(line.starts_with(&format!("{{\"msg_id\":\"{id}\",")), "{line}");
            line.replace(id, "<id>").replace(&group, "<group>")
        }).collect();
        assert_eq!(found.len(), ids.len());
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::allow_duplicates! { insta::assert_snapshot!("agora_export", shown.join("\n")) }
        });
    }
}

every_shape! {
    async fn the_answer_has_links_that_need_no_token_agora_4(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        // A message at the full hour belongs to that hour, one a millisecond earlier does not.
        let (before, first) = (text(&agora, "before", HOUR - 1).await, text(&agora, "first", HOUR).await);
        text(&agora, "last", HOUR + 3_599_999).await;
        text(&agora, "after", HOUR + 3_600_000).await;
        let answer = agora.get(&format!("/chatmessages/{TIME}")).await.expect(200);
        assert_eq!(keys(&answer), ["action", "application", "applicationName", "data", "duration", "organization", "timestamp", "uri"]);
        assert_eq!((&answer["action"], &answer["uri"]), (&json!("get"), &json!(format!("{}/chatmessages/{TIME}", agora.base))));
        assert_eq!(answer["data"].as_array().map(Vec::len), Some(1));
        let url = answer["data"][0]["url"].as_str().expect("a link");
        let expires: i64 = url.split("Expires=").nth(1).and_then(|rest| rest.split('&').next()).expect("an end").parse().expect("seconds");
        let life = expires - answer["timestamp"].as_i64().expect("a time") / 1000;
        assert!((1799..=1801).contains(&life), "{life}");
        assert!(url.starts_with(&format!("{}/chatmessages/{TIME}.gz?", agora.base)) && url.contains("&OSSAccessKeyId="));
        let found = unpacked(&download(url).await);
        assert_eq!(texts(&found), ["first", "last"]);
        assert!(found[0].contains(&first) && !found[0].contains(&before));

        for wrong in [
            url.replace("Expires=1", "Expires=2"),
            url.replace(TIME, "2025071515"),
            url.replace("Signature=", "Signature=AAAA"),
            url.split('?').next().expect("a path").to_owned(),
        ] {
            let response = tidings_testkit::Reply::to(reqwest::Client::new().get(&wrong)).await;
            assert_eq!(agora_error(&response, 403).0, "forbidden_op", "{wrong}");
        }
        // Neither does the file's uuid alone authorize, nor another app's path.
        let uuid = url.split("file=").nth(1).and_then(|rest| rest.split('&').next()).expect("a uuid");
        assert_eq!(agora_error(&agora.get(&format!("/chatfiles/{uuid}")).await, 404).0, "entity_not_found");
        let other = neighbour(&app).await;
        let moved = url.replace(&agora.base, &other.agora().base);
        let response = tidings_testkit::Reply::to(reqwest::Client::new().get(&moved)).await;
        assert_eq!(agora_error(&response, 403).0, "forbidden_op");
    }
}

every_shape! {
    async fn each_message_is_exported_once_also_when_it_comes_late_decision_21(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut sent = HashSet::new();
        for n in 0..30 {
            sent.insert(text(&agora, &format!("early {n}"), HOUR + n).await);
        }
        let sealed = links(&agora, TIME).await;
        assert_eq!(sealed.len(), 1);
        let bytes = download(&sealed[0]).await;
        for n in 0..20 {
            sent.insert(text(&agora, &format!("late {n}"), HOUR + n).await);
        }
        let again = links(&agora, TIME).await;
        assert_eq!(again.len(), 2);
        assert_eq!(download(&again[0]).await, bytes, "what is sealed stays");
        assert_eq!(links(&agora, TIME).await.len(), 2);
        let found = lines(&agora, TIME).await;
        let ids: HashSet<String> = found.iter().map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            line["msg_id"].as_str().expect("an id").to_owned()
        }).collect();
        assert_eq!((found.len(), ids), (50, sent));
        assert!(texts(&found)[30..].iter().all(|text| text.starts_with("late")));
    }
}

every_shape! {
    async fn recalled_messages_are_left_out_unless_the_app_wants_them(app: TestApp) {
        let wanting = neighbour(&app).await;
        set(&wanting, pb::Policy { export_recalled: Some(true), ..Default::default() }).await;
        for (app, wanted) in [(&app, vec!["stays"]), (&wanting, vec!["stays", "goes"])] {
            let agora = app.agora();
            agora.register(&["nora", "omar"]).await;
            text(&agora, "stays", HOUR).await;
            let goes: i64 = text(&agora, "goes", HOUR + 1).await.parse().expect("a number");
            let recall = pb::RecallRequest { msg_id: goes, ..Default::default() };
            app.messages().recall(app.request(recall)).await.expect("it is recalled");
            assert_eq!(texts(&lines(&agora, TIME).await), wanted);
        }
    }
}

every_shape! {
    async fn the_same_messages_give_the_same_bytes(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let (one, other) = ("2025071514", "2025071514");
        for n in 0..50 {
            text(&agora, &format!("text {n}"), HOUR + n * 1000).await;
        }
        // Another app with the same names makes the same file, except for the ids, which are the same too.
        let twin = neighbour(&app).await;
        let twin_agora = twin.agora();
        twin_agora.register(&["nora", "omar"]).await;
        for n in 0..50 {
            text(&twin_agora, &format!("text {n}"), HOUR + n * 1000).await;
        }
        let bytes = download(&links(&agora, one).await[0]).await;
        assert_eq!(bytes, download(&links(&twin_agora, other).await[0]).await);
        assert_eq!(bytes[4..8], [0; 4], "no time in it");
    }
}

every_shape! {
    async fn a_wrong_hour_is_refused_in_the_vendors_words_agora_8_3(app: TestApp) {
        let agora = app.agora();
        let appkey = format!("{}#{}", app.app().org, app.app().name);
        let refused = async |time: &str, status| agora_error(&agora.get(&format!("/chatmessages/{time}")).await, status);
        for time in ["2025071", "2025071524", "2025023000", "202507151x"] {
            let (error, text) = refused(time, 400).await;
            assert_eq!((error.as_str(), text), ("illegal_argument", format!("illegal arguments: appkey: {appkey}, time: {time}")));
        }
        let (error, text) = refused(TIME, 404).await;
        let wanted = format!("Failed to find chat message history download url for appkey: {appkey}, time: {TIME}");
        assert_eq!((error.as_str(), text), ("storage_object_not_found", wanted));
        let (error, text) = refused("2999010100", 400).await;
        let wanted = format!("illegal arguments: appkey: {appkey}, time: 2999010100, maybe chat message history is expired or unstored");
        assert_eq!((error.as_str(), text), ("illegal_argument", wanted));
        assert_eq!(agora_error(&agora.with_token("").get(&format!("/chatmessages/{TIME}")).await, 401).0, "unauthorized");
    }
}

every_shape! {
    async fn a_manifest_tells_the_files_and_chains_them(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let (first, last) = (text(&agora, "a", HOUR).await, text(&agora, "b", HOUR + 5).await);
        text(&agora, "next hour", HOUR + 3_600_000).await;
        let manifest = async |time: &str| agora.get(&format!("/tidings/exports/{time}/manifest")).await.expect(200)["data"].clone();
        let one = manifest(TIME).await;
        let part = &one["parts"][0];
        assert_eq!((&one["time"], &one["hour_start"]), (&json!(TIME), &json!(HOUR)));
        assert_eq!((&part["messages"], &part["first_msg_id"], &part["last_msg_id"]), (&json!(2), &json!(first), &json!(last)));
        assert_eq!((&part["seq"], &part["previous"], &part["file"]), (&json!(1), &json!(""), &json!("2025071514.gz")));
        let bytes = download(&links(&agora, TIME).await[0]).await;
        assert_eq!(part["bytes"], json!(bytes.len()));
        let next = manifest("2025071515").await;
        assert_eq!((&next["parts"][0]["seq"], &next["parts"][0]["previous"]), (&json!(2), &part["digest"]));
    }
}

every_shape! {
    async fn an_app_may_name_its_hours_by_another_clock_agora_4(app: TestApp) {
        set(&app, pb::Policy { export_utc_offset_minutes: Some(480), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        text(&agora, "in Beijing", HOUR).await;
        assert_eq!(texts(&lines(&agora, "2025071522").await), ["in Beijing"]);
        assert_eq!(agora_error(&agora.get(&format!("/chatmessages/{TIME}")).await, 404).0, "storage_object_not_found");
    }
}

async fn with_clock() -> (TestApp, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    (TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await, clock)
}

fn time_of(moment: UnixMillis) -> String {
    export_time(moment, 0)
}

#[tokio::test]
async fn an_hour_can_be_exported_as_soon_as_it_has_closed() {
    let (app, clock) = with_clock().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let id = agora.send_text("nora", "omar", "just sent").await;
    let (time, hour) = (time_of(clock.now()), clock.now().0 / 3_600_000 * 3_600_000);
    clock.advance(UnixMillis(hour + 3_600_000 + 9_000) - clock.now());
    let early = agora.get(&format!("/chatmessages/{time}")).await;
    assert_eq!(early.headers["retry-after"], "1");
    assert_eq!(agora_error(&early, 400).0, "illegal_argument");
    clock.advance(Duration::from_secs(2));
    // The token is an hour old, the app's policy is unchanged.
    let found = lines(&agora, &time).await;
    assert!(found.len() == 1 && found[0].contains(&id), "{found:?}");
}

#[tokio::test]
async fn what_is_past_retention_is_not_exported_and_its_files_go() {
    let (app, clock) = with_clock().await;
    let day: i64 = 24 * 3_600_000;
    set(&app, pb::Policy { message_retention_ms: Some(10 * day), ..Default::default() }).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let (old, young) = (UnixMillis(clock.now().0 - 11 * day), UnixMillis(clock.now().0 - 9 * day));
    text(&agora, "old", old.0).await;
    text(&agora, "young", young.0).await;
    let (error, words) = agora_error(&agora.get(&format!("/chatmessages/{}", time_of(old))).await, 400);
    assert!(
        error == "illegal_argument" && words.ends_with("maybe chat message history is expired or unstored"),
        "{words}"
    );
    assert_eq!(lines(&agora, &time_of(young)).await.len(), 1);
    assert_eq!(app.suite.files_on_disk().len(), 1);
    clock.advance(Duration::from_hours(2 * 24));
    assert_eq!(agora_error(&agora.get(&format!("/chatmessages/{}", time_of(young))).await, 400).0, "illegal_argument");
    app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("it purges");
    assert_eq!(app.suite.files_on_disk(), Vec::<String>::new());
    // The chain continues where it was.
    text(&agora, "later", clock.now().0 - 2 * 3_600_000).await;
    let time = time_of(UnixMillis(clock.now().0 - 2 * 3_600_000));
    let manifest = agora.get(&format!("/tidings/exports/{time}/manifest")).await.expect(200);
    assert_eq!(manifest["data"]["parts"][0]["seq"], 2);
}

#[tokio::test]
async fn a_link_holds_for_half_an_hour_agora_4() {
    let (app, clock) = with_clock().await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    text(&agora, "a", HOUR).await;
    let url = links(&agora, TIME).await.remove(0);
    clock.advance(Duration::from_secs(1790));
    assert_eq!(unpacked(&download(&url).await).len(), 1);
    clock.advance(Duration::from_secs(20));
    let over = tidings_testkit::Reply::to(reqwest::Client::new().get(&url)).await;
    assert_eq!(agora_error(&over, 403).0, "forbidden_op");
}

every_shape! {
    async fn our_own_files_tell_what_bodies_do_not_decision_21(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let png = picture(64, 36, image::ImageFormat::Png);
        let (uuid, _) = upload(&agora, &[], "cat.png", "image/png", &png).await;
        let url = format!("{}/chatfiles/{uuid}", agora.base);
        import(&agora, "img", json!({"url": url}), HOUR).await;
        import(&agora, "img", json!({"url": url, "filename": "dog.png", "file_length": 7}), HOUR + 1).await;
        let bodies: Vec<Value> = lines(&agora, TIME).await.iter().map(|line| {
            let line: Value = serde_json::from_str(line).expect("a JSON object");
            line["payload"]["bodies"][0].clone()
        }).collect();
        let sides = json!({"height": 36, "width": 64});
        assert_eq!(bodies, [
            json!({"type": "img", "url": url, "filename": "cat.png", "file_length": png.len(), "size": sides}),
            json!({"type": "img", "url": url, "filename": "dog.png", "file_length": 7, "size": sides}),
        ]);
    }
}

fn boxed(kind: &[u8], data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32 + 8).to_be_bytes()[..], kind, data].concat()
}

/// A video of 640 by 360, rotated by a quarter, with its description at the beginning or at the end.
fn video(is_described_first: bool) -> Vec<u8> {
    let matrix = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000].map(i32::to_be_bytes).concat();
    let sides = [640_u32 << 16, 360 << 16].map(u32::to_be_bytes).concat();
    let header = boxed(b"tkhd", &[&[0, 0, 0, 3], &[0; 36][..], &matrix, &sides].concat());
    let handler = boxed(b"hdlr", &[&[0; 8], &b"vide"[..], &[0; 13]].concat());
    let track = boxed(b"trak", &[header, boxed(b"mdia", &handler)].concat());
    let (moov, data) =
        (boxed(b"moov", &[boxed(b"mvhd", &[0; 100]), track].concat()), boxed(b"mdat", &vec![7; 300_000]));
    let brand = boxed(b"ftyp", b"isom\0\0\0\0");
    if is_described_first { [brand, moov, data].concat() } else { [brand, data, moov].concat() }
}

every_shape! {
    async fn videos_of_ours_tell_their_size_and_restricted_ones_their_secrets_decision_21(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let restricted = [("restrict-access", "true")];
        let (thumb, thumb_secret) = upload(&agora, &restricted, "t.png", "image/png", &picture(8, 8, image::ImageFormat::Png)).await;
        let (open, _) = upload(&agora, &[], "t.png", "image/png", &picture(8, 8, image::ImageFormat::Png)).await;
        let address = |uuid: &str| format!("{}/chatfiles/{uuid}", agora.base);
        let mut expected = Vec::new();
        for (at, (first, kind, name)) in
            [(true, "video/mp4", "clip.mp4"), (false, "video/mp4", "clip.mp4"), (false, "video/quicktime", "clip.mov")]
                .into_iter()
                .enumerate()
        {
            let bytes = video(first);
            let (uuid, secret) = upload(&agora, &restricted, name, kind, &bytes).await;
            let sent = json!({"url": address(&uuid), "thumb": address(&thumb)});
            import(&agora, "video", sent, HOUR + at as i64).await;
            expected.push(json!({
                "type": "video", "url": address(&uuid), "thumb": address(&thumb), "filename": name,
                "file_length": bytes.len(), "size": {"width": 360, "height": 640},
                "secret": secret, "thumb_secret": thumb_secret,
            }));
        }
        // Fields in the message itself are unchanged, and an unrestricted file needs no secret.
        let (uuid, _) = upload(&agora, &[], "clip.mp4", "video/mp4", &video(true)).await;
        let told = json!({"url": address(&uuid), "thumb": address(&open), "filename": "own.mp4", "file_length": 1, "size": {"width": 3, "height": 2}});
        import(&agora, "video", told.clone(), HOUR + 10).await;
        let mut shown = told;
        shown["type"] = "video".into();
        expected.push(shown);
        // Audio in the same container has none.
        let sound = upload(&agora, &[], "hi.m4a", "audio/mp4", &video(true)).await.0;
        import(&agora, "audio", json!({"url": address(&sound), "filename": "hi.m4a", "file_length": 1, "length": 2}), HOUR + 11).await;
        expected.push(json!({"type": "audio", "url": address(&sound), "filename": "hi.m4a", "file_length": 1, "length": 2}));
        let bodies: Vec<Value> = lines(&agora, TIME).await.iter().map(|line| {
            let line: Value = serde_json::from_str(line).expect("a JSON object");
            line["payload"]["bodies"][0].clone()
        }).collect();
        assert_eq!(bodies, expected);
    }
}

every_shape! {
    async fn one_conversation_is_exported_whole_and_in_order(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let group = agora.post("/chatgroups", &json!({"groupname": "g", "public": true, "owner": "nora"})).await.expect(200);
        let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let told: Vec<String> = (0..1_203).map(|n| format!("m{n}")).collect();
        for (n, words) in told.iter().enumerate() {
            text(&agora, words, HOUR + n as i64).await;
        }
        import(&agora, &format!("group:{group}:txt"), json!({"msg": "standup"}), HOUR).await;
        let of = async |path: &str| {
            let response = agora.request(reqwest::Method::GET, &format!("/tidings/{path}")).send().await.expect("an answer");
            assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"application/gzip".parse().expect("a value")));
            unpacked(&response.bytes().await.expect("a body"))
        };
        let lines = of("users/omar/export?channel=nora&type=chat").await;
        assert_eq!(texts(&lines), told);
        assert_eq!(texts(&of(&format!("chatgroups/{group}/export")).await), ["standup"]);

        let refused = async |agora: &Agora, path: &str, status| agora_error(&agora.get(&format!("/tidings/{path}")).await, status).0;
        assert_eq!(refused(&agora, "chatgroups/999/export", 404).await, "resource_not_found");
        assert_eq!(refused(&agora, "users/omar/export", 400).await, "illegal_argument");
        assert_eq!(refused(&agora, "users/nobody/export?channel=nora&type=chat", 404).await, "service_resource_not_found");
        let nora = agora.logged_in("nora").await;
        assert_eq!(refused(&nora, "users/omar/export?channel=nora&type=chat", 401).await, "auth_bad_access_token");
    }
}

every_shape! {
    async fn an_hour_has_exactly_what_was_imported_into_its_last_millisecond_decision_21(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let told: Vec<String> = (0..200).map(|n| format!("m{n}")).collect();
        let imports = told.iter().map(|words| text(&agora, words, HOUR + 3_599_999));
        let ids: HashSet<String> = futures_util::future::join_all(imports).await.into_iter().collect();
        text(&agora, "next", HOUR + 3_600_000).await;
        let exported = lines(&agora, TIME).await;
        assert_eq!(ids.len(), 200);
        assert_eq!(texts(&exported).into_iter().collect::<HashSet<_>>(), told.into_iter().collect());
        assert_eq!(exported.len(), 200);
        assert_eq!(texts(&lines(&agora, "2025071515").await), ["next"]);
    }
}

/// The lines of the hour of that moment, which has closed by now; none if there are no files.
async fn hour_of(agora: &Agora, moment: UnixMillis) -> Vec<String> {
    let answer = agora.get(&format!("/chatmessages/{}", time_of(moment))).await;
    if answer.status == 404 { Vec::new() } else { texts(&lines(agora, &time_of(moment)).await) }
}

#[tokio::test]
async fn what_is_sent_at_the_edge_of_an_hour_is_in_the_hour_of_its_time_decision_21() {
    let (app, clock) = with_clock().await;
    let agora = app.agora();
    let names: Vec<String> = (0..300).map(|n| format!("user{n}")).collect();
    for names in names.chunks(50) {
        agora.register(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let hour = clock.now().0 / 3_600_000 * 3_600_000 + 3_600_000;
    clock.set(UnixMillis(hour - 1));
    // More than there are ids in a millisecond.
    let message = json!({"from": "user0", "to": &names, "type": "txt", "body": {"msg": "edge"}});
    agora.post("/messages/users", &message).await.expect(200);
    clock.advance(Duration::from_millis(1));
    agora.send_text("user0", "user1", "next").await;
    clock.advance(Duration::from_hours(2));
    assert_eq!(hour_of(&agora, UnixMillis(hour - 1)).await, vec!["edge"; 300]);
    assert_eq!(hour_of(&agora, UnixMillis(hour)).await, ["next"]);
}

/// With a token of the present.
async fn anew(app: &TestApp) -> Agora {
    let secrets = (app.secrets.client_id.as_str(), app.secrets.client_secret.as_str());
    Agora::with_credentials(&app.agora().base, secrets).await
}

#[tokio::test]
async fn an_installation_whose_ids_are_ahead_goes_on_and_its_hours_are_exact() {
    let (app, clock) = with_clock().await;
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    let start = clock.now();
    let ten_years_later = start + Duration::from_hours(10 * 365 * 24);
    clock.set(ten_years_later);
    let id = |text: String| MsgId(text.parse().expect("an id"));
    let agora = anew(&app).await;
    for to in ["omar", "pia"] {
        id(agora.send_text("nora", to, "wrong").await);
    }
    clock.set(start);
    let agora = anew(&app).await;
    let mut last = MsgId::ZERO;
    for (to, words) in [("omar", "a"), ("pia", "b"), ("omar", "c"), ("pia", "d")] {
        let ahead = id(agora.send_text("nora", to, words).await);
        assert!(ahead > last && ahead.moment() >= ten_years_later, "{ahead:?}");
        last = last.max(ahead);
    }
    let present = id(agora.send_text("omar", "pia", "present").await);
    assert_eq!(present.moment(), start);
    clock.advance(Duration::from_hours(2));
    let mut exported = hour_of(&agora, start).await;
    exported.sort_unstable();
    assert_eq!(exported, ["a", "b", "c", "d", "present"]);
    clock.set(ten_years_later + Duration::from_hours(2));
    let agora = anew(&app).await;
    assert_eq!(hour_of(&agora, ten_years_later).await, ["wrong", "wrong"]);
}
