//! Checks all stored data of an app: the log, its numbers and counts, and the rows that belong to messages.
//!
//! Read-only, page by page, even while the program runs: an apparent problem is checked again, and is only
//! reported if it is still wrong, since it may have been in the middle of a change.

mod conversations;
mod keys;
mod lanes;
mod seqs;
mod side_tables;
mod unread;

use std::time::Duration;

use tidings_domain::{AppId, Error, Finding, Reason};
use tidings_store::Db;
use tokio::time::sleep;

pub use unread::{Mark, unread};

/// Takes each finding as it is found.
pub type Report<'a> = &'a mut (dyn FnMut(Finding) + Send);

/// What was checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checked {
    /// Conversations with a head.
    pub conversations: u64,
    /// Messages, recalled ones too.
    pub messages: u64,
    /// Numbers of the event feed.
    pub events: u64,
    /// Idempotency keys.
    pub keys: u64,
    /// Whether messages were purged.
    has_purged: bool,
}

/// Checks what is stored of one app.
pub async fn app(db: &Db, app: AppId, report: Report<'_>) -> Result<Checked, Error> {
    let mut checked = Checked::default();
    conversations::check(db, app, &mut checked, &mut *report).await?;
    lanes::check(db, app, &mut checked, &mut *report).await?;
    side_tables::check(db, app, &mut *report).await?;
    keys::check(db, app, &mut checked, report).await?;
    Ok(checked)
}

/// How often something is checked before it counts as wrong.
const LOOKS: usize = 3;
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Reports what is still wrong at the last look. What cannot be read since the file is damaged is a finding too.
async fn settled(
    (app, place): (AppId, &str),
    look: impl AsyncFn() -> Result<Vec<Finding>, Error>,
    report: Report<'_>,
) -> Result<(), Error> {
    let mut found = Vec::new();
    for looks in 1..=LOOKS {
        found = match look().await {
            Err(error) if error.reason() == Reason::DataDamaged => {
                vec![Finding::of_app(app, "unreadable", place, "cannot be read: the database file is damaged")]
            }
            found => found?,
        };
        if found.is_empty() || looks == LOOKS {
            break;
        }
        sleep(PAUSE).await;
    }
    found.into_iter().for_each(report);
    Ok(())
}

/// A conversation's key as text.
fn place((a, b): (i64, i64)) -> String {
    match b {
        -1 => format!("group {a}"),
        -2 => format!("room {a}"),
        _ => format!("users {a} and {b}"),
    }
}
