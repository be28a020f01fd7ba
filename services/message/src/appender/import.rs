//! Where imported messages come in: their ids, and the counts of what lies below them.
//!
//! An import has an id of its own time, so that pages and marks, which follow ids, see it where it belongs. Above its
//! conversation's newest message it is appended like any other. Below, the running counts of the rows above it stay as
//! they are, and what is to be counted is counted beside them.

use std::collections::{BTreeMap, HashMap, HashSet};

use quick_cache::sync::Cache;
use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};
use tidings_store::Tx;

use super::Call;
use crate::store::import::{self, Below};

/// Moments that are remembered as used up.
const USED_UP: usize = 10_000;

/// The next moment with free ids, for moments that have none left. A hint that spares look-ups.
#[derive(Debug)]
pub(super) struct UsedUp(Cache<(AppId, UnixMillis), UnixMillis>);

impl UsedUp {
    pub(super) fn new() -> Self {
        Self(Cache::new(USED_UP))
    }
}

/// Ids for the calls of one transaction, and the rows below them.
#[derive(Debug, Default)]
pub(super) struct Imports {
    ids: HashMap<(AppId, UnixMillis), Vec<MsgId>>,
    below: HashMap<(AppId, MsgId), Below>,
}

impl Imports {
    /// Looks everything up that the imports among the calls need, in the app's turn.
    pub(super) async fn prepare(tx: &mut Tx, calls: &[&Call], used_up: &UsedUp) -> Result<Self, Error> {
        let wanted: Vec<(AppId, UnixMillis, ConversationId)> = calls
            .iter()
            .filter_map(|call| Some((call.app, call.imported_at()?, call.places.first()?.conversation)))
            .collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let mut apps: Vec<AppId> = wanted.iter().map(|(app, ..)| *app).collect();
        apps.sort_unstable();
        apps.dedup();
        for app in apps {
            import::take_turn(tx, app).await?;
        }
        let mut free = Free { used_up, left: BTreeMap::new() };
        let mut places = Vec::with_capacity(wanted.len());
        let mut ids: HashMap<(AppId, UnixMillis), Vec<MsgId>> = HashMap::new();
        free.look_up(tx, wanted.iter().map(|(app, sent_at, _)| (*app, *sent_at))).await?;
        for (app, sent_at, conversation) in wanted {
            let id = free.take(tx, app, sent_at).await?;
            ids.entry((app, sent_at)).or_default().push(id);
            places.push((app, conversation, id));
        }
        // Taken from the end, in the order of the calls.
        for ids in ids.values_mut() {
            ids.reverse();
        }
        let below = import::below(tx, &places).await?;
        Ok(Self { ids, below: below.into_iter().map(|below| ((below.app, below.of), below)).collect() })
    }

    /// The id of the next import of that moment.
    pub(super) fn id(&mut self, app: AppId, sent_at: UnixMillis) -> Result<MsgId, Error> {
        let id = self.ids.get_mut(&(app, sent_at)).and_then(Vec::pop);
        id.ok_or_else(|| Error::internal("an import without an id"))
    }

    /// The row right below that id, as the transaction found it.
    pub(super) fn below(&self, app: AppId, id: MsgId) -> Option<&Below> {
        self.below.get(&(app, id))
    }
}

/// The newest id that is taken, of every moment that was looked up.
struct Free<'a> {
    used_up: &'a UsedUp,
    left: BTreeMap<(AppId, UnixMillis), MsgId>,
}

impl Free<'_> {
    async fn look_up(&mut self, tx: &mut Tx, moments: impl Iterator<Item = (AppId, UnixMillis)>) -> Result<(), Error> {
        let hinted = moments.map(|(app, moment)| (app, self.hint(app, moment)));
        let unknown: HashSet<_> = hinted.filter(|moment| !self.left.contains_key(moment)).collect();
        let ranges: Vec<_> = unknown
            .into_iter()
            .map(|(app, moment)| {
                let (low, high) = MsgId::imports_of(moment);
                (app, low, high)
            })
            .collect();
        for (app, low, newest) in import::newest(tx, &ranges).await? {
            self.left.insert((app, low.moment()), newest.max(MsgId(low.0 - 1)));
        }
        Ok(())
    }

    /// A free id of that moment, or of the next one that has any.
    async fn take(&mut self, tx: &mut Tx, app: AppId, sent_at: UnixMillis) -> Result<MsgId, Error> {
        let mut moment = self.hint(app, sent_at);
        loop {
            if !self.left.contains_key(&(app, moment)) {
                self.look_up(tx, std::iter::once((app, moment))).await?;
            }
            let newest = self.left.entry((app, moment)).or_insert(MsgId::imports_of(moment).1);
            if *newest < MsgId::imports_of(moment).1 {
                newest.0 += 1;
                return Ok(*newest);
            }
            moment = self.hint(app, UnixMillis(moment.0 + 1));
            self.used_up.0.insert((app, sent_at), moment);
        }
    }

    fn hint(&self, app: AppId, moment: UnixMillis) -> UnixMillis {
        self.used_up.0.get(&(app, moment)).unwrap_or(moment)
    }
}
