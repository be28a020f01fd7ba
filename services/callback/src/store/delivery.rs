//! Deliveries.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis};
use tidings_store::{Column, Db, Kind, ManyRows, Scale, Tx, on_db, on_tx, row, sqlx};

use crate::model::{Attempt, Delivery, Due, NewDelivery, Outcome, State};

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("endpoint_id", Kind::Int),
        ("delivery_id", Kind::Int),
        ("event_id", Kind::Text),
        ("event", Kind::Text),
        ("command", Kind::Text),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("msg_id", Kind::Int),
        ("address", Kind::Text),
        ("platform", Kind::Text),
        ("trace", Kind::Text),
        ("body", Kind::Text),
        ("created_at", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "insert into delivery (app_id, endpoint_id, delivery_id, event_id, event, command, conv_a, conv_b, msg_id,
            address, platform, trace, body, created_at, state, at_ms, tries, attempts)
         select app_id, endpoint_id, delivery_id, event_id, event, command, conv_a, conv_b, msg_id,
            address, platform, trace, body, created_at, 1, created_at, 0, '' from r where true",
    )
});

static SETTLE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("endpoint_id", Kind::Int),
        ("delivery_id", Kind::Int),
        ("state", Kind::Int),
        ("at_ms", Kind::Int),
        ("tries", Kind::Int),
        ("attempt", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "update delivery set state = r.state, at_ms = r.at_ms, tries = r.tries, attempts = attempts || r.attempt
         from r
         where delivery.app_id = r.app_id and delivery.endpoint_id = r.endpoint_id
           and delivery.delivery_id = r.delivery_id and delivery.state = 1",
    )
});

/// The cast keeps SQLite from planning the query again for each limit.
const DUE: &str = "
    select d.delivery_id, d.event_id, d.command, d.address, d.platform, d.trace, d.body, d.tries,
        d.created_at
    from delivery d
    where d.app_id = $1 and d.endpoint_id = $2 and d.state = 1 and d.at_ms <= $3
    order by d.at_ms, d.delivery_id limit cast($4 as bigint)";

/// The same, except those that wait for an earlier one of their conversation.
const DUE_IN_ORDER: &str = "
    select d.delivery_id, d.event_id, d.command, d.address, d.platform, d.trace, d.body, d.tries,
        d.created_at
    from delivery d
    where d.app_id = $1 and d.endpoint_id = $2 and d.state = 1 and d.at_ms <= $3
      and not exists (select 1 from delivery e
        where e.app_id = d.app_id and e.endpoint_id = d.endpoint_id and e.state = 1
          and e.conv_a = d.conv_a and e.conv_b = d.conv_b and e.delivery_id < d.delivery_id)
    order by d.at_ms, d.delivery_id limit cast($4 as bigint)";

const NEXT_AT: &str = "
    select min(at_ms) from delivery where app_id = $1 and endpoint_id = $2 and state = 1 and at_ms > $3";

/// The condition on the id makes it a single index lookup.
const NEWEST_AT: &str = "
    select created_at from delivery where app_id = $1 and endpoint_id = $2 and delivery_id > 0
    order by delivery_id desc limit 1";

const HASTEN: &str = "
    update delivery set at_ms = $3 where (app_id, endpoint_id, delivery_id) in (
        select app_id, endpoint_id, delivery_id from delivery
        where app_id = $1 and endpoint_id = $2 and state = 1 and at_ms > $3 limit cast($4 as bigint))";

const UNTRIED: &str = "
    select count(*) from (select 1 from delivery
        where app_id = $1 and endpoint_id = $2 and state = 1 and tries = 0 limit cast($3 as bigint)) w";

/// Up to `$3` that wait, and when the first of them is due.
const WAITING: &str = "
    select count(*), min(at_ms) from (select at_ms from delivery
        where app_id = $1 and endpoint_id = $2 and state = 1 order by at_ms limit cast($3 as bigint)) w";

const EMPTY: &str = "
    delete from delivery where (app_id, endpoint_id, delivery_id) in (
        select app_id, endpoint_id, delivery_id from delivery where app_id = $1 and endpoint_id = $2 and delivery_id > 0
        order by delivery_id limit cast($3 as bigint))";

const LIST: &str = "
    select delivery_id, endpoint_id, event_id, event, command, conv_a, conv_b, msg_id, address,
        case when octet_length(body) <= 16384 then body end as body, created_at, state, at_ms, attempts
    from delivery
    where app_id = $1 and delivery_id < $4 and ($2 = 0 or endpoint_id = $2) and ($3 = 0 or state = $3)
    order by delivery_id desc limit cast($5 as bigint)";

const LIST_OF_MESSAGE: &str = "
    select delivery_id, endpoint_id, event_id, event, command, conv_a, conv_b, msg_id, address,
        case when octet_length(body) <= 16384 then body end as body, created_at, state, at_ms, attempts
    from delivery
    where app_id = $1 and msg_id = $6 and ($2 = 0 or endpoint_id = $2) and ($3 = 0 or state = $3)
      and delivery_id < $4
    order by delivery_id desc limit cast($5 as bigint)";

/// The list leaves the body out, since hundreds of large ones would be too much at once.
const BODY: &str = "select body from delivery where app_id = $1 and endpoint_id = $2 and delivery_id = $3";

const NEWEST: &str = "select coalesce(max(delivery_id), 0) from delivery where app_id = $1 and delivery_id > 0";
const END_OF_STEP: &str = "
    select max(s.delivery_id) from (
        select delivery_id from delivery where app_id = $1 and delivery_id > $2 and delivery_id <= $3
        order by delivery_id limit cast($4 as bigint)) s";

const REPLAY: &str = "
    update delivery set state = 1, at_ms = $7, tries = 0
    where app_id = $1 and delivery_id > $3 and delivery_id <= $8 and ($2 = 0 or endpoint_id = $2)
      and ($4 = 0 or state = $4) and ($5 = 0 or created_at >= $5) and ($6 = 0 or created_at < $6)";

const PURGE: &str = "
    delete from delivery where (app_id, endpoint_id, delivery_id) in (
        select app_id, endpoint_id, delivery_id from delivery
        where app_id = $1 and state <> 1 and at_ms <= $2 and (state = $3 or at_ms <= $4)
        order by at_ms limit cast($5 as bigint))";

const FORGET: &str = "
    delete from delivery where (app_id, endpoint_id, delivery_id) in (
        select app_id, endpoint_id, delivery_id from delivery where app_id = $1 and delivery_id > 0
        order by delivery_id limit cast($2 as bigint))";

pub const ALL: &[&str] = &[
    DUE,
    DUE_IN_ORDER,
    NEXT_AT,
    NEWEST_AT,
    HASTEN,
    UNTRIED,
    WAITING,
    EMPTY,
    LIST,
    LIST_OF_MESSAGE,
    BODY,
    NEWEST,
    END_OF_STEP,
    REPLAY,
    PURGE,
    FORGET,
];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&INSERT, &SETTLE]
}

/// Which endpoint of which app.
pub type Which = (AppId, i64);

/// Inserts deliveries with ids from `first` on.
pub async fn insert(
    tx: &mut Tx,
    (app, endpoint): Which,
    first: i64,
    now: UnixMillis,
    new: &[NewDelivery],
) -> Result<(), Error> {
    let int = |value: fn(&NewDelivery) -> i64| Column::Int(new.iter().map(value).collect());
    let columns = [
        Column::Int(vec![app.0; new.len()]),
        Column::Int(vec![endpoint; new.len()]),
        Column::Int((first..).take(new.len()).collect()),
        Column::Text(new.iter().map(|new| Some(new.event_id.as_str())).collect()),
        Column::Text(new.iter().map(|new| Some(new.event.as_str())).collect()),
        Column::Text(new.iter().map(|new| Some(new.command.as_str())).collect()),
        int(|new| new.conversation.key().0),
        int(|new| new.conversation.key().1),
        int(|new| new.msg_id.0),
        Column::Text(new.iter().map(|new| Some(new.address.as_str())).collect()),
        Column::Text(new.iter().map(|new| Some(new.platform.as_str())).collect()),
        Column::Text(new.iter().map(|new| Some(new.trace.as_str())).collect()),
        Column::Text(new.iter().map(|new| Some(new.body.as_str())).collect()),
        Column::Int(vec![now.0; new.len()]),
    ];
    INSERT.execute(tx, &columns).await
}

/// Records the outcomes of attempts.
pub async fn settle(tx: &mut Tx, (app, endpoint): Which, outcomes: &[Outcome]) -> Result<(), Error> {
    let int = |value: fn(&Outcome) -> i64| Column::Int(outcomes.iter().map(value).collect());
    let mut lines = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        lines.push(serde_json::to_string(&outcome.attempt).map_err(Error::internal)? + "\n");
    }
    let columns = [
        Column::Int(vec![app.0; outcomes.len()]),
        Column::Int(vec![endpoint; outcomes.len()]),
        int(|outcome| outcome.id),
        int(|outcome| outcome.state as i64),
        int(|outcome| outcome.at.0),
        int(|outcome| outcome.tries),
        Column::Text(lines.iter().map(|line| Some(line.as_str())).collect()),
    ];
    SETTLE.execute(tx, &columns).await
}

row! {
    struct DueRow {
        delivery_id: i64,
        event_id: String,
        command: String,
        address: String,
        platform: String,
        trace: String,
        body: String,
        tries: i64,
        created_at: i64,
    }
}

/// Up to `limit` that are due, oldest first.
pub async fn due(
    db: &Db,
    (app, endpoint): Which,
    ordered: bool,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let text = if ordered { DUE_IN_ORDER } else { DUE };
    let rows: Vec<DueRow> =
        on_db!(db, |c| sqlx::query_as(text).bind(app.0).bind(endpoint).bind(now.0).bind(limit).fetch_all(c).await)?;
    let due = rows.into_iter().map(|row| Due {
        id: row.delivery_id,
        event_id: row.event_id,
        command: row.command,
        address: row.address,
        platform: row.platform,
        trace: row.trace,
        body: row.body,
        tries: row.tries,
        created_at: UnixMillis(row.created_at),
    });
    Ok(due.collect())
}

/// When the next one will be due.
pub async fn next_at(db: &Db, (app, endpoint): Which, now: UnixMillis) -> Result<Option<UnixMillis>, Error> {
    let (next,): (Option<i64>,) =
        on_db!(db, |c| sqlx::query_as(NEXT_AT).bind(app.0).bind(endpoint).bind(now.0).fetch_one(c).await)?;
    Ok(next.map(UnixMillis))
}

/// When the newest one was written.
pub async fn newest_at(db: &Db, (app, endpoint): Which) -> Result<Option<UnixMillis>, Error> {
    let row: Option<(i64,)> =
        on_db!(db, |c| sqlx::query_as(NEWEST_AT).bind(app.0).bind(endpoint).fetch_optional(c).await)?;
    Ok(row.map(|(at,)| UnixMillis(at)))
}

/// Makes up to `limit` future ones due; returns how many.
pub async fn hasten(db: &Db, (app, endpoint): Which, now: UnixMillis, limit: i64) -> Result<i64, Error> {
    let mut tx = db.begin().await?;
    let hastened = on_tx!(&mut tx, |c| sqlx::query(HASTEN)
        .bind(app.0)
        .bind(endpoint)
        .bind(now.0)
        .bind(limit)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(hastened as i64)
}

/// How many were written and not yet tried, counted up to `most`.
pub async fn untried(db: &Db, (app, endpoint): Which, most: i64) -> Result<i64, Error> {
    let (untried,): (i64,) =
        on_db!(db, |c| sqlx::query_as(UNTRIED).bind(app.0).bind(endpoint).bind(most).fetch_one(c).await)?;
    Ok(untried)
}

/// How many wait, counted up to `most`, and when the first of them is due.
pub async fn waiting(db: &Db, (app, endpoint): Which, most: i64) -> Result<(i64, Option<UnixMillis>), Error> {
    let (count, first): (i64, Option<i64>) =
        on_db!(db, |c| sqlx::query_as(WAITING).bind(app.0).bind(endpoint).bind(most).fetch_one(c).await)?;
    Ok((count, first.map(UnixMillis)))
}

/// Removes the oldest of an endpoint, up to `limit`. Returns how many there were.
pub async fn empty(tx: &mut Tx, (app, endpoint): Which, limit: i64) -> Result<i64, Error> {
    let removed = on_tx!(tx, |c| sqlx::query(EMPTY)
        .bind(app.0)
        .bind(endpoint)
        .bind(limit)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(removed as i64)
}

/// Which deliveries; 0 is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    pub endpoint: i64,
    pub delivery: i64,
    pub state: i64,
    pub msg_id: i64,
    pub before: i64,
    pub from: i64,
    pub until: i64,
}

row! {
    struct DeliveryRow {
        delivery_id: i64,
        endpoint_id: i64,
        event_id: String,
        event: String,
        command: String,
        conv_a: i64,
        conv_b: i64,
        msg_id: i64,
        address: String,
        body: Option<String>,
        created_at: i64,
        state: i64,
        at_ms: i64,
        attempts: String,
    }
}

/// Up to `limit`, newest first, fewer if they are too large; and the last one's id when there are more.
pub async fn list(
    db: &Db,
    app: AppId,
    filter: DeliveryFilter,
    limit: i64,
) -> Result<(Vec<Delivery>, Option<i64>), Error> {
    let before = if filter.before == 0 { i64::MAX } else { filter.before };
    let rows: Vec<DeliveryRow> = if filter.msg_id == 0 {
        on_db!(db, |c| sqlx::query_as(LIST)
            .bind(app.0)
            .bind(filter.endpoint)
            .bind(filter.state)
            .bind(before)
            .bind(limit + 1)
            .fetch_all(c)
            .await)?
    } else {
        on_db!(db, |c| sqlx::query_as(LIST_OF_MESSAGE)
            .bind(app.0)
            .bind(filter.endpoint)
            .bind(filter.state)
            .bind(before)
            .bind(limit + 1)
            .bind(filter.msg_id)
            .fetch_all(c)
            .await)?
    };
    let (mut listed, mut scale) = (Vec::<Delivery>::with_capacity(rows.len()), Scale::default());
    let read = rows.len();
    for mut row in rows.into_iter().take(limit as usize) {
        if row.body.is_none() && !scale.is_full() {
            // Empty when it was purged since its row was read.
            let (endpoint, id) = (row.endpoint_id, row.delivery_id);
            let body: Option<(String,)> =
                on_db!(db, |c| sqlx::query_as(BODY).bind(app.0).bind(endpoint).bind(id).fetch_optional(c).await)?;
            row.body = Some(body.map(|(body,)| body).unwrap_or_default());
        }
        if !scale.takes(row.body.as_deref().unwrap_or_default().len() + row.attempts.len()) {
            break;
        }
        listed.push(delivery(row)?);
    }
    let next = listed.last().filter(|_| listed.len() < read).map(|last| last.id);
    Ok((listed, next))
}

fn delivery(row: DeliveryRow) -> Result<Delivery, Error> {
    let read = |line: &str| serde_json::from_str::<Attempt>(line).map_err(Error::internal);
    Ok(Delivery {
        id: row.delivery_id,
        endpoint: row.endpoint_id,
        new: NewDelivery {
            event_id: row.event_id,
            event: row.event,
            command: row.command,
            conversation: ConversationId::from_key(row.conv_a, row.conv_b),
            msg_id: MsgId(row.msg_id),
            address: row.address,
            platform: String::new(),
            trace: String::new(),
            body: row.body.unwrap_or_default(),
        },
        state: State::of(row.state)?,
        created_at: UnixMillis(row.created_at),
        at: UnixMillis(row.at_ms),
        attempts: row.attempts.lines().map(read).collect::<Result<_, _>>()?,
    })
}

/// The id of the newest delivery of an app; 0 when there is none.
pub async fn newest(db: &Db, app: AppId) -> Result<i64, Error> {
    let (newest,): (i64,) = on_db!(db, |c| sqlx::query_as(NEWEST).bind(app.0).fetch_one(c).await)?;
    Ok(newest)
}

/// The last of the next `limit` deliveries above one id and up to another.
pub async fn end_of_step(db: &Db, app: AppId, (after, last): (i64, i64), limit: i64) -> Result<Option<i64>, Error> {
    let (end,): (Option<i64>,) =
        on_db!(db, |c| sqlx::query_as(END_OF_STEP).bind(app.0).bind(after).bind(last).bind(limit).fetch_one(c).await)?;
    Ok(end)
}

/// Makes the selected ones with ids above one id and up to another due again; returns how many.
pub async fn replay(
    tx: &mut Tx,
    app: AppId,
    (after, last): (i64, i64),
    filter: DeliveryFilter,
    now: UnixMillis,
) -> Result<i64, Error> {
    let replayed = on_tx!(tx, |c| sqlx::query(REPLAY)
        .bind(app.0)
        .bind(filter.endpoint)
        .bind(after)
        .bind(filter.state)
        .bind(filter.from)
        .bind(filter.until)
        .bind(now.0)
        .bind(last)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(replayed as i64)
}

/// Removes up to `limit` of an app, in any state; returns how many.
pub async fn forget(tx: &mut Tx, app: AppId, limit: i64) -> Result<i64, Error> {
    let forgotten =
        on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(limit).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(forgotten as i64)
}

/// Removes up to `limit` of an app that were delivered by the first time, or died by the second; returns how many.
pub async fn purge(tx: &mut Tx, app: AppId, delivered: UnixMillis, dead: UnixMillis, limit: i64) -> Result<i64, Error> {
    // Done by the later of the two times; the state that is kept longer must be older.
    let early = if delivered > dead { State::Delivered } else { State::Dead };
    let purged = on_tx!(tx, |c| sqlx::query(PURGE)
        .bind(app.0)
        .bind(delivered.max(dead).0)
        .bind(early as i64)
        .bind(delivered.min(dead).0)
        .bind(limit)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(purged as i64)
}
