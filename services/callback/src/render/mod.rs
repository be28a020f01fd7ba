//! Events in the format of an endpoint's vendor.

mod agora;
mod changed;
mod lanying;
mod tencent;

use std::collections::{BTreeSet, HashMap};

use tidings_domain::{App, Caller, Content, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};
use tidings_proto::{error_from_status, internal, moment, pb, required};
use tidings_runtime::context;

use crate::{
    Deps,
    kinds::has_callback,
    model::{Dialect, Endpoint, NewDelivery},
};

use self::changed::Changed;

/// What happened.
enum Subject {
    Message(Box<Event>),
    Change(Changed),
}

/// An event with the data that every vendor's format needs.
pub struct Event {
    pub kind: EventKind,
    pub at: UnixMillis,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub actor: UserId,
    /// The caller: the app itself, if it acted in another's name.
    pub requester: UserId,
    /// Of the message: its number (0: it has none), its sender, and its time.
    pub seq: i64,
    pub sender: UserId,
    pub sent_at: UnixMillis,
    pub content: Option<Content>,
    pub edits: i32,
    /// Why it was refused, and the hook's text.
    pub refused: (String, String),
}

impl Event {
    /// The user that the message was sent to; `None` is a group or room.
    fn receiver(&self) -> Option<UserId> {
        self.conversation.peer_of(self.sender)
    }
}

/// Names and unread counts.
#[derive(Default)]
pub struct UserDetails {
    names: HashMap<UserId, String>,
    unread: HashMap<UserId, i64>,
}

impl UserDetails {
    fn name(&self, user: UserId) -> Option<&str> {
        self.names.get(&user).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn unread(&self, user: UserId) -> i64 {
        self.unread.get(&user).copied().unwrap_or(0)
    }
}

/// The deliveries for a batch of the feed. Numbers and times in a body are those of now, and stay (decision 35).
pub async fn render(
    deps: &Deps,
    app: &App,
    endpoint: &Endpoint,
    batch: Vec<pb::Event>,
) -> Result<Vec<NewDelivery>, Error> {
    let mut events = Vec::with_capacity(batch.len());
    for wire in batch {
        if let Some(what) = subject_of(endpoint.dialect, &wire)? {
            events.push((wire, what));
        }
    }
    let details = load_details(deps, app, endpoint.dialect, events.iter().map(|(_, what)| what)).await?;
    let mut new = Vec::with_capacity(events.len());
    for (wire, what) in events {
        let (conversation, msg_id) = match &what {
            Subject::Message(event) => (event.conversation, event.msg_id),
            Subject::Change(changed) => (changed.change.place(), MsgId::ZERO),
        };
        let with_id = |(command, body)| (wire.id.clone(), command, body);
        let rendered: Vec<_> = match (&what, endpoint.dialect) {
            (Subject::Message(event), Dialect::Tencent) => {
                tencent::render(event, &details).map(with_id).into_iter().collect()
            }
            (Subject::Message(event), Dialect::Agora) => {
                agora::render(app, endpoint, event, &details).map(with_id).into_iter().collect()
            }
            (Subject::Message(event), Dialect::Lanying) => {
                lanying::render(app, event).map(with_id).into_iter().collect()
            }
            (Subject::Change(changed), Dialect::Tencent) => {
                changed::tencent(changed, &details).map(with_id).into_iter().collect()
            }
            (Subject::Change(changed), Dialect::Agora) => changed::agora(app, endpoint, changed, &wire.id, &details),
            // The vendor documents none.
            (Subject::Change(_), Dialect::Lanying) => vec![],
        };
        for (event_id, command, body) in rendered {
            new.push(NewDelivery {
                event_id,
                event: wire.kind.clone(),
                command: command.to_owned(),
                conversation,
                msg_id,
                address: wire.address.clone(),
                platform: wire.platform.clone(),
                trace: wire.trace.clone(),
                body: String::from_utf8(body).map_err(Error::internal)?,
            });
        }
    }
    Ok(new)
}

/// `None`: there is no callback.
fn subject_of(dialect: Dialect, wire: &pb::Event) -> Result<Option<Subject>, Error> {
    // Endpoints of earlier versions may have chosen events that their vendor has no callback for.
    let Some(kind) = EventKind::of_name(&wire.kind).filter(|kind| has_callback(dialect, *kind)) else {
        return Ok(None);
    };
    let Some(change) = &wire.change else {
        return Ok(event(kind, wire)?.map(Box::new).map(Subject::Message));
    };
    // To the vendors' callbacks threads are not groups.
    if change.parent_group_id != 0 {
        return Ok(None);
    }
    let (change, actor, at) = (change.clone().try_into()?, UserId(wire.actor_id), moment("at", wire.at)?);
    Ok(Some(Subject::Change(Changed { change, actor, at, address: wire.address.clone() })))
}

/// `None`: there is no callback, as for imports (decision 17).
fn event(kind: EventKind, wire: &pb::Event) -> Result<Option<Event>, Error> {
    let message = match &wire.message {
        Some(message) if !message.imported => message.clone(),
        // It is read, although it is no longer kept.
        None if kind == EventKind::Read => pb::Message { sent_at: wire.at, ..Default::default() },
        _ => return Ok(None),
    };
    Ok(Some(Event {
        kind,
        at: moment("at", wire.at)?,
        conversation: required("conversation", wire.conversation)?.try_into()?,
        msg_id: MsgId(wire.msg_id),
        actor: UserId(wire.actor_id),
        requester: if wire.by_app { UserId::ADMIN } else { UserId(wire.actor_id) },
        seq: message.seq,
        sender: UserId(message.sender_id),
        sent_at: moment("message.sent_at", message.sent_at)?,
        content: message.content.map(TryInto::try_into).transpose()?,
        edits: message.edits,
        refused: (wire.reason.clone(), wire.reason_detail.clone()),
    }))
}

/// Names of all users in the events, and in Tencent's format the unread counts of their receivers.
async fn load_details(
    deps: &Deps,
    app: &App,
    dialect: Dialect,
    events: impl Iterator<Item = &Subject>,
) -> Result<UserDetails, Error> {
    if dialect == Dialect::Lanying {
        return Ok(UserDetails::default());
    }
    let (mut people, mut receivers) = (BTreeSet::new(), BTreeSet::new());
    for what in events {
        let event = match what {
            Subject::Message(event) => event,
            Subject::Change(changed) => {
                people.insert(changed.actor);
                people.extend(changed.change.people());
                continue;
            }
        };
        people.extend([event.actor, event.requester, event.sender]);
        people.extend(event.receiver());
        people.extend(event.conversation.peer_of(event.actor));
        match event.kind {
            EventKind::Sent | EventKind::Online | EventKind::Recalled => receivers.extend(event.receiver()),
            EventKind::Read => _ = receivers.insert(event.actor),
            EventKind::Edited
            | EventKind::Refused
            | EventKind::OnlineBroadcast
            | EventKind::Delivered
            | EventKind::Reacted
            | EventKind::Unreacted
            | EventKind::Pinned
            | EventKind::Unpinned
            | EventKind::Changed(_) => {}
        }
    }
    let caller = Caller::of_app(app.id);
    let people: Vec<UserId> = people.into_iter().collect();
    let mut details = UserDetails::default();
    for people in people.chunks(1000) {
        let names = deps.directory.user_names(&caller, people).await?;
        details.names.extend(people.iter().copied().zip(names));
    }
    let receivers: Vec<UserId> = receivers.into_iter().collect();
    for users in receivers.chunks(1000).filter(|_| dialect == Dialect::Tencent) {
        let request = internal::UnreadTotalsRequest { user_ids: users.iter().map(|user| user.0).collect() };
        let reply = deps.conversation.clone().unread_totals(context::request(&caller, request)).await;
        let totals = reply.map_err(error_from_status)?.into_inner().totals;
        details.unread.extend(users.iter().copied().zip(totals));
    }
    Ok(details)
}
