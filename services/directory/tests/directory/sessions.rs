//! Which devices are online.

use std::time::Duration;

use tidings_domain::{Reason, UnixMillis};
use tidings_proto::{
    pb::{self, directory_service_server::DirectoryService as _},
    timestamp,
};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{START, Suite, in_app, name, ok, on_both_engines, reason},
};

async fn open(suite: &Suite, caller: By, device_sn: i32, ttl_ms: i64) -> Result<pb::Session, Reason> {
    let request = request(device_sn, "ios", ttl_ms);
    suite.directory.open_session(by(caller, request)).await.map(Response::into_inner).map_err(reason)
}

fn request(device_sn: i32, platform: &str, ttl_ms: i64) -> pb::OpenSessionRequest {
    pb::OpenSessionRequest { user: Some(name("u0")), device_sn, platform: platform.to_owned(), ttl: Some(wire(ttl_ms)) }
}

fn wire(ttl_ms: i64) -> tidings_proto::Duration {
    tidings_proto::Duration { seconds: ttl_ms / 1000, nanos: (ttl_ms % 1000 * 1_000_000) as i32 }
}

async fn list(suite: &Suite, caller: By) -> Result<Vec<pb::Session>, Reason> {
    let request = by(caller, pb::ListSessionsRequest { user: Some(name("u0")) });
    suite.directory.list_sessions(request).await.map(|reply| reply.into_inner().sessions).map_err(reason)
}

async fn devices(suite: &Suite) -> Vec<i32> {
    list(suite, By::App).await.unwrap().into_iter().map(|session| session.device_sn).collect()
}

async fn end(suite: &Suite, caller: By, device_sn: i32) -> Result<i32, Reason> {
    let request = pb::EndSessionsRequest { user: Some(name("u0")), device_sn, end_tokens: false, ..Default::default() };
    suite.directory.end_sessions(by(caller, request)).await.map(|reply| reply.into_inner().ended).map_err(reason)
}

async fn a_device_without_a_number_gets_the_lowest_free_one(suite: Suite) {
    let [ann] = suite.users().await;
    let first = open(&suite, By::User(ann), 0, 60_000).await.unwrap();
    let expected = pb::Session {
        device_sn: 1,
        platform: "ios".to_owned(),
        opened_at: Some(timestamp(START)),
        expires_at: Some(timestamp(UnixMillis(START.0 + 60_000))),
        resource: "ios_1".to_owned(),
    };
    assert_eq!(first, expected);
    open(&suite, By::App, 3, 60_000).await.unwrap();
    assert_eq!(open(&suite, By::App, 0, 60_000).await.unwrap().device_sn, 2);
    assert_eq!(open(&suite, By::App, 0, 60_000).await.unwrap().device_sn, 4);
    assert_eq!(end(&suite, By::App, 2).await.unwrap(), 1);
    assert_eq!(open(&suite, By::App, 0, 60_000).await.unwrap().device_sn, 2);
    assert_eq!(devices(&suite).await, [1, 2, 3, 4]);
}

async fn a_device_that_says_it_is_still_there_stays_online(suite: Suite) {
    suite.users::<1>().await;
    open(&suite, By::App, 1, 1000).await.unwrap();
    suite.advance(Duration::from_millis(999));
    let renewed = pb::Session {
        device_sn: 1,
        platform: "web".to_owned(),
        opened_at: Some(timestamp(START)),
        expires_at: Some(timestamp(UnixMillis(START.0 + 999 + 1000))),
        resource: "web_1".to_owned(),
    };
    assert_eq!(ok(suite.directory.open_session(by(By::App, request(1, "web", 1000))).await), renewed);
    assert_eq!(list(&suite, By::App).await.unwrap(), [renewed]);
}

async fn a_session_whose_time_is_over_is_not_listed_and_is_swept_by_the_next(suite: Suite) {
    suite.users::<1>().await;
    open(&suite, By::App, 5, 1000).await.unwrap();
    suite.advance(Duration::from_millis(999));
    assert_eq!(devices(&suite).await, [5]);
    suite.advance(Duration::from_millis(1));
    assert_eq!(devices(&suite).await, [0; 0]);
    assert_eq!(end(&suite, By::App, 0).await.unwrap(), 0);
    open(&suite, By::App, 5, 1000).await.unwrap();
    suite.advance(Duration::from_secs(1));
    assert_eq!(suite.count("user_session").await, 1);
    let next = open(&suite, By::App, 7, 1000).await.unwrap();
    assert_eq!(next.opened_at, Some(timestamp(START + Duration::from_secs(2))));
    assert_eq!(suite.count("user_session").await, 1);
}

async fn the_seventeenth_session_ends_the_one_opened_first(suite: Suite) {
    suite.users::<1>().await;
    for device_sn in (1..=16).rev() {
        open(&suite, By::App, device_sn, 60_000).await.unwrap();
        suite.advance(Duration::from_millis(1));
    }
    assert_eq!(open(&suite, By::App, 3, 60_000).await.unwrap().device_sn, 3);
    assert_eq!(devices(&suite).await.len(), 16);
    assert_eq!(open(&suite, By::App, 0, 60_000).await.unwrap().device_sn, 17);
    assert_eq!(devices(&suite).await, (1..=15).chain([17]).collect::<Vec<_>>());
}

async fn devices_that_come_at_once_get_numbers_of_their_own(suite: Suite) {
    let [ann] = suite.users().await;
    let other = suite.other_process();
    let task = |i: usize| {
        let directory = if i.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        tokio::spawn(
            async move { ok(directory.open_session(by(By::User(ann), request(0, "ios", 60_000))).await).device_sn },
        )
    };
    let mut numbers = Vec::new();
    for task in (0..12).map(task).collect::<Vec<_>>() {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

async fn one_devices_session_ends_or_all(suite: Suite) {
    suite.users::<1>().await;
    for _ in 0..3 {
        open(&suite, By::App, 0, 60_000).await.unwrap();
    }
    assert_eq!(end(&suite, By::App, 9).await.unwrap(), 0);
    assert_eq!(end(&suite, By::App, 2).await.unwrap(), 1);
    assert_eq!(devices(&suite).await, [1, 3]);
    assert_eq!(end(&suite, By::App, 0).await.unwrap(), 2);
    assert_eq!(devices(&suite).await, [0; 0]);
}

async fn a_user_opens_sees_and_ends_his_own_sessions_only(suite: Suite) {
    let [ann, bob] = suite.users().await;
    open(&suite, By::User(ann), 0, 60_000).await.unwrap();
    assert_eq!(open(&suite, By::User(bob), 0, 60_000).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(list(&suite, By::User(bob)).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(end(&suite, By::User(bob), 0).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(list(&suite, By::User(ann)).await.unwrap().len(), 1);
    assert_eq!(end(&suite, By::User(ann), 0).await.unwrap(), 1);
}

async fn numbers_times_and_platforms_are_bounded(suite: Suite) {
    suite.users::<1>().await;
    for (device_sn, ttl_ms) in [(-1, 1000), (0, 999), (0, 3_600_001), (0, -1), (0, 0)] {
        assert_eq!(open(&suite, By::App, device_sn, ttl_ms).await.unwrap_err(), Reason::InvalidArgument);
    }
    let long = suite.directory.open_session(by(By::App, request(0, &"x".repeat(33), 1000))).await;
    assert_eq!(reason(long.unwrap_err()), Reason::InvalidArgument);
    assert_eq!(end(&suite, By::App, -1).await.unwrap_err(), Reason::InvalidArgument);
    open(&suite, By::App, i32::MAX, 3_600_000).await.unwrap();
}

async fn who_is_disabled_is_offline(suite: Suite) {
    suite.users::<1>().await;
    open(&suite, By::App, 0, 60_000).await.unwrap();
    let disable = pb::UpdateUserRequest { user: Some(name("u0")), enabled: Some(false), ..Default::default() };
    ok(suite.directory.update_user(by(By::App, disable)).await);
    assert_eq!(devices(&suite).await, [0; 0]);
    assert_eq!(open(&suite, By::App, 0, 60_000).await.unwrap_err(), Reason::UserDisabled);
}

async fn only_registered_users_of_the_app_have_sessions(suite: Suite) {
    suite.resolve(&[name("u0")], true).await.unwrap();
    assert_eq!(open(&suite, By::App, 0, 1000).await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(list(&suite, By::App).await.unwrap_err(), Reason::UserNotFound);
    suite.register("u0", "").await.unwrap();
    open(&suite, By::App, 0, 1000).await.unwrap();
    suite.create_app("acme", "cafe").await;
    let elsewhere = in_app("acme#cafe", pb::ListSessionsRequest { user: Some(name("u0")) });
    assert_eq!(reason(suite.directory.list_sessions(elsewhere).await.unwrap_err()), Reason::UserNotFound);
}

on_both_engines!(
    a_device_without_a_number_gets_the_lowest_free_one,
    a_device_that_says_it_is_still_there_stays_online,
    a_session_whose_time_is_over_is_not_listed_and_is_swept_by_the_next,
    the_seventeenth_session_ends_the_one_opened_first,
    devices_that_come_at_once_get_numbers_of_their_own,
    one_devices_session_ends_or_all,
    a_user_opens_sees_and_ends_his_own_sessions_only,
    numbers_times_and_platforms_are_bounded,
    who_is_disabled_is_offline,
    only_registered_users_of_the_app_have_sessions,
);
