//! Which ids are groups. Ids are never given out twice, so a group stays one; anything else is asked again after a
//! moment, since it may be a group that has just been made.

use std::{future::Future, sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tidings_domain::{Caller, Clock, ConversationId, Error, Membership, UnixMillis};

/// How long an id is taken for no group.
const KEEP: Duration = Duration::from_secs(1);
const IDS: usize = 100_000;

/// What an id was found to be, and when.
type Found = (Option<ConversationId>, UnixMillis);

pub(crate) struct Kinds {
    clock: Arc<dyn Clock>,
    /// By app and id.
    known: Cache<(i64, i64), Found>,
}

impl Kinds {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Cache::new(IDS) }
    }

    /// The conversation of the group or room `id`; `ask` says what the directory knows of it.
    pub async fn group(
        &self,
        caller: &Caller,
        id: i64,
        ask: impl Future<Output = Result<Option<Membership>, Error>>,
    ) -> Result<Option<ConversationId>, Error> {
        let key = (caller.app.0, id);
        let now = self.clock.now();
        match self.known.get(&key) {
            Some((group @ Some(_), _)) => return Ok(group),
            Some((None, read_at)) if now >= read_at && now - read_at < KEEP => return Ok(None),
            _ => {}
        }
        let found = ask.await?.map(|membership| membership.conversation());
        self.known.insert(key, (found, now));
        Ok(found)
    }
}
