//! The seven calls with groups (lanying.md 5, 7 and 10; decisions 5, 28 and 29).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::{Lanying, Reply, TestApp, every_shape, wait_until};

use crate::{
    envelope::{keys, lanying_data, lanying_error},
    people::{Person, all_of, code, column, group_of, ids, people, texts, to_group, until_code},
    transcript::Transcript,
};

async fn send(client: &Lanying, body: &Value) -> Reply {
    client.post("/message/send", body).await
}

async fn page(client: &Lanying, group: i64) -> Reply {
    client.get(&format!("/message/conversation?opposite_id={group}&msg_id_start=0&limit=100")).await
}

/// A call about members of a group that succeeds for each of them.
async fn each(client: &Lanying, path: &str, group: i64, members: &[&Person]) {
    let users: Vec<i64> = members.iter().map(|person| person.id).collect();
    let body = json!({"group_id": group, "user_list": users, "duration": 60});
    for result in lanying_data(&client.post(path, &body).await).as_array().expect("results") {
        assert_eq!(result["result"], "success", "{path}: {result}");
    }
}

/// Changes a setting of a group that has not been used yet.
async fn set(client: &Lanying, setting: &str, group: i64, value: bool) {
    let body = json!({"group_id": group, "value": value});
    assert_eq!(lanying_data(&client.post(&format!("/group/settings/{setting}"), &body).await), true);
}

/// Ann's group with Bob and Eve.
async fn three(app: &TestApp) -> (Person, Person, Person, i64) {
    let [ann, bob, eve] = people(app, ["ann", "bob", "eve"]).await;
    let group = group_of(&ann, &[&bob, &eve]).await;
    (ann, bob, eve, group)
}

every_shape! {
    async fn a_new_group_has_its_user_list_at_once_lanying_10(app: TestApp) {
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let mut wire = Transcript::of(&app);
        let wanted = json!({"name": "lunch", "description": "noon", "user_list": [bob.id, eve.id, bob.id, ann.id]});
        let made = ann.client.post("/group/create", &wanted).await;
        wire.add("made", &made);
        wire.check("lanying_group_created");
        let group = lanying_data(&made)["group_id"].as_i64().expect("an id");
        assert_eq!((group & 15, group < 1 << 53), (1, true), "the low four bits say that it is a group (lanying.md 3)");
        for person in [&ann, &bob, &eve] {
            assert_eq!(lanying_data(&person.client.get("/group/user_joined").await), json!([group]));
            person.client.send_to_group(group, "hello").await;
        }
        assert_eq!(texts(&all_of(&eve, group).await), ["hello"; 3]);
    }
}

every_shape! {
    async fn a_group_message_is_one_message_that_every_member_sees_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let id = bob.client.send_to_group(group, "hello").await;
        for person in [&ann, &bob, &eve] {
            let page = all_of(person, group).await;
            assert_eq!(ids(&page), [id]);
            let message = &page["messages"][0];
            assert_eq!(message["from_xid"], json!({"uid": bob.id, "device_sn": 0}));
            assert_eq!(message["to_xid"], json!({"uid": group, "device_sn": 0}));
        }
    }
}

every_shape! {
    async fn one_call_speaks_in_many_groups_once_each_lanying_5_6(app: TestApp) {
        let (ann, bob, _, first) = three(&app).await;
        let second = group_of(&ann, &[&bob]).await;
        let mut body = to_group(first, "to all");
        body["targets"] = json!([first, second, first]);
        let reply = send(&ann.client, &body).await;
        assert_eq!((lanying_data(&reply), keys(&reply.json())), (json!(true), vec!["code", "data"]));
        for group in [first, second] {
            assert_eq!(texts(&all_of(&bob, group).await), ["to all"]);
        }
        body["targets"] = json!([first, first]);
        let reply = send(&ann.client, &body).await.json();
        assert_eq!(reply["msg_ids"], json!([ids(&all_of(&bob, first).await)[0]]), "one receiver, though named twice");
    }
}

every_shape! {
    async fn an_admin_token_speaks_as_a_member_as_the_owner_or_as_the_app_itself_decision_28(app: TestApp) {
        let (ann, bob, _, group) = three(&app).await;
        let [stranger] = people(&app, ["sam"]).await;
        let admin = app.lanying();
        let from = |id: i64| {
            let mut body = to_group(group, "hello");
            body["from_user_id"] = id.into();
            body
        };
        lanying_data(&send(&admin, &from(bob.id)).await);
        lanying_data(&send(&admin.acting_as(bob.id), &to_group(group, "hello")).await);
        lanying_data(&send(&admin.for_group(group), &to_group(group, "hello")).await);
        lanying_data(&send(&admin, &to_group(group, "hello")).await);
        assert_eq!(lanying_error(&send(&admin, &from(stranger.id)).await), 20002);
        assert_eq!(lanying_error(&send(&admin, &from(999_984)).await), 10000);
        let senders: Vec<Value> =
            column(&all_of(&bob, group).await, "from_xid").into_iter().map(|xid| xid["uid"].clone()).collect();
        assert_eq!(senders, [0, ann.id, bob.id, bob.id]);
    }
}

every_shape! {
    async fn the_headers_stand_for_a_group_and_its_admins_alone_decision_28(app: TestApp) {
        let (ann, bob, _, group) = three(&app).await;
        bob.client.send_to_group(group, "hello").await;
        let admin = app.lanying();
        let as_owner = admin.for_group(group);
        assert_eq!(texts(&as_owner.history(group, 0, 9).await), ["hello"]);
        lanying_data(&as_owner.acting_as(ann.id).get("/message/unread").await);
        for (client, refused) in [
            (as_owner.acting_as(bob.id), 20012),
            (admin.for_group(ann.id), 20001),
            (admin.for_group(999_985), 20001),
            (ann.client.for_group(group), 10010),
            (ann.client.acting_as(bob.id), 10010),
        ] {
            assert_eq!(lanying_error(&client.get("/message/unread").await), refused, "{client:?}");
        }
    }
}

every_shape! {
    async fn who_may_not_speak_in_one_group_speaks_in_none_lanying_5_6(app: TestApp) {
        let (ann, bob, _, group) = three(&app).await;
        let [stranger] = people(&app, ["sam"]).await;
        let own = group_of(&stranger, &[]).await;
        for (what, targets, refused) in [
            ("no member", json!([group]), 20002),
            ("no member of the second", json!([own, group]), 20002),
            ("no such group", json!([999_985]), 20001),
            ("no such group beside one", json!([own, 999_985]), 20001),
            ("a user's id", json!([bob.id]), 20001),
            ("the app itself", json!([0]), 20001),
            ("negative", json!([-group]), 10002),
        ] {
            let mut body = to_group(group, "hello");
            body["targets"] = targets;
            let reply = send(&stranger.client, &body).await;
            assert_eq!(lanying_error(&reply), refused, "{what}: {}", reply.text);
        }
        let mut as_user = to_group(group, "hello");
        as_user["type"] = 1.into();
        assert_eq!(lanying_error(&send(&ann.client, &as_user).await), 10000, "a group is no user");
        assert_eq!(ids(&all_of(&ann, group).await), [0; 0]);
        assert_eq!(ids(&all_of(&stranger, own).await), [0; 0]);
    }
}

every_shape! {
    async fn the_muted_are_silent_and_everybody_but_admins_where_all_are_lanying_5_6(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let text = to_group(group, "hello");
        each(&ann.client, "/group/admin/add", group, &[&eve]).await;
        each(&ann.client, "/group/ban", group, &[&bob]).await;
        until_code(10010, async || send(&bob.client, &text).await).await;
        lanying_data(&send(&eve.client, &text).await);
        assert_eq!(code(&page(&bob.client, group).await), 200, "the muted may listen");
        each(&ann.client, "/group/unban", group, &[&bob]).await;
        until_code(200, async || send(&bob.client, &text).await).await;

        let everybody = |duration: i64| json!({"group_id": group, "duration": duration});
        lanying_data(&ann.client.post("/group/settings/ban_all", &everybody(-1)).await);
        until_code(10010, async || send(&bob.client, &text).await).await;
        for person in [&ann, &eve] {
            lanying_data(&send(&person.client, &text).await);
        }
        lanying_data(&ann.client.post("/group/settings/unban_all", &everybody(0)).await);
        until_code(200, async || send(&bob.client, &text).await).await;
    }
}

every_shape! {
    async fn group_history_runs_from_newer_to_older_lanying_5_2(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let mut newest_first = Vec::new();
        for (n, person) in [&ann, &bob, &eve, &ann, &bob].into_iter().enumerate() {
            newest_first.insert(0, person.client.send_to_group(group, &n.to_string()).await);
        }
        let mut start = 0;
        for (expected, next) in [
            (&newest_first[..2], newest_first[2]),
            (&newest_first[2..4], newest_first[4]),
            (&newest_first[4..], 0),
        ] {
            let page = eve.client.history(group, start, 2).await;
            assert_eq!(ids(&page), expected);
            assert_eq!((page["next_msg_id"].as_i64(), &page["is_last"]), (Some(next), &json!(next == 0)));
            start = next;
        }
        let exact = bob.client.history(group, 0, 5).await;
        assert_eq!((texts(&exact), &exact["is_last"]), (vec!["4", "3", "2", "1", "0"], &json!(true)));
    }
}

every_shape! {
    async fn a_late_member_sees_the_past_only_where_history_is_visible_lanying_5_2(app: TestApp) {
        let [ann, late] = people(&app, ["ann", "late"]).await;
        for visible in [false, true] {
            let group = group_of(&ann, &[]).await;
            set(&ann.client, "history_visible", group, visible).await;
            let old = ann.client.send_to_group(group, "before").await;
            each(&ann.client, "/group/invite", group, &[&late]).await;
            ann.client.send_to_group(group, "after").await;
            let seen = if visible { vec!["after", "before"] } else { vec!["after"] };
            let page = all_of(&late, group).await;
            assert_eq!((texts(&page), &page["is_last"]), (seen, &json!(true)));
            let past = late.client.history(group, old, 9).await;
            assert_eq!(texts(&past), if visible { vec!["before"] } else { vec![] }, "nor by asking for the old ones");
            assert_eq!(late.client.unread().await[0], (group, 1), "what is older than the joining is never unread");
        }
    }
}

every_shape! {
    async fn who_is_no_member_reads_nothing_lanying_5_2(app: TestApp) {
        let (ann, _, _, group) = three(&app).await;
        let [stranger] = people(&app, ["sam"]).await;
        let sent = ann.client.send_to_group(group, "secret").await;
        assert_eq!(lanying_error(&page(&stranger.client, group).await), 20002);
        let foreign = stranger.client.get(&format!("/message/ack?msg_id={sent}")).await;
        let absent = stranger.client.get(&format!("/message/ack?msg_id={}", sent + 1)).await;
        assert_eq!((lanying_error(&foreign), lanying_error(&absent)), (10002, 10002), "a stranger learns nothing");
        assert_eq!(stranger.client.unread().await, []);
        assert_eq!(ids(&app.lanying().history(group, 0, 9).await), [sent], "the app itself reads everything");
    }
}

every_shape! {
    async fn each_member_has_a_count_of_its_own_lanying_5_7(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let first = ann.client.send_to_group(group, "1").await;
        ann.client.send_to_group(group, "2").await;
        bob.client.send_to_group(group, "3").await;
        assert_eq!(ann.client.unread().await, [(group, 1)], "own messages never count");
        assert_eq!(bob.client.unread().await, [(group, 2)]);
        assert_eq!(eve.client.unread().await, [(group, 3)]);
        lanying_data(&eve.client.get(&format!("/message/ack?msg_id={first}")).await);
        assert_eq!(eve.client.unread().await, [(group, 2)]);
        lanying_data(&eve.client.get(&format!("/message/ack?conversation_id={group}")).await);
        assert_eq!(eve.client.unread().await, [(group, 0)]);
        assert_eq!(bob.client.unread().await, [(group, 2)], "Bob has read nothing");
        let command = json!({"type": 2, "targets": [group], "content_type": 6, "content": "refresh"});
        lanying_data(&send(&ann.client, &command).await);
        assert_eq!(eve.client.unread().await, [(group, 0)], "commands never count (decision 5)");
        ann.client.send_to_group(group, "4").await;
        ann.client.send_text(eve.id, "and alone").await;
        assert_eq!(eve.client.unread().await, [(ann.id, 1), (group, 1)], "groups and users, newest activity first");
    }
}

every_shape! {
    async fn a_group_message_is_read_when_the_caller_has_read_it_decision_5(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let first = ann.client.send_to_group(group, "1").await;
        ann.client.send_to_group(group, "2").await;
        bob.client.send_to_group(group, "3").await;
        let statuses = async |person: &Person| {
            let page = all_of(person, group).await;
            column(&page, "status").into_iter().map(|status| status.as_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(statuses(&ann).await, ["UNREAD", "READ", "READ"], "what one wrote oneself is read");
        assert_eq!(statuses(&bob).await, ["READ", "UNREAD", "UNREAD"]);
        assert_eq!(statuses(&eve).await, ["UNREAD"; 3]);
        lanying_data(&eve.client.get(&format!("/message/ack?msg_id={first}&conversation_id={group}")).await);
        assert_eq!(statuses(&eve).await, ["UNREAD", "UNREAD", "READ"]);
        assert_eq!(statuses(&bob).await, ["READ", "UNREAD", "UNREAD"], "Eve has read it, Bob has not");
    }
}

every_shape! {
    async fn a_deleted_group_conversation_comes_back_with_newer_messages_alone_lanying_5_3(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let old = ann.client.send_to_group(group, "old").await;
        let gone = format!("/message/conversation?conversation_id={group}");
        assert_eq!(lanying_data(&bob.client.call(Method::DELETE, &gone, None).await), true);
        assert_eq!(bob.client.unread().await, []);
        assert_eq!(texts(&all_of(&bob, group).await), [""; 0]);
        assert_eq!((eve.client.unread().await, texts(&all_of(&eve, group).await)), (vec![(group, 1)], vec!["old"]));
        ann.client.send_to_group(group, "new").await;
        assert_eq!(bob.client.unread().await, [(group, 1)]);
        assert_eq!(texts(&all_of(&bob, group).await), ["new"]);
        assert_eq!(texts(&bob.client.history(group, old, 9).await), [""; 0]);
    }
}

every_shape! {
    async fn who_left_or_was_put_out_is_refused_and_the_others_are_not_lanying_10(app: TestApp) {
        let (ann, bob, eve, group) = three(&app).await;
        let text = to_group(group, "hello");
        lanying_data(&send(&ann.client, &text).await);
        lanying_data(&bob.client.post("/group/leave", &json!({"group_id": group})).await);
        each(&ann.client, "/group/kick", group, &[&eve]).await;
        for person in [&bob, &eve] {
            until_code(20002, async || send(&person.client, &text).await).await;
            until_code(20002, async || page(&person.client, group).await).await;
            wait_until("the group to be listed no more", async || person.client.unread().await.is_empty()).await;
            assert_eq!(lanying_data(&person.client.get("/group/user_joined").await), json!([]));
        }
        lanying_data(&send(&ann.client, &text).await);

        each(&ann.client, "/group/invite", group, &[&bob]).await;
        until_code(200, async || page(&bob.client, group).await).await;
        let newest = ann.client.send_to_group(group, "welcome back").await;
        assert_eq!(ids(&all_of(&bob, group).await), [newest], "a second joining is a joining");
        assert_eq!(bob.client.unread().await, [(group, 1)]);
    }
}

every_shape! {
    async fn nobody_writes_to_a_group_that_ended_lanying_10(app: TestApp) {
        let (ann, bob, _, group) = three(&app).await;
        let text = to_group(group, "hello");
        lanying_data(&send(&ann.client, &text).await);
        assert_eq!(lanying_error(&bob.client.post("/group/destroy", &json!({"group_id": group})).await), 20013);
        lanying_data(&ann.client.post("/group/destroy", &json!({"group_id": group})).await);
        for person in [&ann, &bob] {
            until_code(20001, async || send(&person.client, &text).await).await;
            until_code(20001, async || page(&person.client, group).await).await;
            wait_until("the group to be listed no more", async || person.client.unread().await.is_empty()).await;
            assert_eq!(lanying_data(&person.client.get("/group/user_joined").await), json!([]));
        }
        assert_eq!(lanying_error(&ann.client.get(&format!("/group/info?group_id={group}")).await), 20001);
        assert_eq!(lanying_error(&ann.client.post("/group/destroy", &json!({"group_id": group})).await), 20001);
    }
}

every_shape! {
    async fn a_room_is_written_and_read_as_a_group_is_and_listed_nowhere_decision_29(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let made = ann.client.post("/group/create", &json!({"name": "stage", "type": 2, "user_list": [bob.id]})).await;
        let made = lanying_data(&made);
        let room = made["group_id"].as_i64().expect("an id");
        assert_eq!(made["type"], 2);
        let sent = ann.client.send_to_group(room, "hello").await;
        assert_eq!(ids(&all_of(&bob, room).await), [sent]);
        assert_eq!(bob.client.unread().await, []);
        assert_eq!(lanying_data(&bob.client.get("/group/user_joined").await), json!([]));
    }
}
