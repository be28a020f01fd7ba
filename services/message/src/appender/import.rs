//! Ids with a time other than now: those of imported messages, with the counts of the rows below them, and those
//! of messages to a conversation that is ahead of the clock.
//!
//! An import has an id of its own time, so that pages and marks, which follow ids, place it correctly. Above its
//! conversation's newest message it is appended like any other. Below, the running counts of the rows above it are
//! unchanged, and its own contribution is counted separately. Its id never leaves the minute of its time, since exports
//! walk whole minutes by id.
//!
//! A conversation whose newest message is further ahead of the clock than processes may differ, because a message was
//! sent while the clock was wrong, continues from there, and does not affect others.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::Duration,
};

use tidings_domain::{AppId, Error, MsgId, UnixMillis};
use tidings_store::Tx;

use super::{
    Call,
    free_ids::{Free, FreeHints, IdPlacement},
    lease::LIFT,
};
use crate::store::{
    head::{ConversationKey, Head},
    import::{self, Below},
};

/// Ids for the calls of one transaction, and the rows below them.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// In the order of the calls.
    ids: BTreeMap<ConversationKey, VecDeque<MsgId>>,
    /// The complete list of messages in these conversations is here.
    ahead: HashSet<ConversationKey>,
    below: BTreeMap<(AppId, MsgId), Below>,
}

impl Imports {
    /// Looks up everything that is needed, holding the app's lock. Nothing for calls that are sent now, to
    /// conversations that are not ahead of the clock.
    pub(super) async fn prepare(
        tx: &mut Tx,
        calls: &[&Call],
        heads: &BTreeMap<ConversationKey, Head>,
        now: UnixMillis,
        hints: &FreeHints,
    ) -> Result<Self, Error> {
        let ahead = ahead(calls, heads, now);
        let mut requested: Vec<(ConversationKey, UnixMillis, IdPlacement)> = Vec::new();
        for call in calls.iter().filter(|call| call.disposition.is_kept()) {
            for place in call.places.iter().filter(|place| !place.discarded) {
                let place = (call.app, place.conversation);
                match (call.imported_at(), ahead.get(&place)) {
                    (Some(moment), _) => requested.push((place, moment, IdPlacement::InItsMinute)),
                    (None, Some(from)) => requested.push((place, *from, IdPlacement::Anywhere)),
                    (None, None) => {}
                }
            }
        }
        if requested.is_empty() {
            return Ok(Self::default());
        }
        let mut apps: Vec<AppId> = requested.iter().map(|((app, _), ..)| *app).collect();
        apps.sort_unstable();
        apps.dedup();
        for app in apps {
            import::take_turn(tx, app).await?;
        }
        let mut free = Free::new(hints);
        let mut places = Vec::with_capacity(requested.len());
        let mut ids: BTreeMap<ConversationKey, VecDeque<MsgId>> = BTreeMap::new();
        free.look_up(tx, requested.iter().map(|((app, _), from, _)| (*app, *from))).await?;
        for ((app, conversation), from, stays) in requested {
            let id = free.take(tx, app, from, stays).await?;
            ids.entry((app, conversation)).or_default().push_back(id);
            if stays == IdPlacement::InItsMinute {
                places.push((app, conversation, id));
            }
        }
        let below = if places.is_empty() { Vec::new() } else { import::below(tx, &places).await? };
        Ok(Self {
            ids,
            ahead: ahead.into_keys().collect(),
            below: below.into_iter().map(|below| ((below.app, below.of), below)).collect(),
        })
    }

    /// The id of the next message to a conversation, if it is one of those handled here.
    pub(super) fn id(&mut self, call: &Call, place: ConversationKey) -> Result<Option<MsgId>, Error> {
        if call.sent_at.is_none() && !self.ahead.contains(&place) {
            return Ok(None);
        }
        let id = self.ids.get_mut(&place).and_then(VecDeque::pop_front);
        id.map(Some).ok_or_else(|| Error::internal("a message without an id"))
    }

    /// The row right below that id, as found by the transaction.
    pub(super) fn below(&self, app: AppId, id: MsgId) -> Option<&Below> {
        self.below.get(&(app, id))
    }
}

/// The conversations that are ahead of the clock, and the time from which on ids are above all of theirs.
fn ahead(
    calls: &[&Call],
    heads: &BTreeMap<ConversationKey, Head>,
    now: UnixMillis,
) -> BTreeMap<ConversationKey, UnixMillis> {
    const MINUTE: Duration = Duration::from_mins(1);
    const NEXT: Duration = Duration::from_millis(1);
    let (is_ahead, mut ahead) = (|moment: UnixMillis| moment > now + LIFT, BTreeMap::new());
    let of_heads = heads.iter().map(|(place, head)| (*place, head.last_msg_id.moment()));
    for (place, moment) in of_heads.filter(|(_, moment)| is_ahead(*moment)) {
        ahead.insert(place, moment + NEXT);
    }
    // So may messages imported with them, if another process has accepted their time.
    for call in calls {
        let imported = call.imported_at().filter(|moment| is_ahead(*moment));
        for (sent_at, place) in imported.into_iter().flat_map(|at| call.places.iter().map(move |place| (at, place))) {
            let from = ahead.entry((call.app, place.conversation)).or_insert(sent_at + MINUTE);
            *from = (*from).max(sent_at + MINUTE);
        }
    }
    ahead
}
