//! Records that conversations were read, or are on a device, for the event feed.
//!
//! Each report has an idempotency key of its own, derived from its content: a read mark never reaches the same message
//! twice.

use tidings_domain::{AppId, ConversationId, Error, EventKind, MsgId, UnixMillis, UserId};

use super::append_reported::append_reported;
use crate::{
    Deps,
    appender::lane,
    origin::Origin,
    store::{event::NewEvent, key::Key},
};

/// A read or delivered mark that moved.
#[derive(Debug, Clone)]
pub struct Read {
    /// [`EventKind::Read`] or [`EventKind::Delivered`].
    pub kind: EventKind,
    pub user: UserId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub at: UnixMillis,
    pub origin: Origin,
}

impl Read {
    fn key(&self, app: AppId) -> Key {
        let (a, b) = self.conversation.key();
        Key { app, scope: self.kind.stored_name().to_owned(), key: format!("{}/{a}/{b}/{}", self.user, self.msg_id) }
    }
}

/// Adds an event for each new report.
pub async fn report_reads(deps: &Deps, app: AppId, mut reads: Vec<Read>) -> Result<(), Error> {
    reads.sort_by_key(|read| read.key(app));
    reads.dedup_by_key(|read| read.key(app));
    append_reported(deps, app, reads.iter().map(|read| (read.key(app), event(app, read))).collect()).await
}

fn event(app: AppId, read: &Read) -> NewEvent<'_> {
    NewEvent {
        app,
        lane: lane(read.conversation),
        kind: read.kind,
        made_at: read.at,
        conversation: read.conversation,
        msg_id: read.msg_id,
        actor: read.user,
        body: None,
        reason: None,
        edits: 0,
        origin: &read.origin,
    }
}
