//! Admins, mutes, lists of users and announcements of groups and rooms (agora.md 10.3, 10.4; errors of 8.3).

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, TestApp, every_shape, wait_until};

use crate::{envelope::agora_error, policy, transcript::Transcript};

/// How the vendor writes the end of a mute that has none.
const FOREVER: i64 = 4_638_873_600_000;

/// Lets users send with their own tokens: what the app itself sends is not held by mutes.
async fn let_users_send(app: &TestApp) {
    policy::set(app, pb::Policy { user_tokens_may_send: Some(true), ..Default::default() }).await;
}

/// The ids of a group and a room that nora owns, with omar and pia as members; quin is in neither.
async fn prepared(app: &TestApp) -> (Agora, [String; 2]) {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia", "quin"]).await;
    let group = json!({"groupname": "crew", "public": true, "owner": "nora", "members": ["omar", "pia"]});
    let group = agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].clone();
    let room = json!({"name": "stage", "owner": "nora", "members": ["omar", "pia"]});
    let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].clone();
    (agora, [group, room].map(|id| id.as_str().expect("an id as text").to_owned()))
}

every_shape! {
    async fn every_call_on_roles_and_lists_is_answered_as_agora_10_3_and_10_4(app: TestApp) {
        let (agora, [group, room]) = prepared(&app).await;
        let mut wire = Transcript::of(&app);
        for (kind, id) in [("chatgroups", &group), ("chatrooms", &room)] {
            let path = format!("/{kind}/{id}");
            let calls = [
                (Method::POST, "/admin", Some(json!({"newadmin": "Omar"}))),
                (Method::GET, "/admin", None),
                (Method::DELETE, "/admin/omar", None),
                (Method::GET, "/admin", None),
                (Method::POST, "/mute", Some(json!({"usernames": ["omar", "quin"], "mute_duration": -1}))),
                (Method::POST, "/mute", Some(json!({"usernames": ["pia"], "mute_duration": 86_400_000}))),
                (Method::GET, "/mute", None),
                (Method::DELETE, "/mute/omar%2Cnobody", None),
                (Method::DELETE, "/mute/pia", None),
                (Method::GET, "/mute", None),
                (Method::POST, "/ban", None),
                (Method::GET, "", None),
                (Method::POST, "/white/users", Some(json!({"usernames": ["omar", "quin"]}))),
                (Method::POST, "/white/users/pia", None),
                (Method::POST, "/white/users/pia?version=v3", None),
                (Method::GET, "/white/users", None),
                (Method::GET, "/white/users/omar?version=v3", None),
                (Method::DELETE, "/white/users/omar%2Cpia", None),
                (Method::DELETE, "/white/users/pia?version=v3", None),
                (Method::GET, "/white/users/omar", None),
                (Method::DELETE, "/ban", None),
                (Method::POST, "/blocks/users/omar", None),
                (Method::POST, "/blocks/users", Some(json!({"usernames": ["pia", "nobody", "nora"]}))),
                (Method::GET, "/blocks/users?pageSize=1", None),
                (Method::GET, "/users", None),
                (Method::POST, "/users/omar", None),
                (Method::DELETE, "/blocks/users/omar?version=v3", None),
                (Method::DELETE, "/blocks/users/pia%2Cnobody", None),
                (Method::GET, "/blocks/users", None),
                (Method::GET, "/announcement", None),
                (Method::POST, "/announcement", Some(json!({"announcement": "at eight"}))),
                (Method::GET, "/announcement", None),
                (Method::POST, "/users/omar?version=v3", None),
                (Method::DELETE, "/users/omar?version=v3", None),
            ];
            for (method, below, body) in calls {
                let told = format!("{method} /{kind}/<id>{below} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
                let reply = agora.call(method, &format!("{path}{below}"), body.clone()).await;
                let text = reply.text.replace(id.as_str(), "<id>");
                wire.add(&told, &Reply { text, ..reply });
            }
        }
        wire.check("agora_group_roles");
    }
}

every_shape! {
    async fn what_is_wrong_with_roles_and_lists_has_the_words_of_agora_8_3(app: TestApp) {
        let (agora, [group, room]) = prepared(&app).await;
        for path in [format!("/chatgroups/{group}"), format!("/chatrooms/{room}")] {
            let id = path.rsplit('/').next().expect("an id");
            let stranger = "users [quin] are not members of this group!".to_owned();
            let not_in = format!("user: quin doesn't exist in group: {id}");
            let owner = "forbidden operation on group owner!".to_owned();
            let nobody = "username nobody doesn't exist!".to_owned();
            let many = |text: &str| text.to_owned();
            let sixty_one = vec!["omar"; 61];
            let listed = sixty_one.join("%2C");
            let cases = [
                (Method::POST, "/admin".into(), Some(json!({"newadmin": "quin"})), 403, not_in.clone()),
                (Method::POST, "/admin".into(), Some(json!({"newadmin": "nobody"})), 404, nobody.clone()),
                (Method::POST, "/admin".into(), Some(json!({})), 400, many("newadmin must be provided")),
                (Method::DELETE, "/admin/nora".into(), None, 403, owner.clone()),
                (Method::POST, "/mute".into(), Some(json!({"usernames": ["quin"], "mute_duration": 1})), 403, stranger.clone()),
                (Method::POST, "/mute".into(), Some(json!({"usernames": ["nora"], "mute_duration": 1})), 403, owner.clone()),
                (Method::POST, "/mute".into(), Some(json!({"usernames": ["omar"]})), 400, many("mute_duration must be provided")),
                (Method::POST, "/mute".into(), Some(json!({"mute_duration": 1})), 400, many("usernames must be provided")),
                (Method::POST, "/mute".into(), Some(json!({"usernames": sixty_one, "mute_duration": 1})), 400,
                    many("userNames size is more than max limit : 60")),
                (Method::DELETE, "/mute/quin".into(), None, 403, stranger.clone()),
                (Method::DELETE, format!("/mute/{listed}"), None, 400, many("removeMute member size more than max limit : 60")),
                (Method::POST, "/white/users/quin".into(), None, 403, stranger.clone()),
                (Method::POST, "/white/users".into(), Some(json!({"usernames": ["quin"]})), 403, stranger.clone()),
                (Method::DELETE, format!("/white/users/{listed}"), None, 400, many("removeWhitelist size is more than max limit : 60")),
                (Method::POST, "/blocks/users/nora".into(), None, 403, owner.clone()),
                (Method::POST, "/blocks/users/nobody".into(), None, 404, nobody.clone()),
                (Method::DELETE, format!("/blocks/users/{listed}"), None, 400, many("removeBlacklist: list size more than max limit : 60")),
                (Method::POST, "/announcement".into(), Some(json!({})), 400, many("announcement is null")),
                (Method::POST, "/announcement".into(), Some(json!({"announcement": "x".repeat(8193)})), 403,
                    many("announce info length exceeds limit!")),
                (Method::PUT, String::new(), Some(json!({"newowner": "nora"})), 403, many("new owner and old owner are the same")),
                (Method::PUT, String::new(), Some(json!({"newowner": "quin"})), 403, not_in.clone()),
                (Method::PUT, String::new(), Some(json!({"newowner": "omar", "maxusers": 9})), 400, many("some of [maxusers] are not valid fields")),
                (Method::GET, "/users?pagenum=x".into(), None, 400, many("pagenum must be a number")),
                (Method::GET, "/users?cursor=x".into(), None, 400, many("cursor must be a number")),
            ];
            for (method, below, body, status, text) in cases {
                let reply = agora.call(method.clone(), &format!("{path}{below}"), body.clone()).await;
                assert_eq!(agora_error(&reply, status).1, text, "{method} {path}{below}");
            }
            // A wrong type is named, and nothing was done by any of them.
            for (below, body, field) in [
                ("/mute", json!({"usernames": ["omar"], "mute_duration": "soon"}), "mute_duration"),
                ("/admin", json!({"newadmin": {}}), "newadmin"),
                ("/white/users", json!({"usernames": 7.5}), "usernames"),
                ("/announcement", json!({"announcement": 1}), "announcement"),
            ] {
                let reply = agora.call(Method::POST, &format!("{path}{below}"), Some(body.clone())).await;
                let (error, text) = agora_error(&reply, 400);
                assert!(error == "invalid_request_body" && text.contains(field), "{text}");
            }
            for (below, expected) in [("/admin", json!([])), ("/mute", json!([])), ("/white/users", json!([])), ("/blocks/users", json!([]))] {
                assert_eq!(agora.get(&format!("{path}{below}")).await.expect(200)["data"], expected, "{below}");
            }
            assert_eq!(agora.get(&format!("{path}/announcement")).await.expect(200)["data"]["announcement"], "");
        }
        for kind in ["chatgroups", "chatrooms"] {
            for below in ["/admin", "/mute", "/white/users", "/blocks/users", "/announcement"] {
                let gone = agora_error(&agora.get(&format!("/{kind}/12345{below}")).await, 404);
                assert_eq!(gone, ("resource_not_found".into(), "grpID 12345 does not exist!".into()), "{kind}{below}");
            }
            let gone = agora_error(&agora.get(&format!("/{kind}/12345/users")).await, 404);
            assert_eq!(gone, ("service_resource_not_found".into(), "do not find this group:12345".into()));
        }
    }
}

/// `user` writes with their own token.
async fn say(user: &Agora, name: &str, (kind, id): (&str, &str)) -> Reply {
    let text = json!({"from": name, "to": [id], "type": "txt", "body": {"msg": "hi"}});
    user.post(&format!("/messages/{kind}"), &text).await
}

/// Waits until `user` may write, or may not: what is known of members is used for up to a second. Returns the refusal.
async fn until(user: &Agora, name: &str, to: (&str, &str), speaks: bool) -> String {
    wait_until("the change of a member", async || say(user, name, to).await.status.is_success() == speaks).await;
    let reply = say(user, name, to).await;
    if speaks {
        reply.expect(200);
        return String::new();
    }
    agora_error(&reply, 403).1
}

every_shape! {
    async fn while_all_are_muted_admins_and_members_on_the_allow_list_speak_agora_10_3(app: TestApp) {
        let_users_send(&app).await;
        let (agora, [group, room]) = prepared(&app).await;
        let [nora, omar, pia] = [agora.logged_in("nora").await, agora.logged_in("omar").await, agora.logged_in("pia").await];
        for to in [("chatgroups", group.as_str()), ("chatrooms", room.as_str())] {
            let path = format!("/{}/{}", to.0, to.1);
            agora.post(&format!("{path}/ban"), &json!({})).await.expect(200);
            assert_eq!(until(&omar, "omar", to, false).await, "user omar is muted");
            until(&nora, "nora", to, true).await;
            agora.post(&format!("{path}/white/users/omar"), &json!({})).await.expect(200);
            until(&omar, "omar", to, true).await;
            until(&pia, "pia", to, false).await;
            // Their own mute holds all the same.
            agora.post(&format!("{path}/mute"), &json!({"usernames": ["omar"], "mute_duration": -1})).await.expect(200);
            until(&omar, "omar", to, false).await;
            agora.delete(&format!("{path}/mute/omar")).await.expect(200);
            until(&omar, "omar", to, true).await;
            // Who leaves comes off the list.
            agora.delete(&format!("{path}/users/omar")).await.expect(200);
            agora.post(&format!("{path}/users/omar"), &json!({})).await.expect(200);
            assert_eq!(agora.get(&format!("{path}/white/users")).await.expect(200)["data"], json!([]));
            assert_eq!(until(&omar, "omar", to, false).await, "user omar is muted");
            agora.delete(&format!("{path}/ban")).await.expect(200);
            until(&omar, "omar", to, true).await;
        }
    }
}

every_shape! {
    async fn a_mute_ends_when_it_is_lifted_and_blocked_users_stay_out_agora_10_3(app: TestApp) {
        let_users_send(&app).await;
        let (agora, [group, _]) = prepared(&app).await;
        let (omar, pia) = (agora.logged_in("omar").await, agora.logged_in("pia").await);
        let (path, to) = (format!("/chatgroups/{group}"), ("chatgroups", group.as_str()));
        let muted = json!({"usernames": ["omar", "pia"], "mute_duration": -1});
        let answer = agora.post(&format!("{path}/mute"), &muted).await.expect(200);
        assert_eq!(answer["data"][0], json!({"result": true, "expire": FOREVER, "user": "omar"}));
        assert_eq!(until(&omar, "omar", to, false).await, "user omar is muted");
        agora.post(&format!("{path}/mute"), &json!({"usernames": ["omar"], "mute_duration": 0})).await.expect(200);
        until(&omar, "omar", to, true).await;
        assert_eq!(agora.get(&format!("{path}/mute")).await.expect(200)["data"], json!([{"expire": FOREVER, "user": "pia"}]));
        agora.post(&format!("{path}/blocks/users/pia"), &json!({})).await.expect(200);
        wait_until("pia to be out", async || {
            agora_error(&say(&pia, "pia", to).await, 403).1 == "users [pia] are not members of this group!"
        })
        .await;
        let again = agora_error(&agora.post(&format!("{path}/users/pia"), &json!({})).await, 403).1;
        assert_eq!(again, "user pia is on the block list of this group");
        agora_error(&pia.post(&format!("{path}/apply"), &json!({})).await, 403);
        agora.delete(&format!("{path}/blocks/users/pia")).await.expect(200);
        pia.post(&format!("{path}/apply"), &json!({"message": "me again"})).await.expect(200);
        until(&pia, "pia", to, true).await;
    }
}

every_shape! {
    async fn a_users_own_token_does_what_their_role_allows_decision_42(app: TestApp) {
        let (agora, [group, room]) = prepared(&app).await;
        let [nora, omar, pia, quin] = [agora.logged_in("nora").await, agora.logged_in("omar").await,
            agora.logged_in("pia").await, agora.logged_in("quin").await];
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        for (kind, id) in [("chatgroups", &group), ("chatrooms", &room)] {
            let path = format!("/{kind}/{id}");
            let of_owner = (Method::POST, "/admin", Some(json!({"newadmin": "omar"})));
            let of_admins = [
                (Method::POST, "/mute", Some(json!({"usernames": ["pia"], "mute_duration": 0}))),
                (Method::DELETE, "/mute/pia", None),
                (Method::POST, "/ban", None),
                (Method::DELETE, "/ban", None),
                (Method::POST, "/white/users/pia", None),
                (Method::GET, "/white/users", None),
                (Method::DELETE, "/white/users/pia", None),
                (Method::POST, "/blocks/users/quin", None),
                (Method::GET, "/blocks/users", None),
                (Method::DELETE, "/blocks/users/quin", None),
                (Method::POST, "/announcement", Some(json!({"announcement": "hello"}))),
                (Method::PUT, "", Some(json!({"description": "new"}))),
            ];
            let of_members = [
                (Method::GET, "/users", None),
                (Method::GET, "/admin", None),
                (Method::GET, "/announcement", None),
            ];
            // Without a token nothing opens.
            let nobody = agora.with_token("");
            for (method, below, body) in [&of_members[..], &of_admins, std::slice::from_ref(&of_owner)].concat() {
                let reply = nobody.call(method.clone(), &format!("{path}{below}"), body.clone()).await;
                assert_eq!(agora_error(&reply, 401).0, "unauthorized", "{method} {below}");
                // A stranger is told that they are one.
                let reply = quin.call(method.clone(), &format!("{path}{below}"), body.clone()).await;
                assert_eq!(agora_error(&reply, 403).1, "users [quin] are not members of this group!", "{method} {below}");
            }
            for (method, below, body) in [&of_admins[..], std::slice::from_ref(&of_owner)].concat() {
                let reply = pia.call(method.clone(), &format!("{path}{below}"), body.clone()).await;
                assert_eq!(agora_error(&reply, 401), oauth, "{method} {below}");
            }
            for (method, below, body) in &of_members {
                pia.call(method.clone(), &format!("{path}{below}"), body.clone()).await.expect(200);
            }
            nora.call(of_owner.0.clone(), &format!("{path}{}", of_owner.1), of_owner.2.clone()).await.expect(200);
            for (method, below, body) in &of_admins {
                let reply = omar.call(method.clone(), &format!("{path}{below}"), body.clone()).await;
                assert_eq!(reply.status, 200, "{method} {below} {}", reply.text);
            }
            // Neither an admin nor anybody but the app:
            let transfer = json!({"newowner": "omar"});
            assert_eq!(agora_error(&omar.call(Method::PUT, &path, Some(transfer.clone())).await, 401), oauth);
            assert_eq!(agora_error(&omar.delete(&path).await, 401), oauth);
            assert_eq!(agora_error(&nora.post(&format!("{path}/disable"), &json!({})).await, 401), oauth);
            // Whether somebody is on a list or muted, users ask about themselves.
            agora.post(&format!("{path}/white/users/pia"), &json!({})).await.expect(200);
            assert_eq!(pia.get(&format!("{path}/white/users/pia")).await.expect(200)["data"], json!({"white": true}));
            assert_eq!(agora_error(&pia.get(&format!("{path}/white/users/omar")).await, 401), oauth);
            assert_eq!(pia.get(&format!("/sdk{path}/mute/pia?version=v3")).await.expect(200)["data"], false);
            agora.post(&format!("{path}/mute"), &json!({"usernames": ["pia"], "mute_duration": -1})).await.expect(200);
            assert_eq!(pia.get(&format!("/sdk{path}/mute/pia?version=v3")).await.expect(200)["data"], true);
            assert_eq!(agora_error(&pia.get(&format!("/sdk{path}/mute/omar")).await, 401), oauth);
            // What the owner may: everything else.
            nora.call(Method::PUT, &path, Some(json!({"newowner": "pia"}))).await.expect(200);
            assert_eq!(agora_error(&nora.delete(&path).await, 401), oauth);
            pia.delete(&path).await.expect(200);
            agora_error(&agora.get(&path).await, 404);
        }
    }
}

every_shape! {
    async fn users_create_join_leave_and_read_groups_with_their_own_token_decision_42(app: TestApp) {
        let (agora, [group, room]) = prepared(&app).await;
        let (nora, quin) = (agora.logged_in("nora").await, agora.logged_in("quin").await);
        let oauth = ("auth_bad_access_token".to_owned(), "Unable to authenticate (OAuth)".to_owned());
        // A group of one's own, whether the owner is named or not; never one for somebody else, and no rooms.
        let own = json!({"groupname": "mine", "desc": "d", "public": false, "members_only": true, "groupid": null});
        let own = quin.post("/chatgroups?resource=web_1", &own).await.expect(200)["data"]["groupid"].clone();
        let own = own.as_str().expect("an id");
        let shown = quin.get(&format!("/chatgroups/{own}")).await.expect(200)["data"][0].clone();
        assert_eq!((&shown["owner"], &shown["description"], &shown["membersonly"]), (&json!("quin"), &json!("d"), &json!(true)));
        let named = json!({"groupname": "second", "owner": "Quin", "members": ["omar"], "public": true, "approval": true});
        let named = quin.post("/chatgroups?version=v3", &named).await.expect(200)["data"].clone();
        assert_eq!(named["id"], named["groupid"]);
        let other = json!({"groupname": "x", "owner": "nora"});
        assert_eq!(agora_error(&quin.post("/chatgroups", &other).await, 401), oauth);
        assert_eq!(agora_error(&quin.post("/chatrooms", &json!({"name": "x", "owner": "quin"})).await, 401), oauth);
        let wrong = agora_error(&agora.post("/chatgroups", &json!({"owner": "nora", "groupid": "7"})).await, 400);
        assert_eq!(wrong, ("invalid_parameter".into(), "some of [groupid] are not valid fields".into()));

        // Everybody with the id reads a group; its members only from inside.
        let seen = quin.get(&format!("/chatgroups/{group}")).await.expect(200)["data"][0].clone();
        assert_eq!((&seen["affiliations_count"], &seen["affiliations"]), (&json!(3), &json!([{"owner": "nora"}])));
        // An open group and a room are joined with the own token, by either call, and left again.
        for (path, joins) in [(format!("/chatgroups/{group}"), "users/quin"), (format!("/chatgroups/{group}"), "apply"),
            (format!("/chatrooms/{room}"), "users/quin")] {
            quin.post(&format!("{path}/{joins}"), &json!({})).await.expect(200);
            let inside = quin.get(&path).await.expect(200)["data"][0]["affiliations"].clone();
            assert!(inside.as_array().expect("members").contains(&json!({"member": "quin"})), "{inside}");
            assert_eq!(quin.get(&format!("{path}/user/quin/is_joined")).await.expect(200)["data"], true);
            assert_eq!(agora_error(&quin.get(&format!("{path}/user/omar/is_joined")).await, 401), oauth);
            let leaves = if joins == "apply" { "quit?resource=web" } else { "users/quin" };
            assert_eq!(quin.delete(&format!("{path}/{leaves}")).await.expect(200)["data"]["result"], true);
            agora_error(&quin.delete(&format!("{path}/quit")).await, 403);
        }
        assert_eq!(agora_error(&nora.delete(&format!("/chatgroups/{group}/quit")).await, 403).1, "forbidden operation on group owner!");
        agora_error(&agora.delete(&format!("/chatgroups/{group}/quit")).await, 403);
        // One that is not public takes nobody; one where an admin decides lets them wait.
        for joins in ["users/nora", "apply"] {
            let refusal = agora_error(&nora.post(&format!("/chatgroups/{own}/{joins}"), &json!({})).await, 403);
            assert_eq!(refusal, ("forbidden_op".into(), "this group is not public".into()));
        }
        let second = format!("/chatgroups/{}", named["id"].as_str().expect("an id"));
        let refusal = agora_error(&nora.post(&format!("{second}/users/nora"), &json!({})).await, 403);
        assert_eq!(refusal.1, "an admin decides who joins this group");
        nora.post(&format!("{second}/apply"), &json!({"message": "please"})).await.expect(200);
        assert_eq!(nora.get(&format!("{second}/user/nora/is_joined")).await.expect(200)["data"], false);
        // Members add others where that is allowed; a plain member removes nobody.
        let omar = agora.logged_in("omar").await;
        omar.post(&format!("{second}/users/pia"), &json!({})).await.expect(200);
        assert_eq!(agora_error(&omar.delete(&format!("{second}/users/pia")).await, 401), oauth);
        quin.delete(&format!("{second}/users/pia%2Cnobody")).await.expect(200);
        // A disabled group takes no changes of users.
        agora.post(&format!("{second}/disable"), &json!({})).await.expect(200);
        let refusal = agora_error(&quin.post(&format!("{second}/users/pia"), &json!({})).await, 403).1;
        assert_eq!(refusal, "can not operate this group, reason: group is disabled");
    }
}

every_shape! {
    async fn deleting_an_owner_hands_groups_over_or_dissolves_them_as_the_policy_says_agora_10_2(app: TestApp) {
        for (policy, is_left) in [(None, true), (Some(1), true), (Some(2), false)] {
            let app = policy::neighbour(&app).await;
            policy::set(&app, pb::Policy { owner_deletion: policy, ..Default::default() }).await;
            let (agora, ids) = prepared(&app).await;
            agora.delete("/users/nora").await.expect(200);
            for (kind, id) in ["chatgroups", "chatrooms"].iter().zip(&ids) {
                let reply = agora.get(&format!("/{kind}/{id}")).await;
                if is_left {
                    assert_eq!(reply.expect(200)["data"][0]["owner"], "omar");
                } else {
                    agora_error(&reply, 404);
                    agora_error(&say(&agora, "omar", (*kind, id.as_str())).await, 404);
                }
            }
            let left = usize::from(is_left);
            let joined = agora.get("/users/omar/joined_chatgroups").await.expect(200);
            assert_eq!(joined["data"].as_array().map(Vec::len), Some(left), "{joined}");
        }
    }
}

/// Users `u0` to `u{count}`.
async fn many(agora: &Agora, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("u{n}")).collect();
    for some in names.chunks(60) {
        agora.register(&some.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    names
}

every_shape! {
    async fn members_are_paged_by_number_and_by_a_cursor_that_survives_changes_agora_10_3(app: TestApp) {
        let agora = app.agora();
        let names = many(&agora, 7).await;
        for (kind, id) in [("chatgroups", "groupid"), ("chatrooms", "id")] {
            let new = json!({"groupname": "g", "public": true, "owner": "u0", "members": names[1..6]});
            let made = agora.post(&format!("/{kind}"), &new).await.expect(200);
            let path = format!("/{kind}/{}", made["data"][id].as_str().expect("an id"));
            let page = async |query: &str| agora.get(&format!("{path}/users?{query}")).await.expect(200);
            let (owner, member) = (json!({"owner": "u0"}), |n: usize| json!({"member": format!("u{n}")}));

            let all = page("").await;
            assert_eq!((&all["count"], all.get("cursor")), (&json!(6), None));
            let second = page("pagenum=2&pagesize=4").await;
            assert_eq!(second["data"], json!([member(4), member(5)]));
            assert_eq!(second["params"], json!({"pagenum": ["2"], "pagesize": ["4"]}));
            assert_eq!((&second["count"], second.get("cursor")), (&json!(2), None));
            assert_eq!(page("pagenum=1&pagesize=1&version=v3").await["data"], json!([owner]));

            let first = page("limit=2&cursor=undefined").await;
            assert_eq!(first["data"], json!([owner, member(1)]));
            let cursor = first["cursor"].as_str().expect("a cursor").to_owned();
            // The member behind the cursor goes, and another comes: nobody is skipped or repeated.
            agora.delete(&format!("{path}/users/u1")).await.expect(200);
            agora.post(&format!("{path}/users/u6"), &json!({})).await.expect(200);
            let rest = page(&format!("limit=10&cursor={cursor}&version=v3")).await;
            assert_eq!(rest["data"], json!(["u2", "u3", "u4", "u5", "u6"]));
            assert_eq!(rest.get("cursor"), None);
            agora.post(&format!("{path}/admin"), &json!({"newadmin": "u2"})).await.expect(200);
            let timed = page("limit=2&joined_time=true").await["data"].clone();
            assert_eq!((&timed[0]["owner"], &timed[1]["admin"]), (&json!("u0"), &json!("u2")));
            assert!(timed[1]["joined_time"].is_i64(), "{timed}");
        }
    }
}

every_shape! {
    async fn groups_of_a_user_and_public_ones_are_paged_agora_10_3(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let (mut open, mut all) = (Vec::new(), Vec::new());
        for n in 0..6 {
            let owner = if n < 4 { "nora" } else { "omar" };
            let new = json!({"groupname": format!("g{n}"), "public": n % 2 == 0, "owner": owner});
            let made = agora.post("/chatgroups", &new).await.expect(200)["data"]["groupid"].clone();
            if n % 2 == 0 {
                open.push(made.clone());
            }
            all.push(made);
        }
        let ids = |page: &Value, key: &str| -> Vec<Value> {
            page["data"].as_array().expect("a list").iter().map(|group| group[key].clone()).collect()
        };
        let (nora, omar) = (agora.logged_in("nora").await, agora.logged_in("omar").await);

        // Users see public groups, and their own; the app sees all.
        assert_eq!(ids(&agora.get("/chatgroups").await.expect(200), "groupid"), all);
        let seen = ids(&omar.get("/chatgroups").await.expect(200), "groupid");
        assert_eq!(seen, [&all[0], &all[2], &all[4], &all[5]].map(Clone::clone));
        let first = omar.get("/chatgroups?limit=3").await.expect(200);
        assert_eq!(ids(&first, "groupid"), seen[..3]);
        let cursor = first["cursor"].as_str().expect("a cursor");
        assert_eq!(ids(&omar.get(&format!("/chatgroups?limit=3&cursor={cursor}")).await.expect(200), "groupid"), seen[3..]);
        assert_eq!(ids(&omar.get("/publicchatgroups?version=v3&limit=20&cursor=").await.expect(200), "id"), open);
        let last = omar.get("/publicchatgroups?limit=2&cursor=").await.expect(200);
        assert_eq!(ids(&last, "groupid"), open[..2]);
        assert_eq!(agora_error(&agora.with_token("").get("/publicchatgroups").await, 401).0, "unauthorized");

        // Of a user: numbered from 1, in the newer calls from 0.
        let joined = async |path: &str| nora.get(path).await.expect(200);
        assert_eq!(ids(&joined("/users/nora/joined_chatgroups").await, "groupid"), all[..4]);
        assert_eq!(ids(&joined("/users/nora/joined_chatgroups?pagenum=2&pagesize=3").await, "groupid"), all[3..4]);
        let newer = joined("/users/nora/joined_chatgroups?pagenum=1&pagesize=3&version=v3").await;
        let group = &all[3];
        let expected = json!([{"id": group, "name": "g3", "groupid": group, "groupname": "g3", "disabled": false, "permission": "owner"}]);
        assert_eq!(newer["data"], expected);
        let entities = joined("/chatgroups/user/nora?pagenum=0&pagesize=2").await;
        assert_eq!((&entities["total"], &entities["entities"][1]["groupId"]), (&json!(4), &all[1]));
        assert_eq!(joined("/chatgroups/user/nora/joined_count").await["data"], 4);
        for path in ["/users/nora/joined_chatgroups", "/users/nora/joined_chatrooms", "/chatgroups/user/nora", "/chatgroups/user/nora/joined_count"] {
            let refusal = agora_error(&omar.get(path).await, 401);
            assert_eq!(refusal, ("auth_bad_access_token".into(), "Unable to authenticate (OAuth)".into()), "{path}");
        }
        let far = agora_error(&nora.get("/users/nora/joined_chatgroups?pagenum=5000&pagesize=1000").await, 400);
        assert_eq!(far.1, "pagenum is too large, continue with limit and cursor");

        // Rooms: all of them are listed to everybody, and those that one owns are among those that one joined.
        let new = json!({"name": "stage", "description": "d", "owner": "nora", "maxusers": 9});
        let room = agora.post("/chatrooms", &new).await.expect(200)["data"]["id"].clone();
        assert_eq!(ids(&omar.get("/chatrooms?pagenum=1&pagesize=20").await.expect(200), "id"), std::slice::from_ref(&room));
        let rooms = joined("/users/nora/joined_chatrooms?pagenum=1&pagesize=20&detail=true").await["data"][0].clone();
        let app_key = format!("{}#{}", app.app().org, app.app().name);
        assert_eq!((&rooms["id"], &rooms["title"], &rooms["owner"]), (&room, &json!("stage"), &json!(format!("{app_key}_nora"))));
        assert_eq!((&rooms["max_users"], &rooms["disabled"]), (&json!(9), &json!("false")));
    }
}

every_shape! {
    async fn changes_of_the_allow_list_and_announcements_are_made_once_each(app: TestApp) {
        let (agora, [group, _]) = prepared(&app).await;
        let path = Arc::new(format!("/chatgroups/{group}"));
        let both = futures_util::future::join_all((0..8).map(|_| {
            let (agora, path) = (agora.clone(), Arc::clone(&path));
            async move { agora.post(&format!("{path}/white/users/omar"), &json!({})).await.expect(200) }
        }));
        both.await;
        assert_eq!(agora.get(&format!("{path}/white/users")).await.expect(200)["data"], json!(["omar"]));
        let set = futures_util::future::join_all((0..8).map(|n| {
            let (agora, path) = (agora.clone(), Arc::clone(&path));
            async move { agora.post(&format!("{path}/announcement"), &json!({"announcement": n.to_string()})).await.expect(200) }
        }));
        set.await;
        let newest = agora.get(&format!("{path}/announcement")).await.expect(200)["data"]["announcement"].clone();
        assert_eq!(newest.as_str().map(str::len), Some(1));
    }
}
