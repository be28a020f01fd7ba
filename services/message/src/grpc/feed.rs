//! The event feed on the wire.

use tidings_domain::{Delivery, Error, Message};
use tidings_proto::pb;

use crate::{
    app::events::{After, Batch, Wanted, cursor, kind},
    store::feed::{Event, Happened, Other},
};

/// Events of one reply, unless the request says otherwise.
const BATCH: i32 = 500;
const MAX_BATCH: i32 = 1000;

impl TryFrom<pb::EventsRequest> for Wanted {
    type Error = Error;

    fn try_from(wire: pb::EventsRequest) -> Result<Self, Error> {
        let batch = match wire.batch {
            0 => BATCH,
            1..=MAX_BATCH => wire.batch,
            _ => return Err(Error::invalid("batch", "must be from 1 to 1000")),
        };
        Ok(Self { after: After::read(&wire.after)?, kinds: wire.kinds, follow: wire.follow, batch: batch as usize })
    }
}

impl TryFrom<Batch> for pb::EventsReply {
    type Error = Error;

    fn try_from(batch: Batch) -> Result<Self, Error> {
        let events = batch.events.into_iter().map(|(lane, event)| wire(lane, event)).collect::<Result<_, _>>()?;
        Ok(Self { events, cursor: cursor(&batch.positions) })
    }
}

fn wire(lane: i64, event: Event) -> Result<pb::Event, Error> {
    let (id, kind) = (format!("m{lane}-{}", event.event_no), kind(&event).to_owned());
    let (at_ms, conversation, msg_id, actor, message) = match event.happened {
        Happened::Sent(message) => {
            let Message { conversation, msg_id, sender, sent_at, .. } = message;
            (sent_at, conversation, msg_id, sender, Some(message))
        }
        Happened::Other(other) => {
            let Other { made_at, conversation, msg_id, actor, .. } = other;
            (made_at, conversation, msg_id, actor, said(other)?)
        }
    };
    Ok(pb::Event {
        id,
        kind,
        at_ms: at_ms.0,
        conversation: Some(conversation.into()),
        msg_id: msg_id.0,
        actor_id: actor.0,
        message: message.map(Into::into),
        address: event.origin.address,
        platform: event.origin.platform,
        trace: event.origin.trace,
        reason: String::new(),
    })
}

/// What an event beside the log brings; it has no place in its conversation.
fn said(other: Other) -> Result<Option<Message>, Error> {
    let Some((content, system)) = other.content else {
        return Ok(None);
    };
    let content = content.read()?;
    Ok(Some(Message {
        conversation: other.conversation,
        msg_id: other.msg_id,
        seq: 0,
        sender: other.actor,
        sent_at: other.made_at,
        countable: content.countable(),
        content,
        system,
        edited_at: None,
        edits: 0,
        audience: Vec::new(),
        delivery: Delivery::default(),
        imported: false,
    }))
}
