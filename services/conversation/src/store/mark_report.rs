//! Read and delivered marks that moved and are not reported yet.

use std::sync::LazyLock;

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::{Column, Db, Kind, ManyRows, Tx, on_db, on_tx, sqlx};

use super::{UserConversation, next_app};

/// The statements on one kind of mark, which has a table of its own.
pub struct MarkReports {
    add: &'static str,
    some: &'static str,
    next_app: &'static str,
    remove: ManyRows,
}

pub static READ: LazyLock<MarkReports> = LazyLock::new(|| MarkReports {
    add: "
    insert into read_report (app_id, user_id, conv_a, conv_b, read_id, at_ms, address, platform, trace)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (app_id, user_id, conv_a, conv_b, read_id) do nothing",
    some: "
    select app_id, user_id, conv_a, conv_b, read_id, at_ms, address, platform, trace
    from read_report where app_id = $1 order by user_id, conv_a, conv_b, read_id limit cast($2 as bigint)",
    next_app: "select app_id from read_report where app_id > $1 order by app_id limit 1",
    remove: ManyRows::new(
        &key("read_id"),
        "delete from read_report where (app_id, user_id, conv_a, conv_b, read_id) in
            (select app_id, user_id, conv_a, conv_b, read_id from r)",
    ),
});

/// Of direct conversations only.
pub static DELIVERED: LazyLock<MarkReports> = LazyLock::new(|| MarkReports {
    add: "
    insert into delivered_report (app_id, user_id, conv_a, conv_b, delivered_id, at_ms, address, platform, trace)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (app_id, user_id, conv_a, conv_b, delivered_id) do nothing",
    some: "
    select app_id, user_id, conv_a, conv_b, delivered_id, at_ms, address, platform, trace
    from delivered_report where app_id = $1 order by user_id, conv_a, conv_b, delivered_id limit cast($2 as bigint)",
    next_app: "select app_id from delivered_report where app_id > $1 order by app_id limit 1",
    remove: ManyRows::new(
        &key("delivered_id"),
        "delete from delivered_report where (app_id, user_id, conv_a, conv_b, delivered_id) in
            (select app_id, user_id, conv_a, conv_b, delivered_id from r)",
    ),
});

/// The key of a table, whose last column is the mark.
fn key(mark: &'static str) -> [(&'static str, Kind); 5] {
    let [app, user, a, b] = super::KEY;
    [app, user, a, b, (mark, Kind::Int)]
}

pub fn all() -> Vec<&'static str> {
    [&READ, &DELIVERED].iter().flat_map(|table| [table.add, table.some, table.next_app]).collect()
}

pub fn many() -> Vec<&'static ManyRows> {
    vec![&READ.remove, &DELIVERED.remove]
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

/// A tuple, since the fifth column has another name in each table.
type ReportRow = (i64, i64, i64, i64, i64, i64, String, String, String);

fn report((app, user, a, b, msg_id, at, address, platform, trace): ReportRow) -> MarkReport {
    let conversation = ConversationId::from_key(a, b);
    let place = UserConversation { app: AppId(app), user: UserId(user), conversation };
    MarkReport { place, msg_id: MsgId(msg_id), at: UnixMillis(at), address, platform, trace }
}

impl MarkReports {
    /// Adds one.
    pub async fn add(&self, tx: &mut Tx, report: &MarkReport) -> Result<(), Error> {
        let (a, b) = report.place.conversation.key();
        on_tx!(tx, |c| sqlx::query(self.add)
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

    /// Up to `limit` of an app.
    pub async fn some(&self, db: &Db, app: AppId, limit: i64) -> Result<Vec<MarkReport>, Error> {
        let rows: Vec<ReportRow> =
            on_db!(db, |c| sqlx::query_as(self.some).bind(app.0).bind(limit).fetch_all(c).await)?;
        Ok(rows.into_iter().map(report).collect())
    }

    /// The first app after `after` of which there are any.
    pub async fn next_app(&self, db: &Db, after: AppId) -> Result<Option<AppId>, Error> {
        next_app(db, self.next_app, after).await
    }

    /// Removes those that were reported.
    pub async fn remove(&self, tx: &mut Tx, reports: &[MarkReport]) -> Result<(), Error> {
        let int = |value: fn(&MarkReport) -> i64| Column::Int(reports.iter().map(value).collect());
        let rows = [
            int(|report| report.place.app.0),
            int(|report| report.place.user.0),
            int(|report| report.place.conversation.key().0),
            int(|report| report.place.conversation.key().1),
            int(|report| report.msg_id.0),
        ];
        self.remove.execute(tx, &rows).await
    }
}
