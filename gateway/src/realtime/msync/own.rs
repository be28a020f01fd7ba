//! Recognizes the events that a session caused itself, which are not delivered to it.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use tidings_domain::{EventKind, MsgId, UserId};

use crate::realtime::event::Event;

/// The number of remembered actions. Their events arrive shortly after.
const MOST: usize = 500;

/// The actions of a session.
#[derive(Default)]
pub(super) struct OwnActions {
    known: HashSet<(bool, MsgId)>,
    order: VecDeque<(bool, MsgId)>,
    /// A command is being carried out: whether an event of this user is of this session is not known yet.
    is_acting: bool,
    held: Vec<Arc<Event>>,
}

impl OwnActions {
    /// A command has begun.
    pub fn begin(&mut self) {
        self.is_acting = true;
    }

    /// It sent (or changed) these messages. Returns the events that were held back.
    pub fn done(&mut self, is_sent: bool, messages: &[MsgId]) -> Vec<Arc<Event>> {
        self.is_acting = false;
        for msg_id in messages {
            if self.known.insert((is_sent, *msg_id)) {
                self.order.push_back((is_sent, *msg_id));
            }
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        std::mem::take(&mut self.held)
    }

    /// Whether no event is held back.
    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// The event, if it is due now.
    pub fn pass(&mut self, event: Arc<Event>, user: UserId) -> Option<Arc<Event>> {
        let wire = &event.event;
        if wire.actor != user {
            return Some(event);
        }
        if self.is_acting {
            self.held.push(event);
            return None;
        }
        let kind = EventKind::of_name(&wire.wire.kind);
        let is_sent = matches!(kind, Some(EventKind::Sent | EventKind::Online));
        (!self.known.remove(&(is_sent, MsgId(wire.wire.msg_id)))).then_some(event)
    }
}
