//! Helpers for the calls about groups, for the suite's app.

use tidings_domain::{Mute, Reason};
use tidings_proto::internal::{self, directory_internal_service_server::DirectoryInternalService as _};
use tidings_proto::{
    mute_end, mute_to_wire,
    pb::{self, group_service_server::GroupService as _},
};
use tonic::{Request, Response};

use crate::suite::{Suite, in_lobby, ok, reason};

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The app itself.
    App,
    /// A user, by id.
    User(i64),
}

/// A request in `acme#lobby`.
pub fn by<T>(by: By, message: T) -> Request<T> {
    let mut request = in_lobby(message);
    if let By::User(user) = by {
        request.metadata_mut().insert("tidings-user", user.into());
    }
    request
}

/// Settings that mute all until a moment: 0 for no mute, -1 for ever.
pub fn muting_all(until_ms: i64) -> pb::GroupSettings {
    pb::GroupSettings { mute_all_until: Some(mute_end(Mute::from_millis(until_ms))), ..Default::default() }
}

/// A group that the app creates for `owner`.
pub fn owned(owner: i64, members: &[i64]) -> pb::CreateGroupRequest {
    pb::CreateGroupRequest { owner_id: Some(owner), member_ids: members.to_vec(), ..Default::default() }
}

/// The reasons, with their users; empty for those who succeeded.
pub fn outcomes(reply: pb::MembersResponse) -> Vec<(i64, String)> {
    reply.results.into_iter().map(|result| (result.user_id, result.reason)).collect()
}

impl Suite {
    /// Registers users `u0`, `u1`, ... and returns their ids.
    pub async fn users<const N: usize>(&self) -> [i64; N] {
        self.many_users(N).await.try_into().unwrap()
    }

    pub async fn many_users(&self, count: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        for from in (0..count).step_by(60) {
            let names: Vec<String> = (from..count.min(from + 60)).map(|n| format!("u{n}")).collect();
            let users: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
            ids.extend(self.register_many(&users).await.into_iter().map(|user| user.unwrap().id));
        }
        ids
    }

    pub async fn group(&self, owner: i64, members: &[i64]) -> i64 {
        self.create_group(By::App, owned(owner, members)).await.unwrap().id
    }

    pub async fn create_group(&self, caller: By, request: pb::CreateGroupRequest) -> Result<pb::Group, Reason> {
        self.directory.create_group(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn get_group(&self, group_id: i64) -> Option<pb::Group> {
        let request = pb::GetGroupsRequest { group_ids: vec![group_id] };
        ok(self.directory.get_groups(by(By::App, request)).await).groups.pop()
    }

    pub async fn update_group(&self, caller: By, request: pb::UpdateGroupRequest) -> Result<pb::Group, Reason> {
        self.directory.update_group(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn set_settings(&self, group_id: i64, settings: pb::GroupSettings) -> pb::Group {
        let request = pb::UpdateGroupRequest { group_id, settings: Some(settings), ..Default::default() };
        self.update_group(By::App, request).await.unwrap()
    }

    pub async fn set_group_enabled(&self, group_id: i64, enabled: bool) -> pb::Group {
        let request = pb::UpdateGroupRequest { group_id, enabled: Some(enabled), ..Default::default() };
        self.update_group(By::App, request).await.unwrap()
    }

    pub async fn transfer(&self, caller: By, group_id: i64, new_owner_id: i64) -> Result<pb::Group, Reason> {
        let request = pb::TransferGroupRequest { group_id, new_owner_id };
        self.directory.transfer_group(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn destroy(&self, caller: By, group_id: i64) -> Result<pb::Group, Reason> {
        let request = pb::DestroyGroupRequest { group_id };
        self.directory.destroy_group(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn add(&self, caller: By, group_id: i64, users: &[i64]) -> Result<Vec<(i64, String)>, Reason> {
        let request = pb::AddMembersRequest { group_id, user_ids: users.to_vec() };
        let reply = self.directory.add_members(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    pub async fn remove(&self, caller: By, group_id: i64, users: &[i64]) -> Result<Vec<(i64, String)>, Reason> {
        let request = pb::RemoveMembersRequest { group_id, user_ids: users.to_vec() };
        let reply = self.directory.remove_members(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    pub async fn leave(&self, caller: By, group_id: i64, user_id: Option<i64>) -> Result<(), Reason> {
        let request = pb::LeaveRequest { group_id, user_id };
        self.directory.leave(by(caller, request)).await.map(drop).map_err(reason)
    }

    pub async fn apply(&self, caller: By, group_id: i64, text: &str) -> Result<bool, Reason> {
        let request = pb::ApplyRequest { group_id, user_id: None, text: text.to_owned(), ..Default::default() };
        let reply = self.directory.apply(by(caller, request)).await;
        reply.map(|reply| reply.into_inner().joined).map_err(reason)
    }

    pub async fn applications(&self, caller: By, group_id: i64) -> Result<Vec<pb::Application>, Reason> {
        let request = pb::ListApplicationsRequest { group_id, ..Default::default() };
        let reply = self.directory.list_applications(by(caller, request)).await;
        reply.map(|reply| reply.into_inner().applications).map_err(reason)
    }

    pub async fn decide(&self, caller: By, group_id: i64, user_id: i64, accept: bool) -> Result<(), Reason> {
        let request = pb::DecideApplicationRequest { group_id, user_id, accept };
        self.directory.decide_application(by(caller, request)).await.map(drop).map_err(reason)
    }

    pub async fn set_admins(
        &self,
        caller: By,
        group_id: i64,
        users: &[i64],
        admin: bool,
    ) -> Result<Vec<(i64, String)>, Reason> {
        let request = pb::SetAdminsRequest { group_id, user_ids: users.to_vec(), admin };
        let reply = self.directory.set_admins(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    pub async fn mute(
        &self,
        caller: By,
        group_id: i64,
        users: &[i64],
        until_ms: i64,
    ) -> Result<Vec<(i64, String)>, Reason> {
        let request =
            pb::MuteRequest { group_id, user_ids: users.to_vec(), until: mute_to_wire(Mute::from_millis(until_ms)) };
        let reply = self.directory.mute(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    pub async fn block(
        &self,
        caller: By,
        group_id: i64,
        users: &[i64],
        blocked: bool,
    ) -> Result<Vec<(i64, String)>, Reason> {
        let request = pb::BlockMembersRequest { group_id, user_ids: users.to_vec(), blocked };
        let reply = self.directory.block_members(by(caller, request)).await;
        reply.map(|reply| outcomes(reply.into_inner())).map_err(reason)
    }

    pub async fn members(&self, group_id: i64) -> Vec<(i64, pb::GroupRole)> {
        let page = self.list_members(By::App, group_id, "", 0).await.unwrap();
        page.members.into_iter().map(|member| (member.user_id, member.role())).collect()
    }

    pub async fn list_members(
        &self,
        caller: By,
        group_id: i64,
        page_token: &str,
        page_size: i32,
    ) -> Result<pb::ListMembersResponse, Reason> {
        let request =
            pb::ListMembersRequest { group_id, page_size, page_token: page_token.to_owned(), ..Default::default() };
        self.directory.list_members(by(caller, request)).await.map(Response::into_inner).map_err(reason)
    }

    pub async fn blocked(&self, caller: By, group_id: i64) -> Result<Vec<i64>, Reason> {
        let request = pb::ListBlockedRequest { group_id, ..Default::default() };
        let reply = self.directory.list_blocked(by(caller, request)).await.map(Response::into_inner);
        reply.map(|page| page.members.into_iter().map(|member| member.user_id).collect()).map_err(reason)
    }

    pub async fn membership(&self, user: i64, group_id: i64) -> Option<pb::Membership> {
        self.memberships(By::App, Some(user), &[group_id]).await.unwrap().pop()
    }

    pub async fn memberships(
        &self,
        caller: By,
        user_id: Option<i64>,
        groups: &[i64],
    ) -> Result<Vec<pb::Membership>, Reason> {
        let request = internal::MembershipsRequest { user_id, group_ids: groups.to_vec() };
        let reply = self.directory.memberships(by(caller, request)).await;
        reply.map(|reply| reply.into_inner().memberships).map_err(reason)
    }

    /// The ids of the groups that a user is in.
    pub async fn joined(&self, user: i64, kind: pb::GroupKind) -> Vec<i64> {
        let request = pb::JoinedRequest { user_id: Some(user), kind: kind.into(), ..Default::default() };
        let reply = ok(self.directory.joined(by(By::App, request)).await);
        reply.memberships.into_iter().map(|membership| membership.group_id).collect()
    }
}
