//! The gRPC API: converts, acts, converts. Groups and rooms, and the calls of the other services, have files of their
//! own.

mod contact;
mod group;
mod internal;
mod notification;
mod sharing;

use tidings_domain::{Actor, AppId, Caller, Error, KeyScope, PolicyChange, UserId, UserRef};
use tidings_proto::{page_start, page_token, pb, required, status_from_error as to_status};
use tidings_runtime::{
    context::{self, Scope},
    rights,
};
use tonic::{Request, Response, Status, async_trait};

use crate::{
    Directory,
    app::{Registrar, Unknown},
    convert::{
        app_key,
        people::{mute_change, published, ttl, user_attributes, user_mutes, user_refs, user_status},
        registered, revealed,
        screening::without_token,
        size, token_request,
        user::{device_sn, new_session, profile, profile_change, user_change, user_ref},
    },
    model::{
        AppKey, Devices, SecretKind, User,
        screening::{NewHook, NewWordList},
    },
};

type Reply<T> = Result<Response<T>, Status>;

impl Directory {
    /// The caller, for an enabled app. A user on whose behalf the call is made must exist, and must be enabled for
    /// calls that change something.
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Error> {
        let scope = Scope::of(request)?;
        let known = self.core.enabled_app(&scope.app.clone().try_into()?).await?;
        let caller = scope.caller(known.app.id, self.actor(known.app.id, &scope).await?);
        self.core.check_acting(&caller, rights::access_of(request)).await?;
        Ok(caller)
    }

    /// The actor according to the metadata, by id or by name.
    async fn actor(&self, app: AppId, scope: &Scope) -> Result<Actor, Error> {
        match &scope.user {
            None => Ok(Actor::App),
            Some(UserRef::Id(user)) => Ok(Actor::User(*user)),
            Some(named) => {
                let found =
                    self.core.resolve_users(&AppKey::Id(app), std::slice::from_ref(named), Unknown::Refuse).await?;
                found.first().map(|user| Actor::User(user.id)).ok_or_else(|| Error::user_not_found(""))
            }
        }
    }

    /// The app of a call about users according to the metadata, enabled or not.
    async fn caller_app<T>(&self, request: &Request<T>) -> Result<AppKey, Error> {
        let scope = Scope::of(request)?;
        let key = scope.app.clone().try_into()?;
        if scope.user.is_some() {
            let app = self.core.known_app(&key).await?.app.id;
            let caller = scope.caller(app, self.actor(app, &scope).await?);
            self.core.check_acting(&caller, rights::access_of(request)).await?;
        }
        Ok(key)
    }

    /// The same for calls that no user may make.
    async fn app_itself<T>(&self, request: &Request<T>) -> Result<AppId, Error> {
        if Scope::of(request)?.user.is_some() {
            return Err(Error::not_permitted("only the app itself manages word lists and hooks"));
        }
        Ok(self.caller(request).await?.app)
    }
}

#[async_trait]
impl pb::directory_service_server::DirectoryService for Directory {
    #[tracing::instrument(level = "debug", name = "directory.create_app", skip_all)]
    async fn create_app(&self, request: Request<pb::CreateAppRequest>) -> Reply<pb::AppWithSecrets> {
        let known = self.core.create_app(request.into_inner().into()).await.map_err(to_status)?;
        Ok(Response::new(revealed(&known)))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_apps", skip_all)]
    async fn list_apps(&self, request: Request<pb::ListAppsRequest>) -> Reply<pb::ListAppsResponse> {
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let (apps, next) = self.core.list_apps(after, size).await.map_err(to_status)?;
        let next_page_token = page_token(next.map_or(0, |app| app.0));
        Ok(Response::new(pb::ListAppsResponse { apps: apps.into_iter().map(Into::into).collect(), next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_app", skip_all)]
    async fn get_app(&self, request: Request<pb::GetAppRequest>) -> Reply<pb::App> {
        let key = app_key(request.into_inner().app).map_err(to_status)?;
        let app = self.core.get_app(&key).await.map_err(to_status)?;
        Ok(Response::new(app.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.reveal_app", skip_all)]
    async fn reveal_app(&self, request: Request<pb::RevealAppRequest>) -> Reply<pb::AppWithSecrets> {
        let key = app_key(request.into_inner().app).map_err(to_status)?;
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
    async fn delete_app(&self, request: Request<pb::DeleteAppRequest>) -> Reply<pb::App> {
        let key = app_key(request.into_inner().app).map_err(to_status)?;
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
        let change = required("policy", wire.policy).and_then(PolicyChange::try_from).map_err(to_status)?;
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
    async fn list_admin_tokens(
        &self,
        request: Request<pb::ListAdminTokensRequest>,
    ) -> Reply<pb::ListAdminTokensResponse> {
        let key = app_key(request.into_inner().app).map_err(to_status)?;
        let tokens = self.core.list_admin_tokens(&key).await.map_err(to_status)?;
        let admin_tokens = tokens.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListAdminTokensResponse { admin_tokens }))
    }

    #[tracing::instrument(level = "debug", name = "directory.revoke_admin_token", skip_all)]
    async fn revoke_admin_token(&self, request: Request<pb::RevokeAdminTokenRequest>) -> Reply<pb::AdminToken> {
        let wire = request.into_inner();
        let key = app_key(wire.app).map_err(to_status)?;
        let revoked = self.core.revoke_admin_token(&key, wire.id).await.map_err(to_status)?;
        Ok(Response::new(revoked.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.create_service_account", skip_all)]
    async fn create_service_account(
        &self,
        request: Request<pb::CreateServiceAccountRequest>,
    ) -> Reply<pb::ServiceAccountWithKey> {
        let wire = request.into_inner();
        let app = app_key(wire.app).map_err(to_status)?;
        let scopes = KeyScope::of_names(wire.scopes.iter().map(String::as_str)).map_err(to_status)?;
        let (account, key) = self.core.create_service_account(&app, wire.name, scopes).await.map_err(to_status)?;
        let account = Some(account.into());
        Ok(Response::new(pb::ServiceAccountWithKey { account, key: key.expose().to_owned() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_service_accounts", skip_all)]
    async fn list_service_accounts(
        &self,
        request: Request<pb::ListServiceAccountsRequest>,
    ) -> Reply<pb::ListServiceAccountsResponse> {
        let app = app_key(request.into_inner().app).map_err(to_status)?;
        let accounts = self.core.list_service_accounts(&app).await.map_err(to_status)?;
        let accounts = accounts.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListServiceAccountsResponse { accounts }))
    }

    #[tracing::instrument(level = "debug", name = "directory.revoke_service_account", skip_all)]
    async fn revoke_service_account(
        &self,
        request: Request<pb::RevokeServiceAccountRequest>,
    ) -> Reply<pb::ServiceAccount> {
        let wire = request.into_inner();
        let app = app_key(wire.app).map_err(to_status)?;
        let revoked = self.core.revoke_service_account(&app, wire.id).await.map_err(to_status)?;
        Ok(Response::new(revoked.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.issue_token", skip_all)]
    async fn issue_token(&self, request: Request<pb::IssueTokenRequest>) -> Reply<pb::Token> {
        let (key, params) = token_request(request.into_inner()).map_err(to_status)?;
        let issued = self.core.issue_token(&key, params).await.map_err(to_status)?;
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
    async fn register_users(&self, request: Request<pb::RegisterUsersRequest>) -> Reply<pb::RegisterUsersResponse> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        let address = Scope::of(&request).map_err(to_status)?.address;
        let wire = request.into_inner();
        let by = Registrar { address: address.map_or(String::new(), |it| it.to_string()), is_open: wire.is_open };
        let rule = wire.name_rule().into();
        let users = wire.users.into_iter().map(Into::into).collect();
        let outcomes = self.core.register_users(&key, users, rule, &by).await.map_err(to_status)?;
        Ok(Response::new(pb::RegisterUsersResponse { results: outcomes.into_iter().map(registered).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user", skip_all)]
    async fn get_user(&self, request: Request<pb::GetUserRequest>) -> Reply<pb::User> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        let params = required("user", request.into_inner().user).map_err(to_status)?;
        let user = self.core.get_user_whole(&key, &params.try_into().map_err(to_status)?).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_users", skip_all)]
    async fn list_users(&self, request: Request<pb::ListUsersRequest>) -> Reply<pb::ListUsersResponse> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 10).map_err(to_status)?;
        let (users, next) = self.core.list_users(&key, after, size).await.map_err(to_status)?;
        let next_page_token = page_token(next.map_or(0, |id| id.0));
        Ok(Response::new(pb::ListUsersResponse { users: wire_users(users), next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "directory.delete_user", skip_all)]
    async fn delete_user(&self, request: Request<pb::DeleteUserRequest>) -> Reply<pb::User> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let user = user_ref(request.into_inner().user).map_err(to_status)?;
        let user = self.core.delete_user(&caller, &user).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.resolve_users", skip_all)]
    async fn resolve_users(&self, request: Request<pb::ResolveUsersRequest>) -> Reply<pb::ResolveUsersResponse> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        let is_for_user = Scope::of(&request).map_err(to_status)?.user.is_some();
        let is_account = context::is_account(&request);
        let wire = request.into_inner();
        let refs: Result<Vec<_>, Error> = wire.users.into_iter().map(TryInto::try_into).collect();
        let refs = refs.map_err(to_status)?;
        if wire.intern_unknown && is_for_user {
            return Err(to_status(Error::not_permitted("only the app itself registers unknown names")));
        }
        if wire.intern_unknown && is_account {
            // The scope is to read.
            return Err(to_status(context::needs_service_key("intern_unknown")));
        }
        let unknown = match (wire.intern_unknown, wire.or_deleted) {
            (false, false) => Unknown::Refuse,
            (true, false) => Unknown::Intern,
            (false, true) => Unknown::Deleted,
            (true, true) => return Err(to_status(Error::invalid("or_deleted", "must not be set with intern_unknown"))),
        };
        let users = self.core.resolve_users(&key, &refs, unknown).await.map_err(to_status)?;
        Ok(Response::new(pb::ResolveUsersResponse { users: wire_users(users) }))
    }

    #[tracing::instrument(level = "debug", name = "directory.update_user", skip_all)]
    async fn update_user(&self, request: Request<pb::UpdateUserRequest>) -> Reply<pb::User> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let (user, change) = user_change(request.into_inner()).map_err(to_status)?;
        let user = self.core.update_user(&caller, &user, change).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_profile", skip_all)]
    async fn get_profile(&self, request: Request<pb::GetProfileRequest>) -> Reply<pb::Profile> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let user = user_ref(request.into_inner().user).map_err(to_status)?;
        let (user, found) = self.core.get_profile(&caller, &user).await.map_err(to_status)?;
        Ok(Response::new(profile(user, found)))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_profile", skip_all)]
    async fn set_profile(&self, request: Request<pb::SetProfileRequest>) -> Reply<pb::Profile> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let (user, change) = profile_change(request.into_inner()).map_err(to_status)?;
        let (user, changed) = self.core.set_profile(&caller, &user, change).await.map_err(to_status)?;
        Ok(Response::new(profile(user, changed)))
    }

    #[tracing::instrument(level = "debug", name = "directory.open_session", skip_all)]
    async fn open_session(&self, request: Request<pb::OpenSessionRequest>) -> Reply<pb::Session> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let (user, new) = new_session(request.into_inner()).map_err(to_status)?;
        let session = self.core.open_session(&caller, &user, new).await.map_err(to_status)?;
        Ok(Response::new(session.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_sessions", skip_all)]
    async fn list_sessions(&self, request: Request<pb::ListSessionsRequest>) -> Reply<pb::ListSessionsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let user = user_ref(request.into_inner().user).map_err(to_status)?;
        let sessions = self.core.list_sessions(&caller, &user).await.map_err(to_status)?;
        Ok(Response::new(pb::ListSessionsResponse { sessions: sessions.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.end_sessions", skip_all)]
    async fn end_sessions(&self, request: Request<pb::EndSessionsRequest>) -> Reply<pb::EndSessionsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let device_sn = device_sn(wire.device_sn).map_err(to_status)?;
        let user = user_ref(wire.user).map_err(to_status)?;
        let resource = Some(wire.resource).filter(|resource| !resource.is_empty());
        let devices = Devices { device_sn, resource };
        let ended = self.core.end_sessions(&caller, &user, devices, wire.end_tokens).await.map_err(to_status)?;
        Ok(Response::new(pb::EndSessionsResponse { ended: ended as i32 }))
    }

    #[tracing::instrument(level = "debug", name = "directory.block_user", skip_all)]
    async fn block_user(&self, request: Request<pb::BlockUserRequest>) -> Reply<pb::BlockUserResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let other = [UserId(wire.blocked_id)];
        let others = ("blocked_id", other.as_slice());
        let changed = self.core.block_users(&caller, wire.user_id, others, wire.blocked).await.map_err(to_status)?;
        Ok(Response::new(pb::BlockUserResponse { changed: !changed.is_empty() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_blocked_users", skip_all)]
    async fn list_blocked_users(
        &self,
        request: Request<pb::ListBlockedUsersRequest>,
    ) -> Reply<pb::ListBlockedUsersResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 1000).map_err(to_status)?;
        let listed = self.core.list_blocked_users(&caller, wire.user_id, after, size).await;
        let (users, next) = listed.map_err(to_status)?;
        let next_page_token = page_token(next.map_or(0, |user| user.0));
        Ok(Response::new(pb::ListBlockedUsersResponse { user_ids: wire_ids(users), next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_word_list", skip_all)]
    async fn set_word_list(&self, request: Request<pb::SetWordListRequest>) -> Reply<pb::WordListSummary> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let list = required("list", request.into_inner().list).map_err(to_status)?;
        let list = NewWordList::check(list.into()).map_err(to_status)?;
        let summary = self.core.set_word_list(app, list).await.map_err(to_status)?;
        Ok(Response::new(summary.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_word_lists", skip_all)]
    async fn list_word_lists(&self, request: Request<pb::ListWordListsRequest>) -> Reply<pb::ListWordListsResponse> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let lists = self.core.list_word_lists(app).await.map_err(to_status)?;
        Ok(Response::new(pb::ListWordListsResponse { lists: lists.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_word_list", skip_all)]
    async fn get_word_list(&self, request: Request<pb::GetWordListRequest>) -> Reply<pb::WordList> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let list = self.core.get_word_list(app, &request.into_inner().name).await.map_err(to_status)?;
        Ok(Response::new(list.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.delete_word_list", skip_all)]
    async fn delete_word_list(&self, request: Request<pb::DeleteWordListRequest>) -> Reply<pb::WordListSummary> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let deleted = self.core.delete_word_list(app, &request.into_inner().name).await.map_err(to_status)?;
        Ok(Response::new(deleted.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.add_hook", skip_all)]
    async fn add_hook(&self, request: Request<pb::AddHookRequest>) -> Reply<pb::Hook> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let is_account = context::is_account(&request);
        let new = NewHook::try_from(request.into_inner()).map_err(to_status)?;
        if new.allow_private && is_account {
            return Err(to_status(context::needs_service_key("allow_private")));
        }
        let hook = self.core.add_hook(app, new).await.map_err(to_status)?;
        Ok(Response::new(without_token(hook)))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_hooks", skip_all)]
    async fn list_hooks(&self, request: Request<pb::ListHooksRequest>) -> Reply<pb::ListHooksResponse> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let hooks = self.core.list_hooks(app).await.map_err(to_status)?;
        Ok(Response::new(pb::ListHooksResponse { hooks: hooks.into_iter().map(without_token).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.remove_hook", skip_all)]
    async fn remove_hook(&self, request: Request<pb::RemoveHookRequest>) -> Reply<pb::Hook> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let removed = self.core.remove_hook(app, request.into_inner().id).await.map_err(to_status)?;
        Ok(Response::new(without_token(removed)))
    }

    // Mutes, attributes, status and presence of users.

    #[tracing::instrument(level = "debug", name = "directory.set_user_mutes", skip_all)]
    async fn set_user_mutes(&self, request: Request<pb::SetUserMutesRequest>) -> Reply<pb::UserMutes> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let (user, change) = mute_change(request.into_inner()).map_err(to_status)?;
        let (user, mutes) = self.core.set_user_mutes(&caller, &user, change).await.map_err(to_status)?;
        Ok(Response::new(user_mutes(user, String::new(), mutes)))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user_mutes", skip_all)]
    async fn get_user_mutes(&self, request: Request<pb::GetUserMutesRequest>) -> Reply<pb::UserMutes> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let user = user_ref(request.into_inner().user).map_err(to_status)?;
        let (user, mutes) = self.core.get_user_mutes(&caller, &user).await.map_err(to_status)?;
        Ok(Response::new(user_mutes(user, String::new(), mutes)))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_user_mutes", skip_all)]
    async fn list_user_mutes(&self, request: Request<pb::ListUserMutesRequest>) -> Reply<pb::ListUserMutesResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let (muted, next) = self.core.list_user_mutes(&caller, after, size).await.map_err(to_status)?;
        let mutes = muted.into_iter().map(|(user, username, mutes)| user_mutes(user, username, mutes)).collect();
        Ok(Response::new(pb::ListUserMutesResponse {
            mutes,
            next_page_token: page_token(next.map_or(0, |user| user.0)),
        }))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_user_attributes", skip_all)]
    async fn set_user_attributes(&self, request: Request<pb::SetUserAttributesRequest>) -> Reply<pb::UserAttributes> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = user_ref(wire.user).map_err(to_status)?;
        let attributes = wire.attributes.into_iter().collect();
        let user = self.core.set_user_attributes(&caller, &user, &attributes).await.map_err(to_status)?;
        Ok(Response::new(user_attributes(Some((user, attributes)))))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user_attributes", skip_all)]
    async fn get_user_attributes(
        &self,
        request: Request<pb::GetUserAttributesRequest>,
    ) -> Reply<pb::GetUserAttributesResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let users = user_refs(wire.users).map_err(to_status)?;
        let found = self.core.get_user_attributes(&caller, &users, &wire.names).await.map_err(to_status)?;
        let users = found.into_iter().map(user_attributes).collect();
        Ok(Response::new(pb::GetUserAttributesResponse { users }))
    }

    #[tracing::instrument(level = "debug", name = "directory.delete_user_attributes", skip_all)]
    async fn delete_user_attributes(
        &self,
        request: Request<pb::DeleteUserAttributesRequest>,
    ) -> Reply<pb::DeleteUserAttributesResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let user = user_ref(request.into_inner().user).map_err(to_status)?;
        let deleted = self.core.delete_user_attributes(&caller, &user).await.map_err(to_status)?;
        Ok(Response::new(pb::DeleteUserAttributesResponse { deleted }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user_attributes_size", skip_all)]
    async fn get_user_attributes_size(
        &self,
        request: Request<pb::GetUserAttributesSizeRequest>,
    ) -> Reply<pb::GetUserAttributesSizeResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let bytes = self.core.user_attributes_size(&caller).await.map_err(to_status)?;
        Ok(Response::new(pb::GetUserAttributesSizeResponse { bytes }))
    }

    #[tracing::instrument(level = "debug", name = "directory.set_notification", skip_all)]
    async fn set_notification(&self, request: Request<pb::SetNotificationRequest>) -> Reply<pb::NotificationSetting> {
        self.notification_set(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.get_notifications", skip_all)]
    async fn get_notifications(
        &self,
        request: Request<pb::GetNotificationsRequest>,
    ) -> Reply<pb::GetNotificationsResponse> {
        self.notifications(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.list_notifications", skip_all)]
    async fn list_notifications(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Reply<pb::ListNotificationsResponse> {
        self.notifications_listed(request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.get_user_statuses", skip_all)]
    async fn get_user_statuses(
        &self,
        request: Request<pb::GetUserStatusesRequest>,
    ) -> Reply<pb::GetUserStatusesResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let users = user_refs(request.into_inner().users).map_err(to_status)?;
        let found = self.core.user_statuses(&caller, &users).await.map_err(to_status)?;
        Ok(Response::new(pb::GetUserStatusesResponse { statuses: found.into_iter().map(user_status).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.publish_presence", skip_all)]
    async fn publish_presence(
        &self,
        request: Request<pb::PublishPresenceRequest>,
    ) -> Reply<pb::PublishPresenceResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let (user, published) = published(request.into_inner()).map_err(to_status)?;
        self.core.publish_presence(&caller, &user, published).await.map_err(to_status)?;
        Ok(Response::new(pb::PublishPresenceResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "directory.subscribe_presence", skip_all)]
    async fn subscribe_presence(
        &self,
        request: Request<pb::SubscribePresenceRequest>,
    ) -> Reply<pb::SubscribePresenceResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = user_ref(wire.user).map_err(to_status)?;
        let targets = user_refs(wire.targets).map_err(to_status)?;
        let ttl = ttl(wire.ttl_seconds).map_err(to_status)?;
        let found = self.core.subscribe_presence(&caller, &user, &targets, ttl).await.map_err(to_status)?;
        Ok(Response::new(pb::SubscribePresenceResponse { presences: found.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.unsubscribe_presence", skip_all)]
    async fn unsubscribe_presence(
        &self,
        request: Request<pb::UnsubscribePresenceRequest>,
    ) -> Reply<pb::UnsubscribePresenceResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = user_ref(wire.user).map_err(to_status)?;
        let targets = user_refs(wire.targets).map_err(to_status)?;
        self.core.unsubscribe_presence(&caller, &user, &targets).await.map_err(to_status)?;
        Ok(Response::new(pb::UnsubscribePresenceResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_presence", skip_all)]
    async fn get_presence(&self, request: Request<pb::GetPresenceRequest>) -> Reply<pb::GetPresenceResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = user_ref(wire.user).map_err(to_status)?;
        let targets = user_refs(wire.targets).map_err(to_status)?;
        let found = self.core.get_presence(&caller, &user, &targets).await.map_err(to_status)?;
        Ok(Response::new(pb::GetPresenceResponse { presences: found.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_presence_subscriptions", skip_all)]
    async fn list_presence_subscriptions(
        &self,
        request: Request<pb::ListPresenceSubscriptionsRequest>,
    ) -> Reply<pb::ListPresenceSubscriptionsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let user = user_ref(wire.user).map_err(to_status)?;
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let listed = self.core.list_presence_subscriptions(&caller, &user, after, size).await;
        let (found, next, total) = listed.map_err(to_status)?;
        let subscriptions = found.into_iter().map(Into::into).collect();
        let next_page_token = page_token(next.map_or(0, |user| user.0));
        Ok(Response::new(pb::ListPresenceSubscriptionsResponse { subscriptions, next_page_token, total }))
    }

    #[tracing::instrument(level = "debug", name = "directory.add_contact", skip_all)]
    async fn add_contact(&self, request: Request<pb::AddContactRequest>) -> Reply<pb::AddContactResponse> {
        contact::add(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.import_contacts", skip_all)]
    async fn import_contacts(&self, request: Request<pb::ImportContactsRequest>) -> Reply<pb::ImportContactsResponse> {
        contact::import(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.request_contact", skip_all)]
    async fn request_contact(&self, request: Request<pb::RequestContactRequest>) -> Reply<pb::RequestContactResponse> {
        contact::request(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.decide_contact", skip_all)]
    async fn decide_contact(&self, request: Request<pb::DecideContactRequest>) -> Reply<pb::DecideContactResponse> {
        contact::decide(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.list_contact_requests", skip_all)]
    async fn list_contact_requests(
        &self,
        request: Request<pb::ListContactRequestsRequest>,
    ) -> Reply<pb::ListContactRequestsResponse> {
        contact::requests(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.remove_contact", skip_all)]
    async fn remove_contact(&self, request: Request<pb::RemoveContactRequest>) -> Reply<pb::RemoveContactResponse> {
        contact::remove(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.update_contact", skip_all)]
    async fn update_contact(&self, request: Request<pb::UpdateContactRequest>) -> Reply<pb::Contact> {
        contact::update(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.list_contacts", skip_all)]
    async fn list_contacts(&self, request: Request<pb::ListContactsRequest>) -> Reply<pb::ListContactsResponse> {
        contact::list(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.get_contacts", skip_all)]
    async fn get_contacts(&self, request: Request<pb::GetContactsRequest>) -> Reply<pb::GetContactsResponse> {
        contact::get(self, request).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.block_users", skip_all)]
    async fn block_users(&self, request: Request<pb::BlockUsersRequest>) -> Reply<pb::BlockUsersResponse> {
        contact::block(self, request).await.map(Response::new).map_err(to_status)
    }
}

fn wire_ids(users: Vec<UserId>) -> Vec<i64> {
    users.into_iter().map(|user| user.0).collect()
}

fn wire_users(users: Vec<User>) -> Vec<pb::User> {
    users.into_iter().map(Into::into).collect()
}
