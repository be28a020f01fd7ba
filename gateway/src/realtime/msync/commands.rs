//! Executes the clients' operations on messages.

use std::sync::Arc;

use tidings_dialects::agora::{
    Names, Refusal,
    msync::{self as codec, Ack, Act, Answered, CommandKind, Operation, Outcome, Queue},
};
use tidings_domain::{
    Content, ConversationId, Draft, Error, Message, MsgId, Reason, RoomId, UnixMillis, UserId, Username,
};
use tidings_proto::{
    duration,
    pb::{self, edit_request::Change},
};
use tidings_runtime::context;

use super::{contacts, operations};
use crate::{
    agora,
    realtime::{
        client::{Client, Marked},
        command_line::{self, By, carried_out},
        hub::Hub,
        session::Signal,
    },
    reply::refused,
};

/// The name of the calls, for the scope of idempotency keys.
const EDIT: &str = "msync/edit";

/// What operations need to know of a session.
pub(super) struct Session {
    pub hub: Arc<Hub>,
    pub app_key: String,
    /// Whether the client reads what a room shows.
    pub reads_rooms: bool,
}

/// What a client's operation came to.
pub(super) struct Done {
    /// The packet that answers it, if one does.
    pub packet: Option<Vec<u8>>,
    /// Whether `messages` were sent, rather than changed.
    pub is_sent: bool,
    /// The messages that it is about.
    pub messages: Vec<MsgId>,
}

impl Done {
    /// Nothing is answered.
    pub const fn silently() -> Self {
        Self { packet: None, is_sent: false, messages: Vec::new() }
    }
}

/// Carries out an operation; `meta_id` is the client's id of it.
pub(super) async fn carry_out(operation: Operation, meta_id: u64, client: Client, session: Session) -> Done {
    let command = Command { client, meta_id, session };
    let asked = match operation {
        Operation::Recall { .. } => CommandKind::Recall,
        Operation::Edit { .. } => CommandKind::Edit,
        Operation::EnterRoom { .. } | Operation::LeaveRoom(_) => CommandKind::Room,
        _ => CommandKind::Send,
    };
    let (name, is_sent) = (operation.name(), matches!(operation, Operation::Send(_)));
    carried_out(By::Client(&command.client), command_line::Command::msync(name), async {
        match command.run(operation).await {
            Ok((answer, messages)) => {
                (Done { packet: Some(codec::answered(meta_id, answer)), is_sent, messages }, None)
            }
            Err(refusal) => {
                let (outcome, now) = (codec::outcome_of(&refusal, asked), command.client.gateway.now());
                let packet = Some(codec::refused(meta_id, outcome, now));
                (Done { packet, ..Done::silently() }, Some(refusal.reason))
            }
        }
    })
    .await
}

/// The refusal of an operation that could not be read.
pub(super) fn refuse(meta_id: u64, outcome: Outcome, now: UnixMillis) -> Vec<u8> {
    codec::refused(meta_id, outcome, now)
}

struct Command {
    client: Client,
    meta_id: u64,
    session: Session,
}

type Outcomes = Result<(Answered, Vec<MsgId>), Refusal>;

impl Command {
    async fn run(&self, operation: Operation) -> Outcomes {
        match operation {
            Operation::Send(draft) => self.send(*draft).await,
            Operation::Recall { msg_id, info } => self.recall(msg_id, info).await,
            Operation::Edit { msg_id, content } => self.edit(msg_id, *content).await,
            Operation::Read { msg_id, .. } => {
                let marked = self.client.mark_read(None, msg_id).await?;
                if !marked.moved {
                    // The feed has no event then.
                    self.relay(Ack::Read, msg_id, marked.conversation);
                }
                Ok((self.done(Some(msg_id)).0, moved(&marked)))
            }
            Operation::ReadAll(queue) => {
                let conversation = self.conversation(&queue).await?;
                let marked = self.client.mark_read(Some(conversation), MsgId::ZERO).await?;
                self.relay(Ack::ReadAll, MsgId::ZERO, Some(conversation));
                Ok((self.done(None).0, moved(&marked)))
            }
            Operation::Delivered { msg_id, .. } => {
                let marked = self.client.mark_delivered(None, msg_id).await?;
                if !marked.moved && marked.msg_id > msg_id {
                    // The feed has only an event of a later message.
                    self.relay(Ack::Delivered, msg_id, marked.conversation);
                }
                Ok((self.done(Some(msg_id)).0, Vec::new()))
            }
            Operation::EnterRoom { room: RoomId(room), leaves_others } => {
                let entered = operations::enter_room(&self.client, room, leaves_others).await?;
                Ok(self.room(room, Some(&entered)))
            }
            Operation::LeaveRoom(RoomId(room)) => {
                operations::leave_room(&self.client, room).await?;
                Ok(self.room(room, None))
            }
            Operation::Roster { action, users, text } => {
                contacts::carry_out(&self.client, action, &users, &text).await?;
                Ok(self.done(None))
            }
            Operation::Statistics => Ok(self.done(None)),
        }
    }

    fn now(&self) -> UnixMillis {
        self.client.gateway.now()
    }

    fn done(&self, msg_id: Option<MsgId>) -> (Answered, Vec<MsgId>) {
        let server_id = Some(msg_id.map_or(self.meta_id, |msg_id| msg_id.0 as u64));
        (Answered { server_id, at: self.now(), metas: Vec::new() }, msg_id.into_iter().collect())
    }

    fn room(&self, room: i64, entered: Option<&codec::Room>) -> (Answered, Vec<MsgId>) {
        let (answer, messages) = self.done(None);
        if !self.session.reads_rooms {
            return (answer, messages);
        }
        let meta = codec::room_done(self.meta_id, &self.client.username, room, entered, &self.session.app_key);
        (Answered { metas: vec![meta], ..answer }, messages)
    }

    /// A client repeats what was not answered, with the same id.
    async fn send(&self, mut draft: Draft) -> Outcomes {
        draft.idempotency_key = (self.meta_id != 0).then(|| key(&self.client.device, self.meta_id));
        let sent = match self.client.append(draft.clone()).await {
            // Its ids are not unique.
            Err(refusal) if refusal.reason == Reason::KeyConflict => {
                draft.idempotency_key = None;
                self.client.append(draft).await
            }
            sent => sent,
        };
        let (sent, at) = sent?;
        let messages: Vec<MsgId> = sent.iter().map(|sent| sent.msg_id).collect();
        let server_id = messages.first().map(|msg_id| msg_id.0 as u64);
        Ok((Answered { server_id, at: UnixMillis(at), metas: Vec::new() }, messages))
    }

    async fn recall(&self, msg_id: MsgId, info: String) -> Outcomes {
        let request = pb::RecallRequest {
            msg_id: msg_id.0,
            window: Some(duration(self.client.app().policy.agora_recall_window)),
            window_for_all: true,
            keeps_commands: true,
            info,
            ..Default::default()
        };
        let mut messages = self.client.gateway.clients().message.clone();
        messages.recall(context::request(&self.client.caller, request)).await.map_err(refused)?;
        Ok(self.done(Some(msg_id)))
    }

    async fn edit(&self, msg_id: MsgId, content: Content) -> Outcomes {
        let request = pb::EditRequest {
            msg_id: msg_id.0,
            change: Some(Change::Replace(content.into())),
            most_edits: self.client.app().policy.agora_max_edits as i32,
            idempotency_key: if self.meta_id == 0 { String::new() } else { key(&self.client.device, self.meta_id) },
            call: EDIT.to_owned(),
            ..Default::default()
        };
        let mut messages = self.client.gateway.clients().message.clone();
        let edited = messages.edit(context::request(&self.client.caller, request)).await.map_err(refused)?;
        let message = Message::try_from(edited.into_inner())?;
        let names = self.names([]);
        let act = self.act("", msg_id, message.conversation);
        let (answer, messages) = self.done(Some(msg_id));
        Ok((Answered { metas: vec![codec::edit_done(&act, &message, &names)], ..answer }, messages))
    }

    async fn conversation(&self, queue: &Queue) -> Result<ConversationId, Error> {
        if queue.is_group {
            let group = queue.group().ok_or_else(|| Error::new(Reason::GroupNotFound, queue.name.as_str()))?;
            let found = crate::membership::of_group(&self.client.gateway, &self.client.caller, group).await?;
            return found.ok_or_else(|| Error::new(Reason::GroupNotFound, queue.name.as_str()));
        }
        let name = Username::parse(&queue.name)?;
        let other = agora::user_named(&self.client.gateway, &self.client.caller, &name).await?;
        Ok(ConversationId::direct(self.client.user, other))
    }

    fn names(&self, others: impl IntoIterator<Item = (UserId, String)>) -> Names {
        Names::new([(self.client.user, self.client.username.to_string())].into_iter().chain(others))
    }

    const fn act<'a>(&self, id: &'a str, msg_id: MsgId, conversation: ConversationId) -> Act<'a> {
        let actor = self.client.user;
        Act { id, actor, at: UnixMillis(0), conversation, msg_id, sender: None }
    }

    /// Notifies the other party of a direct conversation, if they are connected here.
    fn relay(&self, ack: Ack, msg_id: MsgId, conversation: Option<ConversationId>) {
        let peer = |conversation: ConversationId| Some((conversation, conversation.peer_of(self.client.user)?));
        let Some((conversation, peer)) = conversation.and_then(peer) else { return };
        let id = format!("{}/{}/{}", self.client.user, self.client.device, self.meta_id);
        let act = Act { at: self.now(), ..self.act(&id, msg_id, conversation) };
        let msync = codec::acknowledged(ack, &act, &self.names([]), &self.session.app_key).into();
        let signal = Signal { peer: self.client.username.to_string(), msync };
        self.session.hub.signal(self.client.caller.app, peer, signal);
    }
}

/// The message whose event is not delivered to this session.
fn moved(marked: &Marked) -> Vec<MsgId> {
    if marked.moved { vec![marked.msg_id] } else { Vec::new() }
}

/// Scoped by the device, since only its ids are distinct; hashed, since its name may have any characters.
fn key(device: &str, meta_id: u64) -> String {
    use sha2::{Digest as _, Sha256};
    use tidings_domain::hex;
    let digest = Sha256::digest(device.as_bytes());
    format!("msync-{}-{meta_id}", hex(&digest[..12]))
}
