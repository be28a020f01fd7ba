//! Files belong to their uploaders: who may expire them, and what the recall of a message removes (agora.md 3.3 and
//! 3.4, decision 36).

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{Clock as _, ManualClock, SystemClock};
use tidings_proto::{internal, pb};
use tidings_testkit::{Agora, Reply, Suite, TestApp, every_shape};

use crate::{
    agora_files::{fetch, purge, recall, upload},
    envelope::lanying_data,
    lanying_files::{leave, put_file},
    people::{Person, group_of, people},
    policy::set,
};

/// Files of recalled messages are deleted at once.
async fn without_grace(app: &TestApp) {
    set(app, pb::Policy { recalled_file_grace_ms: Some(0), ..Default::default() }).await;
}

async fn status(agora: &Agora, uuid: &str) -> u16 {
    fetch(agora, uuid, &[]).await.0.as_u16()
}

/// A file uploaded by the user of the client.
async fn brought(client: &Agora) -> String {
    upload(client, &[], "a", "", b"x").await.0
}

/// A Lanying message; returns its id.
async fn send(person: &Person, to: i64, content_type: i64, fields: Value) -> i64 {
    let mut message = json!({"type": 1, "targets": [to], "content_type": content_type});
    let fields = fields.as_object().expect("an object").clone();
    message.as_object_mut().expect("an object").extend(fields);
    let answer = person.client.post("/message/send", &message).await.expect(200);
    answer["msg_ids"][0].as_i64().unwrap_or_else(|| panic!("no msg_ids: {answer}"))
}

/// An image message that names a file somewhere.
async fn send_picture(person: &Person, to: i64, uuid: &str) -> i64 {
    let attachment =
        json!({"url": format!("https://elsewhere.example/a/b/chatfiles/{uuid}"), "dName": "a"}).to_string();
    send(person, to, 1, json!({"attachment": attachment})).await
}

async fn take_back(person: &Person, to: i64, msg_id: i64) {
    lanying_data(&person.client.post("/message/recall", &json!({"conversation_id": to, "msg_id": msg_id})).await);
}

every_shape! {
    async fn a_recall_lets_go_of_what_its_messages_sender_brought_alone(app: TestApp) {
        without_grace(&app).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let (agora, of_ann, of_bob) = (app.agora(), app.agora().logged_in("ann").await, app.agora().logged_in("bob").await);
        let (anns, apps, bobs) = (brought(&of_ann).await, brought(&agora).await, brought(&of_bob).await);
        let restricted = upload(&of_ann, &[("restrict-access", "true")], "a", "", b"x").await.0;
        for uuid in [&anns, &apps, &bobs, &restricted] {
            let sent = send_picture(&bob, ann.id, uuid).await;
            take_back(&bob, ann.id, sent).await;
        }
        assert_eq!(purge(&app).await, 1);
        assert_eq!([status(&agora, &anns).await, status(&agora, &apps).await, status(&agora, &bobs).await], [200, 200, 404]);
        assert_eq!(status(&agora, &restricted).await, 401, "it is there");
        // Nor does it for others on whose behalf the app, or an admin of the group, acts.
        let named = json!({"from": "bob", "to": ["ann"], "type": "img", "body": {"filename": "a", "url": format!("{}/chatfiles/{anns}", agora.base)}});
        let sent = agora.post("/messages/users", &named).await.expect(200)["data"]["ann"].as_str().expect("an id").to_owned();
        recall(&agora, "ann", &sent).await;
        assert_eq!((purge(&app).await, status(&agora, &anns).await), (0, 200));
        // Her own uploads are deleted with hers, and the owner is recorded.
        let info = pb::StatRequest { file: Some(pb::FileRef { uuid: anns.clone(), ..Default::default() }) };
        assert_eq!(app.files().stat(app.request(info)).await.expect("there").into_inner().owner_user_id, Some(ann.id));
        let sent = send_picture(&ann, bob.id, &anns).await;
        take_back(&ann, bob.id, sent).await;
        assert_eq!((purge(&app).await, status(&agora, &anns).await), (1, 404));
    }
}

every_shape! {
    async fn a_file_that_lanyings_leave_brought_is_the_users_who_asked_for_it(app: TestApp) {
        without_grace(&app).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let given = leave(&ann.client, bob.id).await;
        lanying_data(&put_file(Method::POST, &given, "a", b"x").await);
        let uuid = given["oss_body_param"]["key"].as_str().expect("a text").to_owned();
        for (person, other, gone) in [(&bob, &ann, 0), (&ann, &bob, 1)] {
            let sent = send(person, other.id, 1, json!({"attachment": json!({"url": given["download_url"]}).to_string()})).await;
            take_back(person, other.id, sent).await;
            assert_eq!(purge(&app).await, gone);
        }
        assert_eq!(status(&app.agora(), &uuid).await, 404);
    }
}

every_shape! {
    async fn whatever_else_names_a_file_keeps_it_however_it_is_spelled(app: TestApp) {
        without_grace(&app).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let (agora, of_ann) = (app.agora(), app.agora().logged_in("ann").await);
        let spellings: &[fn(&str) -> String] = &[
            |uuid| format!("/chatfiles/{uuid}"),
            |uuid| format!("see HTTPS://x.example/o/a/chatfiles/{}/ and more", uuid.to_uppercase()),
            |uuid| format!("https://x.example/o/a/chatfiles/{}?share-secret=s", uuid.replace('-', "%2D")),
            |uuid| format!("{{\"u\":\"http:\\/\\/x\\/chatfiles\\/{}\"}}", uuid.replace('-', "\\u002d")),
            |uuid| uuid.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}")),
            |uuid| uuid.replace('-', ""),
        ];
        let body = |kind: &str, body: Value| json!({"from": "bob", "to": ["ann"], "type": kind, "body": body});
        let mut kept = HashMap::new();
        for (n, spelling) in spellings.iter().enumerate() {
            let message = |kind: usize, named: &str| match kind {
                0 => body("txt", json!({"msg": named})),
                1 => body("custom", json!({"customEvent": "card", "customExts": {"icon": named}})),
                2 => body("cmd", json!({"action": "show", "param": {"of": [named]}})),
                3 => json!({"from": "bob", "to": ["ann"], "type": "txt", "body": {"msg": "x"}, "ext": {"deep": [{"er": named}]}}),
                4 => body("video", json!({"filename": "a", "url": "https://x.example/film", "thumb": named, "length": 1, "file_length": 4})),
                5 => body("img", json!({"filename": "a", "url": "https://x.example/cat", "ours": {"is": named}})),
                _ => body("loc", json!({"lat": "1", "lng": "2", "addr": named})),
            };
            for kind in 0..7 {
                let uuid = brought(&of_ann).await;
                agora.post("/messages/users", &message(kind, &spelling(&uuid))).await.expect(200);
                kept.insert(uuid, (n, kind));
            }
            let uuid = brought(&of_ann).await;
            send(&bob, ann.id, 7, json!({"content": "f", "attachment": json!([{"text": spelling(&uuid)}]).to_string()})).await;
            kept.insert(uuid, (n, 7));
            let uuid = brought(&of_ann).await;
            send(&bob, ann.id, 0, json!({"content": "t", "ext": spelling(&uuid), "config": "{}"})).await;
            kept.insert(uuid, (n, 8));
        }
        for uuid in kept.keys() {
            let sent = send_picture(&ann, bob.id, uuid).await;
            take_back(&ann, bob.id, sent).await;
        }
        assert_eq!(purge(&app).await, 0);
        for (uuid, named) in kept {
            assert_eq!(status(&agora, &uuid).await, 200, "{named:?}");
        }
    }
}

every_shape! {
    async fn what_a_profile_or_a_group_shows_outlives_a_recall(app: TestApp) {
        without_grace(&app).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&bob, &[&ann]).await;
        let (agora, of_ann) = (app.agora(), app.agora().logged_in("ann").await);
        let url = |uuid: &str| format!("{}/chatfiles/{}", agora.base, uuid.to_uppercase());
        let (face, info, lunch) = (brought(&of_ann).await, brought(&of_ann).await, brought(&of_ann).await);
        lanying_data(&ann.client.post("/user/avatar", &json!({"avatar": url(&face)})).await);
        lanying_data(&bob.client.post("/user/profile", &json!({"public_info": url(&info).replace('-', "%2d")})).await);
        lanying_data(&bob.client.post("/group/info/avatar", &json!({"group_id": group, "value": url(&lunch)})).await);
        let round = async || {
            for uuid in [&face, &info, &lunch] {
                let sent = send_picture(&ann, bob.id, uuid).await;
                take_back(&ann, bob.id, sent).await;
            }
            purge(&app).await
        };
        assert_eq!(round().await, 0);
        // Once they reference something else, they are like any file.
        lanying_data(&ann.client.post("/user/avatar", &json!({"avatar": ""})).await);
        lanying_data(&bob.client.post("/group/destroy", &json!({"group_id": group})).await);
        assert_eq!(round().await, 2);
        assert_eq!([status(&agora, &face).await, status(&agora, &info).await, status(&agora, &lunch).await], [404, 200, 404]);
    }
}

every_shape! {
    async fn an_edit_moves_the_uses_of_files_with_it(app: TestApp) {
        without_grace(&app).await;
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let (agora, of_ann) = (app.agora(), app.agora().logged_in("ann").await);
        let (before, after) = (brought(&of_ann).await, brought(&of_ann).await);
        let named = json!({"from": "bob", "to": ["ann"], "type": "txt", "body": {"msg": format!("/chatfiles/{before}")}});
        let id = agora.post("/messages/users", &named).await.expect(200)["data"]["ann"].as_str().expect("an id").to_owned();
        let edit = json!({"user": "bob", "new_msg": {"type": "txt", "msg": format!("/chatfiles/{after}")}});
        Reply::to(agora.request(Method::PUT, &format!("/messages/rewrite/{id}")).json(&edit)).await.expect(200);
        for uuid in [&before, &after] {
            let sent = send_picture(&ann, bob.id, uuid).await;
            take_back(&ann, bob.id, sent).await;
        }
        assert_eq!(purge(&app).await, 1);
        assert_eq!([status(&agora, &before).await, status(&agora, &after).await], [404, 200]);
    }
}

#[tokio::test]
async fn a_broadcast_and_a_message_to_too_many_keep_their_files() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(SystemClock)))).await;
    without_grace(&app).await;
    let [ann, bob] = people(&app, ["ann", "bob"]).await;
    let (agora, of_ann) = (app.agora(), app.agora().logged_in("ann").await);
    let (told, many) = (brought(&of_ann).await, brought(&of_ann).await);
    let online = json!({"from": "bob", "msg": {"type": "txt", "msg": format!("/chatfiles/{told}")}});
    agora.post("/messages/users/broadcast", &online).await.expect(200);
    // Each of 500 users gets five files: more references than are recorded for one call.
    let mut names = vec![many.clone()];
    for _ in 0..4 {
        names.push(brought(&of_ann).await);
    }
    let to: Vec<String> = (0..500).map(|n| format!("many{n}")).collect();
    let body = json!({"from": "bob", "to": to, "type": "txt", "body": {"msg": names.join(" ")}});
    agora.post("/messages/users", &body).await.expect(200);
    for uuid in [&told, &many] {
        let sent = send_picture(&ann, bob.id, uuid).await;
        take_back(&ann, bob.id, sent).await;
    }
    assert_eq!(purge(&app).await, 0);
    assert_eq!([status(&agora, &told).await, status(&agora, &many).await], [200, 200]);
}

#[tokio::test]
async fn users_set_the_lifetime_of_their_own_files_alone() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let week = 7 * 24 * 3_600_000;
    let policy = pb::Policy { users_set_file_lifetime: Some(true), file_lifetime_ms: Some(week), ..Default::default() };
    set(&app, policy).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let (nora, omar) = (agora.logged_in("nora").await, agora.logged_in("omar").await);
    let (noras, apps) = (brought(&nora).await, brought(&agora).await);
    let body = |lifetime: &str| json!({"lifetime": lifetime, "chatfile_ids": [noras, apps]});
    let set = async |client: &Agora, name: &str, lifetime: &str| {
        client.post(&format!("/users/{name}/chatfiles/lifetime"), &body(lifetime)).await.expect(200)["data"].clone()
    };
    assert_eq!(set(&agora, "nora", "permanent").await, json!({"success": [noras, apps], "failed": []}));
    assert_eq!(set(&omar, "omar", "default").await, json!({"success": [], "failed": [noras, apps]}));
    assert_eq!(set(&nora, "nora", "default").await, json!({"success": [noras], "failed": [apps]}));
    // The same over gRPC, whatever the caller claims.
    let omar_id = app.lanying().logged_in("omar").await;
    let omar_id = lanying_data(&omar_id.get("/user/profile").await)["user_id"].as_i64().expect("a number");
    let file = Some(pb::FileRef { uuid: apps.clone(), trusted: true, ..Default::default() });
    let request = app.request_as(omar_id, pb::SetLifetimeRequest { file, for_ever: false });
    let refused = app.files().set_lifetime(request).await.expect_err("refused");
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    clock.advance(Duration::from_hours(24 * 8));
    assert_eq!([status(&agora, &noras).await, status(&agora, &apps).await], [404, 200]);
}

#[tokio::test]
async fn what_a_user_says_of_trust_opens_no_restricted_file() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(SystemClock)))).await;
    let [ann, _bob] = people(&app, ["ann", "bob"]).await;
    let uuid = upload(&app.agora(), &[("restrict-access", "true")], "a", "", b"x").await.0;
    let file = Some(pb::FileRef { uuid: uuid.clone(), trusted: true, ..Default::default() });
    let refused =
        app.files().stat(app.request_as(ann.id, pb::StatRequest { file: file.clone() })).await.expect_err("refused");
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let refused = app
        .files()
        .delete_file(app.request_as(ann.id, pb::DeleteFileRequest { file: file.clone() }))
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    // Nor is a file withdrawn in the name of a user who is not its owner, nor by a user.
    let request = internal::WithdrawRequest { uuid: uuid.clone(), owner_id: 0 };
    let of_ann = internal::WithdrawRequest { owner_id: ann.id, ..request.clone() };
    for refused in
        [app.request(of_ann.clone()), app.request_as(ann.id, of_ann), app.request_as(ann.id, request.clone())]
    {
        let refused = app.files_internal().withdraw(refused).await.expect_err("refused");
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    }
    let settle = internal::SettleRequest { uuid: uuid.clone(), restore: false, owner_id: 0 };
    assert!(!app.files_internal().settle(app.request(settle.clone())).await.expect("answered").into_inner().settled);
    app.files_internal().withdraw(app.request(request.clone())).await.expect("its own");
    assert_eq!(status(&app.agora(), &uuid).await, 404);
    let of_ann = internal::SettleRequest { owner_id: ann.id, ..settle.clone() };
    assert!(!app.files_internal().settle(app.request(of_ann)).await.expect("answered").into_inner().settled);
    let restore = internal::SettleRequest { restore: true, ..settle.clone() };
    assert!(app.files_internal().settle(app.request(restore)).await.expect("answered").into_inner().settled);
    assert_eq!(status(&app.agora(), &uuid).await, 401, "it is back");
    assert!(!app.files_internal().settle(app.request(settle)).await.expect("answered").into_inner().settled);
}

#[tokio::test]
async fn a_round_that_crashed_after_it_withdrew_a_file_is_made_up_for() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(SystemClock)))).await;
    without_grace(&app).await;
    let [ann, bob] = people(&app, ["ann", "bob"]).await;
    let of_ann = app.agora().logged_in("ann").await;
    let (used, unused) = (brought(&of_ann).await, brought(&of_ann).await);
    for uuid in [&used, &unused] {
        let sent = send_picture(&ann, bob.id, uuid).await;
        take_back(&ann, bob.id, sent).await;
        // The progress of the round.
        let of_ann = internal::WithdrawRequest { uuid: uuid.clone(), owner_id: ann.id };
        app.files_internal().withdraw(app.request(of_ann)).await.expect("hers");
    }
    send_picture(&bob, ann.id, &used).await;
    assert_eq!(purge(&app).await, 1);
    assert_eq!([status(&app.agora(), &used).await, status(&app.agora(), &unused).await], [200, 404]);
    assert_eq!(app.suite.files_on_disk().len(), 1);
}
