//! The gRPC API of groups and rooms.

use tidings_domain::{Membership, UserId};
use tidings_proto::{mute_from_wire, page_start, page_token, pb, status_from_error as to_status};
use tonic::{Request, Response, async_trait};

use super::Reply;
use crate::{
    Directory,
    convert::{
        group::{application_start, application_token, members_response, part, user_ids},
        size, size_up_to, thread,
    },
    model::group::Joinable,
};

#[async_trait]
impl pb::group_service_server::GroupService for Directory {
    #[tracing::instrument(level = "debug", name = "group.create_group", skip_all)]
    async fn create_group(&self, request: Request<pb::CreateGroupRequest>) -> Reply<pb::Group> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let new = request.into_inner().try_into().map_err(to_status)?;
        let group = self.core.create_group(&caller, new).await.map_err(to_status)?;
        Ok(Response::new(group.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.get_groups", skip_all)]
    async fn get_groups(&self, request: Request<pb::GetGroupsRequest>) -> Reply<pb::GetGroupsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let groups = self.core.get_groups(&caller, &request.into_inner().group_ids).await.map_err(to_status)?;
        Ok(Response::new(pb::GetGroupsResponse { groups: groups.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "group.list_groups", skip_all)]
    async fn list_groups(&self, request: Request<pb::ListGroupsRequest>) -> Reply<pb::ListGroupsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let part = part(&wire.page_token, wire.skip, size).map_err(to_status)?;
        let listed = self.core.list_groups(&caller, wire.kind().into(), wire.public_only, part).await;
        let (groups, next) = listed.map_err(to_status)?;
        let groups = groups.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListGroupsResponse { groups, next_page_token: page_token(next.unwrap_or_default()) }))
    }

    #[tracing::instrument(level = "debug", name = "group.update_group", skip_all)]
    async fn update_group(&self, request: Request<pb::UpdateGroupRequest>) -> Reply<pb::Group> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let group = wire.group_id;
        let change = wire.try_into().map_err(to_status)?;
        let group = self.core.update_group(&caller, group, change).await.map_err(to_status)?;
        Ok(Response::new(group.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.transfer_group", skip_all)]
    async fn transfer_group(&self, request: Request<pb::TransferGroupRequest>) -> Reply<pb::Group> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let heir = UserId(wire.new_owner_id);
        let group = self.core.transfer_group(&caller, wire.group_id, heir).await.map_err(to_status)?;
        Ok(Response::new(group.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.destroy_group", skip_all)]
    async fn destroy_group(&self, request: Request<pb::DestroyGroupRequest>) -> Reply<pb::Group> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let group = self.core.destroy_group(&caller, request.into_inner().group_id).await.map_err(to_status)?;
        Ok(Response::new(group.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.add_members", skip_all)]
    async fn add_members(&self, request: Request<pb::AddMembersRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let outcomes = self.core.add_members(&caller, wire.group_id, &users).await.map_err(to_status)?;
        Ok(Response::new(members_response(outcomes)))
    }

    #[tracing::instrument(level = "debug", name = "group.remove_members", skip_all)]
    async fn remove_members(&self, request: Request<pb::RemoveMembersRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let outcomes = self.core.remove_members(&caller, wire.group_id, &users).await.map_err(to_status)?;
        Ok(Response::new(members_response(outcomes)))
    }

    #[tracing::instrument(level = "debug", name = "group.apply", skip_all)]
    async fn apply(&self, request: Request<pb::ApplyRequest>) -> Reply<pb::ApplyResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let joinable = Joinable { public_only: wire.public_only, at_once: wire.at_once };
        let joined = self.core.apply(&caller, wire.group_id, wire.user_id, &wire.text, joinable).await;
        let joined = joined.map_err(to_status)?;
        Ok(Response::new(pb::ApplyResponse { joined }))
    }

    #[tracing::instrument(level = "debug", name = "group.list_applications", skip_all)]
    async fn list_applications(
        &self,
        request: Request<pb::ListApplicationsRequest>,
    ) -> Reply<pb::ListApplicationsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let after = application_start(&wire.page_token).map_err(to_status)?;
        let listed = self.core.list_applications(&caller, wire.group_id, after, size).await;
        let (waiting, next) = listed.map_err(to_status)?;
        let applications = waiting.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListApplicationsResponse { applications, next_page_token: application_token(next) }))
    }

    #[tracing::instrument(level = "debug", name = "group.decide_application", skip_all)]
    async fn decide_application(
        &self,
        request: Request<pb::DecideApplicationRequest>,
    ) -> Reply<pb::DecideApplicationResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = UserId(wire.user_id);
        self.core.decide_application(&caller, wire.group_id, user, wire.accept).await.map_err(to_status)?;
        Ok(Response::new(pb::DecideApplicationResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "group.leave", skip_all)]
    async fn leave(&self, request: Request<pb::LeaveRequest>) -> Reply<pb::LeaveResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        self.core.leave_group(&caller, wire.group_id, wire.user_id).await.map_err(to_status)?;
        Ok(Response::new(pb::LeaveResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "group.list_members", skip_all)]
    async fn list_members(&self, request: Request<pb::ListMembersRequest>) -> Reply<pb::ListMembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let size = size(wire.page_size, 1000).map_err(to_status)?;
        let part = part(&wire.page_token, wire.skip, size).map_err(to_status)?;
        let filter = wire.filter().into();
        let page = self.core.list_members(&caller, wire.group_id, filter, part).await.map_err(to_status)?;
        Ok(Response::new(page.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.joined", skip_all)]
    async fn joined(&self, request: Request<pb::JoinedRequest>) -> Reply<pb::JoinedResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let size = size_up_to(10_000, wire.page_size, 10_000).map_err(to_status)?;
        let part = part(&wire.page_token, wire.skip, size).map_err(to_status)?;
        let joined = self.core.joined(&caller, wire.user_id, wire.kind().into(), part).await;
        let (memberships, next) = joined.map_err(to_status)?;
        let total = if wire.with_total {
            self.core.count_joined(&caller, wire.user_id, wire.kind().into()).await.map_err(to_status)?
        } else {
            0
        };
        let next_page_token = page_token(next.unwrap_or_default());
        let memberships = wire_memberships(memberships);
        Ok(Response::new(pb::JoinedResponse { memberships, next_page_token, total: total as i32 }))
    }

    #[tracing::instrument(level = "debug", name = "group.set_admins", skip_all)]
    async fn set_admins(&self, request: Request<pb::SetAdminsRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let outcomes = self.core.set_admins(&caller, wire.group_id, &users, wire.admin).await.map_err(to_status)?;
        Ok(Response::new(members_response(outcomes)))
    }

    #[tracing::instrument(level = "debug", name = "group.mute", skip_all)]
    async fn mute(&self, request: Request<pb::MuteRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let mute = mute_from_wire("until", wire.until).map_err(to_status)?;
        let outcomes = self.core.mute_members(&caller, wire.group_id, &users, mute).await.map_err(to_status)?;
        Ok(Response::new(members_response(outcomes)))
    }

    #[tracing::instrument(level = "debug", name = "group.block_members", skip_all)]
    async fn block_members(&self, request: Request<pb::BlockMembersRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let outcomes = self.core.block_members(&caller, wire.group_id, &users, wire.blocked).await;
        Ok(Response::new(members_response(outcomes.map_err(to_status)?)))
    }

    #[tracing::instrument(level = "debug", name = "group.list_blocked", skip_all)]
    async fn list_blocked(&self, request: Request<pb::ListBlockedRequest>) -> Reply<pb::ListMembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 1000).map_err(to_status)?;
        let page = self.core.list_group_blocked(&caller, wire.group_id, after, size).await.map_err(to_status)?;
        Ok(Response::new(page.into()))
    }

    // Allow list and announcements.

    #[tracing::instrument(level = "debug", name = "group.allow_members", skip_all)]
    async fn allow_members(&self, request: Request<pb::AllowMembersRequest>) -> Reply<pb::MembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let outcomes = self.core.allow_members(&caller, wire.group_id, &users, wire.allowed).await;
        Ok(Response::new(members_response(outcomes.map_err(to_status)?)))
    }

    #[tracing::instrument(level = "debug", name = "group.list_allowed", skip_all)]
    async fn list_allowed(&self, request: Request<pb::ListAllowedRequest>) -> Reply<pb::ListMembersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 1000).map_err(to_status)?;
        let page = self.core.list_allowed(&caller, wire.group_id, wire.user_id.map(UserId), (after, size)).await;
        Ok(Response::new(page.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.set_announcement", skip_all)]
    async fn set_announcement(&self, request: Request<pb::SetAnnouncementRequest>) -> Reply<pb::Announcement> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let set = self.core.set_announcement(&caller, wire.group_id, wire.title, wire.text).await;
        Ok(Response::new(set.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.get_announcement", skip_all)]
    async fn get_announcement(&self, request: Request<pb::GetAnnouncementRequest>) -> Reply<pb::Announcement> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let announcement = self.core.get_announcement(&caller, wire.group_id, wire.id).await;
        Ok(Response::new(announcement.map_err(to_status)?.into()))
    }

    // Threads.

    #[tracing::instrument(level = "debug", name = "group.create_thread", skip_all)]
    async fn create_thread(&self, request: Request<pb::CreateThreadRequest>) -> Reply<pb::Thread> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let thread = self.core.create_thread(&caller, request.into_inner().into()).await.map_err(to_status)?;
        Ok(Response::new(thread.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.get_thread", skip_all)]
    async fn get_thread(&self, request: Request<pb::GetThreadRequest>) -> Reply<pb::Thread> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let thread = self.core.get_thread(&caller, request.into_inner().thread_id).await.map_err(to_status)?;
        Ok(Response::new(thread.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.list_threads", skip_all)]
    async fn list_threads(&self, request: Request<pb::ListThreadsRequest>) -> Reply<pb::ListThreadsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let range = thread::range(&wire).map_err(to_status)?;
        let page = self.core.list_threads(&caller, wire.user_id, wire.group_id, range).await.map_err(to_status)?;
        Ok(Response::new(thread::page(page)))
    }

    #[tracing::instrument(level = "debug", name = "group.update_thread", skip_all)]
    async fn update_thread(&self, request: Request<pb::UpdateThreadRequest>) -> Reply<pb::Thread> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let thread = self.core.update_thread(&caller, wire.thread_id, wire.name).await.map_err(to_status)?;
        Ok(Response::new(thread.into()))
    }

    #[tracing::instrument(level = "debug", name = "group.delete_thread", skip_all)]
    async fn delete_thread(&self, request: Request<pb::DeleteThreadRequest>) -> Reply<pb::DeleteThreadResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        self.core.delete_thread(&caller, request.into_inner().thread_id).await.map_err(to_status)?;
        Ok(Response::new(pb::DeleteThreadResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "group.join_thread", skip_all)]
    async fn join_thread(&self, request: Request<pb::JoinThreadRequest>) -> Reply<pb::Thread> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids).map_err(to_status)?;
        let thread = self.core.join_thread(&caller, wire.thread_id, &users).await.map_err(to_status)?;
        Ok(Response::new(thread.into()))
    }

    // Further announcements, shared files, attributes and invitations: see `sharing`.

    #[tracing::instrument(level = "debug", name = "group.list_announcements", skip_all)]
    async fn list_announcements(
        &self,
        request: Request<pb::ListAnnouncementsRequest>,
    ) -> Reply<pb::ListAnnouncementsResponse> {
        self.announcements(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.delete_announcement", skip_all)]
    async fn delete_announcement(
        &self,
        request: Request<pb::DeleteAnnouncementRequest>,
    ) -> Reply<pb::DeleteAnnouncementResponse> {
        self.announcement_deleted(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.share_file", skip_all)]
    async fn share_file(&self, request: Request<pb::ShareFileRequest>) -> Reply<pb::SharedFile> {
        self.shared(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.list_shared_files", skip_all)]
    async fn list_shared_files(
        &self,
        request: Request<pb::ListSharedFilesRequest>,
    ) -> Reply<pb::ListSharedFilesResponse> {
        self.shared_files(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.get_shared_file", skip_all)]
    async fn get_shared_file(&self, request: Request<pb::GetSharedFileRequest>) -> Reply<pb::SharedFile> {
        self.shared_file(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.rename_shared_file", skip_all)]
    async fn rename_shared_file(&self, request: Request<pb::RenameSharedFileRequest>) -> Reply<pb::SharedFile> {
        self.renamed(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.unshare_file", skip_all)]
    async fn unshare_file(&self, request: Request<pb::UnshareFileRequest>) -> Reply<pb::SharedFile> {
        self.unshared(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.set_member_attributes", skip_all)]
    async fn set_member_attributes(
        &self,
        request: Request<pb::SetMemberAttributesRequest>,
    ) -> Reply<pb::SetMemberAttributesResponse> {
        self.member_attributes_set(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.get_member_attributes", skip_all)]
    async fn get_member_attributes(
        &self,
        request: Request<pb::GetMemberAttributesRequest>,
    ) -> Reply<pb::GetMemberAttributesResponse> {
        self.member_attributes(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.set_display_name", skip_all)]
    async fn set_display_name(&self, request: Request<pb::SetDisplayNameRequest>) -> Reply<pb::SetDisplayNameResponse> {
        self.display_name_set(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.get_members", skip_all)]
    async fn get_members(&self, request: Request<pb::GetMembersRequest>) -> Reply<pb::GetMembersResponse> {
        self.members(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.set_room_attributes", skip_all)]
    async fn set_room_attributes(
        &self,
        request: Request<pb::SetRoomAttributesRequest>,
    ) -> Reply<pb::RoomAttributesResponse> {
        self.room_attributes_set(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.remove_room_attributes", skip_all)]
    async fn remove_room_attributes(
        &self,
        request: Request<pb::RemoveRoomAttributesRequest>,
    ) -> Reply<pb::RoomAttributesResponse> {
        self.room_attributes_removed(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.get_room_attributes", skip_all)]
    async fn get_room_attributes(
        &self,
        request: Request<pb::GetRoomAttributesRequest>,
    ) -> Reply<pb::GetRoomAttributesResponse> {
        self.room_attributes(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.invite_members", skip_all)]
    async fn invite_members(&self, request: Request<pb::InviteMembersRequest>) -> Reply<pb::InviteMembersResponse> {
        self.invited(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.list_invitations", skip_all)]
    async fn list_invitations(
        &self,
        request: Request<pb::ListInvitationsRequest>,
    ) -> Reply<pb::ListInvitationsResponse> {
        self.invitations(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.decide_invitation", skip_all)]
    async fn decide_invitation(
        &self,
        request: Request<pb::DecideInvitationRequest>,
    ) -> Reply<pb::DecideInvitationResponse> {
        self.invitation_decided(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.set_super_admin", skip_all)]
    async fn set_super_admin(&self, request: Request<pb::SetSuperAdminRequest>) -> Reply<pb::SetSuperAdminResponse> {
        self.super_admin_set(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "group.list_super_admins", skip_all)]
    async fn list_super_admins(
        &self,
        request: Request<pb::ListSuperAdminsRequest>,
    ) -> Reply<pb::ListSuperAdminsResponse> {
        self.super_admins(request).await.map(Response::new).map_err(to_status)
    }
}

pub(super) fn wire_memberships(memberships: Vec<Membership>) -> Vec<pb::Membership> {
    memberships.into_iter().map(Into::into).collect()
}
