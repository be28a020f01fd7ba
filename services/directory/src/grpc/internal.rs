//! The calls of the other services.

use std::time::Duration;

use tidings_domain::{Actor, AppId, Error, UserId};
use tidings_proto::{
    internal::{self, directory_internal_service_server::DirectoryInternalService},
    page_start, page_token, pb, status_from_error as to_status,
};
use tonic::{Request, Response, async_trait};

use super::{Reply, group::wire_memberships, wire_ids};
use crate::{
    Directory,
    convert::{connected::session_report, size},
    model::AppKey,
    store::{change::RecordedRow, membership::UserPlace},
};

/// The longest wait for a change, in milliseconds.
const MAX_WAIT: i32 = 10_000;
/// Changes per call.
const MAX_CHANGES: i32 = 500;

#[async_trait]
impl DirectoryInternalService for Directory {
    #[tracing::instrument(level = "debug", name = "directory.take_changes", skip_all)]
    async fn take_changes(
        &self,
        request: Request<internal::TakeChangesRequest>,
    ) -> Reply<internal::TakeChangesResponse> {
        let wire = request.into_inner();
        let limit = match wire.limit {
            0 => MAX_CHANGES,
            1..=MAX_CHANGES => wire.limit,
            _ => return Err(to_status(Error::invalid("limit", "must be from 1 to 500"))),
        };
        if !(0..=MAX_WAIT).contains(&wire.wait_ms) {
            return Err(to_status(Error::invalid("wait_ms", format!("must be from 0 to {MAX_WAIT}"))));
        }
        let wait = Duration::from_millis(wire.wait_ms.unsigned_abs().into());
        let changes = self.core.take_changes(limit.into(), wait).await.map_err(to_status)?;
        Ok(Response::new(internal::TakeChangesResponse { changes: changes.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "directory.remove_changes", skip_all)]
    async fn remove_changes(
        &self,
        request: Request<internal::RemoveChangesRequest>,
    ) -> Reply<internal::RemoveChangesResponse> {
        let changes = request.into_inner().change_ids;
        if changes.len() > MAX_CHANGES as usize {
            return Err(to_status(Error::invalid("change_ids", format!("must be at most {MAX_CHANGES}"))));
        }
        self.core.remove_changes(&changes).await.map_err(to_status)?;
        Ok(Response::new(internal::RemoveChangesResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "directory.check_account_key", skip_all)]
    async fn check_account_key(
        &self,
        request: Request<internal::CheckAccountKeyRequest>,
    ) -> Reply<internal::CheckAccountKeyResponse> {
        let wire = request.into_inner();
        let app = AppKey::Id(AppId(wire.app_id));
        let (app, scopes) = self.core.check_account_key(&app, wire.account_id, &wire.hash).await.map_err(to_status)?;
        let scopes = scopes.into_iter().map(|scope| scope.name().to_owned()).collect();
        Ok(Response::new(internal::CheckAccountKeyResponse { app: Some(app.into()), scopes }))
    }

    #[tracing::instrument(level = "debug", name = "directory.report_sessions", skip_all)]
    async fn report_sessions(
        &self,
        request: Request<internal::ReportSessionsRequest>,
    ) -> Reply<internal::ReportSessionsResponse> {
        let report = session_report(request.into_inner()).map_err(to_status)?;
        let lapsed = self.core.report_sessions(report).await.map_err(to_status)?;
        Ok(Response::new(internal::ReportSessionsResponse { lapsed }))
    }

    #[tracing::instrument(level = "debug", name = "directory.list_deleted_apps", skip_all)]
    async fn list_deleted_apps(
        &self,
        request: Request<internal::ListDeletedAppsRequest>,
    ) -> Reply<internal::ListDeletedAppsResponse> {
        let wire = request.into_inner();
        let after = page_start(&wire.page_token).map_err(to_status)?;
        let size = size(wire.page_size, 100).map_err(to_status)?;
        let (apps, next) = self.core.deleted_apps(after, size).await.map_err(to_status)?;
        let apps = apps.into_iter().map(|(app, at)| internal::DeletedApp { id: app.0, deleted_at_ms: at.0 });
        let next_page_token = page_token(next.map_or(0, |app| app.0));
        Ok(Response::new(internal::ListDeletedAppsResponse { apps: apps.collect(), next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "directory.take_quota", skip_all)]
    async fn take_quota(&self, request: Request<internal::TakeQuotaRequest>) -> Reply<internal::TakeQuotaResponse> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        self.core.take_quota(&key, request.into_inner()).await.map(Response::new).map_err(to_status)
    }

    #[tracing::instrument(level = "debug", name = "directory.user_names", skip_all)]
    async fn user_names(&self, request: Request<internal::UserNamesRequest>) -> Reply<internal::UserNamesResponse> {
        let key = self.caller_app(&request).await.map_err(to_status)?;
        let ids: Vec<UserId> = request.into_inner().user_ids.into_iter().map(UserId).collect();
        let usernames = self.core.user_names(&key, &ids).await.map_err(to_status)?;
        Ok(Response::new(internal::UserNamesResponse { usernames }))
    }

    #[tracing::instrument(level = "debug", name = "directory.blocked_by", skip_all)]
    async fn blocked_by(&self, request: Request<internal::BlockedByRequest>) -> Reply<internal::BlockedByResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let by: Vec<UserId> = wire.by_ids.into_iter().map(UserId).collect();
        let found = self.core.blocked_by(&caller, wire.user_id, &by, wire.contacts_only).await.map_err(to_status)?;
        let stranger_ids = wire_ids(found.strangers);
        Ok(Response::new(internal::BlockedByResponse { by_ids: wire_ids(found.blockers), stranger_ids }))
    }

    #[tracing::instrument(level = "debug", name = "group.memberships", skip_all)]
    async fn memberships(
        &self,
        request: Request<internal::MembershipsRequest>,
    ) -> Reply<internal::MembershipsResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let memberships = self.core.memberships(&caller, wire.user_id, &wire.group_ids).await.map_err(to_status)?;
        Ok(Response::new(internal::MembershipsResponse { memberships: wire_memberships(memberships) }))
    }

    #[tracing::instrument(level = "debug", name = "group.user_places", skip_all)]
    async fn user_places(&self, request: Request<internal::UserPlacesRequest>) -> Reply<internal::UserPlacesResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        let wire = request.into_inner();
        let found = self.core.user_places(&caller, wire.user_id, wire.with_contacts).await.map_err(to_status)?;
        let (places, contacts) = found;
        Ok(Response::new(internal::UserPlacesResponse {
            places: places.into_iter().map(Into::into).collect(),
            contact_ids: wire_ids(contacts),
        }))
    }

    #[tracing::instrument(level = "debug", name = "directory.get_screening", skip_all)]
    async fn get_screening(&self, request: Request<internal::GetScreeningRequest>) -> Reply<internal::Screening> {
        let app = self.app_itself(&request).await.map_err(to_status)?;
        let screening = self.core.screening(app).await.map_err(to_status)?;
        Ok(Response::new(screening.into()))
    }

    #[tracing::instrument(level = "debug", name = "directory.shows_file", skip_all)]
    async fn shows_file(&self, request: Request<internal::ShowsFileRequest>) -> Reply<internal::ShowsFileResponse> {
        let caller = self.caller(&request).await.map_err(to_status)?;
        if caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself asks which files are referenced")));
        }
        let shown = self.core.shows_file(caller.app, &request.into_inner().uuid).await.map_err(to_status)?;
        Ok(Response::new(internal::ShowsFileResponse { shown }))
    }
}

impl From<UserPlace> for internal::UserPlace {
    fn from(place: UserPlace) -> Self {
        Self {
            group_id: place.group,
            kind: pb::GroupKind::from(place.kind).into(),
            is_thread: place.is_thread,
            joined_at_ms: place.joined_at.0,
            history_visible: place.history_visible,
        }
    }
}

impl From<RecordedRow> for internal::RecordedChange {
    fn from(row: RecordedRow) -> Self {
        Self {
            change_id: row.change_id,
            app_id: row.app_id,
            made_at_ms: row.made_at,
            actor_id: row.actor_id,
            kind: row.kind,
            address: row.address,
            platform: row.platform,
            trace: row.trace,
            detail: row.detail,
        }
    }
}
