//! Heads of conversations against their messages: numbers, counts, and who has them in their list.

use serde::de::IgnoredAny;
use tidings_domain::{AppId, ConversationId, Error, Finding, MsgId};
use tidings_store::Db;

use super::{
    Checked, Report, place,
    seqs::{Seqs, shown},
    settled,
};
use crate::{
    appender::lane,
    checksum,
    row_options::Flags,
    store::{
        verify::{self, CheckedRow, HeadRow},
        weight::LeftOut,
    },
};

/// Findings of one kind in one conversation, at most.
const MOST: usize = 20;
/// Below every conversation.
const START: (i64, i64) = (i64::MIN, i64::MIN);

/// Checks every conversation of an app.
pub async fn check(db: &Db, app: AppId, checked: &mut Checked, report: Report<'_>) -> Result<(), Error> {
    let mut after = START;
    loop {
        let heads = verify::heads(db, app, after).await?;
        let Some(last) = heads.last() else { break };
        after = (last.conv_a, last.conv_b);
        for head in heads {
            checked.has_purged |= head.purged_msg_id > 0;
            let key = (head.conv_a, head.conv_b);
            let messages = std::cell::Cell::new(0);
            let look = async || {
                // A conversation without a head was removed with its app.
                let Some(head) = verify::head(db, app, key).await? else { return Ok(Vec::new()) };
                let (found, count) = one(db, app, head).await?;
                messages.set(count);
                Ok(found)
            };
            settled((app, &place(key)), look, &mut *report).await?;
            checked.conversations += 1;
            checked.messages += messages.get();
        }
    }
    headless(db, app, report).await
}

/// Messages of conversations without a head.
async fn headless(db: &Db, app: AppId, report: Report<'_>) -> Result<(), Error> {
    let mut after = START;
    while let Some((key, _)) = verify::next(db, app, after).await? {
        let before = after;
        let look = async || {
            let found = verify::next(db, app, before).await?.filter(|(found, has_head)| *found == key && !has_head);
            Ok(found
                .map(|_| Finding::of_app(app, "head", place(key), "has messages, but no head"))
                .into_iter()
                .collect())
        };
        settled((app, &place(key)), look, &mut *report).await?;
        after = key;
    }
    Ok(())
}

/// One conversation, up to its head as it is now: what is appended meanwhile is above.
async fn one(db: &Db, app: AppId, head: HeadRow) -> Result<(Vec<Finding>, u64), Error> {
    let mut walk = Walk::new(app, head);
    let mut above = i64::MIN;
    loop {
        let page = verify::messages(db, app, (head.conv_a, head.conv_b), above).await?;
        let Some(last) = page.last() else { break };
        above = last.msg_id;
        for row in page.into_iter().filter(|row| row.seq <= head.seq) {
            walk.row(&row);
            let msg_id = MsgId(row.msg_id);
            if let Some(stored) = verify::content(db, app, row).await? {
                walk.content(msg_id, &stored);
            }
        }
    }
    walk.end();
    if head.conv_b >= 0 {
        let users = if head.conv_a == head.conv_b { 1 } else { 2 };
        let there = verify::participants(db, app, (head.conv_a, head.conv_b)).await?;
        if there != users {
            walk.add("participant", format!("{there} of its {users} users have it in their list"));
        }
    }
    Ok((walk.found, walk.count))
}

/// The state of the walk through one conversation, in the order of ids.
struct Walk {
    app: AppId,
    head: HeadRow,
    seqs: Seqs,
    /// The counts that the last row should have.
    ordinal: i64,
    ordinal_low: i64,
    last_msg_id: i64,
    /// The newest message that the conversation could be listed for.
    listable: i64,
    /// The lowest number of a message that was not imported.
    first_own: i64,
    /// Whether counts were wrong.
    is_miscounted: bool,
    count: u64,
    found: Vec<Finding>,
}

impl Walk {
    fn new(app: AppId, head: HeadRow) -> Self {
        Self {
            app,
            head,
            seqs: Seqs::default(),
            ordinal: head.purged_ordinal,
            ordinal_low: head.purged_ordinal_low,
            last_msg_id: head.purged_msg_id,
            listable: 0,
            first_own: i64::MAX,
            is_miscounted: false,
            count: 0,
            found: Vec::new(),
        }
    }

    fn add(&mut self, kind: &'static str, what: String) {
        if self.found.iter().filter(|found| found.kind == kind).count() < MOST {
            let place = place((self.head.conv_a, self.head.conv_b));
            self.found.push(Finding::of_app(self.app, kind, place, what));
        }
    }

    fn row(&mut self, row: &CheckedRow) {
        self.count += 1;
        let flags = Flags::of(row.flags);
        if !self.seqs.add(row.seq) {
            self.add("seq_twice", format!("message {} has seq {}, which another one has", row.msg_id, row.seq));
        }
        if !flags.imported {
            self.first_own = self.first_own.min(row.seq);
        }
        self.count_up(row);
        self.last_msg_id = row.msg_id;
        if row.is_recalled == 0 && !flags.targeted {
            self.listable = row.msg_id;
        }
        let conversation = ConversationId::from_key(self.head.conv_a, self.head.conv_b);
        if row.lane != lane(conversation) {
            self.add("wrong_lane", format!("message {} is in lane {}", row.msg_id, row.lane));
        }
        if (row.is_recalled != 0 && row.countable != 0) != (row.subtracted != 0) {
            self.add(
                "recalled",
                format!("message {}: what unread counts subtract is not what was recalled", row.msg_id),
            );
        }
    }

    fn content(&mut self, msg_id: MsgId, stored: &LeftOut) {
        let LeftOut { content, edits, checksum } = stored;
        if serde_json::from_str::<IgnoredAny>(&content.body).is_err() {
            self.add("body", format!("message {msg_id} has a body that is not JSON"));
        } else if !checksum::fits(content, msg_id, *edits, *checksum) {
            self.add("checksum", format!("message {msg_id} has other content than was written"));
        }
    }

    /// The running counts: each is that of the row below, and one more for a countable message.
    fn count_up(&mut self, row: &CheckedRow) {
        let counts = row.countable != 0 && row.late == 0;
        let is_low = self.head.conv_b >= 0 && row.sender_id == self.head.conv_a;
        self.ordinal += i64::from(counts);
        self.ordinal_low += i64::from(counts && is_low);
        if (row.ordinal, row.ordinal_low) != (self.ordinal, self.ordinal_low) {
            self.is_miscounted = true;
            let (stored, stored_low) = (row.ordinal, row.ordinal_low);
            let what = format!(
                "message {} (seq {}) counts {stored} and {stored_low} messages up to it, but there are {} and {}",
                row.msg_id, row.seq, self.ordinal, self.ordinal_low
            );
            self.add("count", what);
            (self.ordinal, self.ordinal_low) = (stored, stored_low);
        }
    }

    fn end(&mut self) {
        let head = self.head;
        for gap in self.seqs.missing(head.seq) {
            // Purging removes numbers too; a purged import may have had any number.
            let may_be_purged = head.purged_msg_id > 0 && (gap.1 < self.first_own || !self.is_miscounted);
            if !may_be_purged {
                self.add("seq_gap", format!("seq {} missing", shown(gap)));
            }
        }
        if (head.ordinal, head.ordinal_low) != (self.ordinal, self.ordinal_low) {
            let what = format!(
                "the head counts {} and {} messages, but there are {} and {}",
                head.ordinal, head.ordinal_low, self.ordinal, self.ordinal_low
            );
            self.add("count", what);
        }
        if head.last_msg_id != self.last_msg_id {
            let what = format!("the head's newest message is {}, but it is {}", head.last_msg_id, self.last_msg_id);
            self.add("head", what);
        }
        if head.listed_msg_id < self.listable {
            let what = format!("is listed for message {}, but {} is newer", head.listed_msg_id, self.listable);
            self.add("head", what);
        }
    }
}
