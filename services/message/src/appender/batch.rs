//! One transaction of the log.
//!
//! Locks are taken in one order by every process: keys, heads, lanes, each sorted. Numbers are assigned under their
//! locks, so `seq`, `msg_id` and event numbers increase in commit order.

use std::collections::{BTreeMap, BTreeSet};

use tidings_domain::{AppId, Clock, ConversationId, Error, EventKind, MsgId, Sent, UnixMillis};
use tidings_store::{Db, Tx};

use super::{AppendTarget, Call, Disposition, Lease, Reply, free_ids::FreeHints, import::Imports, lane};
use crate::store::{
    event::{self, NewEvent},
    excluded::{self, Hidden},
    file_use::{self, FileUse},
    head::{self, Head},
    import::{self, Backfilled},
    key::{self, Answered, Key, NewKey},
    log::{self, NewMessage},
    stray::{self, Stray},
};

/// Appends what was not appended before and answers each call. An error means that nothing was appended, unless
/// [`tidings_store::lost`] says that this is unknown.
pub async fn append(
    db: &Db,
    lease: &Lease,
    clock: &dyn Clock,
    hints: &FreeHints,
    calls: &[&Call],
) -> Result<Vec<Result<Reply, Error>>, Error> {
    lease.refresh().await?;
    let mut tx = db.begin().await?;
    let answered = claim_keys(&mut tx, calls, clock.now()).await?;
    let fresh: Vec<&Call> = calls.iter().filter(|call| earlier(call, &answered).is_none()).copied().collect();
    let mut appended = append_fresh(&mut tx, lease, clock, hints, &fresh).await?.into_iter();
    tx.commit().await?;
    let replies = calls.iter().map(|call| match earlier(call, &answered) {
        Some((new, answered)) => Reply::repeated(new, answered),
        None => appended.next().ok_or_else(|| Error::internal("fewer replies than calls"))?.or_refused(),
    });
    Ok(replies.collect())
}

fn earlier<'a>(call: &'a Call, answered: &'a BTreeMap<Key, Answered>) -> Option<(&'a NewKey, &'a Answered)> {
    let new = call.key.as_ref()?;
    Some((new, answered.get(&new.key)?))
}

async fn claim_keys(tx: &mut Tx, calls: &[&Call], now: UnixMillis) -> Result<BTreeMap<Key, Answered>, Error> {
    let mut keys: Vec<NewKey> = calls.iter().filter_map(|call| call.key.clone()).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    keys.sort_by(|one, other| one.key.cmp(&other.key));
    key::claim(tx, &keys, now).await
}

async fn append_fresh(
    tx: &mut Tx,
    lease: &Lease,
    clock: &dyn Clock,
    hints: &FreeHints,
    calls: &[&Call],
) -> Result<Vec<Reply>, Error> {
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let mut heads = lock_heads(tx, calls).await?;
    // One time for everything: an id and its time are of the same millisecond.
    let now = clock.now();
    let imports = Imports::prepare(tx, calls, &heads, now, hints).await?;
    let numbered = number(lease, now, calls, &mut heads, imports)?;
    if !numbered.events.is_empty() {
        let lanes = numbered.rows.iter().map(|row| (row.app, row.lane));
        event::append(tx, &numbered.events, lanes).await?;
    }
    if !numbered.rows.is_empty() {
        log::append(tx, &heads, &numbered.rows).await?;
    }
    if !numbered.late.is_empty() {
        import::count_backfilled(tx, &numbered.late).await?;
    }
    if !numbered.strays.is_empty() {
        stray::note(tx, &numbered.strays).await?;
    }
    if !numbered.hidden.is_empty() {
        excluded::hide(tx, &numbered.hidden).await?;
    }
    file_use::add(tx, &numbered.file_uses).await?;
    file_use::keep(tx, &numbered.kept_files).await?;
    remember(tx, calls, &numbered.replies).await?;
    Ok(numbered.replies)
}

/// The heads of everything that is stored; messages that are only reported move no head.
async fn lock_heads(tx: &mut Tx, calls: &[&Call]) -> Result<BTreeMap<head::ConversationKey, Head>, Error> {
    let kept = calls.iter().filter(|call| call.disposition.is_kept());
    let places = kept.flat_map(|call| call.places.iter().map(|place| (call.app, place)));
    let mut places: Vec<_> =
        places.filter(|(_, place)| !place.discarded).map(|(app, place)| (app, place.conversation)).collect();
    if places.is_empty() {
        return Ok(BTreeMap::new());
    }
    places.sort_unstable();
    places.dedup();
    head::lock(tx, &places).await
}

/// The rows and answers of one transaction.
#[derive(Default)]
struct Numbered<'a> {
    rows: Vec<NewMessage<'a>>,
    events: Vec<NewEvent<'a>>,
    late: Vec<Backfilled>,
    strays: Vec<Stray>,
    hidden: Vec<Hidden>,
    file_uses: Vec<FileUse>,
    kept_files: Vec<(AppId, String)>,
    /// One per call.
    replies: Vec<Reply>,
}

/// Assigns ids and numbers to every message, in the order of the calls, and moves the heads.
fn number<'a>(
    lease: &Lease,
    committed_at: UnixMillis,
    calls: &[&'a Call],
    heads: &mut BTreeMap<head::ConversationKey, Head>,
    mut imports: Imports,
) -> Result<Numbered<'a>, Error> {
    let mut minting = lease.minting(committed_at)?;
    let mut numbered = Numbered { rows: Vec::with_capacity(calls.len()), ..Numbered::default() };
    for call in calls {
        let mut sent = Vec::with_capacity(call.places.len());
        let files = numbered.files(call);
        for place in &call.places {
            let (msg_id, seq) = if place.discarded {
                (minting.mint(MsgId::ZERO)?, 0)
            } else if call.disposition.is_kept() {
                let head = heads
                    .get_mut(&(call.app, place.conversation))
                    .ok_or_else(|| Error::internal("a conversation without a head"))?;
                let msg_id = match imports.id(call, (call.app, place.conversation))? {
                    Some(found) => found,
                    None => minting.mint(head.last_msg_id)?,
                };
                numbered.append(call, place, head, (msg_id, call.sent_at.unwrap_or(committed_at)), &imports);
                numbered.file_uses.extend(files.iter().map(|uuid| FileUse {
                    app: call.app,
                    conversation: place.conversation,
                    msg_id,
                    by_app: call.by_app,
                    uuid: uuid.clone(),
                }));
                (msg_id, head.seq)
            } else {
                let msg_id = minting.mint(MsgId::ZERO)?;
                numbered.events.extend(event(call, place, msg_id, committed_at));
                (msg_id, 0)
            };
            let AppendTarget { conversation, receiver, username, .. } = place.clone();
            sent.push(Sent { receiver, conversation, msg_id, seq, username });
        }
        let refused = match &call.disposition {
            Disposition::Refused { error, .. } => Some(error.clone()),
            Disposition::Kept | Disposition::Online { .. } => None,
        };
        let sent = if refused.is_some() { Vec::new() } else { sent };
        numbered.replies.push(Reply { sent, accepted_at: call.accepted_at, committed_at, refused });
    }
    Ok(numbered)
}

/// Maximum number of file references recorded per call: its recipients times its files.
const MOST_USES: usize = 2000;

impl<'a> Numbered<'a> {
    /// The files referenced by each message of the call. For a call with too many, and for messages that no recall will
    /// find, the files are recorded as kept instead.
    fn files(&mut self, call: &Call) -> BTreeSet<String> {
        if matches!(call.disposition, Disposition::Refused { .. }) {
            return BTreeSet::new();
        }
        let files = call.content.files();
        if call.disposition.is_kept() && files.len() * call.places.len() <= MOST_USES {
            return files;
        }
        self.kept_files.extend(files.into_iter().map(|uuid| (call.app, uuid)));
        BTreeSet::new()
    }

    /// The conversation's next row; its head moves to it, unless it is below.
    fn append(
        &mut self,
        call: &'a Call,
        place: &AppendTarget,
        head: &mut Head,
        (msg_id, sent_at): (MsgId, UnixMillis),
        imports: &Imports,
    ) {
        let conversation = place.conversation;
        head.seq += 1;
        if !call.flags.targeted {
            head.listed_msg_id = head.listed_msg_id.max(msg_id);
        }
        let (ordinal, ordinal_low) = if msg_id > head.last_msg_id {
            let is_low = matches!(conversation, ConversationId::Direct(low, _) if low == call.sender);
            head.last_msg_id = msg_id;
            head.ordinal += i64::from(call.countable);
            head.ordinal_low += i64::from(call.countable && is_low);
            (head.ordinal, head.ordinal_low)
        } else {
            if call.countable {
                self.late.push(Backfilled { app: call.app, conversation, msg_id, sender: call.sender });
            }
            self.counts_below((call.app, conversation), msg_id, head, imports)
        };
        if !msg_id.is_of_minute(sent_at) {
            self.strays.push(Stray { app: call.app, conversation, msg_id, sent_at });
        }
        let hidden = call.hidden_from.iter().map(|user| (call.app, *user, conversation, msg_id));
        self.hidden.extend(hidden);
        self.rows.push(NewMessage {
            app: call.app,
            conversation,
            msg_id,
            seq: head.seq,
            sender: call.sender,
            sent_at,
            countable: call.countable,
            flags: call.flags,
            ordinal,
            ordinal_low,
            lane: lane(conversation),
            content: &call.content,
            delivery: call.delivery.as_deref(),
            origin: call.origin.write(),
            head: *head,
        });
    }

    /// The counts at the previous row, which may be one of this transaction.
    fn counts_below(
        &self,
        (app, conversation): head::ConversationKey,
        msg_id: MsgId,
        head: &Head,
        imports: &Imports,
    ) -> (i64, i64) {
        let own = self.rows.iter().filter(|row| (row.app, row.conversation) == (app, conversation));
        let own = own.filter(|row| row.msg_id < msg_id).max_by_key(|row| row.msg_id);
        let stored = imports.below(app, msg_id);
        match (own, stored) {
            (Some(row), stored) if stored.is_none_or(|stored| stored.msg_id < row.msg_id) => {
                (row.ordinal, row.ordinal_low)
            }
            (_, Some(stored)) => (stored.ordinal, stored.ordinal_low),
            (_, None) => head.purged,
        }
    }
}

/// The event of a message that is not stored.
fn event<'a>(call: &'a Call, place: &AppendTarget, msg_id: MsgId, made_at: UnixMillis) -> Option<NewEvent<'a>> {
    let (kind, body, reason) = match &call.disposition {
        Disposition::Kept => return None,
        Disposition::Online { body } => (EventKind::Online, body, None),
        Disposition::Refused { error, body } => (EventKind::Refused, body.as_ref()?, Some(error.event_text())),
    };
    Some(NewEvent {
        app: call.app,
        lane: lane(place.conversation),
        kind,
        made_at,
        conversation: place.conversation,
        msg_id,
        actor: call.sender,
        body: Some(body),
        reason,
        edits: 0,
        origin: &call.origin,
    })
}

async fn remember(tx: &mut Tx, calls: &[&Call], replies: &[Reply]) -> Result<(), Error> {
    let mut answers = Vec::new();
    for (call, reply) in calls.iter().zip(replies) {
        if let Some(new) = &call.key {
            answers.push((&new.key, reply.write()?));
        }
    }
    if answers.is_empty() {
        return Ok(());
    }
    key::answer(tx, &answers).await
}
