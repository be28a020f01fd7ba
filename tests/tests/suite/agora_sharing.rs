//! Shared files, attributes, super admins, invitations and applications (agora.md 10.3, 10.4, 12).

use reqwest::{
    Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderMap},
};
use serde_json::{Value, json};
use tidings_proto::pb::{self, group_service_client::GroupServiceClient};
use tidings_testkit::{Agora, Reply, TestApp, every_shape, wait_until};

use crate::{
    agora_files::{BOUNDARY, fetch, form, purge, recall},
    envelope::agora_error,
    policy::set,
    transcript::Transcript,
};

/// A user token where an app token is required, or another user's.
const OAUTH: &str = "Unable to authenticate (OAuth)";

/// Nora owns a group with Omar and Pia, and a room with Omar. Eve is in neither.
struct World {
    app: Agora,
    group: String,
    room: String,
}

impl World {
    async fn of(app: &TestApp) -> Self {
        let app = app.agora();
        app.register(&["nora", "omar", "pia", "eve"]).await;
        let group = json!({"groupname": "crew", "public": true, "owner": "nora", "members": ["omar", "pia"],
            "membersonly": true, "allowinvites": true, "invite_need_confirm": true});
        let group = app.post("/chatgroups", &group).await.expect(200);
        let room = json!({"name": "stage", "owner": "nora", "members": ["omar"]});
        let room = app.post("/chatrooms", &room).await.expect(200);
        let text = |value: &Value| value.as_str().expect("an id as text").to_owned();
        let (group, room) = (text(&group["data"]["groupid"]), text(&room["data"]["id"]));
        Self { app, group, room }
    }

    fn files(&self) -> String {
        format!("/chatgroups/{}/share_files", self.group)
    }

    fn member(&self, user: &str) -> String {
        format!("/metadata/chatgroup/{}/user/{user}", self.group)
    }

    fn seat(&self, user: &str) -> String {
        format!("/metadata/chatroom/{}/user/{user}", self.room)
    }

    fn shown(&self, reply: Reply) -> Reply {
        let text = reply.text.replace(&self.group, "<group>").replace(&self.room, "<room>");
        Reply { text, ..reply }
    }
}

async fn put(agora: &Agora, path: &str, body: Value) -> Reply {
    agora.call(Method::PUT, path, Some(body)).await
}

async fn share(agora: &Agora, path: &str, name: &str, bytes: &[u8]) -> Reply {
    let request = agora.request(Method::POST, path).body(form(&[("file", Some((name, "text/plain")), bytes)]));
    Reply::to(request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))).await
}

/// The id of a file that was shared.
async fn shared(agora: &Agora, path: &str, name: &str, bytes: &[u8]) -> String {
    let answer = share(agora, path, name, bytes).await.expect(200);
    answer["data"]["file_id"].as_str().expect("an id").to_owned()
}

async fn download(agora: &Agora, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = agora.request(Method::GET, path).send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body").to_vec())
}

every_shape! {
    async fn every_call_on_shared_things_is_answered_as_agora_10_3_and_10_4(app: TestApp) {
        let world = World::of(&app).await;
        let mut wire = Transcript::of(&app);
        let files = world.files();
        wire.add("share", &world.shown(share(&world.app, &files, "plan.txt", b"the plan").await));
        let omar = world.app.logged_in("omar").await;
        let file = shared(&omar, &files, "notes.txt", b"notes").await;
        let (g, r) = (&world.group, &world.room);
        let calls = [
            (Method::GET, files.clone(), None),
            (Method::GET, format!("{files}?pagenum=2&pagesize=1"), None),
            (Method::DELETE, format!("{files}/{file}"), None),
            (Method::DELETE, format!("{files}/{file}"), None),
            (Method::GET, format!("/chatrooms/{r}/share_files"), None),
            (Method::PUT, world.member("omar"), Some(json!({"metaData": {"seat": "3", "mood": "merry"}}))),
            (Method::PUT, world.member("omar"), Some(json!({"metaData": {"mood": "", "none": null}}))),
            (Method::GET, world.member("omar"), None),
            (Method::GET, world.member("pia"), None),
            (Method::GET, world.member("eve"), None),
            (Method::POST, format!("/metadata/chatgroup/{g}/get"), Some(json!({"targets": ["omar", "pia", "eve", "nobody"]}))),
            (Method::POST, format!("/sdk/metadata/chatgroup/{g}/get?version=v3"),
                Some(json!({"targets": ["Omar"], "properties": ["mood"]}))),
            (Method::PUT, world.seat("omar"), Some(json!({"metaData": {"song": "a", "light": "dim"}, "autoDelete": "NO_DELETE"}))),
            (Method::PUT, world.seat("nora"), Some(json!({"metaData": {"song": "b", "door": "open", "a b": "x"}}))),
            (Method::PUT, format!("{}/forced", world.seat("nora")), Some(json!({"metaData": {"song": "b"}}))),
            (Method::PUT, format!("{}/forced", world.seat("admin")), Some(json!({"metaData": {"rule": "be kind"}}))),
            (Method::POST, format!("/metadata/chatroom/{r}"), None),
            (Method::POST, format!("/metadata/chatroom/{r}"), Some(json!({"keys": ["song", "none"]}))),
            (Method::DELETE, world.seat("omar"), Some(json!({"keys": ["song", "light"]}))),
            (Method::DELETE, format!("{}/forced", world.seat("omar")), Some(json!({"keys": ["song"]}))),
            (Method::PUT, world.seat("eve"), Some(json!({"metaData": {"song": "e"}}))),
            (Method::POST, "/chatrooms/super_admin".into(), Some(json!({"superadmin": "Nora"}))),
            (Method::GET, "/chatrooms/super_admin?pagenum=1&pagesize=10".into(), None),
            (Method::DELETE, "/chatrooms/super_admin/nora".into(), None),
            (Method::GET, "/chatrooms/super_admin".into(), None),
        ];
        for (method, path, body) in calls {
            let told = format!("{method} {path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
            let told = told.replace(g, "<group>").replace(r, "<room>").replace(&file, "<file>");
            wire.add(&told, &world.shown(world.app.call(method, &path, body).await));
        }
        wire.check("agora_sharing");
    }
}

every_shape! {
    async fn only_members_and_the_app_get_a_shared_file_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let files = world.files();
        let omar = world.app.logged_in("omar").await;
        let eve = world.app.logged_in("eve").await;
        let file = shared(&omar, &files, "plan.txt", b"the plan").await;
        let path = format!("{files}/{file}");
        for who in [&omar, &world.app, &world.app.logged_in("pia").await] {
            let (status, headers, bytes) = download(who, &path).await;
            assert_eq!((status.as_u16(), &bytes[..]), (200, &b"the plan"[..]));
            assert_eq!(headers[CACHE_CONTROL], "private, no-cache");
            assert_eq!(headers[CONTENT_DISPOSITION], "attachment; filename=\"plan.txt\"");
        }
        let range = Reply::to(omar.request(Method::GET, &path).header("range", "bytes=4-7")).await;
        assert_eq!((range.status.as_u16(), range.text.as_str()), (206, "plan"));
        let words = "users [eve] are not members of this group!";
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(agora_error(&eve.call(method, &path, None).await, 403).1, words);
        }
        assert_eq!(agora_error(&eve.get(&files).await, 403).1, words);
        assert_eq!(agora_error(&share(&eve, &files, "x", b"x").await, 403).1, words);
        for path in [&path, &files] {
            agora_error(&world.app.with_token("").get(path).await, 401);
        }
        agora_error(&share(&world.app.with_token(""), &files, "x", b"x").await, 401);
        // Nor by its id elsewhere, and not through another group.
        assert_eq!(fetch(&omar, &file, &[]).await.0, StatusCode::UNAUTHORIZED);
        let other = world.app.post("/chatgroups", &json!({"groupname": "x", "public": true, "owner": "eve"})).await;
        let other = other.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
        let text = format!("share file {file} does not exist!");
        let foreign = eve.get(&format!("/chatgroups/{other}/share_files/{file}")).await;
        assert_eq!(agora_error(&foreign, 404), ("resource_not_found".to_owned(), text));
        // A room is no group.
        agora_error(&world.app.get(&format!("/chatrooms/{}/share_files", world.group)).await, 404);
    }
}

every_shape! {
    async fn who_shared_a_file_or_an_admin_removes_it_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let files = world.files();
        let (nora, omar) = (world.app.logged_in("nora").await, world.app.logged_in("omar").await);
        let pia = world.app.logged_in("pia").await;
        let one = shared(&omar, &files, "1", b"1").await;
        let two = shared(&omar, &files, "2", b"2").await;
        let three = shared(&pia, &files, "3", b"3").await;
        let refused = agora_error(&pia.delete(&format!("{files}/{one}")).await, 403);
        assert_eq!(refused.1, "user pia did not share this file and is no admin of this group");
        omar.delete(&format!("{files}/{one}")).await.expect(200);
        nora.delete(&format!("{files}/{two}")).await.expect(200);
        world.app.delete(&format!("{files}/{three}")).await.expect(200);
        assert_eq!(world.app.get(&files).await.expect(200)["count"], 0);
        assert_eq!(download(&omar, &format!("{files}/{one}")).await.0, StatusCode::NOT_FOUND);
    }
}

every_shape! {
    async fn an_upload_without_a_file_shares_nothing_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let files = world.files();
        let body = form(&[("other", None, b"x")]);
        let request = world.app.request(Method::POST, &files).body(body);
        let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        assert_eq!(agora_error(&Reply::to(request).await, 400).1, "file must be provided.");
        agora_error(&share(&world.app, "/chatgroups/12345/share_files", "x", b"x").await, 404);
        assert_eq!(world.app.get(&files).await.expect(200)["count"], 0);
    }
}

every_shape! {
    async fn a_user_token_sets_its_own_attributes_and_an_admins_everybodys_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let (nora, omar) = (world.app.logged_in("nora").await, world.app.logged_in("omar").await);
        let eve = world.app.logged_in("eve").await;
        let attributes = json!({"metaData": {"seat": "3"}});
        assert_eq!(put(&omar, &world.member("omar"), attributes.clone()).await.expect(200)["data"], json!({"seat": "3"}));
        let role = agora_error(&put(&omar, &world.member("pia"), attributes.clone()).await, 401).1;
        assert_eq!(role, "Unable to authenticate (OAuth)");
        put(&nora, &world.member("pia"), attributes.clone()).await.expect(200);
        assert_eq!(agora_error(&put(&eve, &world.member("omar"), attributes.clone()).await, 403).0, "forbidden_op");
        assert_eq!(agora_error(&eve.get(&world.member("omar")).await, 403).0, "forbidden_op");
        agora_error(&put(&omar.with_token(""), &world.member("omar"), attributes.clone()).await, 401);
        let outsider = agora_error(&put(&world.app, &world.member("eve"), attributes).await, 404);
        assert_eq!(outsider, ("MetadataException".to_owned(), "user not in group".to_owned()));
        let get = format!("/metadata/chatgroup/{}/get", world.group);
        let found = omar.post(&get, &json!({"targets": ["omar", "pia"], "properties": []})).await.expect(200);
        assert_eq!(found["data"], json!({"omar": {"seat": "3"}, "pia": {"seat": "3"}}));
        assert_eq!(agora_error(&eve.post(&get, &json!({"targets": ["omar"]})).await, 403).0, "forbidden_op");
        let many: Vec<String> = (0..11).map(|n| format!("u{n}")).collect();
        let too_many = agora_error(&omar.post(&get, &json!({"targets": many})).await, 400);
        assert_eq!(too_many, ("metadata_error".to_owned(), "query param reaches limit.".to_owned()));
    }
}

every_shape! {
    async fn attributes_that_are_too_long_have_the_vendors_words_and_change_nothing_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let path = world.member("omar");
        let refused = async |attributes: Value| agora_error(&put(&world.app, &path, attributes).await, 400);
        let words = |text: &str| ("metadata_error".to_owned(), format!("exceeds chatgroup user metadata {text} limit"));
        let key = "k".repeat(17);
        assert_eq!(refused(json!({"metaData": {"fine": "v", key: "v"}})).await, words("single key"));
        assert_eq!(refused(json!({"metaData": {"fine": "v", "k": "v".repeat(513)}})).await, words("single value"));
        let many: serde_json::Map<_, _> = (0..9).map(|n| (format!("k{n}"), json!("v".repeat(512)))).collect();
        assert_eq!(refused(json!({"metaData": many})).await, words("total size"));
        let wrong = refused(json!({"metaData": {"fine": "v", "k": ["v"]}})).await;
        assert!(wrong.1.ends_with("metaData.k must be a string"), "{wrong:?}");
        assert_eq!(world.app.get(&path).await.expect(200)["data"], json!({}));
    }
}

every_shape! {
    async fn a_room_shows_what_its_members_set_until_they_leave_agora_10_4(app: TestApp) {
        let world = World::of(&app).await;
        let omar = world.app.logged_in("omar").await;
        let shown = format!("/metadata/chatroom/{}", world.room);
        let set = async |who: &Agora, path: &str, body: Value| put(who, path, body).await.expect(200)["data"].clone();
        let success = |keys: &[&str]| json!({"successKeys": keys, "errorKeys": {}});
        let stays = json!({"metaData": {"light": "dim"}, "autoDelete": "NO_DELETE"});
        assert_eq!(set(&omar, &world.seat("omar"), json!({"metaData": {"song": "a"}})).await, success(&["song"]));
        assert_eq!(set(&omar, &world.seat("omar"), stays).await, success(&["light"]));
        let foreign = set(&world.app, &world.seat("nora"), json!({"metaData": {"song": "b", "door": "open"}})).await;
        let words = "properties key 'song' is not part of you";
        assert_eq!(foreign, json!({"successKeys": ["door"], "errorKeys": {"song": words}}));
        // A user token is its own user's.
        let posed = agora_error(&put(&omar, &world.seat("nora"), json!({"metaData": {"x": "y"}})).await, 401);
        assert_eq!(posed.1, OAUTH);
        let posed = omar.call(Method::DELETE, &world.seat("nora"), Some(json!({"keys": ["door"]}))).await;
        assert_eq!(agora_error(&posed, 401).1, OAUTH);
        agora_error(&put(&omar.with_token(""), &world.seat("omar"), json!({"metaData": {"x": "y"}})).await, 401);
        let all = omar.post_text(&shown, "").await.expect(200);
        assert_eq!(all["data"], json!({"door": "open", "light": "dim", "song": "a"}));
        let eve = world.app.logged_in("eve").await;
        // The code by which the vendor's web client knows it; with an app token it is 401.
        let outsider = eve.post_text(&shown, "").await;
        let body = outsider.json();
        assert_eq!((outsider.status.as_u16(), &body["error_code"]), (400, &json!(60011)), "{body}");
        assert_eq!(body["error_description"], "user is not in chatroom");

        world.app.delete(&format!("/chatrooms/{}/users/omar", world.room)).await.expect(200);
        let left = world.app.post(&shown, &json!({})).await.expect(200);
        assert_eq!(left["data"], json!({"door": "open", "light": "dim"}));
    }
}

every_shape! {
    async fn ten_attributes_of_a_room_change_at_once_agora_10_4(app: TestApp) {
        let world = World::of(&app).await;
        let pairs: serde_json::Map<_, _> = (0..11).map(|n| (format!("k{n}"), json!("v"))).collect();
        let refused = agora_error(&put(&world.app, &world.seat("nora"), json!({"metaData": pairs})).await, 400);
        assert_eq!(refused.1, "exceed allowed batch size 10");
        let keys: Vec<String> = (0..11).map(|n| format!("k{n}")).collect();
        let refused = world.app.call(Method::DELETE, &world.seat("nora"), Some(json!({"keys": keys}))).await;
        assert_eq!(agora_error(&refused, 400).1, "exceed allowed batch size 10");
        let wrong = json!({"metaData": {"k": "v"}, "autoDelete": "MAYBE"});
        let refused = agora_error(&put(&world.app, &world.seat("nora"), wrong).await, 400);
        assert_eq!(refused.1, "autoDelete can only be DELETE or NO_DELETE");
    }
}

every_shape! {
    async fn super_admins_are_the_apps_to_appoint_agora_10_4(app: TestApp) {
        let world = World::of(&app).await;
        let nora = world.app.logged_in("nora").await;
        let body = json!({"superadmin": "nora"});
        for reply in [
            nora.post("/chatrooms/super_admin", &body).await,
            nora.get("/chatrooms/super_admin").await,
            nora.delete("/chatrooms/super_admin/nora").await,
        ] {
            assert_eq!(agora_error(&reply, 401).1, OAUTH);
        }
        let unknown = agora_error(&world.app.post("/chatrooms/super_admin", &json!({"superadmin": "x"})).await, 404);
        assert_eq!(unknown.1, "username x doesn't exist!");
        let missing = agora_error(&world.app.post("/chatrooms/super_admin", &json!({})).await, 400);
        assert_eq!(missing.1, "superadmin must be provided");
        for name in ["nora", "omar", "pia"] {
            world.app.post("/chatrooms/super_admin", &json!({"superadmin": name})).await.expect(200);
        }
        let page = world.app.get("/chatrooms/super_admin?pagenum=2&pagesize=2").await.expect(200);
        assert_eq!((&page["data"], &page["params"]["pagenum"]), (&json!(["pia"]), &json!(["2"])));
    }
}

every_shape! {
    async fn clients_invite_and_apply_as_the_group_says_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let group = format!("/chatgroups/{}", world.group);
        let (nora, omar) = (world.app.logged_in("nora").await, world.app.logged_in("omar").await);
        let eve = world.app.logged_in("eve").await;
        let joined = async |user: &str| {
            world.app.get(&format!("{group}/user/{user}/is_joined")).await.expect(200)["data"] == true
        };
        let invite = format!("{group}/invite?resource=web");
        let answer = omar.post(&invite, &json!({"usernames": ["eve"]})).await.expect(200);
        let asked = json!([{"result": true, "action": "invite", "user": "eve", "id": world.group}]);
        assert_eq!(answer["data"], asked);
        assert!(!joined("eve").await, "she has not answered");
        // Only she answers, and only once.
        let verify = format!("{group}/invite_verify?resource=web");
        let yes = json!({"invitee": "eve", "verifyResult": true});
        assert_eq!(agora_error(&omar.post(&verify, &yes).await, 401).1, OAUTH);
        eve.post(&verify, &json!({"invitee": "eve", "verifyResult": false})).await.expect(200);
        let gone = agora_error(&eve.post(&verify, &yes).await, 404);
        assert_eq!(gone.1, "invitation of eve does not exist!");
        omar.post(&invite, &json!({"usernames": ["eve"]})).await.expect(200);
        eve.post(&verify, &yes).await.expect(200);
        assert!(joined("eve").await);
        let again = agora_error(&omar.post(&invite, &json!({"usernames": ["eve"]})).await, 403);
        let words = format!("invite users to join group failed, reason:user: eve already in group: {}", world.group);
        assert_eq!(again, ("forbidden_op".to_owned(), words));

        // Whom the app adds is in at once.
        world.app.register(&["zoe", "ugo"]).await;
        world.app.post(&format!("{group}/users/zoe"), &json!({})).await.expect(200);
        assert!(joined("zoe").await);

        apply(&app, &world, "ugo").await;
        assert!(!joined("ugo").await);
        let verify = format!("{group}/apply_verify?resource=web");
        let yes = json!({"applicant": "ugo", "verifyResult": true, "reason": "no clue"});
        assert_eq!(agora_error(&omar.post(&verify, &yes).await, 401).1, "Unable to authenticate (OAuth)");
        agora_error(&nora.with_token("").post(&verify, &yes).await, 401);
        nora.post(&verify, &yes).await.expect(200);
        assert!(joined("ugo").await);
        let gone = agora_error(&nora.post(&verify, &yes).await, 404);
        assert_eq!(gone.1, "application of ugo does not exist!");
    }
}

/// A user asks to join the group.
async fn apply(app: &TestApp, world: &World, user: &str) {
    let group_id = world.group.parse().expect("a number");
    let mut request = app.request(pb::ApplyRequest { group_id, ..Default::default() });
    request.metadata_mut().insert("tidings-username", user.parse().expect("ASCII"));
    let mut groups = GroupServiceClient::new(app.suite.channel_to("GroupService"));
    assert!(!groups.apply(request).await.expect("it waits").into_inner().joined);
}

every_shape! {
    async fn whether_users_are_asked_first_is_a_setting_agora_10_3(app: TestApp) {
        let world = World::of(&app).await;
        let group = format!("/chatgroups/{}", world.group);
        assert_eq!(world.app.get(&group).await.expect(200)["data"][0]["invite_need_confirm"], true);
        let changed = put(&world.app, &group, json!({"invite_need_confirm": false})).await.expect(200);
        assert_eq!(changed["data"], json!({"invite_need_confirm": true}));
        assert_eq!(world.app.get(&group).await.expect(200)["data"][0]["invite_need_confirm"], false);
        let omar = world.app.logged_in("omar").await;
        omar.post(&format!("{group}/invite"), &json!({"usernames": ["eve", "pia"]})).await.expect(200);
        assert_eq!(world.app.get(&format!("{group}/user/eve/is_joined")).await.expect(200)["data"], true);
    }
}

/// Whether the bytes of a file are there.
async fn is_kept(app: &TestApp, uuid: &str) -> bool {
    let file = Some(pb::FileRef { uuid: uuid.to_owned(), trusted: true, ..Default::default() });
    app.files().stat(app.request(pb::StatRequest { file })).await.is_ok()
}

every_shape! {
    async fn the_bytes_of_a_shared_file_go_once_nothing_shows_them_decision_36(app: TestApp) {
        set(&app, pb::Policy { recalled_file_grace_ms: Some(0), ..Default::default() }).await;
        let world = World::of(&app).await;
        let files = world.files();
        let omar = world.app.logged_in("omar").await;
        let (kept, gone) = (shared(&omar, &files, "1", b"1").await, shared(&omar, &files, "2", b"2").await);
        // The recall of a message that names it removes nothing that the group shows.
        let body = json!({"from": "omar", "to": ["pia"], "type": "file",
            "body": {"filename": "1", "url": format!("{}/chatfiles/{kept}", world.app.base)}});
        let sent = world.app.post("/messages/users", &body).await.expect(200);
        recall(&world.app, "pia", sent["data"]["pia"].as_str().expect("an id")).await;
        omar.delete(&format!("{files}/{gone}")).await.expect(200);
        wait_until("the bytes are gone", async || {
            purge(&app).await;
            !is_kept(&app, &gone).await
        })
        .await;
        assert!(is_kept(&app, &kept).await);
        world.app.delete(&format!("/chatgroups/{}", world.group)).await.expect(200);
        wait_until("the group's bytes are gone", async || {
            purge(&app).await;
            !is_kept(&app, &kept).await
        })
        .await;
    }
}

every_shape! {
    async fn a_super_admin_creates_rooms_with_their_own_token_agora_10_4(app: TestApp) {
        let world = World::of(&app).await;
        let nora = world.app.logged_in("nora").await;
        let room = json!({"name": "mine", "description": "x", "maxusers": 10, "owner": "nora"});
        assert_eq!(agora_error(&nora.post("/chatrooms", &room).await, 401).1, OAUTH);
        world.app.post("/chatrooms/super_admin", &json!({"superadmin": "nora"})).await.expect(200);
        assert!(nora.post("/chatrooms", &room).await.expect(200)["data"]["id"].is_string());
        world.app.delete("/chatrooms/super_admin/nora").await.expect(200);
        assert_eq!(agora_error(&nora.post("/chatrooms", &room).await, 401).1, OAUTH);
    }
}
