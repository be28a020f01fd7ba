//! Reads the log back: every acknowledged message is there exactly once, in order, without gaps.

use std::{collections::HashMap, sync::Arc};

use tidings_proto::pb;

use crate::{
    Fault,
    setup::{Pair, Target},
};

/// A message that the server has acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged {
    /// Which pair of users.
    pub pair: usize,
    pub msg_id: i64,
    /// Which connection.
    pub sender: usize,
}

/// Fails at the first message that is missing, duplicated, out of order, or next to a gap. `unanswered` calls may or
/// may not have left a message; with `exact` there are only the acknowledged ones.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
pub async fn verify(
    target: &Target,
    pairs: &Arc<Vec<Pair>>,
    acknowledged: Vec<Acknowledged>,
    unanswered: usize,
    exact: bool,
) -> Result<(), Fault> {
    let total = acknowledged.len();
    let mut by_pair: HashMap<usize, Vec<Acknowledged>> = HashMap::new();
    for ack in acknowledged {
        by_pair.entry(ack.pair).or_default().push(ack);
    }
    let mut stored = 0;
    for (pair, acks) in &by_pair {
        let log = read(target, &pairs[*pair]).await?;
        stored += log.len();
        check(&log, acks)?;
    }
    let beyond = stored.checked_sub(total).ok_or("fewer messages stored than acknowledged")?;
    if beyond > unanswered || (exact && beyond > 0) {
        return Err(format!("{beyond} messages are stored that nobody was told of").into());
    }
    println!("verified: {total} acknowledged, {stored} stored in {} conversations, in order, no gap", by_pair.len());
    Ok(())
}

/// Every (seq, msg_id) of a conversation, oldest first.
async fn read(target: &Target, pair: &Pair) -> Result<Vec<(i64, i64)>, Fault> {
    let (low, high) = (pair.from.id.min(pair.to.id), pair.from.id.max(pair.to.id));
    let conversation = if pair.is_group {
        pb::ConversationId { kind: pb::ConversationKind::Group.into(), id: pair.to.id, higher_user_id: 0 }
    } else {
        pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: low, higher_user_id: high }
    };
    let mut log = Vec::new();
    let mut start_msg_id = 0;
    loop {
        let wanted = pb::PageRequest { conversation: Some(conversation), start_msg_id, limit: 200, floor_msg_id: 0 };
        let page = target.log().page(target.request(wanted)?).await?.into_inner();
        log.extend(page.messages.iter().map(|message| (message.seq, message.msg_id)));
        if page.next_msg_id == 0 {
            log.reverse();
            return Ok(log);
        }
        start_msg_id = page.next_msg_id;
    }
}

fn check(log: &[(i64, i64)], acks: &[Acknowledged]) -> Result<(), Fault> {
    for (index, (seq, msg_id)) in log.iter().enumerate() {
        if *seq != index as i64 + 1 {
            return Err(format!("seq {seq} stands at place {}", index + 1).into());
        }
        if index > 0 && log[index - 1].1 >= *msg_id {
            return Err(format!("msg_id {msg_id} does not grow with seq").into());
        }
    }
    let ids: HashMap<i64, i64> = log.iter().map(|(seq, msg_id)| (*msg_id, *seq)).collect();
    let mut last_of_sender: HashMap<usize, i64> = HashMap::new();
    for ack in acks {
        let seq = ids.get(&ack.msg_id).ok_or(format!("acknowledged message {} is lost", ack.msg_id))?;
        if last_of_sender.insert(ack.sender, *seq).is_some_and(|last| last >= *seq) {
            return Err(format!("message {} is out of order or acknowledged twice", ack.msg_id).into());
        }
    }
    Ok(())
}
