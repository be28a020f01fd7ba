//! The event feed on the wire.

use tidings_domain::{Content, Error, EventKind, GroupChanged, MsgId, Platform, UnixMillis, UserId};
use tidings_proto::{delivery_to_wire, internal, pb, required, timestamp};

use super::reaction;
use crate::{
    app::{
        events::{After, Batch, FeedQuery, cursor},
        report_pins::Pin,
        report_reads::Read,
        user_events,
    },
    origin::Origin,
    store::feed::{Event, EventData, Other},
};

/// The default number of events per reply.
const BATCH: i32 = 500;
const MAX_BATCH: i32 = 1000;

impl TryFrom<pb::EventsRequest> for FeedQuery {
    type Error = Error;

    fn try_from(wire: pb::EventsRequest) -> Result<Self, Error> {
        let batch = match wire.batch {
            0 => BATCH,
            1..=MAX_BATCH => wire.batch,
            _ => return Err(Error::invalid("batch", "must be from 1 to 1000")),
        };
        // An unknown kind never matches.
        let kinds = wire.kinds.iter().filter_map(|kind| EventKind::of_name(kind));
        let kinds = (!wire.kinds.is_empty()).then(|| kinds.collect());
        Ok(Self { after: After::read(&wire.after)?, kinds, follow: wire.follow, batch: batch as usize })
    }
}

/// Maximum number of reports per call.
const MAX_REPORTS: usize = 1000;

/// Read reports.
pub(super) fn reads(wire: internal::ReportReadsRequest) -> Result<Vec<Read>, Error> {
    if wire.reads.len() > MAX_REPORTS {
        return Err(Error::invalid("reads", "must be at most 1000"));
    }
    wire.reads.into_iter().map(|report| read(EventKind::Read, report)).collect()
}

/// Reports of what is on devices.
pub(super) fn delivered(wire: internal::ReportDeliveredRequest) -> Result<Vec<Read>, Error> {
    if wire.delivered.len() > MAX_REPORTS {
        return Err(Error::invalid("delivered", "must be at most 1000"));
    }
    wire.delivered.into_iter().map(|report| read(EventKind::Delivered, report)).collect()
}

/// Reports of pins.
pub(super) fn pins(wire: internal::ReportPinsRequest) -> Result<Vec<Pin>, Error> {
    if wire.pins.len() > MAX_REPORTS {
        return Err(Error::invalid("pins", "must be at most 1000"));
    }
    wire.pins.into_iter().map(pin).collect()
}

fn pin(wire: internal::PinReport) -> Result<Pin, Error> {
    Ok(Pin {
        number: wire.number,
        user: UserId(wire.user_id),
        conversation: required("conversation", wire.conversation)?.try_into()?,
        msg_id: MsgId(wire.msg_id),
        pinned: wire.pinned,
        at: UnixMillis(wire.at_ms),
        origin: origin(wire.address, &wire.platform, wire.trace)?,
    })
}

fn read(kind: EventKind, wire: internal::ReadReport) -> Result<Read, Error> {
    Ok(Read {
        kind,
        user: UserId(wire.user_id),
        conversation: required("conversation", wire.conversation)?.try_into()?,
        msg_id: MsgId(wire.msg_id),
        at: UnixMillis(wire.at_ms),
        origin: origin(wire.address, &wire.platform, wire.trace)?,
    })
}

fn origin(address: String, platform: &str, trace: String) -> Result<Origin, Error> {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Origin { address: given(address), platform: Platform::of_name(platform)?.name(), trace: given(trace) })
}

impl TryFrom<Batch> for pb::EventsResponse {
    type Error = Error;

    fn try_from(batch: Batch) -> Result<Self, Error> {
        let events = batch.events.into_iter().map(|(lane, event)| wire(lane, event)).collect::<Result<_, _>>()?;
        Ok(Self { events, cursor: cursor(&batch.positions) })
    }
}

impl TryFrom<user_events::Found> for internal::UserEventsResponse {
    type Error = Error;

    fn try_from(found: user_events::Found) -> Result<Self, Error> {
        let events = found.events.into_iter().map(|(lane, event)| wire(lane, event)).collect::<Result<_, _>>()?;
        Ok(Self { events, incomplete: found.incomplete.into_iter().map(Into::into).collect() })
    }
}

fn wire(lane: i64, event: Event) -> Result<pb::Event, Error> {
    let (id, kind) = (format!("m{lane}-{}", event.event_no), event.kind().name().to_owned());
    let (mut refused, mut change, mut reaction) = (String::new(), None, None);
    let (at, conversation, msg_id, actor, message) = match event.happened {
        EventData::Sent(message) => {
            (message.sent_at, Some(message.conversation), message.msg_id, message.sender, Some(message.into()))
        }
        EventData::Other(mut other) => {
            refused = std::mem::take(&mut other.reason);
            reaction = other.reacted.take().map(reaction::event);
            change = other.change.take();
            let conversation = match &change {
                None => Some(other.conversation),
                Some(change) => change.group().map(GroupChanged::conversation),
            };
            (other.made_at, conversation, other.msg_id, other.actor, said(other)?)
        }
    };
    let (reason, reason_detail) = refused.split_once(' ').unwrap_or((&refused, ""));
    Ok(pb::Event {
        id,
        kind,
        at: Some(timestamp(at)),
        conversation: conversation.map(Into::into),
        msg_id: msg_id.0,
        actor_id: actor.0,
        message,
        address: event.origin.address,
        platform: event.origin.platform,
        trace: event.origin.trace,
        reason: reason.to_owned(),
        reason_detail: reason_detail.to_owned(),
        by_app: event.by_app,
        change: change.map(Into::into),
        reaction,
    })
}

/// The message of an event that is not in the log, with its content if the event contains it. Such a message
/// has no number. A recalled one that is gone is known by its receivers, if not everybody was one.
fn said(other: Other) -> Result<Option<pb::Message>, Error> {
    let (seq, sender, sent_at) = match (other.of, &other.content) {
        (Some(of), _) => of,
        (None, None) if other.audience.is_empty() => return Ok(None),
        (None, _) => (0, other.actor, other.made_at),
    };
    let (content, system) = match other.content {
        Some((content, flags)) => (Some(content.read()?), flags.system),
        None => (None, false),
    };
    Ok(Some(pb::Message {
        conversation: Some(other.conversation.into()),
        msg_id: other.msg_id.0,
        seq,
        sender_id: sender.0,
        sent_at: Some(timestamp(sent_at)),
        countable: content.as_ref().is_some_and(Content::countable),
        content: content.map(Into::into),
        system,
        edits: other.edits,
        audience_ids: other.audience.into_iter().map(|user| user.0).collect(),
        delivery: delivery_to_wire(other.delivery),
        ..pb::Message::default()
    }))
}
