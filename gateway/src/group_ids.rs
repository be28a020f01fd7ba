//! Which ids are groups. Ids are never reused, so a group stays one; any other id is looked up again after a second,
//! since it may be a new group.

use std::{future::Future, sync::Arc, time::Duration};

use tidings_domain::{Caller, Clock, ConversationId, Error, Membership};
use tidings_runtime::TtlCache;

/// How long an id is assumed not to be a group.
const KEEP: Duration = Duration::from_secs(1);
const IDS: usize = 100_000;

pub(crate) struct GroupIds {
    clock: Arc<dyn Clock>,
    /// Keyed by app and id.
    known: TtlCache<(i64, i64), Option<ConversationId>>,
}

impl GroupIds {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: TtlCache::new(IDS, |found, _| if found.is_some() { Duration::MAX } else { KEEP }) }
    }

    /// The conversation of the group or room `id`; `ask` queries the directory.
    pub async fn group(
        &self,
        caller: &Caller,
        id: i64,
        ask: impl Future<Output = Result<Option<Membership>, Error>>,
    ) -> Result<Option<ConversationId>, Error> {
        let key = (caller.app.0, id);
        let now = self.clock.now();
        if let Some(found) = self.known.get(&key, now) {
            return Ok(found);
        }
        let ask = async { Ok(ask.await?.map(|membership| membership.conversation())) };
        self.known.load(&key, now, ask).await
    }
}
