//! Groups across gateways, and groups that are large (agora.md 10.3, 10.4): members are added in bulk, listed by pages and
//! written to without being loaded.

use std::time::Instant;

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Reply, Shape, TestApp};

use crate::{groups::groups, log::register, order::doubled};

async fn say(agora: &Agora, kind: &str, id: &str, from: &str) -> Reply {
    let text = json!({"from": from, "to": [id], "type": "txt", "body": {"msg": "hi"}});
    agora.post(&format!("/messages/{kind}"), &text).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_changes_in_a_group_holds_on_the_next_send_through_the_other() {
    let (app, [one, other]) = doubled().await;
    register(&app, &["ann", "bob", "eve"]).await;
    for (kind, key) in [("chatgroups", "groupid"), ("chatrooms", "id")] {
        let new = json!({"groupname": "g", "owner": "ann", "members": ["bob", "eve"], "public": true});
        let made = one.post(&format!("/{kind}"), &new).await.expect(200);
        let id = made["data"][key].as_str().expect("an id").to_owned();
        let path = format!("/{kind}/{id}");
        // Both gateways know the members before each change.
        let speaks = async |user: &str| {
            let status = say(&other, kind, &id, user).await.status.as_u16();
            assert_eq!(say(&one, kind, &id, user).await.status.as_u16(), status, "the gateways disagree on {user}");
            status == 200
        };
        assert!(speaks("bob").await && speaks("eve").await);
        one.delete(&format!("{path}/users/bob")).await.expect(200);
        assert!(!speaks("bob").await, "bob was removed");
        one.post(&format!("{path}/mute"), &json!({"usernames": ["eve"], "mute_duration": -1})).await.expect(200);
        assert!(!speaks("eve").await, "eve is muted");
        other.delete(&format!("{path}/mute/eve")).await.expect(200);
        assert!(speaks("eve").await, "eve is muted no more");
        one.post(&format!("{path}/ban"), &json!({})).await.expect(200);
        assert!(!speaks("eve").await, "all are muted");
        one.post(&format!("{path}/white/users/eve"), &json!({})).await.expect(200);
        assert!(speaks("eve").await, "eve is on the allow list");
        one.post(&format!("{path}/disable"), &json!({})).await.expect(200);
        assert!(!speaks("ann").await, "the group is disabled");
        one.post(&format!("{path}/enable"), &json!({})).await.expect(200);
        one.post(&format!("{path}/blocks/users/eve"), &json!({})).await.expect(200);
        assert!(!speaks("eve").await, "eve is blocked");
        one.delete(&path).await.expect(200);
        assert!(!speaks("ann").await, "the group is gone");
    }
}

/// The names of members on a page.
fn names(page: &Value) -> Vec<String> {
    let member = |entry: &Value| entry["member"].as_str().or(entry["owner"].as_str()).expect("a member").to_owned();
    page["data"].as_array().expect("a list").iter().map(member).collect()
}

async fn filled(app: &TestApp, agora: &Agora, kind: pb::GroupKind, members: &[i64]) -> String {
    let wanted = pb::CreateGroupRequest {
        kind: kind.into(),
        owner_id: Some(members[0]),
        settings: Some(pb::GroupSettings { max_members: Some(10_000), ..Default::default() }),
        ..Default::default()
    };
    let group_id = groups(app).create_group(app.request(wanted)).await.unwrap().into_inner().id;
    let path = if kind == pb::GroupKind::Room { "chatrooms" } else { "chatgroups" };
    for some in members[1..].chunks(600) {
        let wanted = pb::AddMembersRequest { group_id, user_ids: some.to_vec() };
        let reply = groups(app).add_members(app.request(wanted)).await.unwrap().into_inner();
        assert!(reply.results.iter().all(|result| result.reason.is_empty()));
    }
    let shown = agora.get(&format!("/{path}/{group_id}")).await.expect(200);
    assert_eq!(shown["data"][0]["affiliations_count"], members.len());
    format!("/{path}/{group_id}")
}

async fn check(app: TestApp) {
    let agora = app.agora();
    let users: Vec<String> = (0..10_000).map(|n| format!("u{n}")).collect();
    let mut ids = Vec::with_capacity(users.len());
    for some in users.chunks(60) {
        ids.extend(register(&app, &some.iter().map(String::as_str).collect::<Vec<_>>()).await);
    }
    for (kind, size) in [(pb::GroupKind::Group, 5_000), (pb::GroupKind::Room, 10_000)] {
        let started = Instant::now();
        let path = filled(&app, &agora, kind, &ids[..size]).await;
        let added = started.elapsed();
        let (_, kind, id) = {
            let mut parts = path.split('/');
            (parts.next(), parts.next().unwrap(), parts.next().unwrap())
        };

        // The last page by number, and the rest of the list behind a cursor.
        let started = Instant::now();
        let last = agora.get(&format!("{path}/users?pagenum={}&pagesize=100", size / 100)).await.expect(200);
        let paged = started.elapsed();
        assert_eq!(names(&last), users[size - 100..size]);
        let (mut walked, mut cursor) = (0, String::new());
        loop {
            let page = agora.get(&format!("{path}/users?limit=1000&cursor={cursor}")).await.expect(200);
            assert_eq!(names(&page), users[walked..(walked + 1_000).min(size)]);
            walked += names(&page).len();
            match page["cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(walked, size);

        let started = Instant::now();
        say(&agora, kind, id, &users[size - 1]).await.expect(200);
        let sent = started.elapsed();
        agora.delete(&format!("{path}/users/{}", users[size - 1])).await.expect(200);
        assert_eq!(say(&agora, kind, id, &users[size - 1]).await.status.as_u16(), 403);
        let sixty = json!({"usernames": users[size - 60..size]});
        let added_again = agora.post(&format!("{path}/users"), &sixty).await.expect(200);
        assert_eq!(added_again["data"]["newmembers"], json!([users[size - 1]]));
        eprintln!("{kind} of {size}: added in {added:?}, last page in {paged:?}, first send in {sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_5000_and_a_room_of_10000_are_filled_listed_and_written_to_on_postgres() {
    check(TestApp::on(Shape::Postgres).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_5000_and_a_room_of_10000_are_filled_listed_and_written_to_on_sqlite() {
    check(TestApp::on(Shape::Sqlite).await).await;
}
