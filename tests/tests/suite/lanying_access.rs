//! Every route of the Lanying dialect with every kind of token and header (lanying.md 1, 2 and 9; decision 28). The
//! table is `snapshots/lanying_access.snap`.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb::{self, registered::Result as Outcome};
use tidings_testkit::{Lanying, Suite, TestApp};

use crate::{
    people::code,
    policy::{neighbour, on_any_shape},
};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
/// The gateway's own list of routes.
const ROUTES: &str = include_str!("../../../gateway/src/routes.rs");
/// Calls that need only the app's id: they issue a token or register an account.
const PUBLIC: [&str; 2] = ["/token/", "/user/register/"];
/// Authorized by a signed URL rather than a token; `lanying_files` has its rules.
const SIGNED: [&str; 3] = ["/file/upload/object", "/file/download/{uuid}", "/file/object/{uuid}"];

/// The callers.
#[derive(Debug, Clone, Copy)]
enum Role {
    NoToken,
    Forged,
    Malformed,
    Expired,
    OtherApp,
    UnknownApp,
    User,
    UserAsOther,
    UserAsGroup,
    Admin,
    AdminAsUser,
    AdminAsGroup,
}

impl Role {
    /// The callers that are refused everywhere, and their codes.
    const REFUSED: [(Self, i64); 8] = [
        (Self::NoToken, 10003),
        (Self::Forged, 10008),
        (Self::Malformed, 10008),
        (Self::Expired, 402),
        (Self::OtherApp, 10008),
        (Self::UnknownApp, 40000),
        (Self::UserAsOther, 10010),
        (Self::UserAsGroup, 10010),
    ];
    /// The callers that are allowed some calls.
    const HEARD: [Self; 4] = [Self::User, Self::Admin, Self::AdminAsUser, Self::AdminAsGroup];
}

/// Ann, her group with Bob, her message to him, his request to become a friend, and Max, who is not in it. The keeper is a
/// friend of Ann's.
struct World {
    app: TestApp,
    /// Another user of the app, the only one with a password.
    keeper: i64,
    number: usize,
    client: Lanying,
    ann: i64,
    bob: i64,
    max: i64,
    group: i64,
    message: i64,
}

impl World {
    /// Fresh users of the app, distinguished by the number. Without passwords, which take long to hash.
    async fn new(app: &TestApp, keeper: i64, number: usize) -> Self {
        let names = ["ann", "bob", "max"].map(|name| format!("{name}_{number}"));
        let [ann, bob, max] = registered(app, &names).await;
        let inherit = json!({"grant_type": "inherit", "username": names[0]});
        let token = app.agora().post("/token", &inherit).await.expect(200);
        let client = app.lanying().with_token(token["access_token"].as_str().expect("a token"));
        let group = client.create_group("lunch", &[bob]).await;
        let message = client.send_text(bob, "hello").await;
        if keeper != 0 {
            let friend = pb::AddContactRequest { user_id: Some(ann), contact_id: keeper };
            app.directory().add_contact(app.request(friend)).await.expect("a friend");
        }
        let asks = pb::RequestContactRequest { contact_id: ann, ..Default::default() };
        app.directory().request_contact(app.request_as(bob, asks)).await.expect("a request");
        Self { app: app.clone(), keeper, number, client, ann, bob, max, group, message }
    }

    /// A valid call of every route, as (methods, path, query, body).
    fn calls(&self) -> Vec<(&'static str, &'static str, String, Value)> {
        let Self { keeper, number, bob, max, group, message, .. } = *self;
        let none = Value::Null;
        let q = |name: &str, id: i64| format!("{name}={id}");
        let no_query = String::new;
        let text = json!({"type": 1, "targets": [bob], "content_type": 0, "content": "x"});
        let of_group = json!({"group_id": group});
        let value = |value: Value| json!({"group_id": group, "value": value});
        let members = |user: i64| json!({"group_id": group, "user_list": [user], "duration": 1});
        let new = |name: &str| json!({"username": format!("{name}_{number}"), "password": "pw"});
        let login = |key: &str, value: Value| json!({key: value, "password": "keeper-password"});
        vec![
            ("GET", "/message/ack", q("conversation_id", bob), none.clone()),
            ("GET", "/message/conversation", format!("opposite_id={bob}&msg_id_start=0&limit=9"), none.clone()),
            ("DELETE", "/message/conversation", q("conversation_id", bob), none.clone()),
            ("POST PUT", "/message/notify", no_query(), text.clone()),
            ("POST PUT", "/message/recall", no_query(), json!({"conversation_id": bob, "msg_id": message})),
            ("POST PUT", "/message/send", no_query(), text.clone()),
            ("GET", "/message/unread", no_query(), none.clone()),
            ("POST", "/message/broadcast", no_query(), json!({"type": 1, "content_type": 0, "content": "x"})),
            ("POST PUT", "/user/conversation/pin", no_query(), json!({"conversation_id": bob})),
            ("POST PUT", "/user/conversation/unpin", no_query(), json!({"conversation_id": bob})),
            ("GET", "/user/conversation/pin_list", no_query(), none.clone()),
            ("POST", "/token/id", no_query(), login("user_id", json!(keeper))),
            ("POST", "/token/user", no_query(), login("name", json!("keeper"))),
            ("POST", "/token/login", no_query(), login("login_name", json!("keeper"))),
            ("POST", "/user/register/v2", no_query(), new("eve")),
            ("POST", "/user/register/batch", no_query(), json!({"list": [new("eva")]})),
            ("GET", "/user/profile", no_query(), none.clone()),
            ("POST PUT", "/user/profile", no_query(), json!({"description": "x"})),
            ("POST PUT", "/user/nickname", no_query(), json!({"nick_name": "x"})),
            ("POST PUT", "/user/avatar", no_query(), json!({"avatar": "x"})),
            ("GET", "/user/list", no_query(), none.clone()),
            ("GET", "/user/online_status", no_query(), none.clone()),
            ("GET", "/user/device/list", no_query(), none.clone()),
            ("POST PUT", "/user/kick", no_query(), json!({})),
            ("POST PUT", "/user/disable", q("user_id", max), json!({})),
            ("POST PUT", "/user/enable", q("user_id", max), json!({})),
            ("POST DELETE", "/user/delete", q("user_id", max), json!({})),
            ("POST PUT", "/user/change_password", no_query(), json!({"old_password": "guess", "new_password": "x"})),
            ("POST PUT", "/roster/block", no_query(), json!({"user_id": max})),
            ("POST DELETE", "/roster/unblock", no_query(), json!({"user_id": max})),
            ("GET", "/roster/blocked_list", no_query(), none.clone()),
            ("GET", "/roster/may_message", format!("user_id={}&roster_id={max}", self.ann), none.clone()),
            ("POST", "/roster/apply", no_query(), json!({"user_id": max})),
            ("POST", "/roster/apply/batch", no_query(), json!([{"user_id": max}])),
            ("GET", "/roster/apply/list", no_query(), none.clone()),
            ("POST PUT", "/roster/accept", q("user_id", bob), json!({})),
            ("POST PUT", "/roster/decline", no_query(), json!({"user_id": bob})),
            ("GET", "/roster/list", no_query(), none.clone()),
            ("POST", "/roster/list", no_query(), json!({"list": [bob]})),
            ("GET", "/roster/id", q("user_id", bob), none.clone()),
            ("GET", "/roster/name", "username=keeper".to_owned(), none.clone()),
            ("POST DELETE", "/roster/delete", q("user_id", keeper), json!({})),
            ("POST PUT", "/roster/ext", no_query(), json!({"user_id": keeper, "alias": "x"})),
            ("GET", "/file/upload/chat", format!("file_type=100&to_type=1&to_id={bob}"), none.clone()),
            ("GET", "/file/upload/forward", format!("file_sign=a.b&to_type=1&to_id={bob}"), none.clone()),
            ("POST", "/group/create", no_query(), json!({"name": "tea"})),
            ("GET", "/group/info", q("group_id", group), none.clone()),
            ("POST", "/group/info/batch", no_query(), json!({"group_list": [group]})),
            ("POST PUT", "/group/info/name", no_query(), value(json!("x"))),
            ("POST PUT", "/group/info/description", no_query(), value(json!("x"))),
            ("POST PUT", "/group/info/avatar", no_query(), value(json!("x"))),
            ("POST PUT", "/group/info/ext", no_query(), value(json!("x"))),
            ("POST DELETE", "/group/destroy", no_query(), of_group.clone()),
            ("POST PUT", "/group/transfer", no_query(), json!({"group_id": group, "new_owner": bob})),
            ("POST PUT", "/group/settings/allow_member_invitation", no_query(), value(json!(false))),
            ("POST PUT", "/group/settings/allow_member_modify", no_query(), value(json!(true))),
            ("POST PUT", "/group/settings/enable_read_ack", no_query(), value(json!(true))),
            ("POST PUT", "/group/settings/history_visible", no_query(), value(json!(true))),
            (
                "POST PUT",
                "/group/settings/require_admin_approval",
                no_query(),
                json!({"group_id": group, "apply_approval": 0}),
            ),
            ("POST PUT", "/group/settings/ban_all", no_query(), json!({"group_id": group, "duration": 1})),
            ("POST PUT", "/group/settings/unban_all", no_query(), of_group.clone()),
            ("POST", "/group/invite", no_query(), members(max)),
            ("POST DELETE", "/group/kick", no_query(), members(bob)),
            ("POST", "/group/apply", no_query(), of_group.clone()),
            (
                "POST PUT",
                "/group/apply/handle",
                no_query(),
                json!({"group_id": group, "user_id": max, "approval": true}),
            ),
            ("POST", "/group/application_list", no_query(), json!({"group_list": [group]})),
            ("POST DELETE", "/group/leave", no_query(), of_group),
            ("GET", "/group/user_joined", no_query(), none.clone()),
            ("GET", "/group/member_list", q("group_id", group), none.clone()),
            ("POST", "/group/admin/add", no_query(), members(bob)),
            ("POST DELETE", "/group/admin/remove", no_query(), members(bob)),
            ("GET", "/group/admin_list", q("group_id", group), none.clone()),
            ("POST", "/group/ban", no_query(), members(bob)),
            ("POST", "/group/unban", no_query(), members(bob)),
            ("GET", "/group/banned_list", q("group_id", group), none.clone()),
            ("POST", "/group/block", no_query(), members(bob)),
            ("POST DELETE", "/group/unblock", no_query(), members(bob)),
            ("GET", "/group/blocked_list", q("group_id", group), none.clone()),
            ("GET", "/group/settings", q("group_id", group), none.clone()),
            ("GET", "/group/announcement", format!("group_id={group}&announcement_id=1"), none.clone()),
            ("GET", "/group/announcement/list", q("group_id", group), none.clone()),
            (
                "POST PUT",
                "/group/announcement/edit",
                no_query(),
                json!({"group_id": group, "title": "x", "content": "x"}),
            ),
            ("POST DELETE", "/group/announcement/delete", format!("group_id={group}&announcement_id=1"), json!({})),
            ("GET", "/group/public_list", no_query(), none.clone()),
            ("GET", "/group/file/list", q("group_id", group), none.clone()),
            (
                "POST",
                "/group/file/upload",
                no_query(),
                json!({"group_id": group, "name": "x", "size": 1, "url": "http://x/?sign=a.b"}),
            ),
            ("POST PUT", "/group/file/update_name", no_query(), json!({"group_id": group, "file_id": 1, "name": "x"})),
            ("POST DELETE", "/group/file/delete", no_query(), json!({"group_id": group, "file_list": [1]})),
            ("GET", "/group/invitation_list", no_query(), none),
            (
                "POST PUT",
                "/group/invite/handle",
                no_query(),
                json!({"group_id": group, "user_id": bob, "approval": true}),
            ),
            ("POST PUT", "/group/display_name", no_query(), value(json!("x"))),
            ("POST", "/group/members/display_name", no_query(), members(bob)),
        ]
    }

    /// The same, one method each.
    fn rows(&self) -> Vec<(Method, String, Option<Value>)> {
        let each = |(methods, path, query, body): (&str, &str, String, Value)| {
            let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            let body = (!body.is_null()).then_some(body);
            let methods = methods.split(' ').map(|method| method.parse().expect("a method"));
            methods.map(|method| (method, target.clone(), body.clone())).collect::<Vec<_>>()
        };
        self.calls().into_iter().flat_map(each).collect()
    }

    fn caller(&self, role: Role, tokens: &Tokens) -> Lanying {
        let admin = self.app.lanying();
        match role {
            Role::NoToken => admin.with_token(""),
            Role::Forged => admin.with_token(&tokens.forged),
            Role::Malformed => admin.with_token("a.b.c"),
            Role::Expired => admin.with_token(&tokens.expired),
            Role::OtherApp => admin.with_token(&tokens.other_app),
            Role::UnknownApp => admin.with_app_id("nobodysappid"),
            Role::User => self.client.clone(),
            Role::UserAsOther => self.client.acting_as(self.bob),
            Role::UserAsGroup => self.client.for_group(self.group),
            Role::Admin => admin,
            Role::AdminAsUser => admin.acting_as(self.ann),
            Role::AdminAsGroup => admin.for_group(self.group),
        }
    }

    /// Everything that the calls above could have changed.
    async fn state(&self) -> Vec<Value> {
        let mut state = Vec::new();
        for path in [
            "/user/profile".to_owned(),
            "/user/conversation/pin_list".to_owned(),
            "/message/unread".to_owned(),
            format!("/message/conversation?opposite_id={}&msg_id_start=0&limit=9", self.bob),
            "/roster/blocked_list".to_owned(),
            "/roster/list".to_owned(),
            "/group/user_joined".to_owned(),
            format!("/group/info?group_id={}", self.group),
            format!("/group/member_list?group_id={}", self.group),
            format!("/group/admin_list?group_id={}", self.group),
            format!("/group/banned_list?group_id={}", self.group),
            format!("/group/blocked_list?group_id={}", self.group),
        ] {
            state.push(self.client.get(&path).await.expect(200));
        }
        state.push(self.app.lanying().get("/user/list?page_size=1000").await.expect(200));
        state
    }
}

async fn registered(app: &TestApp, names: &[String; 3]) -> [i64; 3] {
    let new_user = |name: &String| pb::NewUser { username: name.clone(), ..Default::default() };
    let wanted = pb::RegisterUsersRequest { users: names.iter().map(new_user).collect(), ..Default::default() };
    let reply = app.directory().register_users(app.request(wanted)).await.expect("an answer").into_inner();
    let id = |registered: pb::Registered| match registered.result {
        Some(Outcome::User(user)) => user.id,
        refused => panic!("{refused:?}"),
    };
    reply.results.into_iter().map(id).collect::<Vec<_>>().try_into().expect("three users")
}

/// Invalid tokens.
struct Tokens {
    forged: String,
    expired: String,
    other_app: String,
}

impl Tokens {
    async fn new(app: &TestApp, clock: &ManualClock) -> Self {
        let other_app = neighbour(app).await.lanying().token;
        let own = app.lanying().token;
        let ((claims, _), (_, signature)) =
            (own.rsplit_once('.').expect("three parts"), other_app.rsplit_once('.').expect("three parts"));
        let forged = format!("{claims}.{signature}");
        let inherit = json!({"grant_type": "inherit", "username": "keeper", "ttl": 1});
        let expired = app.agora().post("/token", &inherit).await.expect(200);
        clock.advance(Duration::from_secs(1));
        Self { forged, expired: expired["access_token"].as_str().expect("a token").to_owned(), other_app }
    }
}

fn is_public(target: &str) -> bool {
    PUBLIC.iter().any(|prefix| target.starts_with(prefix))
}

async fn call(client: &Lanying, (method, target, body): &(Method, String, Option<Value>)) -> i64 {
    code(&client.call(method.clone(), target, body.as_ref()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_judges_every_kind_of_token_and_header_decision_28() {
    let clock = Arc::new(ManualClock::new(NOW));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let keeper = app.lanying().register("keeper").await;
    let tokens = Tokens::new(&app, &clock).await;
    let untouched = World::new(&app, keeper, 0).await;
    let (rows, before) = (untouched.rows(), untouched.state().await);
    for row in rows.iter().filter(|row| !is_public(&row.1)) {
        for (role, expected) in Role::REFUSED {
            assert_eq!(call(&untouched.caller(role, &tokens), row).await, expected, "{role:?} {row:?}");
        }
    }
    assert_eq!(untouched.state().await, before, "whoever was refused changed nothing");

    let mut table = heading();
    let numbers = AtomicUsize::new(0);
    for (at, row) in rows.iter().enumerate() {
        let public = is_public(&row.1);
        let refused = Role::REFUSED.map(|(role, code)| (role, (!public).then_some(code)));
        let roles = refused.into_iter().chain(Role::HEARD.map(|role| (role, None)));
        let codes = roles.map(async |(role, known)| {
            if let Some(code) = known {
                return code;
            }
            let world = World::new(&app, keeper, 1 + numbers.fetch_add(1, Ordering::Relaxed)).await;
            call(&world.caller(role, &tokens), &world.rows()[at]).await
        });
        let codes = if public { one_by_one(codes).await } else { join_all(codes).await };
        write_row(&mut table, row, &codes);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("lanying_access", table));
}

/// Concurrent logins of one user count as guesses until they turn out right, and only ten may be open.
async fn one_by_one(calls: impl IntoIterator<Item = impl Future<Output = i64>>) -> Vec<i64> {
    let mut codes = Vec::new();
    for call in calls {
        codes.push(call.await);
    }
    codes
}

fn heading() -> String {
    let roles = Role::REFUSED.map(|(role, _)| role).into_iter().chain(Role::HEARD);
    let names: Vec<String> = roles.map(|role| format!("{:>12}", format!("{role:?}"))).collect();
    format!("{:47} {}", "", names.join(" "))
}

fn write_row(table: &mut String, (method, target, _): &(Method, String, Option<Value>), codes: &[i64]) {
    let path = target.split('?').next().unwrap_or_default();
    write!(table, "\n{:47}", format!("{method} {path}")).expect("a string takes all text");
    for code in codes {
        write!(table, " {code:>12}").expect("a string takes all text");
    }
}

/// The paths of the Lanying dialect as the gateway lists them.
pub fn listed_paths() -> BTreeSet<&'static str> {
    let (_, list) = ROUTES.split_once("fn lanying_routes").expect("the gateway's list");
    let (list, _) = list.split_once("\n}").expect("the end of the list");
    list.split('"').filter(|text| text.starts_with('/') && !SIGNED.contains(text)).collect()
}

#[tokio::test]
async fn the_table_has_every_route_and_every_method() {
    let app = on_any_shape().await;
    let mut served = BTreeSet::new();
    for path in listed_paths() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = app.lanying().with_token("").call(method.clone(), path, None).await;
            if reply.status.as_u16() != 405 {
                served.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(served.len() > 90, "the list was found: {served:?}");
    let world = World::new(&app, 0, 0).await;
    let calls = world.calls();
    let tested: BTreeSet<String> = calls
        .iter()
        .flat_map(|(methods, path, _, _)| methods.split(' ').map(move |method| format!("{method} {path}")))
        .collect();
    assert_eq!(tested, served);
}
