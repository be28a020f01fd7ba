//! Allow lists of groups, announcements, and the lists of admins and muted members.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    mute_or_none,
    pb::{self, group_service_server::GroupService as _},
    timestamp,
};
use tonic::Response;

use crate::{
    group_suite::{By, by, muting_all, outcomes},
    suite::{START, Suite, id, ok, on_both_engines, reason},
};

impl Suite {
    async fn allow(
        &self,
        caller: By,
        group_id: i64,
        users: &[i64],
        allowed: bool,
    ) -> Result<Vec<(i64, String)>, Reason> {
        let request = pb::AllowMembersRequest { group_id, user_ids: users.to_vec(), allowed };
        let reply = self.directory.allow_members(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    async fn allowed(&self, caller: By, group_id: i64, user_id: Option<i64>) -> Result<Vec<i64>, Reason> {
        let request = pb::ListAllowedRequest { group_id, user_id, ..Default::default() };
        let reply = self.directory.list_allowed(by(caller, request)).await.map(Response::into_inner);
        reply.map(|page| page.members.into_iter().map(|member| member.user_id).collect()).map_err(reason)
    }

    async fn announce(&self, caller: By, group_id: i64, title: &str, text: &str) -> Result<pb::Announcement, Reason> {
        let request = pb::SetAnnouncementRequest { group_id, title: title.to_owned(), text: text.to_owned() };
        self.directory.set_announcement(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn announcement(&self, caller: By, group_id: i64) -> Result<pb::Announcement, Reason> {
        let request = pb::GetAnnouncementRequest { group_id, id: 0 };
        self.directory.get_announcement(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn filtered(&self, group_id: i64, filter: pb::MemberFilter) -> (Vec<i64>, i32) {
        let request = pb::ListMembersRequest { group_id, filter: filter.into(), ..Default::default() };
        let page = ok(self.directory.list_members(by(By::App, request)).await);
        (page.members.into_iter().map(|member| member.user_id).collect(), page.total)
    }

    async fn is_muted(&self, user: i64, group: i64) -> bool {
        self.membership(user, group).await.unwrap().muted_until.is_some()
    }
}

fn refused(user: i64, reason: Reason) -> (i64, String) {
    (user, reason.words().name.to_owned())
}

async fn members_on_the_list_speak_while_all_are_muted(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    let added = suite.allow(By::App, group, &[bob, dora, ann, 7], true).await.unwrap();
    let expected = [
        (bob, String::new()),
        refused(dora, Reason::NotGroupMember),
        refused(ann, Reason::GroupOwnerBound),
        refused(7, Reason::NotGroupMember),
    ];
    assert_eq!(added, expected);
    assert!(!suite.is_muted(carl, group).await);
    suite.set_settings(group, muting_all(-1)).await;
    assert!(suite.is_muted(carl, group).await && suite.is_muted(dora, group).await);
    assert!(!suite.is_muted(bob, group).await && !suite.is_muted(ann, group).await);
    let joined = pb::JoinedRequest { user_id: Some(bob), ..Default::default() };
    let joined = ok(suite.directory.joined(by(By::App, joined)).await);
    assert_eq!(mute_or_none(joined.memberships[0].muted_until).millis(), 0);
    suite.mute(By::App, group, &[bob], -1).await.unwrap();
    assert!(suite.is_muted(bob, group).await, "their own mute holds");
    suite.mute(By::App, group, &[bob], 0).await.unwrap();
    suite.allow(By::App, group, &[bob], false).await.unwrap();
    assert!(suite.is_muted(bob, group).await);
}

async fn who_goes_comes_off_the_list(suite: Suite) {
    let [ann, bob, carl, dora, eve] = suite.users().await;
    let group = suite.group(ann, &[bob, carl, dora, eve]).await;
    suite.allow(By::App, group, &[bob, carl, dora, eve], true).await.unwrap();
    suite.leave(By::User(bob), group, None).await.unwrap();
    suite.remove(By::App, group, &[carl]).await.unwrap();
    suite.block(By::App, group, &[dora], true).await.unwrap();
    assert_eq!(suite.allowed(By::App, group, None).await.unwrap(), [eve]);
    suite.delete_user(id(eve)).await.unwrap();
    assert_eq!(suite.count("group_allow").await, 0);
    suite.add(By::App, group, &[bob]).await.unwrap();
    suite.allow(By::App, group, &[bob], true).await.unwrap();
    suite.announce(By::App, group, "", "bye").await.unwrap();
    suite.destroy(By::App, group).await.unwrap();
    assert_eq!((suite.count("group_allow").await, suite.count("group_announcement").await), (0, 0));
}

async fn only_admins_change_and_read_the_list_and_users_ask_about_themselves(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob, carl]).await;
    suite.set_admins(By::App, group, &[bob], true).await.unwrap();
    suite.allow(By::User(bob), group, &[carl], true).await.unwrap();
    let refusals = [(By::User(carl), Reason::GroupAdminRequired), (By::User(dora), Reason::NotGroupMember)];
    for (caller, refusal) in refusals {
        assert_eq!(suite.allow(caller, group, &[bob], true).await.unwrap_err(), refusal);
        assert_eq!(suite.allowed(caller, group, None).await.unwrap_err(), refusal);
        assert_eq!(suite.allowed(caller, group, Some(bob)).await.unwrap_err(), refusal);
    }
    assert_eq!(suite.allowed(By::User(carl), group, Some(carl)).await.unwrap(), [carl]);
    assert_eq!(suite.allowed(By::User(bob), group, Some(bob)).await.unwrap(), [0; 0]);
    assert_eq!(suite.allowed(By::User(dora), group, Some(dora)).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.allow(By::App, 7, &[bob], true).await.unwrap_err(), Reason::GroupNotFound);
    suite.set_group_enabled(group, false).await;
    assert_eq!(suite.allow(By::User(bob), group, &[carl], false).await.unwrap_err(), Reason::GroupDisabled);
}

async fn only_changes_of_the_list_are_changes(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    for allowed in [true, true, false, false] {
        suite.allow(By::App, group, &[bob], allowed).await.unwrap();
    }
    assert_eq!(suite.count("change where kind = 'group.allow_list_changed'").await, 2);
}

async fn announcements_are_numbered_and_the_hundred_newest_stay(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    let group_id = suite.group(ann, &[bob]).await;
    let none = pb::Announcement { group_id, ..Default::default() };
    assert_eq!(suite.announcement(By::User(bob), group_id).await.unwrap(), none);
    assert_eq!(suite.announcement(By::User(carl), group_id).await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(suite.announce(By::User(bob), group_id, "", "x").await.unwrap_err(), Reason::GroupAdminRequired);
    for n in 1..=101 {
        let made = suite.announce(By::User(ann), group_id, "title", &n.to_string()).await.unwrap();
        let expected = pb::Announcement {
            group_id,
            id: n,
            author_id: ann,
            made_at: Some(timestamp(START)),
            title: "title".to_owned(),
            text: n.to_string(),
        };
        assert_eq!(made, expected);
        assert_eq!(suite.announcement(By::User(bob), group_id).await.unwrap(), expected);
    }
    assert_eq!(suite.count("group_announcement").await, 100);
    assert_eq!(suite.announce(By::App, group_id, &"t".repeat(257), "").await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(suite.announce(By::App, group_id, "", &"t".repeat(8193)).await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(suite.announce(By::App, group_id, "", &"t".repeat(8192)).await.unwrap().id, 102);
    assert_eq!(suite.announcement(By::App, 7).await.unwrap_err(), Reason::GroupNotFound);
}

async fn admins_and_muted_members_are_lists_of_their_own(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    let group = suite.group(ann, &[bob, carl, dora]).await;
    suite.set_admins(By::App, group, &[bob], true).await.unwrap();
    suite.mute(By::App, group, &[bob, carl], START.0 + 1000).await.unwrap();
    suite.mute(By::App, group, &[dora], -1).await.unwrap();
    assert_eq!(suite.filtered(group, pb::MemberFilter::Admins).await, (vec![bob], 1));
    assert_eq!(suite.filtered(group, pb::MemberFilter::Muted).await, (vec![bob, carl, dora], 3));
    suite.advance(Duration::from_secs(1));
    assert_eq!(suite.filtered(group, pb::MemberFilter::Muted).await, (vec![dora], 1));
    assert_eq!(suite.filtered(group, pb::MemberFilter::Unspecified).await, (vec![ann, bob, carl, dora], 4));
}

async fn numbered_pages_skip_and_are_bounded(suite: Suite) {
    let users = suite.many_users(7).await;
    let group_id = suite.group(users[0], &users[1..]).await;
    let page = async |skip, page_token: &str| {
        let page_token = page_token.to_owned();
        let request = pb::ListMembersRequest { group_id, page_size: 2, skip, page_token, ..Default::default() };
        suite.directory.list_members(by(By::App, request)).await.map(Response::into_inner).map_err(reason)
    };
    let ids = |page: &pb::ListMembersResponse| page.members.iter().map(|member| member.user_id).collect::<Vec<_>>();
    let third = page(4, "").await.unwrap();
    assert_eq!((ids(&third), third.total), (users[4..6].to_vec(), 7));
    let rest = page(1, &third.next_page_token).await.unwrap();
    assert_eq!(ids(&rest), [0; 0]);
    assert_eq!(ids(&page(0, &third.next_page_token).await.unwrap()), users[6..]);
    for skip in [-1, 10_001] {
        assert_eq!(page(skip, "").await.unwrap_err(), Reason::InvalidArgument);
        let joined = pb::JoinedRequest { user_id: Some(users[0]), skip, ..Default::default() };
        let joined = suite.directory.joined(by(By::App, joined)).await;
        assert_eq!(joined.map(drop).map_err(reason).unwrap_err(), Reason::InvalidArgument);
    }
    let joined = pb::JoinedRequest { user_id: Some(users[0]), skip: 1, with_total: true, ..Default::default() };
    let joined = ok(suite.directory.joined(by(By::App, joined)).await);
    assert_eq!((joined.memberships.len(), joined.total), (0, 1));
}

on_both_engines!(
    members_on_the_list_speak_while_all_are_muted,
    who_goes_comes_off_the_list,
    only_admins_change_and_read_the_list_and_users_ask_about_themselves,
    only_changes_of_the_list_are_changes,
    announcements_are_numbered_and_the_hundred_newest_stay,
    admins_and_muted_members_are_lists_of_their_own,
    numbered_pages_skip_and_are_bounded,
);
