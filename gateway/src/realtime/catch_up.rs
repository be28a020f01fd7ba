//! Events that happened while a client was disconnected.

use std::sync::Arc;

use tidings_domain::{Actor, App, Caller, ConversationId, Error, MsgId, Reason, UserId};
use tidings_proto::{error_from_status, internal};
use tidings_runtime::context;
use tonic::{Response, Streaming};

use super::event::{Event, Joined, read, rendered};
use crate::{Gateway, reply::refused};

/// The cursor of the feed's beginning.
const BEGINNING: &str = "0:0";

/// The past of a user's conversations, in parts.
pub(crate) struct CatchUp {
    user: Option<UserId>,
    /// `None`: there is nothing.
    parts: Option<Streaming<internal::UserEventsResponse>>,
    /// The user may have left again, or the group have ended: then there is nothing more.
    is_of_joined: bool,
}

/// A part of the past.
pub(crate) struct MissedEvents {
    /// Those of one conversation in order.
    pub events: Vec<Arc<Event>>,
    /// Conversations with more events than are read: clients must read their histories.
    pub incomplete: Vec<ConversationId>,
}

impl CatchUp {
    /// Between two cursors of the feed.
    pub async fn open(gateway: &Gateway, caller: &Caller, after: &str, upto: &str) -> Result<Self, Error> {
        let (after, upto) = (after.to_owned(), upto.to_owned());
        Self::read(gateway, caller, internal::UserEventsRequest { after, upto, ..Default::default() }).await
    }

    /// Of a group or room that the user has just entered: messages since then from before the feed had the change.
    pub async fn of_joined(gateway: &Gateway, caller: &Caller, joined: &Joined) -> Result<Self, Error> {
        let request = internal::UserEventsRequest {
            user_id: None,
            after: BEGINNING.to_owned(),
            upto: joined.upto.to_string(),
            conversation: Some(joined.conversation.into()),
            floor_msg_id: MsgId::before(joined.since).0,
        };
        Self::read(gateway, caller, request).await
    }

    /// With the gateway's own authority: the user was authenticated just now.
    async fn read(gateway: &Gateway, caller: &Caller, request: internal::UserEventsRequest) -> Result<Self, Error> {
        let user = match caller.actor {
            Actor::User(user) => Some(user),
            Actor::App => None,
        };
        let is_of_joined = request.conversation.is_some();
        let gateway_itself = Caller { actor: Actor::App, ..caller.clone() };
        let user_id = user.map(|user| user.0);
        let request = context::request(&gateway_itself, internal::UserEventsRequest { user_id, ..request });
        let parts = gateway.clients().message_internal.clone().user_events(request).await.map_err(refused);
        let parts = ended_if_left(is_of_joined, parts.map(Some))?.map(Response::into_inner);
        Ok(Self { user, parts, is_of_joined })
    }

    /// The next part; `None` when that is all.
    pub async fn next(&mut self, gateway: &Gateway, app: &App) -> Result<Option<MissedEvents>, Error> {
        let Some(parts) = &mut self.parts else { return Ok(None) };
        let part = parts.message().await.map_err(error_from_status);
        let Some(part) = ended_if_left(self.is_of_joined, part)? else { return Ok(None) };
        let mut events = rendered(gateway, app, read(part.events)).await?;
        // Not every event of a conversation is for all of its members.
        events.retain(|event| self.user.is_none_or(|user| event.recipients().concerns(user)));
        let incomplete = part.incomplete.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Some(MissedEvents { events, incomplete }))
    }
}

fn ended_if_left<T>(is_of_joined: bool, part: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match part {
        Err(error) if is_of_joined && matches!(error.reason(), Reason::NotGroupMember | Reason::GroupNotFound) => {
            Ok(None)
        }
        part => part,
    }
}
