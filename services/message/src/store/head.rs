//! Heads of conversations, and their participants.

use std::{collections::BTreeMap, sync::LazyLock};

use tidings_domain::{AppId, ConversationId, Error, MsgId};
use tidings_store::{Column, GatherMany, Kind, ManyRows, Tx, on_tx, sqlx};

/// A conversation of an app. Ordered, since locks are taken in this order.
pub type ConversationKey = (AppId, ConversationId);

/// The head of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub last_msg_id: MsgId,
    /// The newest message for which the conversation is listed.
    pub listed_msg_id: MsgId,
    pub ordinal: i64,
    pub ordinal_low: i64,
    /// The counts at the newest message that was purged.
    pub purged: (i64, i64),
}

impl Head {
    const EMPTY: Self = Self {
        seq: 0,
        last_msg_id: MsgId::ZERO,
        listed_msg_id: MsgId::ZERO,
        ordinal: 0,
        ordinal_low: 0,
        purged: (0, 0),
    };
}

const PLACE: [(&str, Kind); 3] = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int)];

const HEAD: [&str; 7] =
    ["seq", "last_msg_id", "listed_msg_id", "ordinal", "ordinal_low", "purged_ordinal", "purged_ordinal_low"];

static LOCK: LazyLock<GatherMany> = LazyLock::new(|| {
    GatherMany::new(
        &PLACE,
        &[&["app_id", "conv_a", "conv_b"][..], &HEAD].concat(),
        "select h.app_id, h.conv_a, h.conv_b, h.seq, h.last_msg_id, h.listed_msg_id, h.ordinal, h.ordinal_low,
            h.purged_ordinal, h.purged_ordinal_low
         from r cross join conversation_head h
         where h.app_id = r.app_id and h.conv_a = r.conv_a and h.conv_b = r.conv_b
         order by h.app_id, h.conv_a, h.conv_b",
        "for update of h",
    )
});

static BEGIN: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        &PLACE,
        "insert into conversation_head (app_id, conv_a, conv_b, seq, last_msg_id, ordinal, ordinal_low)
         select app_id, conv_a, conv_b, 0, 0, 0, 0 from r where true
         on conflict (app_id, conv_a, conv_b) do nothing",
    )
});

static TAKE_PART: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("user_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int)];
    ManyRows::new(
        &columns,
        "insert into participant (app_id, user_id, conv_a, conv_b)
         select app_id, user_id, conv_a, conv_b from r where true
         on conflict (app_id, user_id, conv_a, conv_b) do nothing",
    )
});

static MOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("seq", Kind::Int),
        ("last_msg_id", Kind::Int),
        ("listed_msg_id", Kind::Int),
        ("ordinal", Kind::Int),
        ("ordinal_low", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "update conversation_head
         set seq = r.seq, last_msg_id = r.last_msg_id, listed_msg_id = r.listed_msg_id, ordinal = r.ordinal,
             ordinal_low = r.ordinal_low
         from r
         where conversation_head.app_id = r.app_id and conversation_head.conv_a = r.conv_a
           and conversation_head.conv_b = r.conv_b",
    )
});

const LIST_FOR: &str = "
    update conversation_head set listed_msg_id = $4 where app_id = $1 and conv_a = $2 and conv_b = $3";

pub const ALL: &[&str] = &[LIST_FOR];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&BEGIN, &TAKE_PART, &MOVE]
}

pub fn lookup() -> &'static GatherMany {
    &LOCK
}

type Row = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// Locks the heads of conversations, creating missing ones, in one order for every process.
pub async fn lock(tx: &mut Tx, places: &[ConversationKey]) -> Result<BTreeMap<ConversationKey, Head>, Error> {
    let mut heads = select(tx, places).await?;
    let missing: Vec<ConversationKey> = places.iter().filter(|place| !heads.contains_key(place)).copied().collect();
    if missing.is_empty() {
        return Ok(heads);
    }
    BEGIN.execute(tx, &columns(&missing)).await?;
    take_part(tx, &missing).await?;
    match tx {
        Tx::Sqlite(_) => heads.extend(missing.into_iter().map(|place| (place, Head::EMPTY))),
        // Another process may have created and filled one of them since.
        Tx::Postgres(_) => heads.append(&mut select(tx, &missing).await?),
    }
    Ok(heads)
}

/// Locks one head, which need not exist.
pub async fn lock_existing(tx: &mut Tx, place: ConversationKey) -> Result<Option<Head>, Error> {
    Ok(select(tx, &[place]).await?.remove(&place))
}

async fn select(tx: &mut Tx, places: &[ConversationKey]) -> Result<BTreeMap<ConversationKey, Head>, Error> {
    let rows: Vec<Row> = LOCK.fetch(tx, &columns(places)).await?;
    let heads = rows.into_iter().map(|(app, a, b, seq, last, listed, ordinal, ordinal_low, purged, purged_low)| {
        let (last_msg_id, listed_msg_id) = (MsgId(last), MsgId(listed));
        let head = Head { seq, last_msg_id, listed_msg_id, ordinal, ordinal_low, purged: (purged, purged_low) };
        ((AppId(app), ConversationId::from_key(a, b)), head)
    });
    Ok(heads.collect())
}

async fn take_part(tx: &mut Tx, places: &[ConversationKey]) -> Result<(), Error> {
    let parts = places.iter().filter_map(|(app, conversation)| match conversation {
        ConversationId::Direct(low, high) if low == high => Some(vec![(app, low, conversation)]),
        ConversationId::Direct(low, high) => Some(vec![(app, low, conversation), (app, high, conversation)]),
        _ => None,
    });
    let parts: Vec<_> = parts.flatten().collect();
    if parts.is_empty() {
        return Ok(());
    }
    let rows = [
        Column::Int(parts.iter().map(|(app, _, _)| app.0).collect()),
        Column::Int(parts.iter().map(|(_, user, _)| user.0).collect()),
        Column::Int(parts.iter().map(|(_, _, conversation)| conversation.key().0).collect()),
        Column::Int(parts.iter().map(|(_, _, conversation)| conversation.key().1).collect()),
    ];
    TAKE_PART.execute(tx, &rows).await
}

/// Writes the heads, which must be locked.
pub async fn store(tx: &mut Tx, heads: &BTreeMap<ConversationKey, Head>) -> Result<(), Error> {
    let places: Vec<ConversationKey> = heads.keys().copied().collect();
    let [app, a, b] = columns(&places);
    let rows = [
        app,
        a,
        b,
        Column::Int(heads.values().map(|head| head.seq).collect()),
        Column::Int(heads.values().map(|head| head.last_msg_id.0).collect()),
        Column::Int(heads.values().map(|head| head.listed_msg_id.0).collect()),
        Column::Int(heads.values().map(|head| head.ordinal).collect()),
        Column::Int(heads.values().map(|head| head.ordinal_low).collect()),
    ];
    MOVE.execute(tx, &rows).await
}

/// Lists a conversation, whose head is locked, for another message.
pub async fn list_for(tx: &mut Tx, (app, conversation): ConversationKey, msg_id: MsgId) -> Result<(), Error> {
    let (a, b) = conversation.key();
    on_tx!(tx, |c| sqlx::query(LIST_FOR).bind(app.0).bind(a).bind(b).bind(msg_id.0).execute(c).await.map(drop))
}

fn columns(places: &[ConversationKey]) -> [Column<'static>; 3] {
    [
        Column::Int(places.iter().map(|(app, _)| app.0).collect()),
        Column::Int(places.iter().map(|(_, conversation)| conversation.key().0).collect()),
        Column::Int(places.iter().map(|(_, conversation)| conversation.key().1).collect()),
    ]
}
