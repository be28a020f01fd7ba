//! Push settings, mutes, attributes and presence of users.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    duration, moment_or_zero, mute_or_none,
    pb::{self, directory_service_server::DirectoryService as _},
};
use tidings_store::{on_tx, sqlx};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{START, Suite, id, lobby, name, ok, on_both_engines, reason},
};

/// The kinds of the recorded changes, in their order.
async fn changes(suite: &Suite) -> Vec<String> {
    let mut tx = suite.db.begin().await.unwrap();
    on_tx!(&mut tx, |c| sqlx::query_scalar("select kind from change order by change_id").fetch_all(c).await).unwrap()
}

async fn users_version(suite: &Suite) -> i64 {
    let request = tonic::Request::new(pb::GetAppRequest { app: Some(lobby()) });
    // Another process: this one may know the app from before.
    ok(suite.other_process().get_app(request).await).users_version
}

fn muting(user: &str, [direct, group, room]: [Option<i64>; 3]) -> pb::SetUserMutesRequest {
    pb::SetUserMutesRequest { user: Some(name(user)), direct_seconds: direct, group_seconds: group, room_seconds: room }
}

async fn mute(suite: &Suite, caller: By, user: &str, spans: [Option<i64>; 3]) -> Result<[i64; 3], Reason> {
    let reply = suite.directory.set_user_mutes(by(caller, muting(user, spans))).await;
    reply.map(|reply| until(reply.get_ref())).map_err(reason)
}

fn until(mutes: &pb::UserMutes) -> [i64; 3] {
    [
        mute_or_none(mutes.direct_until).millis(),
        mute_or_none(mutes.group_until).millis(),
        mute_or_none(mutes.room_until).millis(),
    ]
}

async fn mutes(suite: &Suite, caller: By, user: &str) -> Result<[i64; 3], Reason> {
    let request = pb::GetUserMutesRequest { user: Some(name(user)) };
    suite.directory.get_user_mutes(by(caller, request)).await.map(|reply| until(reply.get_ref())).map_err(reason)
}

async fn muted(suite: &Suite, size: i32, token: &str) -> (Vec<String>, String) {
    let request = pb::ListUserMutesRequest { page_size: size, page_token: token.to_owned() };
    let reply = ok(suite.directory.list_user_mutes(by(By::App, request)).await);
    (reply.mutes.into_iter().map(|user| user.username).collect(), reply.next_page_token)
}

async fn a_mute_of_one_kind_leaves_the_others_and_runs_out(suite: Suite) {
    let [ann] = suite.users().await;
    let end = START.0 + 100_000;
    assert_eq!(mute(&suite, By::App, "u0", [Some(100), None, Some(-1)]).await.unwrap(), [end, 0, -1]);
    assert_eq!(mute(&suite, By::App, "U0", [None, Some(1), None]).await.unwrap(), [end, START.0 + 1000, -1]);
    let whole = suite.get_user(name("u0")).await.unwrap().mutes.unwrap();
    assert_eq!((whole.user_id, until(&whole)), (ann, [end, START.0 + 1000, -1]));
    suite.advance(Duration::from_secs(1));
    assert_eq!(mutes(&suite, By::User(ann), "u0").await.unwrap(), [end, 0, -1]);
    assert_eq!(mute(&suite, By::App, "u0", [Some(0), None, Some(0)]).await.unwrap(), [0, 0, 0]);
    assert_eq!(suite.get_user(name("u0")).await.unwrap().mutes, None);
    assert_eq!(suite.count("user_mute").await, 0);
}

async fn a_mute_raises_the_version_of_the_apps_users_and_is_recorded_once(suite: Suite) {
    suite.users::<1>().await;
    let before = users_version(&suite).await;
    mute(&suite, By::App, "u0", [Some(-1), None, None]).await.unwrap();
    assert_eq!(users_version(&suite).await, before + 1);
    mute(&suite, By::App, "u0", [Some(-1), None, None]).await.unwrap();
    mute(&suite, By::App, "u0", [None; 3]).await.unwrap();
    assert_eq!(users_version(&suite).await, before + 1, "nothing changed");
    mute(&suite, By::App, "u0", [Some(0), None, None]).await.unwrap();
    assert_eq!(users_version(&suite).await, before + 2);
    let recorded = changes(&suite).await;
    assert_eq!(recorded.iter().filter(|kind| *kind == "user.muted").count(), 2, "{recorded:?}");
}

async fn only_registered_users_are_muted_and_users_see_their_own(suite: Suite) {
    let [ann, _bob] = suite.users().await;
    suite.resolve(&[name("ghost")], true).await.unwrap();
    for nobody in ["ghost", "nobody"] {
        assert_eq!(mute(&suite, By::App, nobody, [Some(1); 3]).await.unwrap_err(), Reason::UserNotFound);
    }
    assert_eq!(mutes(&suite, By::User(ann), "u1").await.unwrap_err(), Reason::NotPermitted);
    for bad in [-2, 2_147_483_648] {
        assert_eq!(mute(&suite, By::App, "u0", [None, Some(bad), None]).await.unwrap_err(), Reason::InvalidArgument);
    }
}

async fn muted_users_are_paged_and_a_page_survives_what_comes_between(suite: Suite) {
    suite.users::<6>().await;
    for user in ["u1", "u3", "u5"] {
        mute(&suite, By::App, user, [Some(-1), None, None]).await.unwrap();
    }
    mute(&suite, By::App, "u4", [None, Some(1), None]).await.unwrap();
    let (first, token) = muted(&suite, 2, "").await;
    assert_eq!(first, ["u1", "u3"]);
    mute(&suite, By::App, "u0", [Some(-1), None, None]).await.unwrap();
    mute(&suite, By::App, "u3", [Some(0), None, None]).await.unwrap();
    suite.advance(Duration::from_secs(1));
    assert_eq!(muted(&suite, 2, &token).await, (vec!["u5".to_owned()], String::new()), "u4's ran out");
    let request = pb::ListUserMutesRequest { page_size: 0, page_token: "soon".to_owned() };
    assert_eq!(
        suite.directory.list_user_mutes(by(By::App, request)).await.map_err(reason).unwrap_err(),
        Reason::InvalidArgument
    );
}

async fn push_settings_are_returned_wherever_the_user_is_shown(suite: Suite) {
    suite.users::<2>().await;
    let push = pb::PushSettings {
        display_style: Some(1),
        no_disturbing: Some(true),
        no_disturbing_start: Some(22),
        device_token: Some("t".to_owned()),
        ..Default::default()
    };
    let update = |push: pb::PushSettings| pb::UpdateUserRequest {
        user: Some(name("u0")),
        push: Some(push),
        ..Default::default()
    };
    let updated = ok(suite.directory.update_user(by(By::App, update(push.clone()))).await);
    assert_eq!(updated.push, Some(push.clone()));
    let removal = pb::PushSettings { device_token: Some(String::new()), ..Default::default() };
    let updated = ok(suite.directory.update_user(by(By::App, update(removal))).await);
    let left = pb::PushSettings { device_token: None, ..push };
    assert_eq!(updated.push, Some(left.clone()));
    assert_eq!(suite.get_user(name("u0")).await.unwrap().push, Some(left.clone()));
    let listed = suite.list_users("", 10).await.unwrap().users;
    assert_eq!(listed.iter().map(|user| user.push.clone()).collect::<Vec<_>>(), [Some(left.clone()), None]);
    assert_eq!(suite.delete_user(name("u0")).await.unwrap().push, Some(left));
    assert_eq!(suite.count("user_push").await, 0);
    assert_eq!(changes(&suite).await.iter().filter(|kind| *kind == "user.changed").count(), 2);
}

async fn set(suite: &Suite, caller: By, user: &str, attributes: &[(&str, &str)]) -> Result<(), Reason> {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = pb::SetUserAttributesRequest { user: Some(name(user)), attributes };
    suite.directory.set_user_attributes(by(caller, request)).await.map(drop).map_err(reason)
}

async fn attributes(suite: &Suite, caller: By, users: &[&str], names: &[&str]) -> Vec<Vec<(String, String)>> {
    let users = users.iter().map(|user| name(user)).collect();
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let reply =
        ok(suite.directory.get_user_attributes(by(caller, pb::GetUserAttributesRequest { users, names })).await);
    let sorted = |user: pb::UserAttributes| {
        let mut attributes: Vec<_> = user.attributes.into_iter().collect();
        attributes.sort();
        attributes
    };
    reply.users.into_iter().map(sorted).collect()
}

async fn size(suite: &Suite) -> i64 {
    ok(suite.directory.get_user_attributes_size(by(By::App, pb::GetUserAttributesSizeRequest {})).await).bytes
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn attributes_are_set_one_by_one_and_the_bytes_of_the_app_are_their_sum(suite: Suite) {
    let [ann, _bob] = suite.users().await;
    set(&suite, By::User(ann), "u0", &[("ext", "12345"), ("sign", "")]).await.unwrap();
    set(&suite, By::App, "u1", &[("ext", "😀")]).await.unwrap();
    set(&suite, By::App, "u0", &[("ext", "1")]).await.unwrap();
    let found = attributes(&suite, By::User(ann), &["u1", "ghost", "u0", "u1"], &[]).await;
    let of_bob = pairs(&[("ext", "😀")]);
    assert_eq!(found, [of_bob.clone(), vec![], pairs(&[("ext", "1"), ("sign", "")]), of_bob]);
    assert_eq!(attributes(&suite, By::App, &["u0"], &["ext", "none"]).await, [pairs(&[("ext", "1")])]);
    assert_eq!(size(&suite).await, (3 + 1 + 4) + (3 + 4));
    assert_eq!(set(&suite, By::User(ann), "u1", &[("ext", "x")]).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(set(&suite, By::App, "ghost", &[("ext", "x")]).await.unwrap_err(), Reason::UserNotFound);

    let delete = || pb::DeleteUserAttributesRequest { user: Some(name("u0")) };
    assert!(ok(suite.directory.delete_user_attributes(by(By::User(ann), delete())).await).deleted);
    assert!(!ok(suite.directory.delete_user_attributes(by(By::App, delete())).await).deleted);
    assert_eq!(size(&suite).await, 7);
    suite.delete_user(name("u1")).await.unwrap();
    assert_eq!(size(&suite).await, 0);
    assert_eq!(suite.count("user_attribute").await, 0);
}

async fn a_user_has_2048_bytes_of_attributes_and_nothing_is_half_done(suite: Suite) {
    suite.users::<1>().await;
    let large = "x".repeat(2040);
    set(&suite, By::App, "u0", &[("a", &large)]).await.unwrap();
    set(&suite, By::App, "u0", &[("b", "123456")]).await.unwrap();
    for more in [("c", ""), ("b", "1234567")] {
        assert_eq!(set(&suite, By::App, "u0", &[more, ("a", &large)]).await.unwrap_err(), Reason::AttributesTooLarge);
    }
    assert_eq!(size(&suite).await, 2048);
    set(&suite, By::App, "u0", &[("a", ""), ("c", "fits")]).await.unwrap();
    for bad in ["", &"n".repeat(257), "nul\0"] {
        assert_eq!(set(&suite, By::App, "u0", &[(bad, "")]).await.unwrap_err(), Reason::InvalidArgument);
    }
    assert_eq!(set(&suite, By::App, "u0", &[("a", "\0")]).await.unwrap_err(), Reason::InvalidArgument);
}

async fn an_app_has_10_gib_of_attributes(suite: Suite) {
    suite.users::<1>().await;
    set(&suite, By::App, "u0", &[("a", "1")]).await.unwrap();
    suite.execute("update user_attribute_total set bytes = 10737418240 - 2").await;
    set(&suite, By::App, "u0", &[("a", "123")]).await.unwrap();
    assert_eq!(set(&suite, By::App, "u0", &[("a", "1234")]).await.unwrap_err(), Reason::AppAttributesFull);
    set(&suite, By::App, "u0", &[("a", "")]).await.unwrap();
}

fn targets(users: &[&str]) -> Vec<pb::UserRef> {
    users.iter().map(|user| name(user)).collect()
}

async fn publish(suite: &Suite, caller: By, resource: &str, status: &str, ext: &str) -> Result<(), Reason> {
    let request = pb::PublishPresenceRequest {
        user: Some(name("u0")),
        resource: resource.to_owned(),
        status: status.to_owned(),
        ext: ext.to_owned(),
    };
    suite.directory.publish_presence(by(caller, request)).await.map(drop).map_err(reason)
}

async fn presence(suite: &Suite, caller: i64, users: &[&str]) -> Vec<pb::Presence> {
    let request = pb::GetPresenceRequest { user: Some(id(caller)), targets: targets(users) };
    ok(suite.directory.get_presence(by(By::User(caller), request)).await).presences
}

async fn subscribe(suite: &Suite, user: i64, users: &[&str], ttl_seconds: i64) -> Result<Vec<pb::Presence>, Reason> {
    let request = pb::SubscribePresenceRequest { user: Some(id(user)), targets: targets(users), ttl_seconds };
    let reply = suite.directory.subscribe_presence(by(By::User(user), request)).await;
    reply.map(|reply| reply.into_inner().presences).map_err(reason)
}

async fn subscriptions(suite: &Suite, user: i64, size: i32, token: &str) -> (Vec<String>, String, i64) {
    let request =
        pb::ListPresenceSubscriptionsRequest { user: Some(id(user)), page_size: size, page_token: token.to_owned() };
    let reply = ok(suite.directory.list_presence_subscriptions(by(By::User(user), request)).await);
    let names = reply.subscriptions.into_iter().map(|one| one.username).collect();
    (names, reply.next_page_token, reply.total)
}

async fn presence_is_what_devices_publish_and_live_sessions(suite: Suite) {
    let [ann, bob] = suite.users().await;
    publish(&suite, By::User(ann), "ios_1", "busy", "first").await.unwrap();
    suite.advance(Duration::from_secs(1));
    publish(&suite, By::App, "web_1", "1", "second").await.unwrap();
    let open = pb::OpenSessionRequest {
        user: Some(name("u0")),
        platform: "pad".to_owned(),
        ttl: Some(duration(Duration::from_secs(1))),
        ..Default::default()
    };
    suite.directory.open_session(by(By::App, open)).await.unwrap();
    let seen = presence(&suite, bob, &["u0", "ghost", "u1"]).await;
    let statuses = [("ios_1", "busy"), ("pad_1", "1"), ("web_1", "1")];
    assert_eq!(seen[0].statuses, statuses.map(|(device, status)| (device.to_owned(), status.to_owned())).into());
    assert_eq!((&*seen[0].ext, moment_or_zero(seen[0].last_time).0, seen[0].user_id), ("second", START.0 + 1000, ann));
    assert_eq!(seen[1], pb::Presence::default());
    assert_eq!(seen[2], pb::Presence { user_id: bob, ..Default::default() });
    suite.advance(Duration::from_secs(1));
    assert_eq!(presence(&suite, bob, &["u0"]).await[0].statuses.len(), 2, "the session ended");
    assert_eq!(publish(&suite, By::User(bob), "x", "1", "").await.unwrap_err(), Reason::NotPermitted);
    for (resource, status, ext) in [("", "1", ""), ("x", "", ""), ("x", "1", &*"e".repeat(1025))] {
        assert_eq!(publish(&suite, By::App, resource, status, ext).await.unwrap_err(), Reason::InvalidArgument);
    }
}

async fn the_newest_16_devices_of_a_user_have_a_status(suite: Suite) {
    let [ann] = suite.users().await;
    for device in 0..18 {
        publish(&suite, By::App, &format!("web_{device}"), "1", "").await.unwrap();
        suite.advance(Duration::from_secs(1));
    }
    let statuses = presence(&suite, ann, &["u0"]).await.remove(0).statuses;
    assert_eq!(statuses.len(), 16);
    assert!(!statuses.contains_key("web_0") && !statuses.contains_key("web_1"), "{statuses:?}");
}

async fn subscriptions_are_paged_run_out_and_end_with_their_users(suite: Suite) {
    let [ann, ..] = suite.users::<5>().await;
    let subscribed = subscribe(&suite, ann, &["u1", "u2", "ghost"], 10).await.unwrap();
    let ends: Vec<i64> = subscribed.iter().map(|one| moment_or_zero(one.expires_at).0).collect();
    assert_eq!(ends, [START.0 + 10_000, START.0 + 10_000, 0]);
    subscribe(&suite, ann, &["u3", "u4"], 20).await.unwrap();
    let (first, token, total) = subscriptions(&suite, ann, 2, "").await;
    assert_eq!((first, total), (vec!["u1".to_owned(), "u2".to_owned()], 4));
    suite.delete_user(name("u3")).await.unwrap();
    suite.advance(Duration::from_secs(10));
    assert_eq!(subscriptions(&suite, ann, 2, &token).await, (vec!["u4".to_owned()], String::new(), 1));
    assert_eq!(presence(&suite, ann, &["u1"]).await[0].expires_at, None);
    let end = pb::UnsubscribePresenceRequest { user: Some(id(ann)), targets: targets(&["u4", "u1", "ghost"]) };
    suite.directory.unsubscribe_presence(by(By::User(ann), end)).await.unwrap();
    assert_eq!(subscriptions(&suite, ann, 2, "").await, (vec![], String::new(), 0));
    for (users, ttl) in [(vec!["u0"], 1), (vec!["u1"], 0), (vec!["u1"], 2_592_001), (vec![], 1), (vec!["u1"; 101], 1)] {
        assert_eq!(subscribe(&suite, ann, &users, ttl).await.unwrap_err(), Reason::InvalidArgument, "{users:?}");
    }
}

async fn a_user_has_3000_subscribers_who_may_renew(suite: Suite) {
    let [ann, _bob] = suite.users().await;
    subscribe(&suite, ann, &["u1"], 10).await.unwrap();
    let insert = "
        with recursive n(n) as (select 1 union all select n + 1 from n where n < 2999)
        insert into app_user (app_id, user_id, username, folded, uuid, registered, enabled, password_hash, nickname,
            token_epoch, created_at, modified_at)
        select app_id, user_id + 1600 * n, 's' || n, 's' || n, uuid, true, true, '', '', 0, 0, 0
        from app_user, n where folded = 'u1'";
    suite.execute(insert).await;
    suite
        .execute(
            "insert into presence_subscription (app_id, user_id, target_id, expires_at)
        select s.app_id, s.user_id, b.user_id, 9999999999999 from app_user s, app_user b
        where b.folded = 'u1' and s.folded like 's%'",
        )
        .await;
    subscribe(&suite, ann, &["u1"], 20).await.unwrap();
    let carl = suite.register("carl", "").await.unwrap().id;
    assert_eq!(subscribe(&suite, carl, &["u1"], 20).await.unwrap_err(), Reason::PresenceSubscribersExceeded);
    suite.delete_user(name("u1")).await.unwrap();
    assert_eq!(suite.count("presence_subscription").await, 0);
}

async fn the_status_of_many_is_read_at_once(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let open = pb::OpenSessionRequest {
        user: Some(name("u1")),
        ttl: Some(duration(Duration::from_secs(1))),
        ..Default::default()
    };
    suite.directory.open_session(by(By::App, open)).await.unwrap();
    let request = pb::GetUserStatusesRequest { users: targets(&["u0", "ghost", "U1"]) };
    let reply = suite.directory.get_user_statuses(by(By::User(ann), request)).await.map(Response::into_inner);
    let statuses: Vec<_> = reply.unwrap().statuses.into_iter().map(|one| (one.user_id, one.online)).collect();
    assert_eq!(statuses, [(ann, false), (0, false), (bob, true)]);
}

on_both_engines!(
    a_mute_of_one_kind_leaves_the_others_and_runs_out,
    a_mute_raises_the_version_of_the_apps_users_and_is_recorded_once,
    only_registered_users_are_muted_and_users_see_their_own,
    muted_users_are_paged_and_a_page_survives_what_comes_between,
    push_settings_are_returned_wherever_the_user_is_shown,
    attributes_are_set_one_by_one_and_the_bytes_of_the_app_are_their_sum,
    a_user_has_2048_bytes_of_attributes_and_nothing_is_half_done,
    an_app_has_10_gib_of_attributes,
    presence_is_what_devices_publish_and_live_sessions,
    the_newest_16_devices_of_a_user_have_a_status,
    subscriptions_are_paged_run_out_and_end_with_their_users,
    a_user_has_3000_subscribers_who_may_renew,
    the_status_of_many_is_read_at_once,
);
