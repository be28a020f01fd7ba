//! The calls of the conversation service.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::BoxStream};
use tidings_domain::{Actor, AppId, Caller, ConversationId, Error, MsgId};
use tidings_proto::{
    internal::{self, message_internal_service_server::MessageInternalService},
    page_size, page_start, page_token,
    pb::{self, app_ref},
    status_from_error as to_status,
};
use tidings_runtime::context;
use tonic::{Request, Response, Status};

use super::{MessageGrpc, conversation, feed};
use crate::app::{
    locate, report_pins, report_reads, unread,
    user_events::{self, UserEventsQuery},
};

#[tonic::async_trait]
impl MessageInternalService for MessageGrpc {
    type UserEventsStream = BoxStream<'static, Result<internal::UserEventsResponse, Status>>;

    #[tracing::instrument(level = "debug", name = "message.report_reads", skip_all)]
    async fn report_reads(
        &self,
        request: Request<internal::ReportReadsRequest>,
    ) -> Result<Response<internal::ReportReadsResponse>, Status> {
        let app = reporting_app(&request).map_err(to_status)?;
        let reads = feed::reads(request.into_inner()).map_err(to_status)?;
        report_reads::report_reads(&self.deps, app, reads).await.map_err(to_status)?;
        Ok(Response::new(internal::ReportReadsResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "message.report_delivered", skip_all)]
    async fn report_delivered(
        &self,
        request: Request<internal::ReportDeliveredRequest>,
    ) -> Result<Response<internal::ReportDeliveredResponse>, Status> {
        let app = reporting_app(&request).map_err(to_status)?;
        let delivered = feed::delivered(request.into_inner()).map_err(to_status)?;
        report_reads::report_reads(&self.deps, app, delivered).await.map_err(to_status)?;
        Ok(Response::new(internal::ReportDeliveredResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "message.report_pins", skip_all)]
    async fn report_pins(
        &self,
        request: Request<internal::ReportPinsRequest>,
    ) -> Result<Response<internal::ReportPinsResponse>, Status> {
        let app = reporting_app(&request).map_err(to_status)?;
        let pins = feed::pins(request.into_inner()).map_err(to_status)?;
        report_pins::report_pins(&self.deps, app, pins).await.map_err(to_status)?;
        Ok(Response::new(internal::ReportPinsResponse {}))
    }

    #[tracing::instrument(level = "debug", name = "message.locate", skip_all)]
    async fn locate(
        &self,
        request: Request<internal::LocateRequest>,
    ) -> Result<Response<internal::LocateResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let claimed = request.conversation.map(TryInto::try_into).transpose().map_err(to_status)?;
        let found = locate::locate(&self.deps, (&caller, &app), MsgId(request.msg_id), claimed).await;
        let conversation = found.map_err(to_status)?.map(Into::into);
        Ok(Response::new(internal::LocateResponse { conversation }))
    }

    #[tracing::instrument(level = "debug", name = "message.unread", skip_all)]
    async fn unread(
        &self,
        request: Request<internal::UnreadRequest>,
    ) -> Result<Response<internal::UnreadResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let size = page_size(request.page_size, LISTED, MOST_LISTED).map_err(to_status)? as usize;
        let before = MsgId(page_start(&request.page_token).map_err(to_status)?);
        // One more than requested shows whether there is another page.
        let limit = (size + 1, before);
        let only = only(request.only).map_err(to_status)?;
        let places = unread::ConversationFilter { direct_only: request.direct_only, only: only.as_deref() };
        let marks = marks(request.marks).map_err(to_status)?;
        let listed = unread::unread(&self.deps, &caller, user, &marks, limit, places).await;
        let mut unread = listed.map_err(to_status)?;
        let is_last = unread.len() <= size;
        unread.truncate(size);
        let next = unread.last().filter(|_| !is_last).map_or(0, |last| last.head.0);
        let conversations = unread.into_iter().map(Into::into).collect();
        Ok(Response::new(internal::UnreadResponse { conversations, next_page_token: page_token(next) }))
    }

    #[tracing::instrument(level = "debug", name = "message.user_events", skip_all)]
    async fn user_events(
        &self,
        request: Request<internal::UserEventsRequest>,
    ) -> Result<Response<Self::UserEventsStream>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        // A gateway asks for those that it has authenticated.
        let caller = Caller { actor: Actor::User(user), ..caller };
        let mut query = UserEventsQuery::new(user, &request.after, &request.upto).map_err(to_status)?;
        let only = request.conversation.map(TryInto::try_into).transpose().map_err(to_status)?;
        query.only = only.map(|conversation| (conversation, MsgId(request.floor_msg_id)));
        let parts = user_events::user_events(Arc::clone(&self.deps), caller, query);
        Ok(Response::new(parts.map(|part| part.and_then(TryInto::try_into).map_err(to_status)).boxed()))
    }
}

/// The app that reports. A disabled one does so too: what it reports was committed while it was enabled.
fn reporting_app<T>(request: &Request<T>) -> Result<AppId, Error> {
    let scope = context::Scope::of(request)?;
    let (None, Some(app_ref::App::Id(app))) = (scope.user, scope.app.app) else {
        return Err(Error::not_permitted("only the app itself reports, by its number"));
    };
    Ok(AppId(app))
}

/// The default page size of conversation lists.
const LISTED: i32 = 1_000;
/// The maximum page size of conversation lists.
const MOST_LISTED: i32 = 10_000;

/// The maximum number of conversations that a call names.
const MOST_NAMED: usize = 1_000;

/// `None`: all.
fn only(wire: Vec<pb::ConversationId>) -> Result<Option<Vec<ConversationId>>, Error> {
    if wire.len() > MOST_NAMED {
        return Err(Error::invalid("only", "must not be more than 1000"));
    }
    let named: Vec<ConversationId> = wire.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    Ok((!named.is_empty()).then_some(named))
}

fn marks(wire: Vec<internal::Mark>) -> Result<unread::Marks, Error> {
    let marks = wire.into_iter().map(|mark| {
        let place = conversation(mark.conversation)?;
        Ok((place, unread::Mark { read: MsgId(mark.read_msg_id), unlisted: MsgId(mark.unlisted_msg_id) }))
    });
    marks.collect()
}

impl From<unread::Unread> for internal::UnreadConversation {
    fn from(unread: unread::Unread) -> Self {
        Self { conversation: Some(unread.conversation.into()), head_msg_id: unread.head.0, unread: unread.unread }
    }
}
