//! A call on one group or room, which its path names.

use std::sync::Arc;

use axum::extract::{Path, rejection::PathRejection};
use tidings_dialects::agora::{self as codec, Call, Refusal, Timing, Which};
use tidings_domain::{Caller, ConversationId, Error, GroupKind, Reason, UserId, Username, decimal_id};
use tidings_proto::pb::group_service_client::GroupServiceClient;
use tidings_runtime::{Wire, context};

use super::{
    context::RequestContext,
    people::{self, Named},
};
use crate::{Gateway, identity::Identity, membership::of_group};

/// The path's `{org}`, `{app}`, `{id}` and `{username}` (or another last segment).
pub(super) type OfGroup = Result<Path<(String, String, String, String)>, PathRejection>;

/// The handler of a route for groups or rooms, which sends what a function of this signature returns. `group` and `member`
/// say that the function takes the [`GroupCall`] of the path.
macro_rules! handler {
    ($kind:ident, $answer:path) => {
        move |State(gateway): State<Gateway>, context: RequestContext| async move {
            let outcome = $answer(&gateway, &context, $kind).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, named) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
            let outcome = $answer(&gateway, &context, $kind, named).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, body) => {
        move |State(gateway): State<Gateway>, context: RequestContext, body: Body| async move {
            let outcome = $answer(&gateway, &context, $kind, body).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, named, body) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body| async move {
            let outcome = $answer(&gateway, &context, $kind, named, body).await;
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, group) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named| async move {
            let outcome = match GroupCall::of_group(&gateway, &context, $kind, &named).await {
                Ok(call) => $answer(&call).await,
                Err(refusal) => Err(refusal),
            };
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, group, body) => {
        move |State(gateway): State<Gateway>, context: RequestContext, named: Named, body: Body| async move {
            let outcome = match GroupCall::of_group(&gateway, &context, $kind, &named).await {
                Ok(call) => $answer(&call, body).await,
                Err(refusal) => Err(refusal),
            };
            context.answer(&gateway, outcome).await
        }
    };
    ($kind:ident, $answer:path, member) => {
        move |State(gateway): State<Gateway>, context: RequestContext, path: OfGroup| async move {
            let outcome = match GroupCall::of_member(&gateway, &context, $kind, path).await {
                Ok(call) => $answer(&call).await,
                Err(refusal) => Err(refusal),
            };
            context.answer(&gateway, outcome).await
        }
    };
}
pub(super) use handler;

/// A call whose token was accepted, and whose group or room exists.
pub(super) struct GroupCall<'a> {
    pub gateway: &'a Gateway,
    pub context: &'a RequestContext,
    pub identity: Arc<Identity>,
    pub caller: Caller,
    pub kind: GroupKind,
    /// The group or room.
    pub id: i64,
    /// The last segment of the path, as written; empty where the path ends with the group.
    pub segment: String,
}

impl<'a> GroupCall<'a> {
    /// A call whose path ends with the group, or with words of its own.
    pub async fn of_group(
        gateway: &'a Gateway,
        context: &'a RequestContext,
        kind: GroupKind,
        named: &Named,
    ) -> Result<Self, Refusal> {
        let (identity, caller) = context.any_caller(gateway).await?;
        let id = path_id(gateway, &caller, kind, id_of(named)).await?;
        Ok(Self { gateway, context, identity, caller, kind, id, segment: String::new() })
    }

    /// A call whose path names a member, or something else in the group.
    pub async fn of_member(
        gateway: &'a Gateway,
        context: &'a RequestContext,
        kind: GroupKind,
        path: OfGroup,
    ) -> Result<Self, Refusal> {
        let (identity, caller) = context.any_caller(gateway).await?;
        let (written, segment) = of_path(path)?;
        let id = path_id(gateway, &caller, kind, &written).await?;
        Ok(Self { gateway, context, identity, caller, kind, id, segment })
    }

    pub fn client(&self) -> GroupServiceClient<Wire> {
        self.gateway.clients().group.clone()
    }

    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        context::request(&self.caller, message)
    }

    pub fn call(&self) -> Call<'_> {
        self.context.call(&self.identity.app)
    }

    pub fn timing(&self) -> Timing {
        self.context.timing(self.gateway)
    }

    pub const fn which(&self) -> Which {
        (self.kind, self.id)
    }

    /// The user that the path names.
    pub async fn member(&self) -> Result<(Username, UserId), Refusal> {
        self.user(&self.segment).await
    }

    /// The user of that name.
    pub async fn user(&self, written: &str) -> Result<(Username, UserId), Refusal> {
        let name = Username::parse(written).map_err(|_| codec::unknown_user(written))?;
        let user = people::existing_ids(self.gateway, &self.caller, &[&name]).await?.into_iter().next();
        let user = user.ok_or_else(|| Error::internal("the directory returned no user"))?;
        Ok((name, user))
    }
}

/// The id of the group in the path, as written.
pub(super) fn id_of(named: &Named) -> &str {
    named.as_ref().map_or("", |Path((_, _, id))| id)
}

/// The id of the group and the last segment of the path, as written.
pub(super) fn of_path(path: OfGroup) -> Result<(String, String), Error> {
    match path {
        Ok(Path((_, _, id, name))) => Ok((id, name)),
        Err(_) => Err(Error::user_not_found("")),
    }
}

/// The id of the path's group or room.
pub(super) async fn path_id(gateway: &Gateway, caller: &Caller, kind: GroupKind, written: &str) -> Result<i64, Error> {
    let not_found = || Error::new(Reason::GroupNotFound, written);
    let id = decimal_id(written).ok_or_else(not_found)?;
    let found = of_group(gateway, caller, id).await?;
    let is_it = match found {
        Some(ConversationId::Group(_)) => kind == GroupKind::Group,
        Some(ConversationId::Room(_)) => kind == GroupKind::Room,
        Some(ConversationId::Direct(..)) | None => false,
    };
    if is_it { Ok(id) } else { Err(not_found()) }
}
