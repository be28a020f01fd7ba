//! Groups across gateways, and groups that are large (agora.md 10.3, 10.4): members are added in bulk, listed by pages and
//! written to without being loaded.

use std::time::Instant;

use serde_json::{Value, json};
use tidings_proto::pb::{self, app_ref};
use tidings_testkit::{Agora, Reply, Shape, TestApp, wait_until};

use crate::{groups::groups, log::register, order::doubled};

/// Lets users send with their own tokens: what the app itself sends is not held by mutes.
async fn let_users_send(app: &TestApp) {
    let by_id = pb::AppRef { app: Some(app_ref::App::Id(app.app().id)) };
    let policy = Some(pb::Policy { user_tokens_may_send: Some(true), ..Default::default() });
    let wanted = pb::SetPolicyRequest { app: Some(by_id), policy };
    app.directory().set_policy(app.suite.request(wanted)).await.expect("the policy is taken");
}

/// A token of a user.
async fn token(agora: &Agora, name: &str) -> String {
    let wanted = json!({"grant_type": "inherit", "username": name});
    agora.post("/token", &wanted).await.expect(200)["access_token"].as_str().expect("a token").to_owned()
}

async fn say(agora: &Agora, name: &str, (kind, id): (&str, &str)) -> Reply {
    let text = json!({"from": name, "to": [id], "type": "txt", "body": {"msg": "hi"}});
    agora.post(&format!("/messages/{kind}"), &text).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_changes_in_a_group_soon_holds_for_sends_through_the_other() {
    let (app, [one, other]) = doubled().await;
    let_users_send(&app).await;
    register(&app, &["ann", "bob", "eve"]).await;
    let tokens = [token(&one, "ann").await, token(&one, "bob").await, token(&one, "eve").await];
    for (kind, key) in [("chatgroups", "groupid"), ("chatrooms", "id")] {
        let new = json!({"groupname": "g", "owner": "ann", "members": ["bob", "eve"], "public": true});
        let made = one.post(&format!("/{kind}"), &new).await.expect(200);
        let id = made["data"][key].as_str().expect("an id").to_owned();
        let path = format!("/{kind}/{id}");
        // What is known of members is used for up to a second, by every process.
        let until = async |user: usize, speaks: bool, why: &str| {
            for gateway in [&other, &one] {
                let agora = gateway.with_token(&tokens[user]);
                let name = ["ann", "bob", "eve"][user];
                wait_until(why, async || say(&agora, name, (kind, id.as_str())).await.status.is_success() == speaks)
                    .await;
            }
        };
        for user in 0..3 {
            until(user, true, "all three to speak").await;
        }
        one.delete(&format!("{path}/users/bob")).await.expect(200);
        until(1, false, "bob to be out").await;
        one.post(&format!("{path}/mute"), &json!({"usernames": ["eve"], "mute_duration": -1})).await.expect(200);
        until(2, false, "eve to be muted").await;
        other.delete(&format!("{path}/mute/eve")).await.expect(200);
        until(2, true, "eve to speak again").await;
        one.post(&format!("{path}/ban"), &json!({})).await.expect(200);
        until(2, false, "all to be muted").await;
        one.post(&format!("{path}/white/users/eve"), &json!({})).await.expect(200);
        until(2, true, "eve to be on the allow list").await;
        one.post(&format!("{path}/disable"), &json!({})).await.expect(200);
        until(0, false, "the group to be disabled").await;
        one.post(&format!("{path}/enable"), &json!({})).await.expect(200);
        until(0, true, "the group to be enabled").await;
        one.post(&format!("{path}/blocks/users/eve"), &json!({})).await.expect(200);
        until(2, false, "eve to be blocked").await;
        one.delete(&path).await.expect(200);
        until(0, false, "the group to be gone").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_changes_of_users_soon_holds_for_sends_through_the_other() {
    let (app, [one, other]) = doubled().await;
    let_users_send(&app).await;
    register(&app, &["ann", "bob"]).await;
    let ann = token(&one, "ann").await;
    let gateways = [one.with_token(&ann), other.with_token(&ann)];
    let until = async |speaks: bool, why: &str| {
        for gateway in &gateways {
            wait_until(why, async || say(gateway, "ann", ("users", "bob")).await.status.is_success() == speaks).await;
        }
    };
    let mute = |seconds: i64| json!({"username": "ann", "chat": seconds});
    until(true, "ann to speak").await;
    one.post("/mutes", &mute(-1)).await.expect(200);
    until(false, "ann to be muted").await;
    other.post("/mutes", &mute(0)).await.expect(200);
    until(true, "ann to speak again").await;
    one.post("/users/bob/blocks/users", &json!({"usernames": ["ann"]})).await.expect(200);
    until(false, "ann to be on bob's block list").await;
    other.delete("/users/bob/blocks/users/ann").await.expect(200);
    until(true, "ann to be off bob's block list").await;
    one.post("/users/ann/deactivate", &json!({})).await.expect(200);
    until(false, "ann to be deactivated").await;
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
    let_users_send(&app).await;
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
        let (kind, id) = path[1..].split_once('/').expect("a kind and an id");

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

        let last_user = users[size - 1].as_str();
        let own = agora.with_token(&token(&agora, last_user).await);
        let started = Instant::now();
        say(&own, last_user, (kind, id)).await.expect(200);
        let sent = started.elapsed();
        agora.delete(&format!("{path}/users/{last_user}")).await.expect(200);
        wait_until("the last to be out", async || !say(&own, last_user, (kind, id)).await.status.is_success()).await;
        let sixty = json!({"usernames": users[size - 60..size]});
        let added_again = agora.post(&format!("{path}/users"), &sixty).await.expect(200);
        assert_eq!(added_again["data"]["newmembers"], json!([last_user]));
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
