//! The file of one conversation: its whole history, in the lines of an export.
//!
//! It is generated while it is sent, and not stored, so only a page of it is in memory.

use std::{mem, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tidings_domain::{App, ConversationId, Error, MsgId};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::lines::{Lines, gzip};
use crate::{
    Deps,
    store::export::{self, Row},
};

/// Messages in memory at once.
const PAGE: i64 = 500;
/// Bytes sent at once.
const CHUNK: usize = 64 * 1024;

/// The file in chunks, made as fast as they are read.
pub fn conversation(
    deps: Arc<Deps>,
    app: Arc<App>,
    conversation: ConversationId,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let (chunks, receiver) = mpsc::channel(1);
    let make = async move {
        if let Err(error) = send(&deps, &app, conversation, &chunks).await {
            tracing::warn!(%error, "a conversation could not be exported completely");
            let _ = chunks.send(Err(error)).await;
        }
    };
    tokio::spawn(make.in_current_span());
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// Up to the message that is newest at the start. Ends early when the reader disconnects.
async fn send(
    deps: &Deps,
    app: &App,
    conversation: ConversationId,
    chunks: &mpsc::Sender<Result<Bytes, Error>>,
) -> Result<(), Error> {
    let newest = export::newest_of(&deps.db, app.id, conversation).await?;
    let (mut lines, mut gzip, mut after) = (Lines::new(deps, app), gzip(), MsgId::ZERO);
    loop {
        let mut rows = export::rows_of(&deps.db, app.id, conversation, (after, newest), PAGE).await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.msg_id;
        rows.retain(|row: &Row| app.policy.export_recalled || !row.recalled);
        gzip = lines.pack(gzip, rows).await?;
        if gzip.get_ref().len() >= CHUNK && chunks.send(Ok(mem::take(gzip.get_mut()).into())).await.is_err() {
            return Ok(());
        }
    }
    let rest = gzip.finish().map_err(Error::internal)?;
    // A reader that disconnected needs no end.
    let _ = chunks.send(Ok(rest.into())).await;
    Ok(())
}
