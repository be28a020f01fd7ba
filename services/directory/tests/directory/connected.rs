//! Sessions of clients that gateways report, and the leases without which they do not count.

use std::time::{Duration, Instant};

use tidings_domain::{Clock as _, Reason};
use tidings_proto::{
    internal::{self, directory_internal_service_server::DirectoryInternalService as _},
    moment_or_zero,
    pb::{self, directory_service_server::DirectoryService as _},
};
use tonic::{Request, Response};

use crate::{
    group_suite::{By, by},
    suite::{START, Suite, id, name, ok, on_both_engines, reason},
};

const GATEWAY: i64 = 7;
const OTHER: i64 = 8;
const LOST: &str = "update gateway_lease set expires_at = 1";

fn started(session_id: i64, user_id: i64, resource: &str) -> internal::StartedSession {
    internal::StartedSession {
        session_id,
        app_id: 1,
        user_id,
        device_sn: 1_000_000,
        resource: resource.to_owned(),
        platform: "web".to_owned(),
        opened_at_ms: START.0,
        address: "192.0.2.7".to_owned(),
        single: false,
    }
}

fn ended(session_id: i64, user_id: i64) -> internal::EndedSession {
    let how = pb::change::SessionEnd::Closed.into();
    internal::EndedSession { session_id, app_id: 1, user_id, how, address: String::new() }
}

async fn report(
    suite: &Suite,
    started: Vec<internal::StartedSession>,
    ended: Vec<internal::EndedSession>,
) -> Result<bool, Reason> {
    report_of(suite, GATEWAY, started, ended).await
}

async fn report_of(
    suite: &Suite,
    gateway_id: i64,
    started: Vec<internal::StartedSession>,
    ended: Vec<internal::EndedSession>,
) -> Result<bool, Reason> {
    let request = internal::ReportSessionsRequest { gateway_id, started, ended, last: false };
    let reply = suite.directory.report_sessions(Request::new(request)).await;
    reply.map(|reply| reply.into_inner().lapsed).map_err(reason)
}

async fn resources(suite: &Suite, user: i64) -> Vec<String> {
    let request = pb::ListSessionsRequest { user: Some(id(user)) };
    let sessions = ok(suite.directory.list_sessions(by(By::App, request)).await).sessions;
    assert!(sessions.iter().all(|session| moment_or_zero(session.expires_at).0 == 0 && session.platform == "web"));
    sessions.into_iter().map(|session| session.resource).collect()
}

/// Kinds and details of the changes so far, without registrations.
async fn changes(suite: &Suite) -> Vec<(String, String)> {
    let taken = suite.directory.take_changes(Request::new(internal::TakeChangesRequest { limit: 0, wait_ms: 0 })).await;
    let changes = ok(taken).changes.into_iter().filter(|change| change.kind != "user.registered");
    changes.map(|change| (change.kind, change.detail)).collect()
}

async fn kinds(suite: &Suite) -> Vec<String> {
    changes(suite).await.into_iter().map(|(kind, _)| kind).collect()
}

/// Waits while the process goes on: what it does after some time, it does by its clock.
async fn wait_while_time_passes(suite: &Suite, what: &str, mut check: impl AsyncFnMut() -> bool) {
    wait_for(what, async || {
        suite.advance(Duration::from_millis(30));
        check().await
    })
    .await;
}

/// The details of what was told of presences, once there are as many. What waits is told now.
async fn presences(suite: &Suite, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    wait_for("presences", async || {
        suite.execute("update presence_due set due_at = 1 where pending = 1").await;
        told = changes(suite).await;
        told.retain(|(kind, _)| kind == "user.presence");
        told.len() >= count
    })
    .await;
    told.into_iter().map(|(_, detail)| detail).collect()
}

async fn wait_for(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !check().await {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_session_is_live_from_its_start_to_its_end(suite: Suite) {
    let [ann, bob] = suite.users().await;
    assert!(report(&suite, vec![started(1, ann, "web_a"), started(2, ann, "web_b")], vec![]).await.unwrap());
    // A repetition adds nothing.
    assert!(!report(&suite, vec![started(1, ann, "web_a"), started(3, bob, "web_a")], vec![]).await.unwrap());
    let mut live = resources(&suite, ann).await;
    live.sort();
    assert_eq!(
        (live, resources(&suite, bob).await),
        (vec!["web_a".to_owned(), "web_b".to_owned()], vec!["web_a".to_owned()])
    );
    let request = pb::GetUserStatusesRequest { users: vec![name("u0"), name("u1")] };
    let statuses = ok(suite.directory.get_user_statuses(by(By::App, request)).await).statuses;
    assert!(statuses.iter().all(|status| status.online), "{statuses:?}");
    // What is not there has no end.
    report(&suite, vec![], vec![ended(1, ann), ended(9, ann)]).await.unwrap();
    assert_eq!(resources(&suite, ann).await, ["web_b"]);
    let told = changes(&suite).await;
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["user.online", "user.online", "user.online", "user.offline"]);
    let offline =
        format!(r#"{{"change":"user_offline","user":{ann},"resource":"web_a","platform":"web","how":"closed"}}"#);
    assert_eq!(told[3].1, offline);
}

async fn sessions_of_a_gateway_without_a_lease_do_not_count_and_are_swept(suite: Suite) {
    let [ann] = suite.users().await;
    report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap();
    suite.execute(LOST).await;
    assert!(resources(&suite, ann).await.is_empty());
    let rows = async || suite.count("connected_session").await + suite.count("gateway_lease").await;
    wait_while_time_passes(&suite, "the sweep", async || rows().await == 0).await;
    assert_eq!(kinds(&suite).await, ["user.online", "user.offline"]);
    assert!(changes(&suite).await[1].1.contains(r#""how":"timed_out""#));
    // It is told to report them again.
    assert!(report(&suite, vec![], vec![]).await.unwrap());
    assert!(!report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap());
    assert_eq!(resources(&suite, ann).await, ["web_a"]);
}

async fn after_an_outage_gateways_have_time_to_renew_their_leases(suite: Suite) {
    let [ann, bob] = suite.users().await;
    report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap();
    report_of(&suite, OTHER, vec![started(1, bob, "web_b")], vec![]).await.unwrap();
    suite.execute(LOST).await;
    // As long as a gateway may take to come back.
    let from = suite.clock.elapsed();
    let is_back = async || suite.clock.elapsed() >= from + Duration::from_secs(9);
    wait_while_time_passes(&suite, "the gateway", is_back).await;
    assert!(report(&suite, vec![], vec![]).await.unwrap());
    let rows = async || suite.count("connected_session where gateway_id = 8").await;
    wait_while_time_passes(&suite, "the sweep of the other one", async || rows().await == 0).await;
    assert_eq!(suite.count("connected_session where gateway_id = 7").await, 1);
    assert_eq!(kinds(&suite).await, ["user.online", "user.online", "user.offline"]);
}

async fn a_report_that_cannot_be_written_renews_the_lease_all_the_same(suite: Suite) {
    let [ann] = suite.users().await;
    suite.execute("alter table connected_session rename to elsewhere").await;
    assert!(report(&suite, vec![started(1, ann, "web_a")], vec![]).await.is_err());
    suite.execute("alter table elsewhere rename to connected_session").await;
    assert_eq!(suite.count("gateway_lease").await, 1);
    assert!(!report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap(), "it had not lapsed");
    assert_eq!(resources(&suite, ann).await, ["web_a"]);
}

async fn of_two_reports_that_cross_the_last_presence_is_the_true_one(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let subscribe = pb::SubscribePresenceRequest { user: Some(id(bob)), targets: vec![id(ann)], ttl_seconds: 60 };
    ok(suite.directory.subscribe_presence(by(By::App, subscribe)).await);
    report(&suite, vec![started(0, ann, "web_a")], vec![]).await.unwrap();
    for round in 1..=10 {
        let (from, to) = if round % 2 == 0 { (OTHER, GATEWAY) } else { (GATEWAY, OTHER) };
        let ends = report_of(&suite, from, vec![], vec![ended(round - 1, ann)]);
        let starts = report_of(&suite, to, vec![started(round, ann, "web_a")], vec![]);
        let (ends, starts) = tokio::join!(ends, starts);
        ends.unwrap();
        starts.unwrap();
        assert_eq!(resources(&suite, ann).await, ["web_a"]);
    }
    wait_for("what is told last", async || {
        suite.execute("update presence_due set due_at = 1 where pending = 1").await;
        suite.count("presence_due where pending = 1").await == 0
    })
    .await;
    let told = presences(&suite, 1).await;
    assert!(told.last().unwrap().contains(r#"["web_a","1"]"#), "{told:?}");
}

async fn reports_and_kicks_at_once_do_not_wait_for_each_other_in_a_circle(suite: Suite) {
    let [ann, bob] = suite.users().await;
    for round in 0..10 {
        let both = |first, second| vec![started(2 * round, first, "web_a"), started(2 * round + 1, second, "web_a")];
        let ends = |first, second| vec![ended(2 * round, first), ended(2 * round + 1, second)];
        report(&suite, both(ann, bob), vec![]).await.unwrap();
        report_of(&suite, OTHER, both(bob, ann), vec![]).await.unwrap();
        let kick = |user| pb::EndSessionsRequest { user: Some(id(user)), ..Default::default() };
        let (one, other, ann_kicked, bob_kicked) = tokio::join!(
            report(&suite, vec![], ends(ann, bob)),
            report_of(&suite, OTHER, vec![], ends(bob, ann)),
            suite.directory.end_sessions(by(By::App, kick(ann))),
            suite.directory.end_sessions(by(By::App, kick(bob))),
        );
        assert_eq!((one, other), (Ok(false), Ok(false)));
        assert!(ann_kicked.is_ok() && bob_kicked.is_ok());
    }
    assert_eq!(suite.count("connected_session").await, 0);
}

async fn connections_that_are_ended_are_gone_and_gateways_are_told_which(suite: Suite) {
    let [ann] = suite.users().await;
    // The clock of its gateway is ahead.
    let later = internal::StartedSession { opened_at_ms: START.0 + 1, ..started(3, ann, "web_a") };
    report(&suite, vec![started(1, ann, "web_a"), started(2, ann, "web_b"), later], vec![]).await.unwrap();
    let end = pb::EndSessionsRequest { user: Some(id(ann)), resource: "web_a".to_owned(), ..Default::default() };
    ok(suite.directory.end_sessions(by(By::App, end)).await);
    assert_eq!(resources(&suite, ann).await, ["web_b"]);
    let told = changes(&suite).await;
    let kinds: Vec<&str> = told[3..].iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["user.disconnected", "user.offline", "user.offline"]);
    let ends = format!(
        r#"{{"change":"user_disconnected","user":{ann},"device_sn":0,"resource":"web_a","sessions":[[7,1],[7,3]]}}"#
    );
    assert_eq!(told[3].1, ends);
    assert!(told[4].1.contains(r#""how":"kicked""#));
    // The gateway's own report comes later, and is not a second event.
    report(&suite, vec![], vec![ended(1, ann)]).await.unwrap();
    assert_eq!(changes(&suite).await.len(), 6);
}

async fn a_session_of_a_device_ends_its_older_ones_at_other_gateways(suite: Suite) {
    let [ann] = suite.users().await;
    let single = |id, name: &str| internal::StartedSession { single: true, ..started(id, ann, name) };
    // Of the same name, but of a wire format where several may be open.
    report_of(&suite, OTHER, vec![single(1, "web_a"), single(2, "web_b"), started(3, ann, "web_a")], vec![])
        .await
        .unwrap();
    report(&suite, vec![single(4, "web_a")], vec![]).await.unwrap();
    let mut live = resources(&suite, ann).await;
    live.sort();
    assert_eq!(live, ["web_a", "web_a", "web_b"]);
    let told = changes(&suite).await;
    let replaced = format!(
        r#"{{"change":"user_disconnected","user":{ann},"device_sn":1000000,"resource":"web_a","sessions":[[8,1]],"replaced":true}}"#
    );
    assert!(told.iter().any(|(_, detail)| *detail == replaced), "{told:?}");
    assert_eq!(told.iter().filter(|(_, detail)| detail.contains(r#""how":"replaced""#)).count(), 1);
    // One that is reported again, long after it was opened, ends no newer one.
    let again = internal::StartedSession { opened_at_ms: START.0 - 60_000, ..single(1, "web_a") };
    report_of(&suite, OTHER, vec![again], vec![]).await.unwrap();
    assert_eq!(resources(&suite, ann).await.len(), 4);
}

async fn an_app_may_do_without_events_of_connections(suite: Suite) {
    let [ann] = suite.users().await;
    let policy = pb::Policy { presence_events: Some(false), ..Default::default() };
    suite.set_policy(policy).await.unwrap();
    report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap();
    report(&suite, vec![], vec![ended(1, ann)]).await.unwrap();
    assert!(kinds(&suite).await.is_empty());
}

async fn subscribers_are_told_what_a_user_is_now(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let subscribe = pb::SubscribePresenceRequest { user: Some(id(bob)), targets: vec![id(ann)], ttl_seconds: 60 };
    ok(suite.directory.subscribe_presence(by(By::App, subscribe)).await);
    report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap();
    presences(&suite, 1).await;
    let publish = pb::PublishPresenceRequest {
        user: Some(id(ann)),
        resource: "web_a".to_owned(),
        status: "busy".to_owned(),
        ext: "lunch".to_owned(),
    };
    ok(suite.directory.publish_presence(by(By::App, publish)).await);
    presences(&suite, 2).await;
    report(&suite, vec![], vec![ended(1, ann)]).await.unwrap();
    let told = presences(&suite, 3).await;
    for (told, status) in told.iter().zip(["1", "busy", "0"]) {
        assert!(told.contains(&format!(r#"["web_a","{status}"]"#)), "{told}");
        assert!(told.contains(&format!(r#""subscribers":[{bob}]"#)), "{told}");
    }
    assert_eq!(told.len(), 3);
}

async fn a_presence_that_changes_often_is_told_together(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let subscribe = pb::SubscribePresenceRequest { user: Some(id(bob)), targets: vec![id(ann)], ttl_seconds: 60 };
    ok(suite.directory.subscribe_presence(by(By::App, subscribe)).await);
    report(&suite, vec![started(1, ann, "web_a")], vec![]).await.unwrap();
    assert_eq!(presences(&suite, 1).await.len(), 1);
    suite.execute("update presence_due set due_at = 9000000000000").await;
    for n in 2..20 {
        report(&suite, vec![started(n, ann, "web_b")], vec![]).await.unwrap();
        report(&suite, vec![], vec![ended(n, ann)]).await.unwrap();
    }
    // Who is somebody else is told at once.
    let subscribe = pb::SubscribePresenceRequest { user: Some(id(ann)), targets: vec![id(bob)], ttl_seconds: 60 };
    ok(suite.directory.subscribe_presence(by(By::App, subscribe)).await);
    report(&suite, vec![started(100, bob, "page")], vec![]).await.unwrap();
    wait_for("the other presence", async || kinds(&suite).await.last().unwrap() == "user.presence").await;
    let told = presences(&suite, 3).await;
    assert_eq!(told.len(), 3);
    assert!(told[1].contains("page"), "{told:?}");
    assert!(told[2].contains(r#""statuses":[["web_a","1"],["web_b","0"]]"#), "{told:?}");
    // Nothing is left of it when nothing changes any more.
    wait_for("the end", async || {
        suite.execute("update presence_due set due_at = 1").await;
        suite.count("presence_due").await == 0
    })
    .await;
}

async fn the_last_report_of_a_gateway_ends_its_lease(suite: Suite) {
    let [ann, bob] = suite.users().await;
    report(&suite, vec![started(1, ann, "web_a"), started(2, bob, "web_a")], vec![]).await.unwrap();
    let ended = vec![ended(1, ann)];
    let request = internal::ReportSessionsRequest { gateway_id: GATEWAY, ended, last: true, ..Default::default() };
    ok(suite.directory.report_sessions(Request::new(request)).await);
    // At once, also those of which it said nothing.
    assert!(resources(&suite, ann).await.is_empty() && resources(&suite, bob).await.is_empty());
    let rows = async || suite.count("connected_session").await + suite.count("gateway_lease").await;
    wait_while_time_passes(&suite, "the sweep", async || rows().await == 0).await;
    let told = changes(&suite).await;
    let how = |nth: usize| told[nth].1.rsplit(r#""how":"#).next().unwrap_or_default().to_owned();
    assert_eq!((how(2), how(3)), (r#""closed"}"#.to_owned(), r#""timed_out"}"#.to_owned()));
}

async fn bad_reports_are_refused_by_name(suite: Suite) {
    let [ann] = suite.users().await;
    let nameless = started(1, ann, "");
    let numberless = internal::StartedSession { device_sn: 0, ..started(1, ann, "web") };
    let endless = internal::EndedSession { how: 0, ..ended(1, ann) };
    for (started, ended) in [(vec![nameless], vec![]), (vec![numberless], vec![]), (vec![], vec![endless])] {
        assert_eq!(report(&suite, started, ended).await, Err(Reason::InvalidArgument));
    }
    let many = (0..501).map(|n| started(n, ann, "web")).collect();
    assert_eq!(report(&suite, many, vec![]).await, Err(Reason::InvalidArgument));
    let nobody = internal::ReportSessionsRequest::default();
    let refused = suite.directory.report_sessions(Request::new(nobody)).await.map(Response::into_inner);
    assert_eq!(refused.map_err(reason), Err(Reason::InvalidArgument));
}

on_both_engines!(
    a_session_is_live_from_its_start_to_its_end,
    sessions_of_a_gateway_without_a_lease_do_not_count_and_are_swept,
    after_an_outage_gateways_have_time_to_renew_their_leases,
    a_report_that_cannot_be_written_renews_the_lease_all_the_same,
    of_two_reports_that_cross_the_last_presence_is_the_true_one,
    reports_and_kicks_at_once_do_not_wait_for_each_other_in_a_circle,
    connections_that_are_ended_are_gone_and_gateways_are_told_which,
    a_session_of_a_device_ends_its_older_ones_at_other_gateways,
    an_app_may_do_without_events_of_connections,
    subscribers_are_told_what_a_user_is_now,
    a_presence_that_changes_often_is_told_together,
    the_last_report_of_a_gateway_ends_its_lease,
    bad_reports_are_refused_by_name,
);
