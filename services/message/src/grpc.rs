//! The gRPC API.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::BoxStream};
use prost::Message as _;
use tidings_domain::{Actor, ConversationId, ConversationKind, Draft, Error, MsgId, UnixMillis, UserId};
use tidings_proto::{
    delivery_from_wire, duration, idempotency_key, moment, moment_if_set,
    pb::{self, edit_request, message_service_server::MessageService, target},
    required, span, status_from_error as to_status, timestamp,
};
use tidings_runtime::context;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use crate::{
    Deps,
    app::export::{self, Exporter, Outcome},
    app::start_broadcast::{Reach, Started},
    app::{
        broadcast, edit, events, exclude, find, head, import, list_reactions, page, purge, react,
        read_history::{HistoryQuery, read_history},
        recall, released_files, send, start_broadcast,
    },
    appender::{Appender, Reply},
    edited::Change,
    screening::ModerationScope,
    store::{broadcast::Scope, export::Part},
};

mod canonical;
mod feed;
mod internal;
mod reaction;

/// The message service.
#[derive(Debug, Clone)]
pub struct MessageGrpc {
    deps: Arc<Deps>,
    appender: Appender,
    /// Signals the worker that a broadcast was accepted.
    started: Arc<Notify>,
    exporter: Arc<Exporter>,
}

impl MessageGrpc {
    pub(crate) fn new(deps: Arc<Deps>, appender: Appender, started: Arc<Notify>) -> Self {
        // It counts the rows of an hour, which may take longer than a call.
        let unhurried = Arc::new(Deps { db: deps.db.for_long_reads(), ..Deps::clone(&deps) });
        let exporter = Arc::new(Exporter::new(unhurried, appender.clone()));
        Self { deps, appender, started, exporter }
    }
}

#[tonic::async_trait]
impl MessageService for MessageGrpc {
    type EventsStream = BoxStream<'static, Result<pb::EventsResponse, Status>>;
    type ExportConversationStream = BoxStream<'static, Result<pb::ExportChunk, Status>>;

    #[tracing::instrument(level = "debug", name = "message.send", skip_all)]
    async fn send(&self, request: Request<pb::SendRequest>) -> Result<Response<pb::SendResponse>, Status> {
        let (caller, app, standing) = self.deps.directory.caller_as_is(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let canonical = canonical::send(&request);
        // Malformed calls are not reported as events; callers that are not allowed to send at all get that error first.
        let draft = match Draft::try_from(request) {
            Ok(draft) => draft,
            Err(error) => return Err(to_status(standing.err().unwrap_or(error))),
        };
        let scope = (ModerationScope::All, standing);
        let sent = send::send_or_report(&self.deps, &self.appender, (&caller, &app), draft, scope, &canonical).await;
        Ok(Response::new(sent.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.page", skip_all)]
    async fn page(&self, request: Request<pb::PageRequest>) -> Result<Response<pb::PageResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let query = page::PageQuery::try_from(request.into_inner()).map_err(to_status)?;
        let (messages, next) = page::page(&self.deps, &caller, query).await.map_err(to_status)?;
        let messages = messages.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::PageResponse { messages, next_msg_id: next.0 }))
    }

    #[tracing::instrument(level = "debug", name = "message.read_history", skip_all)]
    async fn read_history(
        &self,
        request: Request<pb::ReadHistoryRequest>,
    ) -> Result<Response<pb::ReadHistoryResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let query = HistoryQuery::try_from(request.into_inner()).map_err(to_status)?;
        let (messages, last) = read_history(&self.deps, &caller, query).await.map_err(to_status)?;
        let messages = messages.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ReadHistoryResponse { messages, last_msg_id: last.0 }))
    }

    #[tracing::instrument(level = "debug", name = "message.find", skip_all)]
    async fn find(&self, request: Request<pb::FindRequest>) -> Result<Response<pb::Message>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let msg_id = MsgId(request.into_inner().msg_id);
        let found = find::find(&self.deps, &caller, msg_id).await.map_err(to_status)?;
        Ok(Response::new(found.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.find_many", skip_all)]
    async fn find_many(&self, request: Request<pb::FindManyRequest>) -> Result<Response<pb::FindManyResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let ids: Vec<MsgId> = request.into_inner().msg_ids.into_iter().map(MsgId).collect();
        let (found, left) = find::find_many(&self.deps, &caller, &ids).await.map_err(to_status)?;
        let left_msg_ids = left.iter().map(|id| id.0).collect();
        Ok(Response::new(pb::FindManyResponse { messages: found.into_iter().map(Into::into).collect(), left_msg_ids }))
    }

    #[tracing::instrument(level = "debug", name = "message.head", skip_all)]
    async fn head(&self, request: Request<pb::HeadRequest>) -> Result<Response<pb::HeadResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let conversation = conversation(request.into_inner().conversation).map_err(to_status)?;
        let (seq, msg_id) = head::head(&self.deps, &caller, conversation).await.map_err(to_status)?;
        Ok(Response::new(pb::HeadResponse { msg_id: msg_id.0, seq }))
    }

    #[tracing::instrument(level = "debug", name = "message.recall", skip_all)]
    async fn recall(&self, request: Request<pb::RecallRequest>) -> Result<Response<pb::RecallResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let mut request = request.into_inner();
        if !request.msg_key.is_empty() {
            request.msg_id = recall::of_key(&self.deps, &app, &request.msg_key).await.map_err(to_status)?.0;
        }
        let command = recall::RecallCommand::try_from(request).map_err(to_status)?;
        let recalled = recall::recall(&self.deps, (&caller, &app), command).await.map_err(to_status)?;
        Ok(Response::new(recalled.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.edit", skip_all)]
    async fn edit(&self, request: Request<pb::EditRequest>) -> Result<Response<pb::Message>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let without = pb::EditRequest { idempotency_key: String::new(), transaction_id: 0, ..request.clone() };
        let command = edit::EditCommand::try_from(request).map_err(to_status)?;
        let edited = edit::edit(&self.deps, (&caller, &app), command, &without.encode_to_vec()).await;
        let edited = edited.map_err(to_status)?;
        Ok(Response::new(edited.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.broadcast", skip_all)]
    async fn broadcast(
        &self,
        request: Request<pb::BroadcastRequest>,
    ) -> Result<Response<pb::BroadcastResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let canonical = pb::BroadcastRequest { idempotency_key: String::new(), ..request.clone() }.encode_to_vec();
        let command = broadcast::BroadcastCommand::try_from(request).map_err(to_status)?;
        let sent = broadcast::broadcast(
            &self.deps,
            &self.appender,
            (&caller, &app),
            &command,
            ModerationScope::Words,
            &canonical,
        )
        .await;
        Ok(Response::new(pb::BroadcastResponse { sent: sent.map_err(to_status)? as i64 }))
    }

    #[tracing::instrument(level = "debug", name = "message.start_broadcast", skip_all)]
    async fn start_broadcast(
        &self,
        request: Request<pb::StartBroadcastRequest>,
    ) -> Result<Response<pb::StartBroadcastResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let canonical = pb::StartBroadcastRequest { idempotency_key: String::new(), ..request.clone() };
        let command = start_broadcast::StartBroadcastCommand::try_from(request).map_err(to_status)?;
        let canonical = canonical.encode_to_vec();
        let started =
            start_broadcast::start_broadcast(&self.deps, &self.appender, (&caller, &app), command, &canonical).await;
        self.started.notify_one();
        Ok(Response::new(started.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.import", skip_all)]
    async fn import(&self, request: Request<pb::ImportRequest>) -> Result<Response<pb::ImportResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        // The base URL of our files does not make it another import, but whether files are fetched does.
        let fetch_into = request.fetch_into.chars().take(1).collect();
        let without = pb::ImportRequest { idempotency_key: String::new(), fetch_into, ..request.clone() };
        let command = import::ImportCommand::try_from(request).map_err(to_status)?;
        let canonical = canonical::import(without, command.sent_at);
        let now = self.deps.clock.now();
        let imported = import::import(&self.deps, &self.appender, (&caller, &app), command, &canonical, now).await;
        Ok(Response::new(imported.map_err(to_status)?.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.exclude", skip_all)]
    async fn exclude(&self, request: Request<pb::ExcludeRequest>) -> Result<Response<pb::ExcludeResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let conversation = conversation(request.conversation).map_err(to_status)?;
        let ids: Vec<MsgId> = request.msg_ids.into_iter().map(MsgId).collect();
        let excluded = exclude::exclude(&self.deps, &caller, user, conversation, &ids).await.map_err(to_status)?;
        Ok(Response::new(pb::ExcludeResponse { excluded: excluded as i32 }))
    }

    #[tracing::instrument(level = "debug", name = "message.export", skip_all)]
    async fn export(&self, request: Request<pb::ExportRequest>) -> Result<Response<pb::ExportResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let wait = export_wait(request.wait).map_err(to_status)?;
        let hour = moment("hour", request.hour).map_err(to_status)?;
        let outcome = self.exporter.export(&caller, app, hour, wait).await.map_err(to_status)?;
        Ok(Response::new(outcome.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.events", skip_all)]
    async fn events(&self, request: Request<pb::EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        if caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself follows events")));
        }
        let query = request.into_inner().try_into().map_err(to_status)?;
        let batches = events::follow(Arc::clone(&self.deps), app, query);
        let batches = batches.map(|batch| batch.and_then(TryInto::try_into).map_err(to_status));
        Ok(Response::new(batches.boxed()))
    }

    #[tracing::instrument(level = "debug", name = "message.export_conversation", skip_all)]
    async fn export_conversation(
        &self,
        request: Request<pb::ExportConversationRequest>,
    ) -> Result<Response<Self::ExportConversationStream>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        if caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself exports")));
        }
        let conversation = request.into_inner().conversation;
        let conversation = required("conversation", conversation).and_then(TryInto::try_into).map_err(to_status)?;
        let chunks = export::conversation(Arc::clone(&self.deps), app, conversation);
        let chunks = chunks.map(|chunk| chunk.map(|bytes| pb::ExportChunk { bytes }).map_err(to_status));
        Ok(Response::new(chunks.boxed()))
    }

    #[tracing::instrument(level = "debug", name = "message.purge", skip_all)]
    async fn purge(&self, request: Request<pb::PurgeRequest>) -> Result<Response<pb::PurgeResponse>, Status> {
        let (caller, app) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        if caller.actor != Actor::App {
            return Err(to_status(Error::not_permitted("only the app itself purges")));
        }
        let removed = purge::purge(&self.deps, &app).await.map_err(to_status)?;
        export::look_after(&self.deps, &app).await.map_err(to_status)?;
        let files = released_files::delete(&self.deps, &app).await.map_err(to_status)?;
        Ok(Response::new(pb::PurgeResponse { removed: removed as i64, files: files as i64 }))
    }

    // Reactions.

    #[tracing::instrument(level = "debug", name = "message.add_reaction", skip_all)]
    async fn add_reaction(
        &self,
        request: Request<pb::AddReactionRequest>,
    ) -> Result<Response<pb::AddReactionResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let query = reaction::command(&caller, request.user_id, request.msg_id, request.reaction).map_err(to_status)?;
        let added = react::add(&self.deps, &caller, query).await.map_err(to_status)?;
        Ok(Response::new(added.into()))
    }

    #[tracing::instrument(level = "debug", name = "message.remove_reaction", skip_all)]
    async fn remove_reaction(
        &self,
        request: Request<pb::RemoveReactionRequest>,
    ) -> Result<Response<pb::RemoveReactionResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let query = reaction::command(&caller, request.user_id, request.msg_id, request.reaction).map_err(to_status)?;
        let removed = react::remove(&self.deps, &caller, query).await.map_err(to_status)?;
        Ok(Response::new(pb::RemoveReactionResponse { removed }))
    }

    #[tracing::instrument(level = "debug", name = "message.list_reactions", skip_all)]
    async fn list_reactions(
        &self,
        request: Request<pb::ListReactionsRequest>,
    ) -> Result<Response<pb::ListReactionsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let request = request.into_inner();
        let user = context::subject(&caller, request.user_id).map_err(to_status)?;
        let ids: Vec<MsgId> = request.msg_ids.into_iter().map(MsgId).collect();
        let listed = list_reactions::of_messages(&self.deps, &caller, user, &ids).await.map_err(to_status)?;
        Ok(Response::new(pb::ListReactionsResponse { messages: listed.into_iter().map(Into::into).collect() }))
    }

    #[tracing::instrument(level = "debug", name = "message.list_reactors", skip_all)]
    async fn list_reactors(
        &self,
        request: Request<pb::ListReactorsRequest>,
    ) -> Result<Response<pb::ListReactorsResponse>, Status> {
        let (caller, _) = self.deps.directory.caller(&request).await.map_err(to_status)?;
        let query = reaction::query(&caller, request.into_inner()).map_err(to_status)?;
        let text = query.text.clone();
        let reactors = list_reactions::reactors(&self.deps, &caller, query).await.map_err(to_status)?;
        Ok(Response::new(reaction::page(text, reactors)))
    }
}

/// The default wait for an export.
const EXPORT_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

fn export_wait(wire: Option<tidings_proto::Duration>) -> Result<Duration, Error> {
    match span("wait", wire)?.unwrap_or_default() {
        Duration::ZERO => Ok(EXPORT_WAIT),
        wait if wait <= LONGEST_WAIT => Ok(wait),
        _ => Err(Error::invalid("wait", "must be at most 60 seconds")),
    }
}

impl From<Outcome> for pb::ExportResponse {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Later(wait) => Self { retry_after: Some(duration(wait)), parts: Vec::new() },
            Outcome::There(parts) => Self { retry_after: None, parts: parts.into_iter().map(Into::into).collect() },
        }
    }
}

impl From<Part> for pb::ExportPart {
    fn from(part: Part) -> Self {
        Self {
            part: part.part as i32,
            file_uuid: part.file_uuid,
            bytes: part.bytes,
            messages: part.messages,
            first_msg_id: part.first.0,
            last_msg_id: part.last.0,
            sha256: part.sha256,
            seq: part.seq,
            previous: part.previous,
            digest: part.digest,
            sealed_at: Some(timestamp(part.sealed_at)),
        }
    }
}

fn conversation(wire: Option<pb::ConversationId>) -> Result<ConversationId, Error> {
    required("conversation", wire)?.try_into()
}

impl TryFrom<pb::ReadHistoryRequest> for HistoryQuery {
    type Error = Error;

    fn try_from(wire: pb::ReadHistoryRequest) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(wire.conversation)?,
            limit: wire.limit,
            oldest_first: wire.oldest_first,
            above: MsgId(wire.above_msg_id),
            below: MsgId(wire.below_msg_id),
            bodies: wire.bodies,
            senders: wire.sender_ids.into_iter().map(UserId).collect(),
        })
    }
}

impl TryFrom<pb::PageRequest> for page::PageQuery {
    type Error = Error;

    fn try_from(wire: pb::PageRequest) -> Result<Self, Error> {
        Ok(Self {
            conversation: conversation(wire.conversation)?,
            start: MsgId(wire.start_msg_id),
            floor: MsgId(wire.floor_msg_id),
            limit: wire.limit,
        })
    }
}

impl TryFrom<pb::RecallRequest> for recall::RecallCommand {
    type Error = Error;

    fn try_from(wire: pb::RecallRequest) -> Result<Self, Error> {
        let window = span("window", wire.window)?;
        let kind = match wire.kind() {
            pb::ConversationKind::Unspecified => None,
            pb::ConversationKind::Direct => Some(ConversationKind::Direct),
            pb::ConversationKind::Group => Some(ConversationKind::Group),
            pb::ConversationKind::Room => Some(ConversationKind::Room),
        };
        Ok(Self {
            msg_id: MsgId(wire.msg_id),
            conversation: wire.conversation.map(TryInto::try_into).transpose()?,
            party: wire.party_id.map(UserId),
            to: wire.to.map(TryInto::try_into).transpose()?,
            kind,
            window: window.filter(|window| !window.is_zero()),
            window_for_all: wire.window_for_all,
            actor: wire.actor.map(TryInto::try_into).transpose()?,
            past_storage: wire.past_storage,
            keeps_commands: wire.keeps_commands,
            accept_unknown_names: wire.accept_unknown_names,
            notice: recall::Notice { info: wire.info, no_sync: wire.no_sync },
        })
    }
}

impl From<recall::Recalled> for pb::RecallResponse {
    fn from(recalled: recall::Recalled) -> Self {
        Self {
            recalled: recalled.recalled,
            conversation: Some(recalled.conversation.into()),
            sender_id: recalled.sender.map_or(0, |sender| sender.0),
            receiver_id: recalled.receiver,
        }
    }
}

impl TryFrom<pb::EditRequest> for edit::EditCommand {
    type Error = Error;

    fn try_from(wire: pb::EditRequest) -> Result<Self, Error> {
        if wire.most_edits < 0 {
            return Err(Error::invalid("most_edits", "must not be negative"));
        }
        let change = match required("change", wire.change)? {
            edit_request::Change::Append(text) => Change::Append(text),
            edit_request::Change::Replace(content) => {
                Change::Replace { content: Box::new(content.try_into()?), merge_ext: wire.merge_ext }
            }
        };
        Ok(Self {
            msg_id: MsgId(wire.msg_id),
            conversation: wire.conversation.map(TryInto::try_into).transpose()?,
            sender: wire.sender_id.map(UserId),
            change,
            most_edits: Some(wire.most_edits).filter(|most| *most > 0),
            call: named_call(wire.call, GRPC_EDIT),
            idempotency_key: idempotency_key(wire.idempotency_key)?,
            transaction_id: Some(wire.transaction_id).filter(|id| *id != 0),
        })
    }
}

/// The default name of an edit call.
const GRPC_EDIT: &str = "grpc/edit";
/// The default name of a broadcast call.
const GRPC_BROADCAST: &str = "grpc/broadcast";
/// The same for one that is carried out in the background.
const GRPC_START_BROADCAST: &str = "grpc/start_broadcast";
/// The default name of an import call.
const GRPC_IMPORT: &str = "grpc/import";

fn named_call(call: String, otherwise: &str) -> String {
    if call.is_empty() { otherwise.to_owned() } else { call }
}

impl TryFrom<pb::ImportRequest> for import::ImportCommand {
    type Error = Error;

    fn try_from(wire: pb::ImportRequest) -> Result<Self, Error> {
        Ok(Self {
            sender: required("sender", wire.sender)?.try_into()?,
            target: required("target", wire.target)?.try_into()?,
            content: required("content", wire.content)?.try_into()?,
            sent_at: moment_if_set("sent_at", wire.sent_at)?,
            countable: wire.countable,
            accept_unknown_names: wire.accept_unknown_names,
            call: named_call(wire.call, GRPC_IMPORT),
            idempotency_key: idempotency_key(wire.idempotency_key)?,
            fetch_into: Some(wire.fetch_into).filter(|base| !base.is_empty()),
        })
    }
}

impl From<Reply> for pb::ImportResponse {
    fn from(reply: Reply) -> Self {
        Self {
            sent: reply.sent.into_iter().next().map(Into::into),
            accepted_at: Some(timestamp(reply.accepted_at)),
            committed_at: Some(timestamp(reply.committed_at)),
        }
    }
}

impl TryFrom<pb::StartBroadcastRequest> for start_broadcast::StartBroadcastCommand {
    type Error = Error;

    fn try_from(wire: pb::StartBroadcastRequest) -> Result<Self, Error> {
        let reach = match wire.scope() {
            pb::BroadcastScope::Unspecified => return Err(Error::invalid("scope", "is required")),
            pb::BroadcastScope::Users => Reach::Kept(Scope::Users),
            pb::BroadcastScope::Online => Reach::Online,
            pb::BroadcastScope::Rooms => Reach::Kept(Scope::Rooms),
        };
        Ok(Self {
            reach,
            sender: wire.sender.map(TryInto::try_into).transpose()?,
            content: required("content", wire.content)?.try_into()?,
            delivery: delivery_from_wire(wire.delivery),
            accept_unknown_names: wire.accept_unknown_names,
            call: named_call(wire.call, GRPC_START_BROADCAST),
            idempotency_key: idempotency_key(wire.idempotency_key)?,
        })
    }
}

impl From<Started> for pb::StartBroadcastResponse {
    fn from(started: Started) -> Self {
        Self {
            broadcast_id: started.id,
            accepted_at: Some(timestamp(UnixMillis(started.accepted_at))),
            committed_at: Some(timestamp(UnixMillis(started.committed_at))),
        }
    }
}

impl TryFrom<pb::BroadcastRequest> for broadcast::BroadcastCommand {
    type Error = Error;

    /// Sender, content and keys follow the rules of a send.
    fn try_from(wire: pb::BroadcastRequest) -> Result<Self, Error> {
        let nobody = pb::Target { target: Some(target::Target::UserId(0)) };
        let draft = Draft::try_from(pb::SendRequest {
            sender: wire.sender,
            targets: vec![nobody],
            content: wire.content,
            idempotency_key: wire.idempotency_key,
            call: named_call(wire.call, GRPC_BROADCAST),
            system: wire.system,
            ..Default::default()
        })?;
        let Draft { sender, content, system, call, idempotency_key, .. } = draft;
        Ok(Self { sender, content, system, call, idempotency_key })
    }
}

impl From<Reply> for pb::SendResponse {
    fn from(reply: Reply) -> Self {
        Self {
            sent: reply.sent.into_iter().map(Into::into).collect(),
            accepted_at: Some(timestamp(reply.accepted_at)),
            committed_at: Some(timestamp(reply.committed_at)),
        }
    }
}
