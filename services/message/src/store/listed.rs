//! The conversations that are in a user's list, and the newest message that they can read there.

use std::{collections::HashMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId, UserId};
use tidings_store::{Column, Db, Gather, GatherMany, Kind, Tx};

use super::read::visible;

/// The direct ones: groups have no participants here. `hidden`: whether the user cannot see the message it is listed
/// for.
static CONVERSATIONS: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b", "listed_msg_id", "hidden"],
        "select p.conv_a, p.conv_b, h.listed_msg_id,
            (select count(*) from excluded x where x.app_id = p.app_id and x.user_id = p.user_id
                and x.conv_a = p.conv_a and x.conv_b = p.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from participant p
         cross join conversation_head h
         where p.app_id = $1 and p.user_id = $2 and h.listed_msg_id > 0
           and h.app_id = p.app_id and h.conv_a = p.conv_a and h.conv_b = p.conv_b
         order by h.listed_msg_id desc",
    )
});

/// The direct ones, whatever is in them.
static DIRECT: LazyLock<Gather> = LazyLock::new(|| {
    Gather::new(
        &["conv_a", "conv_b"],
        "select p.conv_a, p.conv_b from participant p where p.app_id = $1 and p.user_id = $2",
    )
});

/// The same of some conversations of the user.
static LISTED: LazyLock<GatherMany> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("user_id", Kind::Int)];
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "listed_msg_id", "hidden"],
        "select h.conv_a, h.conv_b, h.listed_msg_id,
            (select count(*) from excluded x where x.app_id = r.app_id and x.user_id = r.user_id
                and x.conv_a = r.conv_a and x.conv_b = r.conv_b and x.msg_id = h.listed_msg_id) as hidden
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b and h.listed_msg_id > 0",
        "",
    )
});

/// Rows that are searched below a message for a readable one: at first, and once more if all of those are gone. No
/// search is longer, however many messages were recalled.
const STEPS: [i64; 2] = [50, 4_000];

/// The newest message between two ids, exclusive, that a user can read, 0 if there is none in the step.
fn newest_readable(step: i64) -> GatherMany {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("user_id", Kind::Int),
        ("below", Kind::Int),
        ("floor", Kind::Int),
    ];
    // The lower bound is one value, so that no scan continues below it in search of a row.
    let (readable, last) = (visible!("r.user_id"), step - 1);
    GatherMany::new(
        &columns,
        &["conv_a", "conv_b", "newest"],
        &format!(
            "select r.conv_a, r.conv_b, coalesce((select m.msg_id from message m
                where m.app_id = r.app_id and m.conv_a = r.conv_a and m.conv_b = r.conv_b and m.msg_id < r.below
                    and m.msg_id >= coalesce((select n.msg_id from message n
                        where n.app_id = r.app_id and n.conv_a = r.conv_a and n.conv_b = r.conv_b
                            and n.msg_id < r.below and n.msg_id > r.floor
                        order by n.msg_id desc limit 1 offset {last}), r.floor + 1)
                    and {readable}
                order by m.msg_id desc limit 1), 0) as newest
             from r"
        ),
        "",
    )
}

static NEWEST: LazyLock<[GatherMany; 2]> = LazyLock::new(|| STEPS.map(newest_readable));

pub fn gathers() -> [&'static Gather; 2] {
    [&CONVERSATIONS, &DIRECT]
}

pub fn lookups() -> Vec<&'static GatherMany> {
    [&*LISTED].into_iter().chain(NEWEST.iter()).collect()
}

/// A conversation and the newest message for which it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    pub conversation: ConversationId,
    pub listed_msg_id: MsgId,
    /// Whether that message is hidden from the user.
    pub is_hidden: bool,
}

/// Every direct conversation of a user, newest activity first.
pub async fn conversations(db: &Db, app: AppId, user: UserId) -> Result<Vec<Listed>, Error> {
    let rows: Vec<ListedRow> = CONVERSATIONS.read(db, &[app.0, user.0]).await?;
    Ok(rows.into_iter().map(listed_of).collect())
}

/// Every direct conversation of a user, in any order, those without a message included.
pub async fn direct(db: &Db, app: AppId, user: UserId) -> Result<Vec<ConversationId>, Error> {
    let rows: Vec<(i64, i64)> = DIRECT.read(db, &[app.0, user.0]).await?;
    Ok(rows.into_iter().map(|(a, b)| ConversationId::from_key(a, b)).collect())
}

/// The same of these, in any order; those without a message are left out.
pub async fn listed(db: &Db, app: AppId, user: UserId, ranges: &[ConversationId]) -> Result<Vec<Listed>, Error> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let rows = [
        Column::Int(vec![app.0; ranges.len()]),
        Column::Int(ranges.iter().map(|conversation| conversation.key().0).collect()),
        Column::Int(ranges.iter().map(|conversation| conversation.key().1).collect()),
        Column::Int(vec![user.0; ranges.len()]),
    ];
    let rows: Vec<ListedRow> = LISTED.read(db, &rows).await?;
    Ok(rows.into_iter().map(listed_of).collect())
}

type ListedRow = (i64, i64, i64, i64);

fn listed_of((a, b, listed, hidden): ListedRow) -> Listed {
    let (conversation, listed_msg_id) = (ConversationId::from_key(a, b), MsgId(listed));
    Listed { conversation, listed_msg_id, is_hidden: hidden != 0 }
}

/// The range of messages, exclusive, that is searched for a readable one.
#[derive(Debug, Clone, Copy)]
pub struct Below {
    pub conversation: ConversationId,
    pub below: MsgId,
    pub floor: MsgId,
}

impl Below {
    fn columns(ranges: &[Self], app: AppId, viewer: i64) -> [Column<'static>; 6] {
        let int = |value: fn(&Self) -> i64| Column::Int(ranges.iter().map(value).collect());
        [
            Column::Int(vec![app.0; ranges.len()]),
            int(|ranges| ranges.conversation.key().0),
            int(|ranges| ranges.conversation.key().1),
            Column::Int(vec![viewer; ranges.len()]),
            int(|ranges| ranges.below.0),
            int(|ranges| ranges.floor.0),
        ]
    }
}

type NewestRow = (i64, i64, i64);

/// The newest message that the user can read in each of the conversations. If there is none, or none among the next
/// 4,000, the conversation is missing.
pub async fn newest(
    db: &Db,
    app: AppId,
    user: UserId,
    ranges: &[Below],
) -> Result<HashMap<ConversationId, MsgId>, Error> {
    let (mut found, mut ranges) = (HashMap::new(), ranges.to_vec());
    for step in NEWEST.iter() {
        if ranges.is_empty() {
            break;
        }
        let rows: Vec<NewestRow> = step.read(db, &Below::columns(&ranges, app, user.0)).await?;
        let rows = rows.into_iter().filter(|(_, _, newest)| *newest > 0);
        found.extend(rows.map(|(a, b, newest)| (ConversationId::from_key(a, b), MsgId(newest))));
        ranges.retain(|ranges| !found.contains_key(&ranges.conversation));
    }
    Ok(found)
}

/// A viewer from whom nothing is hidden except what is hidden from everybody.
const ANYBODY: i64 = -2;

/// The newest message below another one that is in everybody's history, found as by [`newest`].
pub async fn newest_in(
    tx: &mut Tx,
    app: AppId,
    conversation: ConversationId,
    below: MsgId,
) -> Result<Option<MsgId>, Error> {
    let ranges = Below { conversation, below, floor: MsgId::ZERO };
    for step in NEWEST.iter() {
        let rows: Vec<NewestRow> = step.fetch(tx, &Below::columns(&[ranges], app, ANYBODY)).await?;
        if let Some((_, _, newest)) = rows.into_iter().find(|(_, _, newest)| *newest > 0) {
            return Ok(Some(MsgId(newest)));
        }
    }
    Ok(None)
}
