//! Queries to the directory that are never cached, because they need the current state.

use std::time::Duration;

use tidings_domain::{
    App, AppId, Caller, ConversationId, Error, GroupId, GroupKind, Membership, MsgId, RoomId, Screening, UnixMillis,
    UserId,
};
use tidings_proto::{
    error_from_status, internal, page_start, page_token,
    pb::{self, app_ref},
};
use tidings_runtime::context;

use crate::{DirectoryCache, as_app};

/// Apps on a page.
const PAGE: i32 = 1_000;
/// How long the data of a deleted app is kept, for an operator who deleted the wrong one and restores the directory.
const KEEP_DELETED: Duration = Duration::from_hours(7 * 24);

/// Where a user may hear something, in no order.
#[derive(Debug)]
pub struct UserPlaces {
    /// The groups, rooms and threads that they are in.
    pub places: Vec<UserPlace>,
    /// Their contacts.
    pub contacts: Vec<UserId>,
}

/// A group, room or thread that a user is in.
#[derive(Debug, Clone, Copy)]
pub struct UserPlace {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether it is a thread of a group.
    pub is_thread: bool,
    /// When the user became a member.
    pub joined_at: UnixMillis,
    /// Messages up to here are hidden from the user.
    pub floor: MsgId,
}

impl From<&internal::UserPlace> for UserPlace {
    fn from(wire: &internal::UserPlace) -> Self {
        let conversation = match GroupKind::from(wire.kind()) {
            GroupKind::Group => ConversationId::Group(GroupId(wire.group_id)),
            GroupKind::Room => ConversationId::Room(RoomId(wire.group_id)),
        };
        let joined_at = UnixMillis(wire.joined_at_ms);
        let floor = if wire.history_visible { MsgId::ZERO } else { MsgId::before(joined_at) };
        Self { conversation, is_thread: wire.is_thread, joined_at, floor }
    }
}

impl DirectoryCache {
    /// An app by its number.
    pub async fn app_of(&self, app: AppId) -> Result<App, Error> {
        let named = pb::GetAppRequest { app: Some(pb::AppRef { app: Some(app_ref::App::Id(app.0)) }) };
        App::try_from(self.client.clone().get_app(named).await.map_err(error_from_status)?.into_inner())
    }

    /// What an app screens.
    pub async fn screening(&self, app: AppId) -> Result<Screening, Error> {
        let request = context::request(&Caller::of_app(app), internal::GetScreeningRequest {});
        self.internal.clone().get_screening(request).await.map_err(error_from_status)?.into_inner().try_into()
    }

    /// Whether the profile of a user, or a group or room of the app, references the file.
    pub async fn shows_file(&self, app: AppId, uuid: &str) -> Result<bool, Error> {
        let request = context::request(&Caller::of_app(app), internal::ShowsFileRequest { uuid: uuid.to_owned() });
        Ok(self.internal.clone().shows_file(request).await.map_err(error_from_status)?.into_inner().shown)
    }

    /// Every app.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        let (mut apps, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAppsRequest { page_size: PAGE, page_token };
            let page = self.client.clone().list_apps(request).await.map_err(error_from_status)?.into_inner();
            for app in page.apps {
                apps.push(App::try_from(app)?);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(apps);
            }
        }
    }

    /// Every deleted app, and when it was deleted.
    pub async fn deleted_apps(&self) -> Result<Vec<(AppId, UnixMillis)>, Error> {
        let (mut deleted, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = internal::ListDeletedAppsRequest { page_size: PAGE, page_token };
            let page = self.internal.clone().list_deleted_apps(request).await.map_err(error_from_status)?.into_inner();
            deleted.extend(page.apps.into_iter().map(|app| (AppId(app.id), UnixMillis(app.deleted_at_ms))));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(deleted);
            }
        }
    }

    /// The apps that were deleted long enough ago for their data to be removed.
    pub async fn forgotten_apps(&self) -> Result<Vec<AppId>, Error> {
        let now = self.clock.now();
        let deleted = self.deleted_apps().await?.into_iter();
        Ok(deleted.filter(|(_, at)| now >= *at + KEEP_DELETED).map(|(app, _)| app).collect())
    }

    /// Rooms above `after` that have a member, and where to continue; 0 when there are no more.
    pub async fn rooms_with_members(&self, caller: &Caller, after: i64, limit: i32) -> Result<(Vec<i64>, i64), Error> {
        let kind = pb::GroupKind::Room.into();
        let request =
            pb::ListGroupsRequest { kind, page_size: limit, page_token: page_token(after), ..Default::default() };
        let page = self.groups.clone().list_groups(as_app(caller, request)).await;
        let page = page.map_err(error_from_status)?.into_inner();
        let rooms = page.groups.iter().filter(|room| room.member_count > 0 && room.enabled).map(|room| room.id);
        Ok((rooms.collect(), page_start(&page.next_page_token)?))
    }

    /// The users' names in the order of the request; empty where there is none. At most 1,000 at once, and never from
    /// the cache.
    pub async fn user_names(&self, caller: &Caller, users: &[UserId]) -> Result<Vec<String>, Error> {
        let request = internal::UserNamesRequest { user_ids: users.iter().map(|user| user.0).collect() };
        let answer = self.internal.clone().user_names(as_app(caller, request)).await;
        Ok(answer.map_err(error_from_status)?.into_inner().usernames)
    }

    /// Every group, or room, that `user` is in. Never from the cache: a new member sees the group at once.
    pub async fn joined(&self, caller: &Caller, user: UserId, kind: GroupKind) -> Result<Vec<Membership>, Error> {
        let (mut joined, mut page_token) = (Vec::new(), String::new());
        loop {
            let kind = pb::GroupKind::from(kind).into();
            let request = pb::JoinedRequest { user_id: Some(user.0), kind, page_token, ..Default::default() };
            let answer = self.groups.clone().joined(as_app(caller, request)).await;
            let page = answer.map_err(error_from_status)?.into_inner();
            for wire in page.memberships {
                joined.push(wire.try_into()?);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(joined);
            }
        }
    }

    /// Where `user` may hear something. Never from the cache.
    pub async fn places(&self, caller: &Caller, user: UserId) -> Result<UserPlaces, Error> {
        let asked = internal::UserPlacesRequest { user_id: Some(user.0), with_contacts: true };
        let answer = self.internal.clone().user_places(as_app(caller, asked)).await;
        let found = answer.map_err(error_from_status)?.into_inner();
        let places = found.places.iter().map(Into::into).collect();
        Ok(UserPlaces { places, contacts: found.contact_ids.into_iter().map(UserId).collect() })
    }

    /// Registered users above `after` by ascending id, at most `limit`; none when there are no more.
    pub async fn registered(&self, caller: &Caller, after: UserId, limit: i32) -> Result<Vec<UserId>, Error> {
        let request = pb::ListUsersRequest { page_size: limit, page_token: page_token(after.0) };
        let answer = self.client.clone().list_users(as_app(caller, request)).await;
        Ok(answer.map_err(error_from_status)?.into_inner().users.iter().map(|user| UserId(user.id)).collect())
    }
}
