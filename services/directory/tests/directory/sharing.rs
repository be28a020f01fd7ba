//! Shared files, attributes, invitations and super admins (agora.md 10.3, 10.4; lanying.md 10).

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    internal::{self, directory_internal_service_server::DirectoryInternalService as _},
    pb::{self, RoomAttributeFailure as Failure, group_service_server::GroupService as _, shared_file_ref::File},
};
use tidings_store::{on_tx, sqlx};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{Suite, name, on_both_engines, reason},
};

const PLAN: &str = "7b2a0f2e-1c3d-4e5f-8a9b-0c1d2e3f4a5b";
const NOTES: &str = "8c3b1f3f-2d4e-4f60-9bac-1d2e3f4a5b6c";

impl Suite {
    async fn share(&self, caller: By, group_id: i64, uuid: &str) -> Result<pb::SharedFile, Reason> {
        let request = pb::ShareFileRequest { group_id, uuid: uuid.to_owned(), name: "plan.pdf".to_owned(), size: 7 };
        self.directory.share_file(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn unshare(&self, caller: By, group_id: i64, number: i64) -> Result<pb::SharedFile, Reason> {
        let file = Some(pb::SharedFileRef { group_id, file: Some(File::Number(number)) });
        let request = pb::UnshareFileRequest { file };
        self.directory.unshare_file(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    async fn shows(&self, uuid: &str) -> bool {
        let request = internal::ShowsFileRequest { uuid: uuid.to_owned() };
        self.directory.shows_file(by(By::App, request)).await.unwrap().into_inner().shown
    }

    async fn set_attributes(
        &self,
        caller: By,
        group_id: i64,
        user_id: i64,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>, Reason> {
        let request = pb::SetMemberAttributesRequest { group_id, user_id: Some(user_id), attributes: wire(pairs) };
        let reply = self.directory.set_member_attributes(by(caller, request)).await.map_err(reason)?;
        Ok(texts(reply.into_inner().attributes))
    }

    async fn attributes(&self, group_id: i64, users: &[i64]) -> Vec<(i64, Vec<(String, String)>)> {
        let request = pb::GetMemberAttributesRequest { group_id, user_ids: users.to_vec(), names: vec![] };
        let reply = self.directory.get_member_attributes(by(By::App, request)).await.unwrap().into_inner();
        reply.members.into_iter().map(|member| (member.user_id, texts(member.attributes))).collect()
    }

    async fn set_room(
        &self,
        caller: By,
        room_id: i64,
        pairs: &[(&str, &str)],
        (auto_delete, forced): (bool, bool),
    ) -> Result<Vec<(String, Failure)>, Reason> {
        let attributes = wire(pairs);
        let request = pb::SetRoomAttributesRequest { room_id, user_id: None, attributes, auto_delete, forced };
        let reply = self.directory.set_room_attributes(by(caller, request)).await.map_err(reason)?.into_inner();
        Ok(reply.results.into_iter().map(|result| (result.name.clone(), result.failure())).collect())
    }

    async fn remove_room(
        &self,
        caller: By,
        room_id: i64,
        names: &[&str],
        forced: bool,
    ) -> Result<Vec<(String, Failure)>, Reason> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let request = pb::RemoveRoomAttributesRequest { room_id, user_id: None, names, forced };
        let reply = self.directory.remove_room_attributes(by(caller, request)).await.map_err(reason)?.into_inner();
        Ok(reply.results.into_iter().map(|result| (result.name.clone(), result.failure())).collect())
    }

    /// Name, value and owner.
    async fn room_attributes(&self, room_id: i64) -> Vec<(String, String, i64)> {
        let request = pb::GetRoomAttributesRequest { room_id, names: vec![] };
        let reply = self.directory.get_room_attributes(by(By::App, request)).await.unwrap().into_inner();
        reply.attributes.into_iter().map(|it| (it.name, it.value, it.owner_id)).collect()
    }

    async fn room(&self, owner: i64, members: &[i64]) -> i64 {
        let kind = pb::GroupKind::Room.into();
        let request =
            pb::CreateGroupRequest { kind, owner_id: Some(owner), member_ids: members.to_vec(), ..Default::default() };
        self.create_group(By::App, request).await.unwrap().id
    }

    async fn invite(&self, caller: By, group_id: i64, users: &[i64]) -> Result<(Vec<String>, Vec<i64>), Reason> {
        let request = pb::InviteMembersRequest { group_id, user_ids: users.to_vec(), text: "come".to_owned() };
        let reply = self.directory.invite_members(by(caller, request)).await.map_err(reason)?.into_inner();
        Ok((reply.results.into_iter().map(|result| result.reason).collect(), reply.waiting_ids))
    }

    async fn answer(&self, user: i64, group_id: i64, accept: bool) -> Result<(), Reason> {
        let request = pb::DecideInvitationRequest { group_id, user_id: None, accept };
        self.directory.decide_invitation(by(By::User(user), request)).await.map(drop).map_err(reason)
    }

    /// The groups that a user is invited to, a page at a time.
    async fn invitations(&self, user: i64, page_size: i32) -> Vec<i64> {
        let (mut groups, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListInvitationsRequest { user_id: None, page_size, page_token };
            let page = self.directory.list_invitations(by(By::User(user), request)).await.unwrap().into_inner();
            groups.extend(page.invitations.into_iter().map(|invitation| invitation.group_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return groups;
            }
        }
    }

    /// The changes recorded so far, by name.
    async fn changes(&self) -> Vec<(String, String)> {
        let mut tx = self.db.begin().await.unwrap();
        let changes: Result<Vec<(String, String)>, _> =
            on_tx!(&mut tx, |c| sqlx::query_as("select kind, detail from change order by change_id")
                .fetch_all(c)
                .await);
        changes.unwrap()
    }

    /// How many changes of that name were recorded.
    async fn count_changes(&self, name: &str) -> usize {
        self.changes().await.iter().filter(|(kind, _)| kind == name).count()
    }
}

fn wire(pairs: &[(&str, &str)]) -> Vec<pb::Attribute> {
    pairs.iter().map(|(name, value)| pb::Attribute { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
}

fn texts(attributes: Vec<pb::Attribute>) -> Vec<(String, String)> {
    attributes.into_iter().map(|attribute| (attribute.name, attribute.value)).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

async fn a_shared_file_is_shown_until_its_owner_or_an_admin_removes_it(suite: Suite) {
    let [owner, ann, bob, eve] = suite.users().await;
    let group = suite.group(owner, &[ann, bob]).await;
    assert_eq!(suite.share(By::User(eve), group, PLAN).await.unwrap_err(), Reason::NotGroupMember);
    assert!(!suite.shows(PLAN).await);
    let plan = suite.share(By::User(ann), group, PLAN).await.unwrap();
    assert_eq!((plan.owner_id, plan.name.as_str(), plan.size), (ann, "plan.pdf", 7));
    assert!(suite.shows(PLAN).await);
    // Again: the same one, still Ann's.
    assert_eq!(suite.share(By::User(bob), group, PLAN).await.unwrap(), plan);
    let notes = suite.share(By::User(bob), group, NOTES).await.unwrap();
    assert!(notes.number > plan.number);

    assert_eq!(suite.unshare(By::User(bob), group, plan.number).await.unwrap_err(), Reason::SharedFileNotOwn);
    assert_eq!(suite.unshare(By::User(eve), group, plan.number).await.unwrap_err(), Reason::NotGroupMember);
    suite.unshare(By::User(ann), group, plan.number).await.unwrap();
    suite.unshare(By::User(owner), group, notes.number).await.unwrap();
    assert_eq!(suite.unshare(By::App, group, notes.number).await.unwrap_err(), Reason::SharedFileNotFound);
    assert!(!suite.shows(PLAN).await && !suite.shows(NOTES).await);
    assert_eq!(suite.count_changes("group.file_shared").await, 2);
    let removed = suite.changes().await.into_iter().filter(|(kind, _)| kind == "group.file_removed");
    let removed: Vec<String> = removed.map(|(_, detail)| detail).collect();
    assert_eq!(removed.len(), 2);
    assert!(removed[0].contains(PLAN) && removed[0].contains(&format!("\"owner\":{ann}")), "{removed:?}");

    // A number is not used again.
    assert!(suite.share(By::App, group, PLAN).await.unwrap().number > notes.number);
}

async fn a_group_that_ends_shows_no_files_any_more(suite: Suite) {
    let [owner, other] = suite.users().await;
    let (kept, ended) = (suite.group(other, &[]).await, suite.group(owner, &[]).await);
    let deserted = suite.group(owner, &[]).await;
    for (group, uuid) in [(kept, PLAN), (ended, PLAN), (deserted, NOTES)] {
        suite.share(By::App, group, uuid).await.unwrap();
    }
    suite.destroy(By::App, ended).await.unwrap();
    assert!(suite.shows(PLAN).await, "the other group still shows it");
    suite.delete_user(name("u0")).await.unwrap();
    assert!(!suite.shows(NOTES).await);
    assert_eq!(suite.count_changes("group.file_removed").await, 2);
}

async fn the_list_of_shared_files_is_read_in_pages_that_survive_additions(suite: Suite) {
    let [owner, eve] = suite.users().await;
    let group = suite.group(owner, &[]).await;
    let uuid = |n: usize| format!("{n:08x}-1c3d-4e5f-8a9b-0c1d2e3f4a5b");
    for n in 0..5 {
        suite.share(By::App, group, &uuid(n)).await.unwrap();
    }
    let list = async |caller, page_size, page_token: &str| {
        let request = pb::ListSharedFilesRequest { group_id: group, page_size, page_token: page_token.to_owned() };
        suite.directory.list_shared_files(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    };
    let first = list(By::User(owner), 3, "").await.unwrap();
    suite.share(By::App, group, &uuid(5)).await.unwrap();
    let second = list(By::User(owner), 3, &first.next_page_token).await.unwrap();
    let found: Vec<String> = first.files.into_iter().chain(second.files).map(|file| file.uuid).collect();
    assert_eq!(found, (0..6).map(uuid).collect::<Vec<_>>());
    assert_eq!(second.next_page_token, "");
    assert_eq!(list(By::User(eve), 0, "").await.unwrap_err(), Reason::NotGroupMember);
    assert_eq!(list(By::App, -1, "").await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(list(By::App, 0, "x").await.unwrap_err(), Reason::InvalidArgument);
}

async fn members_set_their_own_attributes_and_admins_everybodys(suite: Suite) {
    let [owner, ann, bob, eve] = suite.users().await;
    let group = suite.group(owner, &[ann, bob]).await;
    let set = suite.set_attributes(By::User(ann), group, ann, &[("seat", "3"), ("mood", "merry")]).await;
    assert_eq!(set.unwrap(), [pair("mood", "merry"), pair("seat", "3")]);
    assert_eq!(
        suite.set_attributes(By::User(bob), group, ann, &[("seat", "4")]).await.unwrap_err(),
        Reason::GroupAdminRequired
    );
    assert_eq!(
        suite.set_attributes(By::User(eve), group, eve, &[("seat", "4")]).await.unwrap_err(),
        Reason::NotGroupMember
    );
    assert_eq!(suite.set_attributes(By::App, group, eve, &[("seat", "4")]).await.unwrap_err(), Reason::NotGroupMember);
    let set = suite.set_attributes(By::User(owner), group, ann, &[("seat", "5"), ("mood", "")]).await;
    assert_eq!(set.unwrap(), [pair("seat", "5")]);
    assert_eq!(suite.attributes(group, &[bob, eve, ann]).await, [(bob, vec![]), (ann, vec![pair("seat", "5")])]);
    // What changes nothing is no change.
    suite.set_attributes(By::User(ann), group, ann, &[("seat", "5"), ("gone", "")]).await.unwrap();
    assert_eq!(suite.count_changes("group.member_changed").await, 2);
}

async fn the_attributes_of_a_member_have_bounds_and_nothing_is_half_done(suite: Suite) {
    let [owner] = suite.users().await;
    let group = suite.group(owner, &[]).await;
    for pairs in [
        &[("fine", "v"), ("a name that is too", "v")][..],
        &[("fine", "v"), ("long", &*"v".repeat(513))],
        &[("fine", "v"), ("", "v")],
    ] {
        let refused = suite.set_attributes(By::App, group, owner, pairs).await;
        assert_eq!(refused.unwrap_err(), Reason::InvalidArgument);
    }
    let value = "v".repeat(510);
    for name in ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"] {
        suite.set_attributes(By::App, group, owner, &[(name, &value)]).await.unwrap();
    }
    let refused = suite.set_attributes(By::App, group, owner, &[("k9", "v")]).await;
    assert_eq!(refused.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(suite.attributes(group, &[owner]).await[0].1.len(), 8);
}

async fn attributes_go_with_a_member_who_leaves_in_any_way(suite: Suite) {
    let [owner, ann, bob, eve, dan] = suite.users().await;
    let room = suite.room(owner, &[ann, bob, eve, dan]).await;
    for (user, name) in [(ann, "ann"), (bob, "bob"), (eve, "eve"), (dan, "dan")] {
        let caller = By::User(user);
        suite.set_attributes(caller, room, user, &[("seat", "1")]).await.unwrap();
        let stays = format!("{name}.stays");
        suite.set_room(caller, room, &[(name, "1")], (true, false)).await.unwrap();
        suite.set_room(caller, room, &[(&stays, "1")], (false, false)).await.unwrap();
    }
    suite.leave(By::User(ann), room, None).await.unwrap();
    suite.remove(By::User(owner), room, &[bob]).await.unwrap();
    suite.block(By::User(owner), room, &[eve], true).await.unwrap();
    suite.delete_user(name("u4")).await.unwrap();
    let left: Vec<String> = suite.room_attributes(room).await.into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(left, ["ann.stays", "bob.stays", "dan.stays", "eve.stays"]);
    assert_eq!(suite.count_changes("group.attributes_changed").await, 8 + 4);
    // Who comes back begins anew.
    suite.add(By::App, room, &[ann]).await.unwrap();
    assert_eq!(suite.attributes(room, &[ann]).await, [(ann, vec![])]);
    let own = suite.set_room(By::User(ann), room, &[("ann.stays", "2")], (true, false)).await.unwrap();
    assert_eq!(own, [("ann.stays".to_owned(), Failure::Unspecified)]);
}

async fn an_attribute_of_a_room_belongs_to_who_set_it_unless_forced(suite: Suite) {
    let [owner, ann, bob, eve] = suite.users().await;
    let room = suite.room(owner, &[ann, bob]).await;
    let ok = |name: &str| (name.to_owned(), Failure::Unspecified);
    let foreign = |name: &str| (name.to_owned(), Failure::NotOwn);
    assert_eq!(suite.set_room(By::User(ann), room, &[("song", "a")], (true, false)).await.unwrap(), [ok("song")]);
    let set = suite.set_room(By::User(bob), room, &[("song", "b"), ("light", "b")], (true, false)).await;
    assert_eq!(set.unwrap(), [foreign("song"), ok("light")]);
    // Not even the owner of the room.
    let set = suite.set_room(By::User(owner), room, &[("song", "o")], (true, false)).await;
    assert_eq!(set.unwrap(), [foreign("song")]);
    assert_eq!(
        suite.remove_room(By::User(bob), room, &["song", "none"], false).await.unwrap(),
        [foreign("song"), ok("none")]
    );
    assert_eq!(
        suite.room_attributes(room).await,
        [("light".to_owned(), "b".to_owned(), bob), ("song".to_owned(), "a".to_owned(), ann)]
    );
    suite.set_room(By::User(bob), room, &[("song", "b")], (true, true)).await.unwrap();
    assert_eq!(suite.room_attributes(room).await[1], ("song".to_owned(), "b".to_owned(), bob));
    assert_eq!(suite.set_room(By::User(ann), room, &[("song", "a")], (true, false)).await.unwrap(), [foreign("song")]);
    suite.remove_room(By::User(ann), room, &["song", "light"], true).await.unwrap();
    assert!(suite.room_attributes(room).await.is_empty());

    let refused = suite.set_room(By::User(eve), room, &[("song", "e")], (true, true)).await;
    assert_eq!(refused.unwrap_err(), Reason::NotGroupMember);
    let group = suite.group(owner, &[]).await;
    let refused = suite.set_room(By::App, group, &[("song", "e")], (true, true)).await;
    assert_eq!(refused.unwrap_err(), Reason::GroupNotFound, "groups have none");
}

async fn a_room_has_at_most_100_attributes_and_each_fails_alone(suite: Suite) {
    let [owner] = suite.users().await;
    let room = suite.room(owner, &[]).await;
    let names: Vec<String> = (0..99).map(|n| format!("k{n}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    suite.set_room(By::App, room, &pairs, (false, false)).await.unwrap();
    let (long_name, long) = ("k".repeat(129), "v".repeat(4097));
    let pairs = [("a", "1"), ("b", "2"), ("k0", "3"), (&*long_name, "v"), ("a b", "v"), ("k1", &*long)];
    let failures: Vec<Failure> = suite
        .set_room(By::App, room, &pairs, (false, false))
        .await
        .unwrap()
        .into_iter()
        .map(|(_, failure)| failure)
        .collect();
    assert_eq!(
        failures,
        [
            Failure::Unspecified,
            Failure::TooMany,
            Failure::Unspecified,
            Failure::NameTooLong,
            Failure::NameIllegal,
            Failure::ValueTooLong
        ]
    );
    assert_eq!(suite.room_attributes(room).await.len(), 100);
}

async fn a_member_may_be_shown_under_another_name_in_one_group(suite: Suite) {
    let [owner, ann, bob] = suite.users().await;
    let group = suite.group(owner, &[ann, bob]).await;
    let set = async |caller, user_id, name: &str| {
        let request = pb::SetDisplayNameRequest { group_id: group, user_id, display_name: name.to_owned() };
        suite.directory.set_display_name(by(caller, request)).await.map(drop).map_err(reason)
    };
    set(By::User(ann), None, "Captain").await.unwrap();
    assert_eq!(set(By::User(bob), Some(ann), "Cook").await.unwrap_err(), Reason::GroupAdminRequired);
    assert_eq!(set(By::App, Some(ann), &"x".repeat(257)).await.unwrap_err(), Reason::InvalidArgument);
    let members = suite.list_members(By::App, group, "", 0).await.unwrap().members;
    let names: Vec<&str> = members.iter().map(|member| member.display_name.as_str()).collect();
    assert_eq!(names, ["", "Captain", ""]);
    set(By::User(ann), None, "Captain").await.unwrap();
    assert_eq!(suite.count_changes("group.member_changed").await, 1);
}

async fn who_is_invited_joins_at_once_or_is_asked_as_the_group_says(suite: Suite) {
    let [owner, ann, bob, eve] = suite.users().await;
    let group = suite.group(owner, &[ann]).await;
    assert_eq!(suite.invite(By::User(ann), group, &[bob]).await.unwrap(), (vec![String::new()], vec![]));
    assert!(suite.members(group).await.iter().any(|(member, _)| *member == bob));

    let settings = pb::GroupSettings { invite_confirm: Some(true), ..Default::default() };
    assert_eq!(suite.set_settings(group, settings).await.settings.unwrap().invite_confirm, Some(true));
    let (results, waiting) = suite.invite(By::User(ann), group, &[bob, eve]).await.unwrap();
    assert_eq!((results, waiting), (vec!["ALREADY_GROUP_MEMBER".to_owned(), String::new()], vec![eve]));
    assert_eq!(suite.invitations(eve, 0).await, [group]);
    assert_eq!(suite.add(By::User(owner), group, &[eve]).await.unwrap_err(), Reason::NotPermitted, "not unasked");
    assert_eq!(suite.answer(ann, group, true).await.unwrap_err(), Reason::InvitationGone);
    suite.answer(eve, group, false).await.unwrap();
    assert_eq!(suite.answer(eve, group, true).await.unwrap_err(), Reason::InvitationGone);
    suite.invite(By::User(owner), group, &[eve]).await.unwrap();
    suite.answer(eve, group, true).await.unwrap();
    assert_eq!(suite.members(group).await.len(), 4);
    assert!(suite.invitations(eve, 0).await.is_empty());
    let told: Vec<usize> = {
        let mut counts = Vec::new();
        for name in ["group.invited", "group.invitation_declined", "group.joined"] {
            counts.push(suite.count_changes(name).await);
        }
        counts
    };
    assert_eq!(told, [2, 1, 2]);
}

async fn the_app_itself_adds_users_without_asking_them(suite: Suite) {
    let [owner, ann] = suite.users().await;
    let group = suite.group(owner, &[]).await;
    suite.set_settings(group, pb::GroupSettings { invite_confirm: Some(true), ..Default::default() }).await;
    assert_eq!(suite.invite(By::App, group, &[ann]).await.unwrap(), (vec![String::new()], vec![]));
    assert_eq!(suite.members(group).await.len(), 2);
}

async fn an_invitation_expires_after_the_days_of_the_policy_and_inviting_again_renews_it(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    suite.set_settings(group, pb::GroupSettings { invite_confirm: Some(true), ..Default::default() }).await;
    suite.invite(By::User(ann), group, &[bob]).await.unwrap();
    suite.advance(Duration::from_hours(24 * 400));
    assert_eq!(suite.invitations(bob, 0).await, [group], "by default it stays open");
    suite.set_policy(pb::Policy { invitation_days: Some(7), ..Default::default() }).await.unwrap();
    assert!(suite.invitations(bob, 0).await.is_empty());
    assert_eq!(suite.answer(bob, group, true).await.unwrap_err(), Reason::InvitationGone);
    suite.invite(By::User(ann), group, &[bob]).await.unwrap();
    suite.advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!(suite.invitations(bob, 0).await, [group]);
    suite.answer(bob, group, true).await.unwrap();
    let too_long = pb::Policy { invitation_days: Some(3651), ..Default::default() };
    assert_eq!(suite.set_policy(too_long).await.unwrap_err(), Reason::InvalidArgument);
}

async fn an_invitation_ends_when_its_user_joins_is_blocked_or_the_group_is_full_and_stays_open_then(suite: Suite) {
    let [owner, ann, bob] = suite.users().await;
    let asks = pb::GroupSettings { invite_confirm: Some(true), max_members: Some(2), ..Default::default() };
    let mut groups = Vec::new();
    for _ in 0..3 {
        let group = suite.group(owner, &[]).await;
        suite.set_settings(group, asks.clone()).await;
        suite.invite(By::User(owner), group, &[ann]).await.unwrap();
        groups.push(group);
    }
    let [joined, blocked, full] = groups[..] else { panic!("three groups") };
    assert_eq!(suite.invitations(ann, 1).await, groups);
    suite.add(By::App, joined, &[ann]).await.unwrap();
    suite.block(By::App, blocked, &[ann], true).await.unwrap();
    suite.add(By::App, full, &[bob]).await.unwrap();
    assert_eq!(suite.answer(ann, full, true).await.unwrap_err(), Reason::GroupFull);
    assert_eq!(suite.invitations(ann, 0).await, [full]);
    suite.destroy(By::App, full).await.unwrap();
    assert!(suite.invitations(ann, 0).await.is_empty());
}

async fn rooms_that_need_a_super_admin_are_made_by_those_alone(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let kind = pb::GroupKind::Room.into();
    let request = pb::CreateGroupRequest { kind, needs_super_admin: true, ..Default::default() };
    assert_eq!(suite.create_group(By::User(ann), request.clone()).await.unwrap_err(), Reason::AppTokenRequired);
    let set = async |user_id, is_super_admin| {
        let request = pb::SetSuperAdminRequest { user_id, is_super_admin };
        suite.directory.set_super_admin(by(By::App, request)).await.map(|it| it.into_inner().changed).map_err(reason)
    };
    assert!(set(ann, true).await.unwrap() && !set(ann, true).await.unwrap());
    set(bob, true).await.unwrap();
    assert_eq!(set(12_345, true).await.unwrap_err(), Reason::UserNotFound);
    let list = async |page_token: String| {
        let request = pb::ListSuperAdminsRequest { page_size: 1, page_token };
        suite.directory.list_super_admins(by(By::App, request)).await.unwrap().into_inner()
    };
    let first = list(String::new()).await;
    let second = list(first.next_page_token.clone()).await;
    assert_eq!((first.super_admins[0].user_id, second.super_admins[0].username.as_str()), (ann, "u1"));
    assert_eq!(second.next_page_token, "");
    assert_eq!(suite.create_group(By::User(ann), request.clone()).await.unwrap().owner_id, ann);
    assert!(set(ann, false).await.unwrap());
    assert_eq!(suite.create_group(By::User(ann), request).await.unwrap_err(), Reason::AppTokenRequired);
    // A deleted user is none.
    suite.delete_user(name("u1")).await.unwrap();
    assert!(list(String::new()).await.super_admins.is_empty());
}

on_both_engines!(
    a_shared_file_is_shown_until_its_owner_or_an_admin_removes_it,
    a_group_that_ends_shows_no_files_any_more,
    the_list_of_shared_files_is_read_in_pages_that_survive_additions,
    members_set_their_own_attributes_and_admins_everybodys,
    the_attributes_of_a_member_have_bounds_and_nothing_is_half_done,
    attributes_go_with_a_member_who_leaves_in_any_way,
    an_attribute_of_a_room_belongs_to_who_set_it_unless_forced,
    a_room_has_at_most_100_attributes_and_each_fails_alone,
    a_member_may_be_shown_under_another_name_in_one_group,
    who_is_invited_joins_at_once_or_is_asked_as_the_group_says,
    an_invitation_expires_after_the_days_of_the_policy_and_inviting_again_renews_it,
    the_app_itself_adds_users_without_asking_them,
    an_invitation_ends_when_its_user_joins_is_blocked_or_the_group_is_full_and_stays_open_then,
    rooms_that_need_a_super_admin_are_made_by_those_alone,
);
