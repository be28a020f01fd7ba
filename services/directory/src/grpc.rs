//! The door: converts, acts, converts.

use tidings_domain::{Error, PolicyChange};
use tidings_proto::{pb, required, status_from_error as to_status};
use tidings_runtime::context::Scope;
use tonic::{Request, Response, Status, async_trait};

use crate::{
    Directory,
    convert::{after_id, app_key, limit, registered, revealed, token_request},
    model::{AppKey, SecretKind, User},
};

type Reply<T> = Result<Response<T>, Status>;

#[async_trait]
impl pb::directory_service_server::DirectoryService for Directory {
    #[tracing::instrument(level = "debug", name = "directory.create_app", skip_all)]
    async fn create_app(&self, request: Request<pb::CreateAppRequest>) -> Reply<pb::AppWithSecrets> {
        let known = self.core.create_app(request.into_inner().into()).await.map_err(to_status)?;
        Ok(Response::new(revealed(&known)))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_apps", skip_all)]
    async fn list_apps(&self, request: Request<pb::ListAppsRequest>) -> Reply<pb::ListAppsReply> {
        let wire = request.into_inner();
        let after = after_id(wire.after_id).map_err(to_status)?;
        let limit = limit(wire.limit, 100).map_err(to_status)?;
        let apps = self.core.list_apps(after, limit).await.map_err(to_status)?;
        Ok(Response::new(pb::ListAppsReply { apps: apps.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_app", skip_all)]
    async fn get_app(&self, request: Request<pb::AppRef>) -> Reply<pb::App> {
        let key = request.into_inner().try_into().map_err(to_status)?;
        let known = self.core.known_app(&key).await.map_err(to_status)?;
        Ok(Response::new(known.app.clone().into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.reveal_app", skip_all)]
    async fn reveal_app(&self, request: Request<pb::AppRef>) -> Reply<pb::AppWithSecrets> {
        let key = request.into_inner().try_into().map_err(to_status)?;
        let known = self.core.reveal_app(&key).await.map_err(to_status)?;
        Ok(Response::new(revealed(&known)))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_app_enabled", skip_all)]
    async fn set_app_enabled(&self, request: Request<pb::SetAppEnabledRequest>) -> Reply<pb::App> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let app = self.core.set_app_enabled(&key, wire.enabled).await.map_err(to_status)?;
        Ok(Response::new(app.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.delete_app", skip_all)]
    async fn delete_app(&self, request: Request<pb::AppRef>) -> Reply<pb::App> {
        let key = request.into_inner().try_into().map_err(to_status)?;
        let app = self.core.delete_app(&key).await.map_err(to_status)?;
        Ok(Response::new(app.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.rotate_secret", skip_all)]
    async fn rotate_secret(&self, request: Request<pb::RotateSecretRequest>) -> Reply<pb::AppWithSecrets> {
        let wire = request.into_inner();
        let kind = SecretKind::try_from(wire.kind()).map_err(to_status)?;
        let key = app_key(wire.app).map_err(to_status)?;
        let known = self.core.rotate_secret(&key, kind).await.map_err(to_status)?;
        Ok(Response::new(revealed(&known)))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_policy", skip_all)]
    async fn set_policy(&self, request: Request<pb::SetPolicyRequest>) -> Reply<pb::App> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let change: PolicyChange = required("policy", wire.policy).map_err(to_status)?.into();
        let app = self.core.set_policy(&key, &change).await.map_err(to_status)?;
        Ok(Response::new(app.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.create_admin_token", skip_all)]
    async fn create_admin_token(
        &self,
        request: Request<pb::CreateAdminTokenRequest>,
    ) -> Reply<pb::AdminTokenWithSecret> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let (admin_token, text) = self.core.create_admin_token(&key, wire.label).await.map_err(to_status)?;
        let admin_token = Some(admin_token.into());
        Ok(Response::new(pb::AdminTokenWithSecret { admin_token, token: text.expose().to_owned() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_admin_tokens", skip_all)]
    async fn list_admin_tokens(&self, request: Request<pb::AppRef>) -> Reply<pb::ListAdminTokensReply> {
        let key = request.into_inner().try_into().map_err(to_status)?;
        let tokens = self.core.list_admin_tokens(&key).await.map_err(to_status)?;
        let admin_tokens = tokens.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListAdminTokensReply { admin_tokens }))
    }

    #[tracing::instrument(level = "debug", name = "directory.revoke_admin_token", skip_all)]
    async fn revoke_admin_token(&self, request: Request<pb::RevokeAdminTokenRequest>) -> Reply<pb::AdminToken> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let revoked = self.core.revoke_admin_token(&key, wire.id).await.map_err(to_status)?;
        Ok(Response::new(revoked.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.issue_token", skip_all)]
    async fn issue_token(&self, request: Request<pb::IssueTokenRequest>) -> Reply<pb::Token> {
        let (key, wanted) = token_request(request.into_inner()).map_err(to_status)?;
        let issued = self.core.issue_token(&key, wanted).await.map_err(to_status)?;
        Ok(Response::new(issued.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.authenticate", skip_all)]
    async fn authenticate(&self, request: Request<pb::AuthenticateRequest>) -> Reply<pb::Identity> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let identity = self.core.authenticate(&key, &wire.token).await.map_err(to_status)?;
        Ok(Response::new(identity.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.register_users", skip_all)]
    async fn register_users(&self, request: Request<pb::RegisterUsersRequest>) -> Reply<pb::RegisterUsersReply> {
        let key = caller_app(&request).map_err(to_status)?;
        let wire = request.into_inner();
        let rule = wire.name_rule().into();
        let users = wire.users.into_iter().map(Into::into).collect();
        let outcomes = self.core.register_users(&key, users, rule).await.map_err(to_status)?;
        Ok(Response::new(pb::RegisterUsersReply { results: outcomes.into_iter().map(registered).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user", skip_all)]
    async fn get_user(&self, request: Request<pb::GetUserRequest>) -> Reply<pb::User> {
        let key = caller_app(&request).map_err(to_status)?;
        let wanted = required("user", request.into_inner().user).map_err(to_status)?;
        let user = self.core.get_user(&key, &wanted.try_into().map_err(to_status)?).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_users", skip_all)]
    async fn list_users(&self, request: Request<pb::ListUsersRequest>) -> Reply<pb::ListUsersReply> {
        let key = caller_app(&request).map_err(to_status)?;
        let wire = request.into_inner();
        let after = after_id(wire.after_id).map_err(to_status)?;
        let limit = limit(wire.limit, 10).map_err(to_status)?;
        let (users, next) = self.core.list_users(&key, after, limit).await.map_err(to_status)?;
        let next_after_id = next.map_or(0, |id| id.0);
        Ok(Response::new(pb::ListUsersReply { users: wire_users(users), next_after_id }))
    }

    #[tracing::instrument(level = "debug", name = "directory.delete_user", skip_all)]
    async fn delete_user(&self, request: Request<pb::GetUserRequest>) -> Reply<pb::User> {
        let key = caller_app(&request).map_err(to_status)?;
        let wanted = required("user", request.into_inner().user).map_err(to_status)?;
        let user = self.core.delete_user(&key, &wanted.try_into().map_err(to_status)?).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.resolve_users", skip_all)]
    async fn resolve_users(&self, request: Request<pb::ResolveUsersRequest>) -> Reply<pb::ResolveUsersReply> {
        let key = caller_app(&request).map_err(to_status)?;
        let wire = request.into_inner();
        let refs: Result<Vec<_>, Error> = wire.users.into_iter().map(TryInto::try_into).collect();
        let refs = refs.map_err(to_status)?;
        let users = self.core.resolve_users(&key, &refs, wire.take_down_unknown).await.map_err(to_status)?;
        Ok(Response::new(pb::ResolveUsersReply { users: wire_users(users) }))
    }
    async fn update_user(&self, _: Request<pb::UpdateUserRequest>) -> Result<Response<pb::User>, Status> {
        Err(Status::unimplemented("update_user"))
    }

    async fn get_profile(&self, _: Request<pb::GetUserRequest>) -> Result<Response<pb::Profile>, Status> {
        Err(Status::unimplemented("get_profile"))
    }

    async fn set_profile(&self, _: Request<pb::SetProfileRequest>) -> Result<Response<pb::Profile>, Status> {
        Err(Status::unimplemented("set_profile"))
    }

    async fn open_session(&self, _: Request<pb::OpenSessionRequest>) -> Result<Response<pb::Session>, Status> {
        Err(Status::unimplemented("open_session"))
    }

    async fn list_sessions(&self, _: Request<pb::GetUserRequest>) -> Result<Response<pb::ListSessionsReply>, Status> {
        Err(Status::unimplemented("list_sessions"))
    }

    async fn end_sessions(&self, _: Request<pb::EndSessionsRequest>) -> Result<Response<pb::EndSessionsReply>, Status> {
        Err(Status::unimplemented("end_sessions"))
    }

    async fn block_user(&self, _: Request<pb::BlockUserRequest>) -> Result<Response<pb::BlockUserReply>, Status> {
        Err(Status::unimplemented("block_user"))
    }

    async fn list_blocked_users(
        &self,
        _: Request<pb::ListBlockedUsersRequest>,
    ) -> Result<Response<pb::ListBlockedUsersReply>, Status> {
        Err(Status::unimplemented("list_blocked_users"))
    }

    async fn blocked_by(&self, _: Request<pb::BlockedByRequest>) -> Result<Response<pb::BlockedByReply>, Status> {
        Err(Status::unimplemented("blocked_by"))
    }
}

#[async_trait]
impl pb::group_service_server::GroupService for Directory {
    async fn create(&self, _: Request<pb::CreateGroupRequest>) -> Result<Response<pb::Group>, Status> {
        Err(Status::unimplemented("create"))
    }

    async fn get(&self, _: Request<pb::GetGroupsRequest>) -> Result<Response<pb::GetGroupsReply>, Status> {
        Err(Status::unimplemented("get"))
    }

    async fn list(&self, _: Request<pb::ListGroupsRequest>) -> Result<Response<pb::ListGroupsReply>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn update(&self, _: Request<pb::UpdateGroupRequest>) -> Result<Response<pb::Group>, Status> {
        Err(Status::unimplemented("update"))
    }

    async fn transfer(&self, _: Request<pb::TransferGroupRequest>) -> Result<Response<pb::Group>, Status> {
        Err(Status::unimplemented("transfer"))
    }

    async fn destroy(&self, _: Request<pb::GroupRef>) -> Result<Response<pb::Group>, Status> {
        Err(Status::unimplemented("destroy"))
    }

    async fn add_members(&self, _: Request<pb::MembersRequest>) -> Result<Response<pb::MembersReply>, Status> {
        Err(Status::unimplemented("add_members"))
    }

    async fn remove_members(&self, _: Request<pb::MembersRequest>) -> Result<Response<pb::MembersReply>, Status> {
        Err(Status::unimplemented("remove_members"))
    }

    async fn apply(&self, _: Request<pb::ApplyRequest>) -> Result<Response<pb::ApplyReply>, Status> {
        Err(Status::unimplemented("apply"))
    }

    async fn list_applications(
        &self,
        _: Request<pb::ListApplicationsRequest>,
    ) -> Result<Response<pb::ListApplicationsReply>, Status> {
        Err(Status::unimplemented("list_applications"))
    }

    async fn decide_application(
        &self,
        _: Request<pb::DecideApplicationRequest>,
    ) -> Result<Response<pb::DecideApplicationReply>, Status> {
        Err(Status::unimplemented("decide_application"))
    }

    async fn leave(&self, _: Request<pb::LeaveRequest>) -> Result<Response<pb::LeaveReply>, Status> {
        Err(Status::unimplemented("leave"))
    }

    async fn list_members(&self, _: Request<pb::ListMembersRequest>) -> Result<Response<pb::ListMembersReply>, Status> {
        Err(Status::unimplemented("list_members"))
    }

    async fn joined(&self, _: Request<pb::JoinedRequest>) -> Result<Response<pb::JoinedReply>, Status> {
        Err(Status::unimplemented("joined"))
    }

    async fn set_admins(&self, _: Request<pb::SetAdminsRequest>) -> Result<Response<pb::MembersReply>, Status> {
        Err(Status::unimplemented("set_admins"))
    }

    async fn mute(&self, _: Request<pb::MuteRequest>) -> Result<Response<pb::MembersReply>, Status> {
        Err(Status::unimplemented("mute"))
    }

    async fn block(&self, _: Request<pb::BlockMembersRequest>) -> Result<Response<pb::MembersReply>, Status> {
        Err(Status::unimplemented("block"))
    }

    async fn list_blocked(&self, _: Request<pb::ListMembersRequest>) -> Result<Response<pb::ListMembersReply>, Status> {
        Err(Status::unimplemented("list_blocked"))
    }

    async fn memberships(&self, _: Request<pb::MembershipsRequest>) -> Result<Response<pb::MembershipsReply>, Status> {
        Err(Status::unimplemented("memberships"))
    }
}

fn wire_users(users: Vec<User>) -> Vec<pb::User> {
    users.into_iter().map(Into::into).collect()
}

/// The app that a call about users is for, as the metadata names it.
fn caller_app<T>(request: &Request<T>) -> Result<AppKey, Error> {
    Scope::of(request)?.app.try_into()
}
