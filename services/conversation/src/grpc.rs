//! The gRPC API.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tidings_domain::{Actor, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_proto::{
    internal::{self, conversation_internal_service_server::ConversationInternalService},
    moment, page_size, page_start, page_token,
    pb::{self, conversation_service_server::ConversationService},
    required, status_from_error as to_status, timestamp, timestamp_unless_zero,
};
use tidings_runtime::context;
use tonic::{Request, Response, Status};

use crate::{
    Deps,
    app::{
        clear, delete, delete_all, device_position, list, list_pinned, list_pinned_messages, list_readers,
        mark::{self, Moved, UpTo, Which},
        mark_conversations, pin, pin_message,
        select::{self, Selection},
        view,
    },
    store::pinned_message::Pinned,
};

/// The conversation service.
#[derive(Debug, Clone)]
pub struct ConversationGrpc {
    deps: Arc<Deps>,
}

impl ConversationGrpc {
    pub(crate) const fn new(deps: Arc<Deps>) -> Self {
        Self { deps }
    }

    async fn mark<T>(&self, request: Request<T>, which: Which) -> Result<Moved, Error>
    where
        T: Into<WireMark> + Send + Sync,
    {
        let (caller, _) = self.deps.directory.caller(&request).await?;
        let command = request.into_inner().into();
        let user = context::subject(&caller, command.user_id)?;
        mark::mark(&self.deps, &caller, user, which, command.try_into()?).await
    }
}

#[tonic::async_trait]
impl ConversationService for ConversationGrpc {
    #[tracing::instrument(level = "debug", name = "conversation.list_conversations", skip_all)]
    async fn list_conversations(
        &self,
        request: Request<pb::ListConversationsRequest>,
    ) -> Result<Response<pb::ListConversationsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let listed = list::with_marks(&self.deps, &caller, user, request.page_size, request.page_token).await;
        let (listed, next_page_token) = listed.map_err(to_status)?;
        let unread_total = listed.iter().map(|entry| entry.unread).sum();
        let conversations = listed.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListConversationsResponse { conversations, unread_total, next_page_token }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.view", skip_all)]
    async fn view(&self, request: Request<pb::ViewRequest>) -> Result<Response<pb::ViewResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let conversation = conversation(request.conversation).map_err(to_status)?;
        let (own, peer) = view::view(&self.deps, &caller, user, conversation).await.map_err(to_status)?;
        Ok(Response::new(pb::ViewResponse { own: Some(own.into()), peer: Some(peer.into()) }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.mark_read", skip_all)]
    async fn mark_read(&self, request: Request<pb::MarkReadRequest>) -> Result<Response<pb::MarkReadResponse>, Status> {
        let moved = self.mark(request, Which::Read).await.map_err(to_status)?;
        let (conversation, msg_id) = (moved.conversation.map(Into::into), moved.msg_id.0);
        Ok(Response::new(pb::MarkReadResponse { moved: moved.moved, conversation, msg_id }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.mark_delivered", skip_all)]
    async fn mark_delivered(
        &self,
        request: Request<pb::MarkDeliveredRequest>,
    ) -> Result<Response<pb::MarkDeliveredResponse>, Status> {
        let moved = self.mark(request, Which::Delivered).await.map_err(to_status)?;
        let (conversation, msg_id) = (moved.conversation.map(Into::into), moved.msg_id.0);
        Ok(Response::new(pb::MarkDeliveredResponse { moved: moved.moved, conversation, msg_id }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.delete_conversation", skip_all)]
    async fn delete_conversation(
        &self,
        request: Request<pb::DeleteConversationRequest>,
    ) -> Result<Response<pb::DeleteConversationResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let conversation = conversation(request.conversation).map_err(to_status)?;
        delete::delete(&self.deps, &caller, user, conversation, request.keep_history).await.map_err(to_status)?;
        Ok(Response::new(pb::DeleteConversationResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "conversation.clear", skip_all)]
    async fn clear(&self, request: Request<pb::ClearRequest>) -> Result<Response<pb::ClearResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let conversation = conversation(request.conversation).map_err(to_status)?;
        let until = moment("until", request.until).map_err(to_status)?;
        clear::clear(&self.deps, &caller, user, conversation, until).await.map_err(to_status)?;
        Ok(Response::new(pb::ClearResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "conversation.delete_all", skip_all)]
    async fn delete_all(
        &self,
        request: Request<pb::DeleteAllRequest>,
    ) -> Result<Response<pb::DeleteAllResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let user = context::subject(&caller, request.into_inner().user_id).map_err(to_status)?;
        let deleted = delete_all::delete_all(&self.deps, &caller, user).await.map_err(to_status)?;
        Ok(Response::new(pb::DeleteAllResponse { deleted: deleted as i32 }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.pin", skip_all)]
    async fn pin(&self, request: Request<pb::PinRequest>) -> Result<Response<pb::PinResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let conversation = conversation(request.conversation).map_err(to_status)?;
        let outcome = pin::pin(&self.deps, &caller, user, conversation, request.pinned).await;
        let (changed, pinned_at) = outcome.map_err(to_status)?;
        Ok(Response::new(pb::PinResponse { changed, pinned_at: pinned_at.map(timestamp) }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.list_pinned", skip_all)]
    async fn list_pinned(
        &self,
        request: Request<pb::ListPinnedRequest>,
    ) -> Result<Response<pb::ListPinnedResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let user = context::subject(&caller, request.into_inner().user_id).map_err(to_status)?;
        let pinned = list_pinned::list_pinned(&self.deps, &caller, user).await.map_err(to_status)?;
        Ok(Response::new(pb::ListPinnedResponse { conversations: pinned.into_iter().map(Into::into).collect() }))
    }

    // Marks, pinned messages and readers.

    #[tracing::instrument(level = "debug", name = "conversation.select_conversations", skip_all)]
    async fn select_conversations(
        &self,
        request: Request<pb::SelectConversationsRequest>,
    ) -> Result<Response<pb::SelectConversationsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let page = page_of(request.page_size, &request.page_token, (20, 100)).map_err(to_status)?;
        let selection = selection(request.selection).map_err(to_status)?;
        let (listed, next) = select::select(&self.deps, &caller, user, selection, page).await.map_err(to_status)?;
        let conversations = listed.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::SelectConversationsResponse {
            conversations,
            next_page_token: page_token(next.unwrap_or(0)),
        }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.mark_conversations", skip_all)]
    async fn mark_conversations(
        &self,
        request: Request<pb::MarkConversationsRequest>,
    ) -> Result<Response<pb::MarkConversationsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let places = request.conversations.into_iter().map(TryInto::try_into).collect::<Result<_, _>>();
        let (places, mark) = (places.map_err(to_status)?, request.mark);
        let ignored =
            mark_conversations::mark_conversations(&self.deps, &caller, user, mark, places, request.marked).await;
        let ignored = ignored.map_err(to_status)?.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::MarkConversationsResponse { ignored }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.pin_message", skip_all)]
    async fn pin_message(
        &self,
        request: Request<pb::PinMessageRequest>,
    ) -> Result<Response<pb::PinMessageResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let of = (conversation(request.conversation).map_err(to_status)?, MsgId(request.msg_id));
        let changed = pin_message::pin_message(&self.deps, &caller, user, of, request.pinned).await;
        Ok(Response::new(pb::PinMessageResponse { changed: changed.map_err(to_status)? }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.list_pinned_messages", skip_all)]
    async fn list_pinned_messages(
        &self,
        request: Request<pb::ListPinnedMessagesRequest>,
    ) -> Result<Response<pb::ListPinnedMessagesResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let page = page_of(request.page_size, &request.page_token, (10, 50)).map_err(to_status)?;
        let place = conversation(request.conversation).map_err(to_status)?;
        let listed = list_pinned_messages::list_pinned_messages(&self.deps, &caller, user, place, page).await;
        let (pinned, next) = listed.map_err(to_status)?;
        let messages = pinned.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListPinnedMessagesResponse { messages, next_page_token: page_token(next.unwrap_or(0)) }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.list_readers", skip_all)]
    async fn list_readers(
        &self,
        request: Request<pb::ListReadersRequest>,
    ) -> Result<Response<pb::ListReadersResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let (above, limit) = page_of(request.page_size, &request.page_token, (100, 500)).map_err(to_status)?;
        let of = (conversation(request.conversation).map_err(to_status)?, MsgId(request.msg_id));
        let page = (UserId(above.unwrap_or(0)), limit);
        let found = list_readers::list_readers(&self.deps, &caller, of, page).await.map_err(to_status)?;
        let readers = found
            .page
            .into_iter()
            .map(|(user, at)| pb::Reader { user_id: user.0, read_at: timestamp_unless_zero(at.0) });
        let next_page_token = page_token(found.next.map_or(0, |user| user.0));
        Ok(Response::new(pb::ListReadersResponse { readers: readers.collect(), total: found.total, next_page_token }))
    }
}

#[tonic::async_trait]
impl ConversationInternalService for ConversationGrpc {
    #[tracing::instrument(level = "debug", name = "conversation.unread_totals", skip_all)]
    async fn unread_totals(
        &self,
        request: Request<internal::UnreadTotalsRequest>,
    ) -> Result<Response<internal::UnreadTotalsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let users = request.into_inner().user_ids;
        if caller.actor != Actor::App || users.len() > 1000 {
            return Err(to_status(Error::not_permitted("only the app itself counts, and at most 1000 users")));
        }
        let totals = users.into_iter().map(|user| {
            let (deps, caller) = (&self.deps, &caller);
            async move { list::unread_total(deps, caller, UserId(user)).await }
        });
        let totals: Vec<i64> = stream::iter(totals).buffered(8).try_collect().await.map_err(to_status)?;
        Ok(Response::new(internal::UnreadTotalsResponse { totals }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.get_device_position", skip_all)]
    async fn get_device_position(
        &self,
        request: Request<internal::GetDevicePositionRequest>,
    ) -> Result<Response<internal::GetDevicePositionResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let found = device_position::find(&self.deps, &caller, user, &request.device).await.map_err(to_status)?;
        let (cursor, at) = found.unwrap_or((String::new(), UnixMillis(0)));
        Ok(Response::new(internal::GetDevicePositionResponse { cursor, reached_at_ms: at.0 }))
    }

    #[tracing::instrument(level = "debug", name = "conversation.save_device_position", skip_all)]
    async fn save_device_position(
        &self,
        request: Request<internal::SaveDevicePositionRequest>,
    ) -> Result<Response<internal::SaveDevicePositionResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let reached = (request.cursor.as_str(), UnixMillis(request.reached_at_ms));
        let saved = device_position::save(&self.deps, &caller, user, &request.device, reached).await;
        saved.map_err(to_status)?;
        Ok(Response::new(internal::SaveDevicePositionResponse {}))
    }
}

fn conversation(wire: Option<pb::ConversationId>) -> Result<ConversationId, Error> {
    required("conversation", wire)?.try_into()
}

/// What MarkRead and MarkDelivered ask for alike.
struct WireMark {
    user_id: Option<i64>,
    conversation: Option<pb::ConversationId>,
    msg_id: i64,
}

impl From<pb::MarkReadRequest> for WireMark {
    fn from(wire: pb::MarkReadRequest) -> Self {
        Self { user_id: wire.user_id, conversation: wire.conversation, msg_id: wire.msg_id }
    }
}

impl From<pb::MarkDeliveredRequest> for WireMark {
    fn from(wire: pb::MarkDeliveredRequest) -> Self {
        Self { user_id: wire.user_id, conversation: wire.conversation, msg_id: wire.msg_id }
    }
}

impl TryFrom<WireMark> for UpTo {
    type Error = Error;

    fn try_from(wire: WireMark) -> Result<Self, Error> {
        Ok(Self {
            conversation: wire.conversation.map(TryInto::try_into).transpose()?,
            msg_id: Some(MsgId(wire.msg_id)).filter(|id| *id != MsgId::ZERO),
        })
    }
}

/// Where a page starts (`None`: at the first) and how long it is.
fn page_of(size: i32, token: &str, (default, most): (i32, i32)) -> Result<(Option<i64>, usize), Error> {
    let start = page_start(token)?;
    Ok(((start != 0).then_some(start), page_size(size, default, most)? as usize))
}

fn selection(wire: Option<pb::select_conversations_request::Selection>) -> Result<Selection, Error> {
    use pb::select_conversations_request::Selection as Wire;
    match wire {
        Some(Wire::Pinned(true)) => Ok(Selection::Pinned),
        Some(Wire::Mark(mark)) => Ok(Selection::Marked(mark)),
        Some(Wire::Pinned(false)) => Err(Error::invalid("pinned", "must be true, or mark be given")),
        None => Err(Error::invalid("selection", "is required: pinned or mark")),
    }
}

impl From<list::Listed> for pb::ListedConversation {
    fn from(listed: list::Listed) -> Self {
        Self {
            conversation: Some(listed.conversation.into()),
            head_msg_id: listed.head.0,
            unread: listed.unread,
            // 0: pinned by a version that did not record the time.
            pinned_at: listed.pinned_at.and_then(|at| timestamp_unless_zero(at.0)),
            pinned: listed.pinned_at.is_some(),
            marks: listed.marks,
        }
    }
}

impl From<Pinned> for pb::PinnedMessage {
    fn from(pinned: Pinned) -> Self {
        Self { msg_id: pinned.msg_id.0, operator_id: pinned.operator.0, pinned_at: Some(timestamp(pinned.at)) }
    }
}
