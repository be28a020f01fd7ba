//! A user's token on every route of the Agora dialect, aimed at what is others' (docs/rights.md, decision 42): names in
//! other spellings, and ids of groups, rooms and threads in each other's places, of this app and another.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Agora, Reply, TestApp, every_shape};

use crate::{
    agora_files::{BOUNDARY, form},
    policy::neighbour,
};

/// What only those may read whose it is.
const SECRET: &str = "s3cret";

/// Other spellings of Bob's name, as path segments: none of them is Eve's own.
const NAMES: [&str; 8] = ["bob", "BOB", "b%6Fb", "%62ob", "bob%2F", "eve%2F..%2Fbob", "eve%00", "bob%20"];
/// Those that name Bob; the others can be nobody's.
const BOBS: &[&str] = &["bob", "BOB", "b%6Fb", "%62ob"];

/// Ann and Bob with a group, a room and a thread. Eve is in none of them.
struct World {
    agora: Agora,
    group: String,
    room: String,
    thread: String,
    message: String,
    file: String,
}

fn id(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("an id: {value}")).to_owned()
}

fn secret(what: &str) -> String {
    format!("{SECRET} {what}")
}

async fn say(agora: &Agora, kind: &str, to: &str) -> String {
    let body =
        json!({"from": "ann", "to": [to], "type": "txt", "body": {"msg": secret("words")}, "ext": {"k": SECRET}});
    id(&agora.post(&format!("/messages/{kind}"), &body).await.expect(200)["data"][to])
}

async fn put(agora: &Agora, path: &str, body: Value) {
    Reply::to(agora.request(Method::PUT, path).json(&body)).await.expect(200);
}

impl World {
    async fn of(app: &TestApp) -> Self {
        let agora = app.agora();
        agora.register(&["ann", "bob", "eve"]).await;
        // Who knows its id sees what a group is called.
        let new = json!({"groupname": "tulips", "description": "x", "public": false,
            "owner": "ann", "members": ["bob"]});
        let group = id(&agora.post("/chatgroups", &new).await.expect(200)["data"]["groupid"]);
        let new = json!({"name": "stage", "description": "x", "owner": "ann", "members": ["bob"]});
        let room = id(&agora.post("/chatrooms", &new).await.expect(200)["data"]["id"]);
        say(&agora, "users", "bob").await;
        let message = say(&agora, "chatgroups", &group).await;
        say(&agora, "chatrooms", &room).await;
        let new = json!({"group_id": group, "name": secret("thread"), "owner": "ann", "msg_id": message});
        let thread = id(&agora.post("/thread", &new).await.expect(200)["data"]["thread_id"]);
        agora
            .post(&format!("/chatgroups/{group}/announcement"), &json!({"announcement": secret("news")}))
            .await
            .expect(200);
        put(&agora, &format!("/metadata/chatgroup/{group}/user/bob"), json!({"metaData": {"k": secret("seat")}})).await;
        agora.post("/users/bob/contacts/users/ann", &json!({})).await.expect(200);
        put(&agora, "/user/bob/contacts/users/ann", json!({"remark": secret("remark")})).await;
        agora.post("/mutes", &json!({"username": "bob", "chat": 0, "groupchat": -1})).await.expect(200);
        agora
            .post(&format!("/chatgroups/{group}/mute"), &json!({"usernames": ["bob"], "mute_duration": -1}))
            .await
            .expect(200);
        let sent = agora.request(Method::POST, &format!("/chatgroups/{group}/share_files"));
        let sent = sent.body(form(&[("file", Some((&secret("file"), "text/plain")), b"x")]));
        let shared = Reply::to(sent.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))).await;
        let file = id(&shared.expect(200)["data"]["file_id"]);
        Self { agora, group, room, thread, message, file }
    }

    /// What the app sees of it.
    async fn state(&self) -> Vec<Value> {
        let Self { group, room, thread, .. } = self;
        let paths = [
            "/users/bob".to_owned(),
            "/users/bob/contacts/users".to_owned(),
            "/user/bob/contacts?needReturnRemark=true".to_owned(),
            "/users/bob/blocks/users".to_owned(),
            "/mutes/bob".to_owned(),
            "/metadata/user/bob".to_owned(),
            "/users/bob/joined_chatgroups".to_owned(),
            "/users/bob/joined_chatrooms".to_owned(),
            "/threads/user/bob".to_owned(),
            "/tidings/users/bob/conversations".to_owned(),
            "/tidings/users/bob/messages?type=chat&channel=ann".to_owned(),
            format!("/thread/{thread}/users"),
            format!("/metadata/chatgroup/{group}/user/bob"),
        ];
        let mut state = Vec::new();
        for (kind, id) in [("chatgroups", group), ("chatrooms", room)] {
            for rest in
                ["", "/users", "/admin", "/mute", "/blocks/users", "/white/users", "/announcement", "/share_files"]
            {
                state.push(self.read(&format!("/{kind}/{id}{rest}")).await);
            }
            state.push(self.read(&format!("/tidings/{kind}/{id}/messages")).await);
        }
        for path in paths {
            state.push(self.read(&path).await);
        }
        state
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.agora.get(path).await.expect(200);
        let mut shown = json!([path, answer["data"], answer["entities"]]);
        // Until when, and how long a mute still lasts.
        if let Some(mute) = shown[1].as_object_mut() {
            mute.remove("unixtime");
        }
        shown
    }

    /// Everything that a body of any route may have, with Bob, Ann and the group wherever one is named.
    fn body(&self) -> Value {
        let Self { group, message, thread, .. } = self;
        let of_users = json!({
            "username": "bob", "usernames": ["bob"], "user": "bob", "from": "bob", "to": "ann", "owner": "bob",
            "newowner": "eve", "newadmin": "eve", "superadmin": "eve", "mute_duration": -1, "groupname": "stolen",
            "description": "stolen", "announcement": "stolen", "metaData": {"k": "stolen"}, "targets": ["bob"],
            "properties": ["k"], "keys": ["k"], "name": "stolen", "applicant": "bob", "invitee": "bob",
            "verifyResult": true, "newpassword": "stolen", "nickname": "stolen", "remark": "stolen", "reason": "x",
        });
        let mut of_messages = json!({
            "type": "chat", "channel": "ann", "delete_roam": true, "queue": "ann", "start": -1, "pull_number": 20,
            "userId": "bob", "ext": "stolen", "msg_id": message, "msgId": message, "pin_msg_id": message,
            "group_id": group, "message": "emoji_1", "threadIds": [thread], "msgIdList": [message], "chat": -1,
            "mark": 1, "marks": [1], "pin": true, "session_to": "ann", "session_type": "chat", "body": {"msg": "x"},
        });
        let all = of_messages.as_object_mut().expect("an object");
        all.extend(of_users.as_object().expect("an object").clone());
        of_messages
    }

    /// The path of a route with somebody else's names and ids.
    fn filled(&self, route: &str, name: &str, id: &str) -> String {
        let path = route.trim_start_matches("/{org}/{app}");
        let parts = [
            ("{username}", name),
            ("{id}", id),
            ("{msg_id}", &self.message),
            ("{file}", &self.file),
            ("{uuid}", &self.file),
            ("{contact}", "ann"),
            ("{blocked}", "ann"),
            ("{resource}", "web"),
            ("{status}", "1"),
            ("{expiry}", "60"),
            ("{time}", "2026010100"),
        ];
        let path = parts.iter().fold(path.to_owned(), |path, (hole, value)| path.replace(hole, value));
        let Self { group, message, .. } = self;
        format!(
            "{path}?type=groupchat&channel={group}&groupId={group}&msgType=groupchat&msgIdList={message}&msgId={message}\
                 &message=emoji_1&userId=bob&user=bob&to={group}&limit=10"
        )
    }
}

/// The routes of the dialect that user tokens may call, with their methods.
fn routes() -> Vec<(Method, &'static str)> {
    let page = include_str!("../../../docs/rights.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | `/{org}/{app}/"));
    let rows = rows.filter_map(|(methods, rest)| Some((methods, rest.split_once("` | ")?)));
    let open = rows.filter(|(_, (_, who))| who.contains("a user"));
    let each = open.flat_map(|(methods, (route, _))| methods.split(' ').map(move |method| (method, route)));
    each.map(|(method, route)| (Method::from_bytes(method.as_bytes()).expect("a method"), route)).collect()
}

every_shape! {
    async fn a_user_reads_and_changes_nothing_of_others_decision_42(app: TestApp) {
        let world = World::of(&app).await;
        let other = World::of(&neighbour(&app).await).await;
        let before = (world.state().await, other.state().await);
        let eve = world.agora.logged_in("eve").await;
        let routes = routes();
        assert!(routes.len() > 150, "{}", routes.len());
        for (method, route) in routes {
            let names = if route.contains("{username}") { &NAMES[..] } else { &NAMES[..1] };
            let ids = [&world.group, &world.room, &world.thread, &other.group, &other.thread];
            let ids = if route.contains("{id}") { &ids[..] } else { &ids[..1] };
            let pairs = (0..names.len().max(ids.len())).map(|n| (names[n % names.len()], ids[n % ids.len()]));
            for (name, id) in pairs {
                let path = format!("/{}", world.filled(route, name, id));
                let reply = Reply::to(eve.request(method.clone(), &path).json(&world.body())).await;
                assert!(!reply.text.contains(SECRET), "{method} {path}: {}", reply.text);
                assert!(reply.status.as_u16() < 500, "{method} {path}: {}", reply.text);
                let is_hers = !route.contains("{username}") || reply.status.is_client_error();
                assert!(is_hers || is_for_all(&method, route, name), "{method} {path}: {}", reply.text);
            }
        }
        // Anybody may enter a room.
        let left = world.agora.request(Method::DELETE, &format!("/chatrooms/{}/users/eve", world.room));
        Reply::to(left).await.expect(200);
        assert_eq!((world.state().await, other.state().await), before);
    }
}

/// What every user may read of others. To delete the attributes of nobody succeeds.
fn is_for_all(method: &Method, route: &str, name: &str) -> bool {
    let reads = ["users/{username}", "metadata/user/{username}", "users/{username}/status"].contains(&route);
    let deletes_nothing = route == "metadata/user/{username}" && !BOBS.contains(&name);
    (*method == Method::GET && reads) || (*method == Method::DELETE && deletes_nothing)
}
