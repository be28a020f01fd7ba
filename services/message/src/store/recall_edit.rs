//! Changes to messages that are in the log. The caller holds the lock of the conversation's head.

use tidings_domain::{Error, UnixMillis};
use tidings_store::{Tx, on_tx, sqlx};

use super::{excluded, reaction, which::Which};
use crate::{checksum, content::StoredContent};

const RECALL: &str = "
    update message set recalled_at = $5
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and recalled_at is null";

const SUBTRACT: &str = "
    insert into recalled (app_id, conv_a, conv_b, msg_id, sender_id)
    select app_id, conv_a, conv_b, msg_id, sender_id
    from message where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4 and countable = 1";

/// The number of edits stands above the checksum; see [`checksum`].
const EDIT: &str = "
    update message set body = $5, ext = $6, config = $7, verbatim = $8, edited_at = $9, edits = edits + 1,
        checksum = (edits + 1) * 4294967296 + $10
    where app_id = $1 and conv_a = $2 and conv_b = $3 and msg_id = $4";

pub const ALL: &[&str] = &[RECALL, SUBTRACT, EDIT];

/// Removes the message from history and unread counts, and its reactions; false when it was removed before.
pub async fn recall(tx: &mut Tx, which: Which, at: UnixMillis) -> Result<bool, Error> {
    let (a, b) = which.conversation.key();
    let recalled = on_tx!(&mut *tx, |c| sqlx::query(RECALL)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(at.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    if recalled == 0 {
        return Ok(false);
    }
    on_tx!(&mut *tx, |c| sqlx::query(SUBTRACT)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .execute(c)
        .await
        .map(drop))?;
    excluded::forget(tx, which).await?;
    reaction::forget(tx, which).await?;
    Ok(true)
}

/// Replaces the content of the message and counts the edit.
pub async fn edit(tx: &mut Tx, which: Which, content: &StoredContent, at: UnixMillis) -> Result<(), Error> {
    let (a, b) = which.conversation.key();
    on_tx!(tx, |c| sqlx::query(EDIT)
        .bind(which.app.0)
        .bind(a)
        .bind(b)
        .bind(which.msg_id.0)
        .bind(&content.body)
        .bind(&content.ext)
        .bind(&content.config)
        .bind(&content.verbatim)
        .bind(at.0)
        .bind(checksum::of(content, which.msg_id, 0))
        .execute(c)
        .await
        .map(drop))
}
