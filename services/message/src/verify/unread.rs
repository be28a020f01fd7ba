//! Unread counts against a count of the messages themselves.

use tidings_domain::{AppId, ConversationId, Error, Finding, MsgId, UserId};
use tidings_store::Db;

use super::{Report, place, settled};
use crate::{
    app::unread::counted,
    store::{above, verify},
};

/// With more messages above it a mark is left out, since they would all be read: their counts are checked otherwise.
const MOST: i64 = 5000;

/// A read mark.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub conversation: ConversationId,
    /// Up to where they have read.
    pub read: MsgId,
}

/// Compares the unread count of each mark with the number of messages.
pub async fn unread(db: &Db, app: AppId, marks: &[Mark], report: Report<'_>) -> Result<(), Error> {
    for mark in marks {
        let place = place(mark.conversation.key());
        let look = async || one(db, app, *mark, &place).await;
        settled((app, &place), look, &mut *report).await?;
    }
    Ok(())
}

async fn one(db: &Db, app: AppId, mark: Mark, place: &str) -> Result<Vec<Finding>, Error> {
    let above = above::above(db, app, mark.user, &[(mark.conversation, mark.read)]).await?;
    let is_own = matches!(mark.conversation, ConversationId::Direct(low, high) if low == high);
    let Some(above) = above.first().filter(|above| !is_own && above.ordinal + above.late <= MOST) else {
        return Ok(Vec::new());
    };
    let stored = counted(mark.user, above).unread;
    let there = verify::recount(db, app, mark.user, (mark.conversation, mark.read)).await?;
    if stored == there {
        return Ok(Vec::new());
    }
    let what = format!("user {} has {stored} unread by the counts, but {there} messages", mark.user);
    Ok(vec![Finding::of_app(app, "unread", place, what)])
}
