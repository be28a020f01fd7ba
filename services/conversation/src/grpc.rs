//! The gRPC API.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tidings_domain::{Actor, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_proto::{
    internal::{self, conversation_internal_service_server::ConversationInternalService},
    pb::{self, conversation_service_server::ConversationService},
    required, status_from_error as to_status,
};
use tidings_runtime::context;
use tonic::{Request, Response, Status};

use crate::{
    Deps,
    app::{
        clear, delete, delete_all, list, list_pinned,
        mark::{self, Moved, UpTo, Which},
        pin, view,
    },
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
        let wanted = request.into_inner().into();
        let user = context::subject(&caller, wanted.user_id)?;
        mark::mark(&self.deps, &caller, user, which, wanted.try_into()?).await
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
        let listed = list::list(&self.deps, &caller, user, request.page_size, request.page_token).await;
        Ok(Response::new(listing(listed.map_err(to_status)?)))
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
        let until = UnixMillis(request.until_ms);
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
        let changed = pin::pin(&self.deps, &caller, user, conversation, request.pinned).await.map_err(to_status)?;
        Ok(Response::new(pb::PinResponse { changed }))
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

fn listing(listed: internal::UnreadResponse) -> pb::ListConversationsResponse {
    let unread_total = listed.conversations.iter().map(|entry| entry.unread).sum();
    let conversations = listed.conversations.into_iter().map(|entry| pb::ListedConversation {
        conversation: entry.conversation,
        head_msg_id: entry.head_msg_id,
        unread: entry.unread,
    });
    let conversations = conversations.collect();
    pb::ListConversationsResponse { conversations, unread_total, next_page_token: listed.next_page_token }
}
