//! When users want to be notified of messages: `/{org}/{app}/users/{username}/notification` (agora.md 10.2).

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::{MethodRouter, get},
};
use tidings_dialects::agora::{self as codec, Notification, NotificationMode, NotifiedConversation, Refusal};
use tidings_domain::{Caller, Error, Reason, UserRef, Username, decimal_id};
use tidings_proto::{
    duration, moment_or_zero,
    pb::{self, notification_target::Target},
};
use tidings_runtime::context;

use super::{
    context::RequestContext,
    people::{self, Named, own, path_user},
};
use crate::{Gateway, field_names::renamed, membership::of_group as kind_of_group, reply::refused};

/// The path's `{org}`, `{app}`, `{username}` and `{peer}` or `{id}`.
type OfConversation = Result<Path<(String, String, String, String)>, PathRejection>;

#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
}

/// `/notification/user/{peer}`; the user's own name means all conversations.
pub(crate) fn of_user() -> MethodRouter<Gateway> {
    one(Kind::User)
}

/// `/notification/chatgroup/{id}`, for groups and rooms.
pub(crate) fn of_group() -> MethodRouter<Gateway> {
    one(Kind::Group)
}

fn one(kind: Kind) -> MethodRouter<Gateway> {
    let show = move |State(gateway): State<Gateway>, context: RequestContext, path: OfConversation| async move {
        let outcome = show(&gateway, &context, (kind, path)).await;
        context.answer(&gateway, outcome).await
    };
    let change = move |State(gateway): State<Gateway>, context: RequestContext, path: OfConversation, body: Body| async move {
        let outcome = change(&gateway, &context, (kind, path), body).await;
        context.answer(&gateway, outcome).await
    };
    get(show).put(change)
}

async fn show(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, path): (Kind, OfConversation),
) -> Result<Vec<u8>, Refusal> {
    let (user, written) = of_path(path)?;
    let (identity, caller, name) = own(gateway, context, user).await?;
    let target = target(gateway, &caller, &name, (kind, &written)).await?;
    let found = read(gateway, &caller, &name, vec![target]).await?.pop().unwrap_or_default();
    Ok(codec::notification(&context.call(&identity.app), context.timing(gateway), &found.0))
}

async fn change(
    gateway: &Gateway,
    context: &RequestContext,
    (kind, path): (Kind, OfConversation),
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (user, written) = of_path(path)?;
    let (identity, caller, name) = own(gateway, context, user).await?;
    let change = codec::notification_change(&context.read(body).await?)?;
    let target = target(gateway, &caller, &name, (kind, &written)).await?;
    let request = pb::SetNotificationRequest {
        user: Some(UserRef::Name(name).into()),
        target: Some(target),
        mode: change.mode.map(|mode| wire_mode(mode).into()),
        quiet_hours: change.quiet_hours,
        quiet_for: change.quiet_for.map(duration),
        language: None,
    };
    let (setting, _) = shown(set(gateway, &caller, request).await?);
    Ok(codec::notification(&context.call(&identity.app), context.timing(gateway), &setting))
}

/// The fields of a change, by our names and those of the request.
const FIELDS: [(&str, &str); 3] =
    [("quiet_hours", "ignoreInterval"), ("quiet_for", "ignoreDuration"), ("language", "translationLanguage")];

async fn set(
    gateway: &Gateway,
    caller: &Caller,
    request: pb::SetNotificationRequest,
) -> Result<pb::NotificationSetting, Error> {
    let reply = gateway.clients().directory.clone().set_notification(context::request(caller, request)).await;
    reply.map(tonic::Response::into_inner).map_err(|status| renamed(refused(status), &FIELDS))
}

fn of_path(path: OfConversation) -> Result<(Result<Username, Error>, String), Error> {
    let Ok(Path((_, _, user, written))) = path else {
        return Err(Error::user_not_found(""));
    };
    Ok((Username::parse(&user).map_err(|_| Error::user_not_found(user)), written))
}

/// The conversation that the path names, which must be there.
async fn target(
    gateway: &Gateway,
    caller: &Caller,
    own: &Username,
    (kind, written): (Kind, &str),
) -> Result<pb::NotificationTarget, Error> {
    let target = match kind {
        Kind::User => {
            let peer = Username::parse(written).map_err(|_| Error::user_not_found(written))?;
            if peer.folded() == own.folded() {
                return Ok(pb::NotificationTarget::default());
            }
            Target::UserId(people::id(gateway, caller, &peer).await?.0)
        }
        Kind::Group => {
            let not_found = || Error::new(Reason::GroupNotFound, written);
            let id = decimal_id(written).ok_or_else(not_found)?;
            kind_of_group(gateway, caller, id).await?.ok_or_else(not_found)?;
            Target::GroupId(id)
        }
    };
    Ok(pb::NotificationTarget { target: Some(target) })
}

/// Settings with their languages, in the order of the targets.
async fn read(
    gateway: &Gateway,
    caller: &Caller,
    name: &Username,
    targets: Vec<pb::NotificationTarget>,
) -> Result<Vec<(Notification, String)>, Error> {
    let user = Some(UserRef::Name(name.clone()).into());
    let request = context::request(caller, pb::GetNotificationsRequest { user, targets });
    let reply = gateway.clients().directory.clone().get_notifications(request).await.map_err(refused)?;
    Ok(reply.into_inner().settings.into_iter().map(shown).collect())
}

fn shown(wire: pb::NotificationSetting) -> (Notification, String) {
    let mode = mode_of(wire.mode());
    let quiet_until = moment_or_zero(wire.quiet_until).0;
    (Notification { mode, quiet_hours: wire.quiet_hours, quiet_until }, wire.language)
}

const fn mode_of(wire: pb::NotificationMode) -> NotificationMode {
    match wire {
        pb::NotificationMode::Unspecified => NotificationMode::Default,
        pb::NotificationMode::All => NotificationMode::All,
        pb::NotificationMode::Mentions => NotificationMode::At,
        pb::NotificationMode::None => NotificationMode::Nothing,
    }
}

const fn wire_mode(mode: NotificationMode) -> pb::NotificationMode {
    match mode {
        NotificationMode::Default => pb::NotificationMode::Unspecified,
        NotificationMode::All => pb::NotificationMode::All,
        NotificationMode::At => pb::NotificationMode::Mentions,
        NotificationMode::Nothing => pb::NotificationMode::None,
    }
}

/// `/notification?user=a,b&group=1,2`
pub(crate) async fn several(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = show_several(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

/// Users and groups that are not there have the default.
async fn show_several(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let (users, groups) = codec::notification_targets(&context.query)?;
    let mut targets = Vec::with_capacity(users.len() + groups.len());
    for user in &users {
        let id = match Username::parse(user) {
            Ok(peer) => match people::id(gateway, &caller, &peer).await {
                Ok(id) => Some(id.0),
                Err(error) if error.reason() == Reason::UserNotFound => None,
                Err(error) => return Err(error.into()),
            },
            Err(_) => None,
        };
        // Nobody has this id.
        targets.push(Target::UserId(id.unwrap_or(-1)));
    }
    targets.extend(groups.iter().map(|group| Target::GroupId(decimal_id(group).unwrap_or(-1))));
    let targets: Vec<_> = targets.into_iter().map(|target| pb::NotificationTarget { target: Some(target) }).collect();
    let mut found = if targets.is_empty() { Vec::new() } else { read(gateway, &caller, &name, targets).await? };
    let of_groups = found.split_off(users.len().min(found.len()));
    let named = |names: Vec<String>, found: Vec<(Notification, String)>| -> Vec<(String, Notification)> {
        names.into_iter().zip(found).map(|(name, (setting, _))| (name, setting)).collect()
    };
    let (users, groups) = (named(users, found), named(groups, of_groups));
    Ok(codec::notifications(&context.call(&identity.app), context.timing(gateway), &users, &groups))
}

/// `/notification/language`
pub(crate) async fn language(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = show_language(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn show_language(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let found = read(gateway, &caller, &name, vec![pb::NotificationTarget::default()]).await?.pop();
    let (_, language) = found.unwrap_or_default();
    Ok(codec::language(&context.call(&identity.app), context.timing(gateway), &language))
}

pub(crate) async fn set_language(
    State(gateway): State<Gateway>,
    context: RequestContext,
    named: Named,
    body: Body,
) -> Response {
    let outcome = change_language(&gateway, &context, named, body).await;
    context.answer(&gateway, outcome).await
}

async fn change_language(
    gateway: &Gateway,
    context: &RequestContext,
    named: Named,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let language = Some(codec::notification_language(&context.read(body).await?)?);
    let user = Some(UserRef::Name(name).into());
    let request = pb::SetNotificationRequest { user, language, ..Default::default() };
    let language = set(gateway, &caller, request).await?.language;
    Ok(codec::language(&context.call(&identity.app), context.timing(gateway), &language))
}

/// `/notification/mute/type`: the conversations with modes of their own.
pub(crate) async fn modes(State(gateway): State<Gateway>, context: RequestContext, named: Named) -> Response {
    let outcome = list_modes(&gateway, &context, named).await;
    context.answer(&gateway, outcome).await
}

async fn list_modes(gateway: &Gateway, context: &RequestContext, named: Named) -> Result<Vec<u8>, Refusal> {
    let (identity, caller, name) = own(gateway, context, path_user(named)).await?;
    let (page_size, page_token) = codec::notification_page(&context.query)?;
    let request = pb::ListNotificationsRequest { user: Some(UserRef::Name(name).into()), page_size, page_token };
    let request = context::request(&caller, request);
    let reply = gateway.clients().directory.clone().list_notifications(request).await.map_err(refused)?.into_inner();
    let mode = |setting: pb::NotificationSetting| {
        let mode = mode_of(setting.mode());
        let conversation = match setting.target.and_then(|target| target.target) {
            Some(Target::GroupId(group)) => NotifiedConversation::Group(group),
            _ => NotifiedConversation::User(setting.username),
        };
        (conversation, mode)
    };
    let modes: Vec<_> = reply.settings.into_iter().map(mode).collect();
    Ok(codec::notification_modes(&context.call(&identity.app), context.timing(gateway), &modes, &reply.next_page_token))
}
