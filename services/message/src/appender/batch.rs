//! One transaction of the log.
//!
//! Locks are taken in one order by every process: keys, heads, lanes, each sorted. What is numbered, is numbered under
//! its lock, so `seq`, `msg_id` and event numbers grow in commit order.

use std::collections::BTreeMap;

use tidings_domain::{AppId, Clock, ConversationId, Error, Sent, UnixMillis};
use tidings_store::{Db, Tx};

use super::{Call, Lease, Reply, call::lane};
use crate::store::{
    head::{self, Head},
    key::{self, Answered, Key, NewKey},
    log::{self, NewMessage},
};

/// Appends what was not appended before and gives each call its reply. An error means that nothing was appended.
pub async fn append(
    db: &Db,
    lease: &Lease,
    clock: &dyn Clock,
    calls: &[&Call],
) -> Result<Vec<Result<Reply, Error>>, Error> {
    lease.refresh().await?;
    let mut tx = db.begin().await?;
    let answered = claim_keys(&mut tx, calls, clock.now()).await?;
    let fresh: Vec<&Call> = calls.iter().filter(|call| earlier(call, &answered).is_none()).copied().collect();
    let mut appended = append_fresh(&mut tx, lease, clock, &fresh).await?.into_iter();
    tx.commit().await?;
    let replies = calls.iter().map(|call| match earlier(call, &answered) {
        Some((new, answered)) => Reply::repeated(new, answered),
        None => appended.next().ok_or_else(|| Error::internal("fewer replies than calls")),
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

async fn append_fresh(tx: &mut Tx, lease: &Lease, clock: &dyn Clock, calls: &[&Call]) -> Result<Vec<Reply>, Error> {
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let mut places: Vec<_> =
        calls.iter().flat_map(|call| call.places.iter().map(|place| (call.app, place.conversation))).collect();
    places.sort_unstable();
    places.dedup();
    let mut heads = head::lock(tx, &places).await?;
    let committed_at = clock.now();
    let rows = number(lease, committed_at, calls, &mut heads)?;
    log::append(tx, &heads, &rows).await?;
    let replies = replies(calls, &rows, committed_at);
    remember(tx, calls, &replies).await?;
    Ok(replies)
}

/// Gives every message its id and numbers, in the order of the calls, and moves the heads.
fn number<'a>(
    lease: &Lease,
    sent_at: UnixMillis,
    calls: &[&'a Call],
    heads: &mut BTreeMap<(AppId, ConversationId), Head>,
) -> Result<Vec<NewMessage<'a>>, Error> {
    let mut minting = lease.minting()?;
    let mut rows = Vec::with_capacity(calls.iter().map(|call| call.places.len()).sum());
    for call in calls {
        for place in &call.places {
            let head = heads
                .get_mut(&(call.app, place.conversation))
                .ok_or_else(|| Error::internal("a conversation without a head"))?;
            let is_low = matches!(place.conversation, ConversationId::Direct(low, _) if low == call.sender);
            head.seq += 1;
            head.last_msg_id = minting.mint(head.last_msg_id)?;
            head.ordinal += i64::from(call.countable);
            head.ordinal_low += i64::from(call.countable && is_low);
            rows.push(NewMessage {
                app: call.app,
                conversation: place.conversation,
                msg_id: head.last_msg_id,
                seq: head.seq,
                sender: call.sender,
                sent_at,
                countable: call.countable,
                system: call.system,
                ordinal: head.ordinal,
                ordinal_low: head.ordinal_low,
                lane: lane(place.conversation),
                content: &call.content,
            });
        }
    }
    Ok(rows)
}

fn replies(calls: &[&Call], rows: &[NewMessage<'_>], committed_at: UnixMillis) -> Vec<Reply> {
    let mut rows = rows.iter();
    let replies = calls.iter().map(|call| {
        let sent = call.places.iter().zip(&mut rows).map(|(place, row)| Sent {
            receiver: place.receiver,
            conversation: place.conversation,
            msg_id: row.msg_id,
            seq: row.seq,
            username: place.username.clone(),
        });
        Reply { sent: sent.collect(), accepted_at: call.accepted_at, committed_at }
    });
    replies.collect()
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
