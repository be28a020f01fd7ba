//! Who may do what in a group: every role against every call.

use tidings_domain::Reason;
use tidings_proto::pb::{self, group_service_server::GroupService as _};

use crate::{
    group_suite::{By, by},
    suite::{Suite, on_both_engines, reason},
};

/// The users of the table's group.
#[derive(Clone, Copy)]
struct People {
    owner: i64,
    admin: i64,
    member: i64,
    /// A plain member, the target of the calls.
    other: i64,
    /// An applicant.
    applicant: i64,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Get,
    List,
    Memberships,
    Joined,
    ChangeSettings,
    ChangeName,
    ChangeNameWhereMembersMay,
    ChangeSettingsWhereMembersMayChangeNames,
    Transfer,
    Destroy,
    AddWhereMembersMay,
    Add,
    Remove,
    ListApplications,
    Decide,
    ListMembers,
    SetAdmins,
    Mute,
    Block,
    Unblock,
    ListBlocked,
}

const OK: Result<(), Reason> = Ok(());
const STRANGER: Result<(), Reason> = Err(Reason::NotGroupMember);
const ADMIN: Result<(), Reason> = Err(Reason::GroupAdminRequired);
const OWNER: Result<(), Reason> = Err(Reason::GroupOwnerRequired);

/// The errors for the app, the owner, an admin, a plain member and a stranger.
const TABLE: [(Call, [Result<(), Reason>; 5]); 21] = [
    (Call::Get, [OK, OK, OK, OK, OK]),
    (Call::List, [OK, OK, OK, OK, OK]),
    (Call::Memberships, [OK, OK, OK, OK, OK]),
    (Call::Joined, [OK, OK, OK, OK, OK]),
    (Call::ChangeSettings, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::ChangeName, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::ChangeNameWhereMembersMay, [OK, OK, OK, OK, STRANGER]),
    (Call::ChangeSettingsWhereMembersMayChangeNames, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::Transfer, [OK, OK, OWNER, OWNER, STRANGER]),
    (Call::Destroy, [OK, OK, OWNER, OWNER, STRANGER]),
    (Call::AddWhereMembersMay, [OK, OK, OK, OK, STRANGER]),
    (Call::Add, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::Remove, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::ListApplications, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::Decide, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::ListMembers, [OK, OK, OK, OK, STRANGER]),
    (Call::SetAdmins, [OK, OK, OWNER, OWNER, STRANGER]),
    (Call::Mute, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::Block, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::Unblock, [OK, OK, OK, ADMIN, STRANGER]),
    (Call::ListBlocked, [OK, OK, OK, ADMIN, STRANGER]),
];

async fn every_role_may_do_what_the_table_says(suite: Suite) {
    let [owner, admin, member, stranger, other, applicant] = suite.users().await;
    let people = People { owner, admin, member, other, applicant };
    let callers = [By::App, By::User(owner), By::User(admin), By::User(member), By::User(stranger)];
    for (call, expected) in TABLE {
        for (caller, expected) in callers.into_iter().zip(expected) {
            let group = table_group(&suite, people).await;
            assert_eq!(run(&suite, call, caller, group, people).await, expected, "{call:?} {caller:?}");
        }
    }
}

async fn table_group(suite: &Suite, people: People) -> i64 {
    let group = suite.group(people.owner, &[people.admin, people.member, people.other]).await;
    suite.set_admins(By::App, group, &[people.admin], true).await.unwrap();
    suite.apply(By::User(people.applicant), group, "").await.unwrap();
    group
}

async fn run(suite: &Suite, call: Call, caller: By, group_id: i64, people: People) -> Result<(), Reason> {
    let directory = &suite.directory;
    let public = pb::GroupSettings { public: Some(true), ..Default::default() };
    let settings = || pb::UpdateGroupRequest { group_id, settings: Some(public.clone()), ..Default::default() };
    let name = || pb::UpdateGroupRequest { group_id, name: Some("new".to_owned()), ..Default::default() };
    let member_modify = pb::GroupSettings { member_modify: Some(true), ..Default::default() };
    match call {
        Call::Get => {
            let request = pb::GetGroupsRequest { group_ids: vec![group_id] };
            directory.get_groups(by(caller, request)).await.map(drop).map_err(reason)
        }
        Call::List => {
            directory.list_groups(by(caller, pb::ListGroupsRequest::default())).await.map(drop).map_err(reason)
        }
        Call::Memberships => suite.memberships(caller, None, &[group_id]).await.map(drop),
        Call::Joined => directory.joined(by(caller, pb::JoinedRequest::default())).await.map(drop).map_err(reason),
        Call::ChangeSettings => suite.update_group(caller, settings()).await.map(drop),
        Call::ChangeName => suite.update_group(caller, name()).await.map(drop),
        Call::ChangeNameWhereMembersMay => {
            suite.set_settings(group_id, member_modify).await;
            suite.update_group(caller, name()).await.map(drop)
        }
        Call::ChangeSettingsWhereMembersMayChangeNames => {
            suite.set_settings(group_id, member_modify).await;
            suite.update_group(caller, settings()).await.map(drop)
        }
        Call::Transfer => suite.transfer(caller, group_id, people.other).await.map(drop),
        Call::Destroy => suite.destroy(caller, group_id).await.map(drop),
        Call::AddWhereMembersMay => all_done(suite.add(caller, group_id, &[people.applicant]).await),
        Call::Add => {
            let no_invite = pb::GroupSettings { member_invite: Some(false), ..Default::default() };
            suite.set_settings(group_id, no_invite).await;
            all_done(suite.add(caller, group_id, &[people.applicant]).await)
        }
        Call::Remove => all_done(suite.remove(caller, group_id, &[people.other]).await),
        Call::ListApplications => suite.applications(caller, group_id).await.map(drop),
        Call::Decide => suite.decide(caller, group_id, people.applicant, true).await,
        Call::ListMembers => suite.list_members(caller, group_id, "", 0).await.map(drop),
        Call::SetAdmins => all_done(suite.set_admins(caller, group_id, &[people.other], true).await),
        Call::Mute => all_done(suite.mute(caller, group_id, &[people.other], -1).await),
        Call::Block => all_done(suite.block(caller, group_id, &[people.other], true).await),
        Call::Unblock => all_done(suite.block(caller, group_id, &[people.other], false).await),
        Call::ListBlocked => suite.blocked(caller, group_id).await.map(drop),
    }
}

/// No user of the call was refused individually.
fn all_done(outcomes: Result<Vec<(i64, String)>, Reason>) -> Result<(), Reason> {
    for (user, refusal) in outcomes? {
        assert_eq!(refusal, "", "{user}");
    }
    Ok(())
}

async fn the_owner_is_bound_and_an_admin_answers_to_the_owner_alone(suite: Suite) {
    let [owner, admin, other_admin, member] = suite.users().await;
    let (bound, owner_required) = ("GROUP_OWNER_BOUND", "GROUP_OWNER_REQUIRED");
    let table = [
        (By::App, [bound, "", "", ""]),
        (By::User(owner), [bound, "", "", ""]),
        (By::User(admin), [bound, owner_required, owner_required, ""]),
    ];
    for (caller, expected) in table {
        let targets = [owner, admin, other_admin, member];
        let expected: Vec<_> = targets.into_iter().zip(expected).map(|(user, why)| (user, why.to_owned())).collect();
        for call in ["remove", "mute", "block"] {
            let group = suite.group(owner, &targets).await;
            suite.set_admins(By::App, group, &[admin, other_admin], true).await.unwrap();
            let outcomes = match call {
                "remove" => suite.remove(caller, group, &targets).await,
                "mute" => suite.mute(caller, group, &targets, -1).await,
                _ => suite.block(caller, group, &targets, true).await,
            };
            assert_eq!(outcomes.unwrap(), expected, "{call} {caller:?}");
        }
    }
}

async fn admins_are_made_of_members_and_unmade(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let made = suite.set_admins(By::User(ann), group, &[bob, carl, ann], true).await.unwrap();
    let expected = [(bob, String::new()), (carl, "NOT_GROUP_MEMBER".to_owned()), (ann, "GROUP_OWNER_BOUND".to_owned())];
    assert_eq!(made, expected);
    let (owner, admin, member) = (pb::GroupRole::Owner, pb::GroupRole::Admin, pb::GroupRole::Member);
    assert_eq!(suite.members(group).await, [(ann, owner), (bob, admin)]);
    suite.set_admins(By::User(ann), group, &[bob], false).await.unwrap();
    assert_eq!(suite.members(group).await, [(ann, owner), (bob, member)]);
}

async fn a_call_about_no_group_is_refused_whoever_calls(suite: Suite) {
    let [ann] = suite.users().await;
    for caller in [By::App, By::User(ann)] {
        for group in [7, ann, 0] {
            let expected = Reason::GroupNotFound;
            let update = pb::UpdateGroupRequest { group_id: group, ..Default::default() };
            assert_eq!(suite.update_group(caller, update).await.unwrap_err(), expected);
            assert_eq!(suite.transfer(caller, group, ann).await.unwrap_err(), expected);
            assert_eq!(suite.destroy(caller, group).await.unwrap_err(), expected);
            assert_eq!(suite.add(caller, group, &[ann]).await.unwrap_err(), expected);
            assert_eq!(suite.remove(caller, group, &[ann]).await.unwrap_err(), expected);
            assert_eq!(suite.applications(caller, group).await.unwrap_err(), expected);
            assert_eq!(suite.decide(caller, group, ann, true).await.unwrap_err(), expected);
            assert_eq!(suite.list_members(caller, group, "", 0).await.unwrap_err(), expected);
            assert_eq!(suite.set_admins(caller, group, &[ann], true).await.unwrap_err(), expected);
            assert_eq!(suite.mute(caller, group, &[ann], -1).await.unwrap_err(), expected);
            assert_eq!(suite.block(caller, group, &[ann], true).await.unwrap_err(), expected);
            assert_eq!(suite.blocked(caller, group).await.unwrap_err(), expected);
        }
    }
}

on_both_engines!(
    every_role_may_do_what_the_table_says,
    the_owner_is_bound_and_an_admin_answers_to_the_owner_alone,
    admins_are_made_of_members_and_unmade,
    a_call_about_no_group_is_refused_whoever_calls,
);
