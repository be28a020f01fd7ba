//! Groups as changed by their members (lanying.md 9 and 10).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Lanying, Reply, TestApp, every_shape};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    people::{Person, group_of, people},
    transcript::Transcript,
};

async fn info(person: &Person, group: i64) -> Value {
    lanying_data(&person.client.get(&format!("/group/info?group_id={group}")).await)
}

/// A call about members of a group.
async fn act(client: &Lanying, path: &str, group: i64, users: &[i64]) -> Reply {
    client.post(path, &json!({"group_id": group, "user_list": users, "duration": 60})).await
}

/// The users for whom such a call succeeded.
fn outcomes(reply: &Reply) -> Vec<(i64, bool)> {
    let results = lanying_data(reply);
    let outcome = |result: &Value| {
        let success = result["result"] == "success";
        assert!(success || result["result"] == "fail" && result["reason"].is_string(), "{result}");
        (result["user_id"].as_i64().expect("an id"), success)
    };
    results.as_array().expect("results").iter().map(outcome).collect()
}

/// The users in one of the lists of a group.
async fn listed(client: &Lanying, path: &str, group: i64) -> Vec<i64> {
    let list = lanying_data(&client.get(&format!("{path}?group_id={group}")).await);
    list.as_array().expect("members").iter().map(|member| member["user_id"].as_i64().expect("an id")).collect()
}

/// Ann's group with Bob, an admin, and Eve, a plain member; Max is not in it.
async fn four(app: &TestApp) -> (Person, Person, Person, Person, i64) {
    let [ann, bob, eve, max] = people(app, ["ann", "bob", "eve", "max"]).await;
    let group = group_of(&ann, &[&bob, &eve]).await;
    assert_eq!(outcomes(&act(&ann.client, "/group/admin/add", group, &[bob.id]).await), [(bob.id, true)]);
    (ann, bob, eve, max, group)
}

every_shape! {
    async fn a_group_is_made_by_its_owner_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let admin = app.lanying();
        let made = admin.acting_as(ann.id).post("/group/create", &json!({"name": "tea", "type": 1})).await;
        let made = lanying_data(&made);
        assert_eq!((&made["owner_id"], &made["type"], &made["member_count"]), (&json!(ann.id), &json!(1), &json!(1)));
        for (what, client, body, code) in [
            ("no owner", &admin, json!({"name": "tea"}), 10002),
            ("type 3", &ann.client, json!({"name": "tea", "type": 3}), 10002),
            ("name of another type", &ann.client, json!({"name": 7}), 10002),
            ("name too long", &ann.client, json!({"name": "x".repeat(129)}), 10002),
            ("members of another type", &ann.client, json!({"name": "tea", "user_list": "bob"}), 10002),
            ("unknown member", &ann.client, json!({"name": "tea", "user_list": [999_984]}), 10000),
            ("unknown owner", &admin.acting_as(999_984), json!({"name": "tea"}), 10000),
        ] {
            assert_eq!(lanying_error(&client.post("/group/create", &body).await), code, "{what}");
        }
        assert_eq!(lanying_data(&ann.client.get("/group/user_joined").await), json!([made["group_id"]]));
    }
}

every_shape! {
    async fn information_is_given_for_one_group_or_many_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let (first, second) = (group_of(&ann, &[]).await, group_of(&ann, &[]).await);
        let batch = async |groups: Value| ann.client.post("/group/info/batch", &json!({"group_list": groups})).await;
        let found = lanying_data(&batch(json!([second, 999_985, first.to_string()])).await);
        let of_both = json!([info(&ann, second).await, info(&ann, first).await]);
        assert_eq!(found, of_both, "in the order asked, without what is not there");
        assert_eq!(lanying_error(&batch(json!([])).await), 10002);
        assert_eq!(lanying_error(&batch(json!(["lunch"])).await), 10002);
        assert_eq!(lanying_error(&ann.client.get("/group/info?group_id=999985").await), 20001);
        assert_eq!(lanying_error(&ann.client.get(&format!("/group/info?group_id={}", ann.id)).await), 20001);
        assert_eq!(lanying_error(&ann.client.get("/group/info").await), 10002);
    }
}

every_shape! {
    async fn every_setting_is_changed_by_a_call_of_its_own_lanying_10(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        for (call, key, values) in [
            ("info/name", "name", vec![json!("tea"), json!("")]),
            ("info/description", "description", vec![json!("at five"), json!("")]),
            ("info/avatar", "avatar", vec![json!("https://s.example.test/tea")]),
            ("info/ext", "ext", vec![json!("{\"colour\":\"green\"}")]),
            ("settings/allow_member_invitation", "member_invite", vec![json!(false), json!(true)]),
            ("settings/allow_member_modify", "member_modify", vec![json!(true), json!(false)]),
            ("settings/enable_read_ack", "read_ack", vec![json!(true), json!(false)]),
            ("settings/history_visible", "history_visible", vec![json!(true), json!(false)]),
            ("settings/require_admin_approval", "apply_approval", vec![json!(0), json!(2), json!(1)]),
        ] {
            let path = format!("/group/{call}");
            let name = if key == "apply_approval" { key } else { "value" };
            for value in values {
                for (method, person) in [(Method::POST, &ann), (Method::PUT, &bob)] {
                    let body = json!({"group_id": group.to_string(), name: value});
                    assert_eq!(lanying_data(&person.client.call(method, &path, Some(&body)).await), true, "{path}");
                }
                assert_eq!(info(&eve, group).await[key], value, "{path}");
            }
            let good = json!({"group_id": group, name: info(&ann, group).await[key]});
            for (what, client, body, code) in [
                ("a plain member", &eve.client, good.clone(), 20012),
                ("no member", &max.client, good.clone(), 20002),
                ("no value", &ann.client, json!({"group_id": group}), 10002),
                ("a value of another type", &ann.client, json!({"group_id": group, name: {}}), 10002),
                ("no group", &ann.client, json!({name: good[name]}), 10002),
                ("unknown group", &ann.client, json!({"group_id": 999_985, name: good[name]}), 20001),
            ] {
                assert_eq!(lanying_error(&client.post(&path, &body).await), code, "{path}: {what}");
            }
        }
        let query = format!("/group/settings/history_visible?group_id={group}&value=true");
        assert_eq!(lanying_data(&ann.client.post(&query, &json!({})).await), true);
        assert_eq!(lanying_data(&app.lanying().for_group(group).call(Method::PUT, &query, None).await), true);
        assert_eq!(info(&ann, group).await["history_visible"], true);
        let beyond = json!({"group_id": group, "apply_approval": 3});
        assert_eq!(lanying_error(&ann.client.post("/group/settings/require_admin_approval", &beyond).await), 10002);
    }
}

every_shape! {
    async fn a_plain_member_changes_the_information_where_that_is_allowed_lanying_10(app: TestApp) {
        let (ann, _, eve, _, group) = four(&app).await;
        let rename = json!({"group_id": group, "value": "tea"});
        assert_eq!(lanying_error(&eve.client.post("/group/info/name", &rename).await), 20012);
        let allow = json!({"group_id": group, "value": true});
        lanying_data(&ann.client.post("/group/settings/allow_member_modify", &allow).await);
        lanying_data(&eve.client.post("/group/info/name", &rename).await);
        assert_eq!(info(&ann, group).await["name"], "tea");
        assert_eq!(lanying_error(&eve.client.post("/group/settings/history_visible", &allow).await), 20012);
    }
}

every_shape! {
    async fn whom_a_call_names_is_answered_one_by_one_lanying_10(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        let mut wire = Transcript::of(&app);
        let everybody = [ann.id, bob.id, eve.id, max.id, max.id, 999_984];
        for (path, expected) in [
            ("/group/invite", [false, false, false, true, false]),
            ("/group/ban", [false, true, true, true, false]),
            ("/group/unban", [false, true, true, true, false]),
            ("/group/admin/add", [false, true, true, true, false]),
            ("/group/admin/remove", [false, true, true, true, false]),
            ("/group/kick", [false, true, true, true, false]),
            ("/group/block", [false, true, true, true, false]),
            ("/group/unblock", [true, true, true, true, false]),
        ] {
            let reply = act(&ann.client, path, group, &everybody).await;
            wire.add(path, &reply);
            let named = [ann.id, bob.id, eve.id, max.id, 999_984];
            assert_eq!(outcomes(&reply), named.into_iter().zip(expected).collect::<Vec<_>>(), "{path}");
        }
        wire.check("lanying_member_results");
        assert_eq!(listed(&ann.client, "/group/member_list", group).await, [ann.id]);
    }
}

every_shape! {
    async fn rights_decide_who_does_what_in_a_group_lanying_9(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        lanying_data(&ann.client.post("/group/settings/allow_member_invitation", &json!({"group_id": group, "value": false})).await);
        for (path, least) in [
            ("/group/invite", 20012),
            ("/group/kick", 20012),
            ("/group/ban", 20012),
            ("/group/unban", 20012),
            ("/group/block", 20012),
            ("/group/unblock", 20012),
            ("/group/admin/add", 20013),
            ("/group/admin/remove", 20013),
        ] {
            assert_eq!(lanying_error(&act(&eve.client, path, group, &[max.id]).await), least, "{path}");
            assert_eq!(lanying_error(&act(&max.client, path, group, &[eve.id]).await), 20002, "{path}");
            assert_eq!(lanying_error(&act(&ann.client, path, 999_985, &[eve.id]).await), 20001, "{path}");
            assert_eq!(lanying_error(&act(&ann.client, path, group, &[]).await), 10002, "{path}");
            let nobody = json!({"group_id": group, "duration": 1});
            assert_eq!(lanying_error(&ann.client.post(path, &nobody).await), 10002, "{path}");
            let by_admin = act(&bob.client, path, group, &[999_984]).await;
            assert_eq!(by_admin.json()["code"], if least == 20013 { 20013 } else { 200 }, "{path}");
        }
        for path in ["/group/kick", "/group/ban", "/group/block"] {
            assert_eq!(outcomes(&act(&bob.client, path, group, &[ann.id]).await), [(ann.id, false)], "{path} the owner");
        }
        for duration in [json!(null), json!("x"), json!(-2), json!(i64::MAX)] {
            let body = json!({"group_id": group, "user_list": [eve.id], "duration": duration});
            assert_eq!(lanying_error(&ann.client.post("/group/ban", &body).await), 10002, "{duration}");
            assert_eq!(lanying_error(&ann.client.post("/group/settings/ban_all", &body).await), 10002, "{duration}");
        }
        assert_eq!(lanying_error(&eve.client.get(&format!("/group/blocked_list?group_id={group}")).await), 20012);
        for path in ["/group/member_list", "/group/admin_list", "/group/banned_list", "/group/blocked_list"] {
            assert_eq!(lanying_error(&max.client.get(&format!("{path}?group_id={group}")).await), 20002, "{path}");
            assert_eq!(lanying_error(&ann.client.get(&format!("{path}?group_id=999985")).await), 20001, "{path}");
            assert_eq!(lanying_error(&ann.client.get(path).await), 10002, "{path}");
            let as_app = app.lanying().get(&format!("{path}?group_id={group}")).await;
            lanying_data(&as_app);
        }
    }
}

every_shape! {
    async fn members_are_listed_in_pages_with_cursor_total_and_version_lanying_10(app: TestApp) {
        let (ann, bob, eve, _, group) = four(&app).await;
        let mut wire = Transcript::of(&app);
        let first = eve.client.get(&format!("/group/member_list?group_id={group}&limit=2&version=0")).await;
        wire.add("two of three", &first);
        let cursor = first.json()["cursor"].as_str().expect("another page").to_owned();
        let last = eve.client.get(&format!("/group/member_list?group_id={group}&limit=2&cursor={cursor}")).await;
        wire.add("the third", &last);
        wire.check("lanying_member_list");
        assert_eq!(listed(&eve.client, "/group/member_list", group).await, [ann.id, bob.id, eve.id]);
        for query in ["limit=-1", "limit=two", "cursor=-1", "cursor=x"] {
            let reply = eve.client.get(&format!("/group/member_list?group_id={group}&{query}")).await;
            assert_eq!(lanying_error(&reply), 10002, "{query}");
        }
    }
}

every_shape! {
    async fn admins_the_banned_and_the_blocked_have_lists_of_their_own_lanying_10(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        assert_eq!(listed(&eve.client, "/group/admin_list", group).await, [bob.id], "the owner is no admin");
        lanying_data(&act(&ann.client, "/group/admin/remove", group, &[bob.id]).await);
        assert_eq!(listed(&eve.client, "/group/admin_list", group).await, [0; 0]);

        assert_eq!(listed(&ann.client, "/group/banned_list", group).await, [0; 0]);
        lanying_data(&act(&ann.client, "/group/ban", group, &[bob.id]).await);
        let forever = json!({"group_id": group, "user_list": [eve.id], "duration": -1});
        lanying_data(&ann.client.post("/group/ban", &forever).await);
        let banned = ann.client.get(&format!("/group/banned_list?group_id={group}")).await;
        assert_eq!((keys(&banned.json()), &banned.json()["total"]), (vec!["code", "data", "total", "version"], &json!(2)));
        let until = lanying_data(&banned);
        assert_eq!(until[1]["expired_time"], -1);
        assert!(until[0]["expired_time"].as_i64() > until[0]["join_time"].as_i64(), "milliseconds: {until}");
        lanying_data(&act(&ann.client, "/group/unban", group, &[bob.id]).await);
        assert_eq!(listed(&ann.client, "/group/banned_list", group).await, [eve.id]);

        lanying_data(&act(&ann.client, "/group/block", group, &[eve.id, max.id]).await);
        assert_eq!(listed(&ann.client, "/group/blocked_list", group).await, [eve.id, max.id]);
        assert_eq!(listed(&ann.client, "/group/member_list", group).await, [ann.id, bob.id], "blocking puts out");
        let back = act(&ann.client, "/group/invite", group, &[eve.id]).await;
        assert_eq!(outcomes(&back), [(eve.id, false)]);
        assert_eq!(lanying_error(&eve.client.post("/group/apply", &json!({"group_id": group})).await), 20018);
        lanying_data(&act(&ann.client, "/group/unblock", group, &[eve.id]).await);
        assert_eq!(listed(&ann.client, "/group/blocked_list", group).await, [max.id]);
        assert_eq!(outcomes(&act(&bob.client, "/group/invite", group, &[eve.id]).await), [(eve.id, true)]);
    }
}

every_shape! {
    async fn who_applies_waits_for_an_admin_lanying_10(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        let apply = async |person: &Person| {
            person.client.post("/group/apply", &json!({"group_id": group, "reason": "hungry"})).await
        };
        let waiting = async |person: &Person| person.client.post("/group/application_list", &json!({"group_list": [group]})).await;
        let decide = async |person: &Person, user: i64, approval: bool| {
            let body = json!({"group_id": group, "user_id": user, "approval": approval});
            person.client.post("/group/apply/handle", &body).await
        };
        let mut wire = Transcript::of(&app);
        wire.add("nobody waits", &waiting(&bob).await);
        wire.add("asked", &apply(&max).await);
        wire.add("asked again", &apply(&max).await);
        wire.add("one waits", &waiting(&bob).await);
        assert_eq!(listed(&ann.client, "/group/member_list", group).await, [ann.id, bob.id, eve.id]);
        assert_eq!(lanying_error(&waiting(&eve).await), 20012);
        assert_eq!(lanying_error(&decide(&eve, max.id, true).await), 20012);
        assert_eq!(lanying_error(&apply(&eve).await), 20017);
        wire.add("turned down", &decide(&bob, max.id, false).await);
        assert_eq!(lanying_error(&decide(&bob, max.id, true).await), 20014);
        lanying_data(&apply(&max).await);
        wire.add("let in", &decide(&ann, max.id, true).await);
        wire.add("nobody waits any more", &waiting(&ann).await);
        wire.check("lanying_applications");
        assert_eq!(lanying_error(&decide(&ann, max.id, true).await), 20014);
        assert_eq!(listed(&max.client, "/group/member_list", group).await, [ann.id, bob.id, eve.id, max.id]);
        for body in [json!({}), json!({"group_list": []}), json!({"group_list": "x"})] {
            assert_eq!(lanying_error(&ann.client.post("/group/application_list", &body).await), 10002, "{body}");
        }
        let unsaid = json!({"group_id": group, "user_id": max.id});
        assert_eq!(lanying_error(&ann.client.post("/group/apply/handle", &unsaid).await), 10002);
    }
}

every_shape! {
    async fn apply_approval_says_who_joins_by_asking_lanying_10(app: TestApp) {
        let [ann, max] = people(&app, ["ann", "max"]).await;
        for (approval, expected, joins) in [(0, 200, true), (1, 200, false), (2, 10010, false)] {
            let group = group_of(&ann, &[]).await;
            let body = json!({"group_id": group, "apply_approval": approval});
            lanying_data(&ann.client.call(Method::PUT, "/group/settings/require_admin_approval", Some(&body)).await);
            let path = format!("/group/apply?group_id={group}");
            let reply = max.client.post(&path, &json!({})).await;
            assert_eq!(reply.json()["code"], expected, "{approval}: {}", reply.text);
            let members = listed(&ann.client, "/group/member_list", group).await;
            assert_eq!(members.contains(&max.id), joins, "{approval}");
        }
        assert_eq!(lanying_error(&max.client.post("/group/apply", &json!({"group_id": 999_985})).await), 20001);
        assert_eq!(lanying_error(&max.client.post("/group/apply", &json!({})).await), 10002);
    }
}

every_shape! {
    async fn everybody_but_the_owner_leaves_lanying_9(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        let path = format!("/group/leave?group_id={group}");
        assert_eq!(lanying_error(&ann.client.post(&path, &json!({})).await), 20004);
        assert_eq!(lanying_error(&max.client.post(&path, &json!({})).await), 20002);
        assert_eq!(lanying_data(&bob.client.post(&path, &json!({})).await), true);
        assert_eq!(lanying_data(&eve.client.call(Method::DELETE, &path, None).await), true);
        assert_eq!(lanying_error(&eve.client.call(Method::DELETE, &path, None).await), 20002);
        assert_eq!(listed(&ann.client, "/group/member_list", group).await, [ann.id]);
        assert_eq!(lanying_data(&eve.client.get("/group/user_joined").await), json!([]));
        assert_eq!(lanying_error(&eve.client.post("/group/leave", &json!({})).await), 10002);
        assert_eq!(lanying_error(&eve.client.post("/group/leave?group_id=999985", &json!({})).await), 20001);
    }
}

every_shape! {
    async fn a_group_goes_to_one_of_its_members_lanying_9(app: TestApp) {
        let (ann, bob, eve, max, group) = four(&app).await;
        let to = |person: &Person| json!({"group_id": group, "new_owner": person.id});
        let transfer = "/group/transfer";
        assert_eq!(lanying_error(&bob.client.post(transfer, &to(&bob)).await), 20013);
        assert_eq!(lanying_error(&max.client.post(transfer, &to(&max)).await), 20002);
        assert_eq!(lanying_error(&ann.client.post(transfer, &to(&max)).await), 20005);
        assert_eq!(lanying_error(&ann.client.post(transfer, &json!({"group_id": group})).await), 10002);
        assert_eq!(lanying_data(&ann.client.post(transfer, &to(&eve)).await), true);
        assert_eq!(info(&ann, group).await["owner_id"], eve.id);
        assert_eq!(lanying_error(&ann.client.call(Method::PUT, transfer, Some(&to(&ann))).await), 20013);
        assert_eq!(lanying_data(&eve.client.call(Method::PUT, transfer, Some(&to(&ann))).await), true);
        lanying_data(&eve.client.post("/group/leave", &json!({"group_id": group})).await);
        let by_admin = app.lanying().post(transfer, &to(&bob)).await;
        assert_eq!(lanying_data(&by_admin), true);
        assert_eq!(info(&ann, group).await["owner_id"], bob.id);
    }
}

every_shape! {
    async fn a_group_is_destroyed_by_its_owner_by_query_or_body_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        for (method, in_query, body) in [
            (Method::POST, true, Some(json!({}))),
            (Method::POST, true, None),
            (Method::DELETE, true, None),
            (Method::POST, false, Some(json!({}))),
        ] {
            let group = group_of(&ann, &[]).await;
            let path = if in_query { format!("/group/destroy?group_id={group}") } else { "/group/destroy".to_owned() };
            let body = body.map(|body| if in_query { body } else { json!({"group_id": group.to_string()}) });
            assert_eq!(lanying_data(&ann.client.call(method, &path, body.as_ref()).await), true, "{path} {body:?}");
        }
        assert_eq!(lanying_data(&ann.client.get("/group/user_joined").await), json!([]));
    }
}
