//! Messages that were pinned or unpinned, which is not reported yet.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, row, sqlx};

const ADD: &str = "
    insert into pin_report (app_id, conv_a, conv_b, report_no, msg_id, operator_id, pinned, at_ms, address, platform, trace)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const SOME: &str = "
    select app_id, conv_a, conv_b, report_no, msg_id, operator_id, pinned, at_ms, address, platform, trace
    from pin_report where app_id = $1 order by conv_a, conv_b, report_no limit cast($2 as bigint)";

const NEXT_APP: &str = "select app_id from pin_report where app_id > $1 order by app_id limit 1";

static REMOVE: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [("app_id", Kind::Int), ("conv_a", Kind::Int), ("conv_b", Kind::Int), ("report_no", Kind::Int)];
    ManyRows::new(
        &columns,
        "delete from pin_report where (app_id, conv_a, conv_b, report_no) in
            (select app_id, conv_a, conv_b, report_no from r)",
    )
});

pub const ALL: &[&str] = &[ADD, SOME, NEXT_APP];

pub fn many() -> Vec<&'static ManyRows> {
    vec![&REMOVE]
}

/// A message that was pinned or unpinned.
#[derive(Debug, Clone)]
pub struct PinReport {
    pub app: AppId,
    pub conversation: ConversationId,
    /// Of the conversation: see `pinned_message::next`.
    pub number: i64,
    pub msg_id: MsgId,
    pub operator: UserId,
    pub pinned: bool,
    pub at: UnixMillis,
    /// The origin: see `Event` in `message.proto`.
    pub address: String,
    pub platform: String,
    pub trace: String,
}

pub async fn add(tx: &mut Tx, report: &PinReport) -> Result<(), Error> {
    let (a, b) = report.conversation.key();
    on_tx!(tx, |c| sqlx::query(ADD)
        .bind(report.app.0)
        .bind(a)
        .bind(b)
        .bind(report.number)
        .bind(report.msg_id.0)
        .bind(report.operator.0)
        .bind(i64::from(report.pinned))
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
        conv_a: i64,
        conv_b: i64,
        report_no: i64,
        msg_id: i64,
        operator_id: i64,
        pinned: i64,
        at_ms: i64,
        address: String,
        platform: String,
        trace: String,
    }
}

/// Up to `limit` of an app, those of a conversation in their order.
pub async fn some(db: &Db, app: AppId, limit: i64) -> Result<Vec<PinReport>, Error> {
    let rows: Vec<ReportRow> = on_db!(db, |c| sqlx::query_as(SOME).bind(app.0).bind(limit).fetch_all(c).await)?;
    let reports = rows.into_iter().map(|row| PinReport {
        app: AppId(row.app_id),
        conversation: ConversationId::from_key(row.conv_a, row.conv_b),
        number: row.report_no,
        msg_id: MsgId(row.msg_id),
        operator: UserId(row.operator_id),
        pinned: row.pinned != 0,
        at: UnixMillis(row.at_ms),
        address: row.address,
        platform: row.platform,
        trace: row.trace,
    });
    Ok(reports.collect())
}

/// The first app after `after` of which there are any.
pub async fn next_app(db: &Db, after: AppId) -> Result<Option<AppId>, Error> {
    super::next_app(db, NEXT_APP, after).await
}

/// Removes those that were reported.
pub async fn remove(tx: &mut Tx, reports: &[PinReport]) -> Result<(), Error> {
    let int = |value: fn(&PinReport) -> i64| Column::Int(reports.iter().map(value).collect());
    let rows = [
        int(|report| report.app.0),
        int(|report| report.conversation.key().0),
        int(|report| report.conversation.key().1),
        int(|report| report.number),
    ];
    REMOVE.execute(tx, &rows).await
}
