//! Changes of users and groups as events of the feed, and as callbacks (tencent.md 6, agora.md 11.3).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidings_domain::Mute;
use tidings_proto::{
    moment_or_zero, mute_to_wire,
    pb::{self, change::Change},
};
use tidings_testkit::{Answer, Received, Receiver, TestApp, every_shape};

use crate::{
    endpoint::{add, strict},
    envelope::lanying_data,
    people::{Person, people},
};

/// Every event after a cursor, up to now, and the cursor after them.
async fn read(app: &TestApp, after: &str) -> (Vec<pb::Event>, String) {
    let request = pb::EventsRequest { after: after.to_owned(), ..Default::default() };
    let mut feed = app.messages().events(app.request(request)).await.expect("a feed").into_inner();
    let (mut events, mut cursor) = (Vec::new(), String::new());
    while let Some(reply) = feed.message().await.expect("a batch") {
        events.extend(reply.events);
        cursor = reply.cursor;
    }
    (events, cursor)
}

/// Those of one group.
fn of_group(events: &[pb::Event], group: i64) -> Vec<&pb::Event> {
    events.iter().filter(|event| event.conversation.is_some_and(|at| at.id == group)).collect()
}

fn change(event: &pb::Event) -> &Change {
    event.change.as_ref().and_then(|change| change.change.as_ref()).expect("a change")
}

fn kinds<'a>(events: &[&'a pb::Event]) -> Vec<&'a str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

async fn create(app: &TestApp, owner: &Person, members: &[&Person]) -> i64 {
    let request = pb::CreateGroupRequest {
        name: "lunch".into(),
        member_ids: members.iter().map(|person| person.id).collect(),
        ..Default::default()
    };
    app.groups().create_group(app.request_as(owner.id, request)).await.expect("created").into_inner().id
}

every_shape! {
    async fn each_change_of_a_group_is_one_event_in_order_with_its_actor(app: TestApp) {
        let [nora, omar, pia, rosa] = people(&app, ["nora", "omar", "pia", "rosa"]).await;
        let (_, begin) = read(&app, "now").await;
        let group = create(&app, &nora, &[&omar]).await;
        let mut groups = app.groups();
        let add = pb::AddMembersRequest { group_id: group, user_ids: vec![pia.id, omar.id] };
        groups.add_members(app.request_as(nora.id, add)).await.expect("added");
        let admins = pb::SetAdminsRequest { group_id: group, user_ids: vec![omar.id], admin: true };
        for _ in 0..2 {
            // The second time nothing changes.
            groups.set_admins(app.request_as(nora.id, admins.clone())).await.expect("set");
        }
        let mute = pb::MuteRequest { group_id: group, user_ids: vec![pia.id], until: mute_to_wire(Mute::Forever) };
        for _ in 0..2 {
            groups.mute(app.request_as(omar.id, mute.clone())).await.expect("muted");
        }
        let unmute = pb::MuteRequest { until: None, ..mute };
        groups.mute(app.request(unmute)).await.expect("unmuted");
        let apply = pb::ApplyRequest { group_id: group, text: "let me in".into(), ..Default::default() };
        for _ in 0..2 {
            groups.apply(app.request_as(rosa.id, apply.clone())).await.expect("applied");
        }
        let decide = pb::DecideApplicationRequest { group_id: group, user_id: rosa.id, accept: false };
        groups.decide_application(app.request_as(omar.id, decide)).await.expect("rejected");
        groups.apply(app.request_as(rosa.id, apply)).await.expect("applied");
        let decide = pb::DecideApplicationRequest { group_id: group, user_id: rosa.id, accept: true };
        groups.decide_application(app.request_as(omar.id, decide)).await.expect("accepted");
        let update = pb::UpdateGroupRequest { group_id: group, name: Some("dinner".into()), description: Some(String::new()), ..Default::default() };
        for _ in 0..2 {
            groups.update_group(app.request_as(nora.id, update.clone())).await.expect("updated");
        }
        let remove = pb::RemoveMembersRequest { group_id: group, user_ids: vec![pia.id] };
        groups.remove_members(app.request_as(omar.id, remove)).await.expect("removed");
        let block = pb::BlockMembersRequest { group_id: group, user_ids: vec![pia.id, rosa.id], blocked: true };
        groups.block_members(app.request_as(nora.id, block.clone())).await.expect("blocked");
        let unblock = pb::BlockMembersRequest { user_ids: vec![rosa.id, omar.id], blocked: false, ..block };
        groups.block_members(app.request_as(nora.id, unblock)).await.expect("unblocked");
        let heir = pb::TransferGroupRequest { group_id: group, new_owner_id: omar.id };
        groups.transfer_group(app.request_as(nora.id, heir)).await.expect("transferred");
        groups.leave(app.request_as(nora.id, pb::LeaveRequest { group_id: group, ..Default::default() })).await.expect("left");
        groups.destroy_group(app.request_as(omar.id, pb::DestroyGroupRequest { group_id: group })).await.expect("ended");

        let (events, cursor) = read(&app, &begin).await;
        let told = of_group(&events, group);
        let expected = [
            ("group.created", nora.id), ("group.joined", nora.id), ("group.admins_changed", nora.id),
            ("group.mutes_changed", omar.id), ("group.mutes_changed", 0), ("group.applied", rosa.id),
            ("group.application_rejected", omar.id), ("group.applied", rosa.id), ("group.joined", omar.id),
            ("group.updated", nora.id), ("group.left", omar.id), ("group.left", nora.id), ("group.blocks_changed", nora.id),
            ("group.blocks_changed", nora.id), ("group.transferred", nora.id), ("group.left", nora.id),
            ("group.destroyed", omar.id),
        ];
        let seen: Vec<_> = told.iter().map(|event| (event.kind.as_str(), event.actor_id)).collect();
        assert_eq!(seen, expected);
        let (added, accepted) = (pb::change::Joining::Added.into(), pb::change::Joining::Accepted.into());
        let [left, removed, blocked] = [pb::change::Leaving::Left, pb::change::Leaving::Removed, pb::change::Leaving::Blocked].map(Into::into);
        let exact = [
            (0, Change::GroupCreated(pb::change::GroupCreated { owner_id: nora.id, name: "lunch".into(), member_ids: vec![omar.id] })),
            (1, Change::MembersJoined(pb::change::MembersJoined { user_ids: vec![pia.id], how: added })),
            (2, Change::AdminsChanged(pb::change::AdminsChanged { user_ids: vec![omar.id], admin: true })),
            (3, Change::MembersMuted(pb::change::MembersMuted { user_ids: vec![pia.id], until: mute_to_wire(Mute::Forever) })),
            (5, Change::Applied(pb::change::Applied { user_id: rosa.id, text: "let me in".into() })),
            (8, Change::MembersJoined(pb::change::MembersJoined { user_ids: vec![rosa.id], how: accepted })),
            (9, Change::GroupUpdated(pb::change::GroupUpdated { fields: vec!["name".into()], name: "dinner".into(), ..Default::default() })),
            (10, Change::MembersLeft(pb::change::MembersLeft { user_ids: vec![pia.id], how: removed })),
            (11, Change::MembersLeft(pb::change::MembersLeft { user_ids: vec![rosa.id], how: blocked })),
            (12, Change::MembersBlocked(pb::change::MembersBlocked { user_ids: vec![pia.id, rosa.id], blocked: true })),
            (13, Change::MembersBlocked(pb::change::MembersBlocked { user_ids: vec![rosa.id], blocked: false })),
            (14, Change::OwnerChanged(pb::change::OwnerChanged { from_id: nora.id, to_id: omar.id })),
            (15, Change::MembersLeft(pb::change::MembersLeft { user_ids: vec![nora.id], how: left })),
            (16, Change::GroupDestroyed(pb::change::GroupDestroyed { owner_id: omar.id, name: "dinner".into(), member_ids: vec![] })),
        ];
        for (place, expected) in exact {
            assert_eq!(change(told[place]), &expected, "{place}");
        }
        assert!(told.iter().all(|event| event.msg_id == 0 && event.message.is_none() && event.platform == "RESTAPI" && moment_or_zero(event.at).0 > 0));
        assert!(told.iter().all(|event| event.change.as_ref().is_some_and(|change| change.group_id == group)));
        let unique: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(unique.len(), events.len());
        assert_eq!(read(&app, &cursor).await.0, []);
    }
}

every_shape! {
    async fn changes_of_users_are_events_and_the_groups_of_a_deleted_one_change(app: TestApp) {
        let (_, begin) = read(&app, "now").await;
        let [nora, omar] = people(&app, ["nora", "omar"]).await;
        let (owned, alone) = (create(&app, &nora, &[&omar]).await, create(&app, &nora, &[]).await);
        let user = |person: &Person| Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(person.id)) });
        let update = pb::UpdateUserRequest { user: user(&omar), nickname: Some("O".into()), enabled: Some(false), ..Default::default() };
        for _ in 0..2 {
            app.directory().update_user(app.request(update.clone())).await.expect("updated");
        }
        app.directory().update_user(app.request(pb::UpdateUserRequest { user: user(&omar), enabled: Some(true), ..Default::default() })).await.expect("enabled");
        app.directory().delete_user(app.request_as(nora.id, pb::DeleteUserRequest { user: user(&nora) })).await.expect("deleted");

        let (events, _) = read(&app, &begin).await;
        let of = |wanted: i64| -> Vec<&pb::Event> {
            let is_of = |event: &&pb::Event| matches!(
                event.change.as_ref().and_then(|change| change.change.as_ref()),
                Some(Change::UserRegistered(pb::change::UserRegistered { user_id })
                    | Change::UserChanged(pb::change::UserChanged { user_id, .. })
                    | Change::UserEnabled(pb::change::UserEnabled { user_id, .. })
                    | Change::UserDeleted(pb::change::UserDeleted { user_id })) if *user_id == wanted);
            events.iter().filter(is_of).collect()
        };
        assert_eq!(kinds(&of(omar.id)), ["user.registered", "user.changed", "user.disabled", "user.enabled"]);
        let changed = pb::change::UserChanged { user_id: omar.id, fields: vec!["nickname".into()] };
        assert_eq!(change(of(omar.id)[1]), &Change::UserChanged(changed));
        let of_nora = of(nora.id);
        assert_eq!((kinds(&of_nora), of_nora[1].actor_id), (vec!["user.registered", "user.deleted"], nora.id));
        assert!(of_nora.iter().all(|event| event.conversation.is_none()));
        assert_eq!(kinds(&of_group(&events, owned)), ["group.created", "group.transferred", "group.left"]);
        assert_eq!(kinds(&of_group(&events, alone)), ["group.created", "group.destroyed"]);
    }
}

every_shape! {
    async fn the_feed_over_http_names_users_and_groups_and_is_narrowed_by_kind(app: TestApp) {
        let agora = app.agora();
        agora.register(&["Nora", "omar"]).await;
        let after = agora.get("/tidings/events?after=now&wait=0").await.expect(200)["cursor"].as_str().expect("a cursor").to_owned();
        let group = json!({"groupname": "lunch", "public": true, "owner": "nora", "members": ["omar"]});
        let group = agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
        agora.send_text("nora", "omar", "m").await;
        let told = agora.get(&format!("/tidings/events?after={after}&kinds=group.created,user.deleted")).await.expect(200);
        let [event] = told["data"].as_array().expect("events").as_slice() else { panic!("one: {told}") };
        let mut event = event.clone();
        for gone in ["id", "timestamp"] {
            assert!(!event[gone].is_null(), "{gone}");
            event.as_object_mut().expect("an object").remove(gone);
        }
        assert_eq!(event, json!({
            "kind": "group.created", "chat_type": "groupchat", "group_id": group, "operator": "admin",
            "change": {"owner": "nora", "users": ["omar"], "name": "lunch"},
            "client_ip": "127.0.0.1", "platform": "RESTAPI",
        }));
        agora.request(reqwest::Method::DELETE, "/users/omar").send().await.expect("an answer");
        let told = agora.get(&format!("/tidings/events?after={after}&kinds=user.deleted")).await.expect(200);
        assert_eq!(told["data"][0]["change"], json!({"user": "omar"}));
        assert_eq!((&told["data"][0]["chat_type"], &told["data"][0]["from"]), (&Value::Null, &Value::Null));
        let told = agora.get(&format!("/tidings/events?after={after}&kinds=message.sent")).await.expect(200);
        assert_eq!(told["data"].as_array().map(Vec::len), Some(1));
    }
}

every_shape! {
    async fn groups_are_told_in_each_vendors_form_tencent_6_agora_11_3(app: TestApp) {
        let [nora, omar, pia] = people(&app, ["nora", "omar", "pia"]).await;
        let [tencent, vendor, lanying] = [(); 3].map(|()| Receiver::start(|_| Answer::ok()));
        add(&app, &tencent, pb::CallbackDialect::Tencent).await;
        add(&app, &vendor, pb::CallbackDialect::Agora).await;
        add(&app, &lanying, pb::CallbackDialect::Lanying).await;
        let group = create(&app, &nora, &[&omar]).await;
        let mut groups = app.groups();
        let members = pb::AddMembersRequest { group_id: group, user_ids: vec![pia.id] };
        groups.add_members(app.request_as(nora.id, members)).await.expect("added");
        let update = pb::UpdateGroupRequest { group_id: group, name: Some("dinner".into()), avatar: Some("https://a.test/1".into()), ..Default::default() };
        groups.update_group(app.request(update)).await.expect("updated");
        let remove = pb::RemoveMembersRequest { group_id: group, user_ids: vec![pia.id] };
        groups.remove_members(app.request_as(nora.id, remove)).await.expect("removed");
        groups.leave(app.request_as(omar.id, pb::LeaveRequest { group_id: group, ..Default::default() })).await.expect("left");
        groups.destroy_group(app.request_as(nora.id, pb::DestroyGroupRequest { group_id: group })).await.expect("ended");

        let received = tencent.wait_for(6).await;
        let strict = strict(&app);
        for received in &received {
            assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        }
        let told: Vec<Value> = received.iter().map(Received::json).collect();
        let id = group.to_string();
        let expected = [
            json!({"CallbackCommand": "Group.CallbackAfterCreateGroup", "GroupId": id, "Type": "Public", "Operator_Account": "nora", "Owner_Account": "nora", "Name": "lunch", "MemberList": [{"Member_Account": "omar"}]}),
            json!({"CallbackCommand": "Group.CallbackAfterNewMemberJoin", "GroupId": id, "Type": "Public", "JoinType": "Invited", "Operator_Account": "nora", "NewMemberList": [{"Member_Account": "pia"}]}),
            json!({"CallbackCommand": "Group.CallbackAfterGroupInfoChanged", "GroupId": id, "Type": "Public", "Operator_Account": "admin", "Name": "dinner", "FaceUrl": "https://a.test/1"}),
            json!({"CallbackCommand": "Group.CallbackAfterMemberExit", "GroupId": id, "Type": "Public", "ExitType": "Kicked", "Operator_Account": "nora", "ExitMemberList": [{"Member_Account": "pia"}]}),
            json!({"CallbackCommand": "Group.CallbackAfterMemberExit", "GroupId": id, "Type": "Public", "ExitType": "Quit", "Operator_Account": "omar", "ExitMemberList": [{"Member_Account": "omar"}]}),
            json!({"CallbackCommand": "Group.CallbackAfterGroupDestroyed", "GroupId": id, "Type": "Public", "Owner_Account": "nora", "Name": "dinner", "MemberList": []}),
        ];
        for (told, expected) in told.iter().zip(expected) {
            let mut told = told.clone();
            told.as_object_mut().expect("an object").remove("EventTime").expect("a time");
            assert_eq!(told, expected);
        }

        let told: Vec<Value> = vendor.wait_for(6).await.iter().map(Received::json).collect();
        let operations: Vec<_> = told.iter().map(|told| (told["payload"]["operation"].clone(), told["from"].clone(), told["to"].clone())).collect();
        let expected = [("create", "nora", id.as_str()), ("presence", "nora", "pia"), ("update", "admin", &id), ("kick", "nora", "pia"), ("leave", "omar", "omar"), ("destroy", "nora", &id)];
        assert_eq!(operations, expected.map(|(operation, from, to)| (json!(operation), json!(from), json!(to))));
        let key = format!("{}#{}", app.app().org, app.app().name);
        for told in &told {
            assert_eq!((&told["chat_type"], &told["eventType"], &told["group_id"], &told["appkey"]), (&json!("muc"), &json!("chat"), &json!(id), &json!(key)));
            let payload = &told["payload"];
            assert_eq!((&payload["muc_id"], &payload["is_chatroom"]), (&json!(format!("{key}_{id}@conference.easemob.com")), &json!(false)));
            assert_eq!(payload["status"], json!({"description": "", "error_code": "ok"}));
        }
        // The vendor has no callback for these: what comes first is the message.
        nora.client.send_text(omar.id, "m").await;
        let told = lanying.wait_for(1).await[0].json();
        assert_eq!((&told["type"], &told["content"]), (&json!("CHAT"), &json!("m")));
    }
}

every_shape! {
    async fn agora_is_told_of_each_user_once_with_an_id_of_its_own_agora_11_3(app: TestApp) {
        let [nora, omar, pia] = people(&app, ["nora", "omar", "pia"]).await;
        let group = create(&app, &nora, &[]).await;
        let vendor = Receiver::start(|_| Answer::ok());
        add(&app, &vendor, pb::CallbackDialect::Agora).await;
        let members = pb::AddMembersRequest { group_id: group, user_ids: vec![omar.id, pia.id] };
        app.groups().add_members(app.request_as(nora.id, members)).await.expect("added");
        let block = pb::BlockMembersRequest { group_id: group, user_ids: vec![pia.id], blocked: true };
        app.groups().block_members(app.request_as(nora.id, block)).await.expect("blocked");
        let received = vendor.wait_for(3).await;
        let told: Vec<Value> = received.iter().map(Received::json).collect();
        let seen: Vec<_> = told.iter().map(|told| (told["payload"]["operation"].clone(), told["to"].clone())).collect();
        assert_eq!(seen, [("presence", "omar"), ("presence", "pia"), ("ban", "pia")].map(|(operation, to)| (json!(operation), json!(to))));
        let ids: BTreeSet<String> = told.iter().map(|told| told["callId"].to_string()).collect();
        let webhooks: BTreeSet<&str> = received.iter().map(|received| received.headers["webhook-id"].to_str().expect("text")).collect();
        assert_eq!((ids.len(), webhooks.len()), (3, 3));
    }
}

every_shape! {
    async fn contacts_and_block_lists_are_told_in_each_vendors_form_tencent_6_agora_11_3(app: TestApp) {
        let [nora, omar] = people(&app, ["Nora", "omar"]).await;
        let (_, begin) = read(&app, "now").await;
        let [tencent, vendor] = [(); 2].map(|()| Receiver::start(|_| Answer::ok()));
        add(&app, &tencent, pb::CallbackDialect::Tencent).await;
        add(&app, &vendor, pb::CallbackDialect::Agora).await;
        let with = |person: &Person| json!({"user_id": person.id});
        lanying_data(&nora.client.post("/roster/apply", &json!({"user_id": omar.id, "reason": "hi"})).await);
        lanying_data(&omar.client.post("/roster/accept", &with(&nora)).await);
        lanying_data(&nora.client.post("/roster/delete", &with(&omar)).await);
        for path in ["/roster/block", "/roster/unblock"] {
            // The second time nothing changes.
            for _ in 0..2 {
                _ = nora.client.post(path, &with(&omar)).await;
            }
        }
        let agora = app.agora();
        agora.post("/users/nora/contacts/users/omar", &json!({})).await.expect(200);

        let received = tencent.wait_for(5).await;
        let strict = strict(&app);
        for received in &received {
            assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        }
        let pair = |from: &str, to: &str| json!({"From_Account": from, "To_Account": to});
        let added = |from: &str, to: &str| json!({"From_Account": from, "To_Account": to, "Initiator_Account": "Nora"});
        let expected = [
            json!({"CallbackCommand": "Sns.CallbackFriendAdd", "PairList": [added("omar", "Nora"), added("Nora", "omar")], "ClientCmd": "friend_response", "Admin_Account": "", "ForceFlag": 0}),
            json!({"CallbackCommand": "Sns.CallbackFriendDelete", "PairList": [pair("Nora", "omar"), pair("omar", "Nora")]}),
            json!({"CallbackCommand": "Sns.CallbackBlackListAdd", "PairList": [pair("Nora", "omar")]}),
            json!({"CallbackCommand": "Sns.CallbackBlackListDelete", "PairList": [pair("Nora", "omar")]}),
            json!({"CallbackCommand": "Sns.CallbackFriendAdd", "PairList": [added("Nora", "omar"), added("omar", "Nora")], "ClientCmd": "friend_add", "Admin_Account": "admin", "ForceFlag": 1}),
        ];
        assert_eq!(received.iter().map(Received::json).collect::<Vec<_>>(), expected);

        let told: Vec<Value> = vendor.wait_for(6).await.iter().map(Received::json).collect();
        let seen: Vec<_> = told.iter().map(|told| (told["payload"]["operation"].clone(), told["from"].clone(), told["to"].clone())).collect();
        let expected = [("add", "nora", "omar"), ("accept", "omar", "nora"), ("remove", "nora", "omar"), ("ban", "nora", "omar"), ("allow", "nora", "omar"), ("add", "nora", "omar")];
        assert_eq!(seen, expected.map(|(operation, from, to)| (json!(operation), json!(from), json!(to))));
        assert_eq!((&told[0]["payload"]["reason"], &told[0]["chat_type"], &told[0]["group_id"]), (&json!("hi"), &json!("roster"), &Value::Null));
        assert!(told.iter().all(|told| told["payload"]["roster_ver"].is_string()));

        let (events, _) = read(&app, &begin).await;
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["contact.requested", "contact.added", "contact.removed", "user.blocked", "user.unblocked", "contact.added"]);
        assert_eq!(events.iter().map(|event| event.actor_id).collect::<Vec<_>>(), [nora.id, omar.id, nora.id, nora.id, nora.id, 0]);
    }
}
