//! The RPCs of `GroupService` on shared files, attributes and invitations, called from its one `impl`.

use tidings_domain::{Error, UserId};
use tidings_proto::{page_start, page_token, pb};
use tonic::Request;

use crate::{
    Directory,
    convert::{
        group::{members_response, user_ids},
        sharing::{attributes, member_attributes, names, pair_start, room_outcomes, shared_file_ref, wire_attributes},
        size,
    },
};

impl Directory {
    pub(super) async fn announcements(
        &self,
        request: Request<pb::ListAnnouncementsRequest>,
    ) -> Result<pb::ListAnnouncementsResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (before, limit) = (page_start(&wire.page_token)?, size(wire.page_size, 100)?);
        let (found, next) = self.core.list_announcements(&caller, wire.group_id, before, limit).await?;
        let announcements = found.into_iter().map(Into::into).collect();
        let next_page_token = page_token(next.unwrap_or_default());
        Ok(pb::ListAnnouncementsResponse { announcements, next_page_token })
    }

    pub(super) async fn announcement_deleted(
        &self,
        request: Request<pb::DeleteAnnouncementRequest>,
    ) -> Result<pb::DeleteAnnouncementResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        self.core.delete_announcement(&caller, wire.group_id, wire.id).await?;
        Ok(pb::DeleteAnnouncementResponse {})
    }

    pub(super) async fn shared(&self, request: Request<pb::ShareFileRequest>) -> Result<pb::SharedFile, Error> {
        let caller = self.caller(&request).await?;
        Ok(self.core.share_file(&caller, request.into_inner().try_into()?).await?.into())
    }

    pub(super) async fn shared_files(
        &self,
        request: Request<pb::ListSharedFilesRequest>,
    ) -> Result<pb::ListSharedFilesResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (after, limit) = (page_start(&wire.page_token)?, size(wire.page_size, 100)?);
        let (files, next) = self.core.list_shared_files(&caller, wire.group_id, after, limit).await?;
        let files = files.into_iter().map(Into::into).collect();
        let next_page_token = page_token(next.unwrap_or_default());
        Ok(pb::ListSharedFilesResponse { files, next_page_token })
    }

    pub(super) async fn shared_file(
        &self,
        request: Request<pb::GetSharedFileRequest>,
    ) -> Result<pb::SharedFile, Error> {
        let caller = self.caller(&request).await?;
        let (group, key) = shared_file_ref(request.into_inner().file)?;
        Ok(self.core.get_shared_file(&caller, group, &key).await?.into())
    }

    pub(super) async fn renamed(&self, request: Request<pb::RenameSharedFileRequest>) -> Result<pb::SharedFile, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (group, key) = shared_file_ref(wire.file)?;
        Ok(self.core.rename_shared_file(&caller, group, &key, &wire.name).await?.into())
    }

    pub(super) async fn unshared(&self, request: Request<pb::UnshareFileRequest>) -> Result<pb::SharedFile, Error> {
        let caller = self.caller(&request).await?;
        let (group, key) = shared_file_ref(request.into_inner().file)?;
        Ok(self.core.unshare_file(&caller, group, &key).await?.into())
    }

    pub(super) async fn member_attributes_set(
        &self,
        request: Request<pb::SetMemberAttributesRequest>,
    ) -> Result<pb::SetMemberAttributesResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let attributes = attributes(wire.attributes)?;
        let set = self.core.set_member_attributes(&caller, wire.group_id, wire.user_id, &attributes).await?;
        Ok(pb::SetMemberAttributesResponse { attributes: wire_attributes(set) })
    }

    pub(super) async fn member_attributes(
        &self,
        request: Request<pb::GetMemberAttributesRequest>,
    ) -> Result<pb::GetMemberAttributesResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids)?;
        let found = self.core.get_member_attributes(&caller, wire.group_id, &users, &wire.names).await?;
        Ok(pb::GetMemberAttributesResponse { members: found.into_iter().map(member_attributes).collect() })
    }

    pub(super) async fn display_name_set(
        &self,
        request: Request<pb::SetDisplayNameRequest>,
    ) -> Result<pb::SetDisplayNameResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        self.core.set_display_name(&caller, wire.group_id, wire.user_id, &wire.display_name).await?;
        Ok(pb::SetDisplayNameResponse {})
    }

    pub(super) async fn members(
        &self,
        request: Request<pb::GetMembersRequest>,
    ) -> Result<pb::GetMembersResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let members = self.core.get_members(&caller, wire.group_id, &user_ids(wire.user_ids)?).await?;
        Ok(pb::GetMembersResponse { members: members.into_iter().map(Into::into).collect() })
    }

    pub(super) async fn room_attributes_set(
        &self,
        request: Request<pb::SetRoomAttributesRequest>,
    ) -> Result<pb::RoomAttributesResponse, Error> {
        let caller = self.caller(&request).await?;
        let command = request.into_inner().try_into()?;
        Ok(room_outcomes(self.core.set_room_attributes(&caller, command).await?))
    }

    pub(super) async fn room_attributes_removed(
        &self,
        request: Request<pb::RemoveRoomAttributesRequest>,
    ) -> Result<pb::RoomAttributesResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let names = names(wire.names)?;
        let removed = self.core.remove_room_attributes(&caller, wire.room_id, wire.user_id, names, wire.forced);
        Ok(room_outcomes(removed.await?))
    }

    pub(super) async fn room_attributes(
        &self,
        request: Request<pb::GetRoomAttributesRequest>,
    ) -> Result<pb::GetRoomAttributesResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let found = self.core.get_room_attributes(&caller, wire.room_id, &wire.names).await?;
        Ok(pb::GetRoomAttributesResponse { attributes: found.into_iter().map(Into::into).collect() })
    }

    pub(super) async fn invited(
        &self,
        request: Request<pb::InviteMembersRequest>,
    ) -> Result<pb::InviteMembersResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let users = user_ids(wire.user_ids)?;
        let (outcomes, asked) = self.core.invite_members(&caller, wire.group_id, &users, &wire.text).await?;
        let waiting_ids = asked.into_iter().map(|user| user.0).collect();
        Ok(pb::InviteMembersResponse { results: members_response(outcomes).results, waiting_ids })
    }

    pub(super) async fn invitations(
        &self,
        request: Request<pb::ListInvitationsRequest>,
    ) -> Result<pb::ListInvitationsResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (after, limit) = (pair_start(&wire.page_token)?, size(wire.page_size, 100)?);
        let (found, next) = self.core.list_invitations(&caller, wire.user_id, after, limit).await?;
        let next_page_token = next.map(|(made_at, group)| format!("{made_at}.{group}")).unwrap_or_default();
        Ok(pb::ListInvitationsResponse { invitations: found.into_iter().map(Into::into).collect(), next_page_token })
    }

    pub(super) async fn invitation_decided(
        &self,
        request: Request<pb::DecideInvitationRequest>,
    ) -> Result<pb::DecideInvitationResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        self.core.decide_invitation(&caller, wire.group_id, wire.user_id, wire.accept).await?;
        Ok(pb::DecideInvitationResponse {})
    }

    pub(super) async fn super_admin_set(
        &self,
        request: Request<pb::SetSuperAdminRequest>,
    ) -> Result<pb::SetSuperAdminResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let changed = self.core.set_super_admin(&caller, UserId(wire.user_id), wire.is_super_admin).await?;
        Ok(pb::SetSuperAdminResponse { changed })
    }

    pub(super) async fn super_admins(
        &self,
        request: Request<pb::ListSuperAdminsRequest>,
    ) -> Result<pb::ListSuperAdminsResponse, Error> {
        let caller = self.caller(&request).await?;
        let wire = request.into_inner();
        let (after, limit) = (page_start(&wire.page_token)?, size(wire.page_size, 100)?);
        let (found, next) = self.core.list_super_admins(&caller, after, limit).await?;
        let super_admin = |(user, username): (UserId, String)| pb::SuperAdmin { user_id: user.0, username };
        let next_page_token = page_token(next.unwrap_or_default());
        Ok(pb::ListSuperAdminsResponse { super_admins: found.into_iter().map(super_admin).collect(), next_page_token })
    }
}
