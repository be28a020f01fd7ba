//! The log of changes, which the message service fetches for the event feed.

use std::time::Duration;

use tidings_directory::Directory;
use tidings_domain::Reason;
use tidings_proto::{
    internal::{self, directory_internal_service_server::DirectoryInternalService as _},
    pb::{self, group_service_server::GroupService as _},
};
use tidings_store::on_tx;
use tonic::Request;

use crate::{
    group_suite::{By, by},
    suite::{Suite, ok, on_both_engines, reason},
};

const TOGGLES: usize = 12;

async fn take(directory: &Directory, limit: i32, wait_ms: i32) -> Result<Vec<internal::RecordedChange>, Reason> {
    let request = internal::TakeChangesRequest { limit, wait_ms };
    let taken = directory.take_changes(Request::new(request)).await;
    taken.map(|taken| taken.into_inner().changes).map_err(reason)
}

async fn all(suite: &Suite) -> Vec<internal::RecordedChange> {
    take(&suite.directory, 0, 0).await.unwrap()
}

async fn remove(suite: &Suite, change_ids: Vec<i64>) -> Result<(), Reason> {
    let request = internal::RemoveChangesRequest { change_ids };
    suite.directory.remove_changes(Request::new(request)).await.map(drop).map_err(reason)
}

fn kinds(changes: &[internal::RecordedChange]) -> Vec<&str> {
    changes.iter().map(|change| change.kind.as_str()).collect()
}

async fn a_change_is_there_until_it_is_removed(suite: Suite) {
    let [owner, other] = suite.users().await;
    let group = suite.group(owner, &[]).await;
    let recorded = all(&suite).await;
    assert_eq!(kinds(&recorded), ["user.registered", "user.registered", "group.created"]);
    assert_eq!(all(&suite).await, recorded);
    assert_eq!(take(&suite.directory, 2, 0).await.unwrap(), recorded[..2]);
    let created = format!(
        r#"{{"change":"group_created","group":{{"id":{group},"is_room":false}},"owner":{owner},"name":"","members":[]}}"#
    );
    assert_eq!((recorded[2].detail.as_str(), recorded[2].actor_id), (created.as_str(), 0));

    // What is refused, and what changes nothing, is no change.
    let destroy = pb::DestroyGroupRequest { group_id: group };
    assert_eq!(
        suite.directory.destroy_group(by(By::User(other), destroy)).await.map_err(reason).unwrap_err(),
        Reason::NotGroupMember
    );
    suite
        .update_group(
            By::App,
            pb::UpdateGroupRequest { group_id: group, name: Some(String::new()), ..Default::default() },
        )
        .await
        .unwrap();
    assert_eq!(all(&suite).await, recorded);

    for _ in 0..2 {
        remove(&suite, vec![recorded[0].change_id, recorded[2].change_id]).await.unwrap();
        assert_eq!(all(&suite).await, recorded[1..2]);
    }
    for (limit, wait_ms) in [(501, 0), (-1, 0), (1, -1), (1, 10_001)] {
        assert_eq!(take(&suite.directory, limit, wait_ms).await, Err(Reason::InvalidArgument), "{limit} {wait_ms}");
    }
    assert_eq!(remove(&suite, vec![1; 501]).await, Err(Reason::InvalidArgument));
}

async fn who_waits_gets_the_first_change_of_any_process(suite: Suite) {
    let waiting = |directory: Directory| tokio::spawn(async move { take(&directory, 0, 10_000).await.unwrap() });
    let here = waiting(suite.directory.clone());
    let [user] = suite.users().await;
    let taken = here.await.unwrap();
    assert_eq!(kinds(&taken), ["user.registered"]);
    remove(&suite, vec![taken[0].change_id]).await.unwrap();

    let here = waiting(suite.directory.clone());
    // As another process would, of which this one gets no signal.
    let mut tx = suite.db.begin().await.unwrap();
    let insert = "insert into change (app_id, made_at, actor_id, kind, address, platform, trace, detail)
        select app_id, 1, $1, 'user.changed', '', 'RESTAPI', '', '{}' from app";
    on_tx!(&mut tx, |c| tidings_store::sqlx::query(insert).bind(user).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    let taken = here.await.unwrap();
    assert_eq!((kinds(&taken), taken[0].actor_id), (vec!["user.changed"], user));
}

async fn nobody_waits_for_longer_than_asked(suite: Suite) {
    let waited = tokio::time::timeout(Duration::from_mins(1), take(&suite.directory, 0, 50)).await;
    assert_eq!(waited.unwrap().unwrap(), []);
}

/// Each change turns what the one before it did: so their order is the true one.
async fn changes_of_one_group_are_recorded_in_their_order(suite: Suite) {
    let [owner, other] = suite.users().await;
    let group_id = suite.group(owner, &[other]).await;
    let processes = [suite.directory.clone(), suite.other_process()];
    let toggle = |n: usize| {
        let directory = processes[n % 2].clone();
        let request = pb::SetAdminsRequest { group_id, user_ids: vec![other], admin: !n.is_multiple_of(3) };
        tokio::spawn(async move { ok(directory.set_admins(by(By::App, request)).await) })
    };
    for toggled in (0..TOGGLES).map(toggle).collect::<Vec<_>>() {
        toggled.await.unwrap();
    }
    let recorded = all(&suite).await;
    let made: Vec<bool> = recorded
        .iter()
        .filter(|change| change.kind == "group.admins_changed")
        .map(|change| change.detail.contains(r#""admin":true"#))
        .collect();
    assert!(!made.is_empty());
    let turns: Vec<bool> = (0..made.len()).map(|n| n % 2 == 0).collect();
    assert_eq!(made, turns);
}

on_both_engines! {
    a_change_is_there_until_it_is_removed,
    who_waits_gets_the_first_change_of_any_process,
    nobody_waits_for_longer_than_asked,
    changes_of_one_group_are_recorded_in_their_order,
}
