//! Read marks that moved and are not reported yet.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, row, sqlx};

use super::UserConversation;

const ADD: &str = "
    insert into read_report (app_id, user_id, conv_a, conv_b, read_id, at_ms, address, platform, trace)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (app_id, user_id, conv_a, conv_b, read_id) do nothing";

const SOME: &str = "
    select app_id, user_id, conv_a, conv_b, read_id, at_ms, address, platform, trace
    from read_report where app_id = $1 order by user_id, conv_a, conv_b, read_id limit cast($2 as bigint)";

const NEXT_APP: &str = "select app_id from read_report where app_id > $1 order by app_id limit 1";

static REMOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("user_id", Kind::Int),
        ("conv_a", Kind::Int),
        ("conv_b", Kind::Int),
        ("read_id", Kind::Int),
    ];
    ManyRows::new(
        &columns,
        "delete from read_report where (app_id, user_id, conv_a, conv_b, read_id) in
            (select app_id, user_id, conv_a, conv_b, read_id from r)",
    )
});

pub const ALL: &[&str] = &[ADD, SOME, NEXT_APP];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&REMOVE]
}

/// A read or delivered mark that moved.
#[derive(Debug, Clone)]
pub struct MarkReport {
    pub place: UserConversation,
    pub msg_id: MsgId,
    pub at: UnixMillis,
    /// The origin: see `Event` in `message.proto`.
    pub address: String,
    pub platform: String,
    pub trace: String,
}

/// Adds one.
pub async fn add(tx: &mut Tx, report: &MarkReport) -> Result<(), Error> {
    let (a, b) = report.place.conversation.key();
    on_tx!(tx, |c| sqlx::query(ADD)
        .bind(report.place.app.0)
        .bind(report.place.user.0)
        .bind(a)
        .bind(b)
        .bind(report.msg_id.0)
        .bind(report.at.0)
        .bind(&report.address)
        .bind(&report.platform)
        .bind(&report.trace)
        .execute(c)
        .await
        .map(drop))
}

row! {
    struct ReportRow {
        app_id: i64,
        user_id: i64,
        conv_a: i64,
        conv_b: i64,
        read_id: i64,
        at_ms: i64,
        address: String,
        platform: String,
        trace: String,
    }
}

/// Up to `limit` of an app.
pub async fn some(db: &Db, app: AppId, limit: i64) -> Result<Vec<MarkReport>, Error> {
    let rows: Vec<ReportRow> = on_db!(db, |c| sqlx::query_as(SOME).bind(app.0).bind(limit).fetch_all(c).await)?;
    let reports = rows.into_iter().map(|row| MarkReport {
        place: UserConversation {
            app: AppId(row.app_id),
            user: UserId(row.user_id),
            conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        },
        msg_id: MsgId(row.read_id),
        at: UnixMillis(row.at_ms),
        address: row.address,
        platform: row.platform,
        trace: row.trace,
    });
    Ok(reports.collect())
}

/// The first app after `after` of which there are any.
pub async fn next_app(db: &Db, after: AppId) -> Result<Option<AppId>, Error> {
    let found: Option<(i64,)> = on_db!(db, |c| sqlx::query_as(NEXT_APP).bind(after.0).fetch_optional(c).await)?;
    Ok(found.map(|(app,)| AppId(app)))
}

/// Removes delivered reports.
pub async fn remove(tx: &mut Tx, reports: &[MarkReport]) -> Result<(), Error> {
    let int = |value: fn(&MarkReport) -> i64| Column::Int(reports.iter().map(value).collect());
    let rows = [
        int(|report| report.place.app.0),
        int(|report| report.place.user.0),
        int(|report| report.place.conversation.key().0),
        int(|report| report.place.conversation.key().1),
        int(|report| report.msg_id.0),
    ];
    REMOVE.execute(tx, &rows).await
}
