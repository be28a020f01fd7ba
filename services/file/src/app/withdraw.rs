//! Removes a file that nothing references any more, in two steps.
//!
//! The caller (the message service, when a message was recalled) withdraws the file first: from then on it is reported
//! as expired, so later references are to a removed file. Earlier references can then be searched without a race,
//! and decide whether the file is restored or removed permanently. Both steps only work for the owner, and repeating
//! either is not an error; so after a crash between them both are repeated.

use tidings_domain::{AppId, Error, Reason, StoredFile, UnixMillis, UserId};

use super::{Core, delete::discard};
use crate::store::{file, unclaimed};

/// What happens to a withdrawn file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Restored,
    Removed,
}

/// Reports the file as expired from now on. Only for files of `owner`, whatever else the caller may do.
pub async fn withdraw(core: &Core, app: AppId, owner: UserId, uuid: &str) -> Result<StoredFile, Error> {
    let mut tx = core.deps.db.begin().await?;
    let withdrawn = file::withdraw(&mut tx, app, uuid, owner, core.deps.clock.now()).await?;
    tx.commit().await?;
    let kept = file::find(&core.deps.db, app, uuid).await?.filter(|kept| !kept.internal);
    let kept = kept.ok_or_else(|| Error::new(Reason::FileNotFound, uuid))?;
    if withdrawn {
        return Ok(kept.file);
    }
    if kept.file.owner == Some(owner) {
        return Err(Error::new(Reason::FileExpired, uuid));
    }
    Err(Error::not_permitted("another user's file"))
}

/// Settles it; false when there was no withdrawn file of `owner`.
pub async fn settle(core: &Core, app: AppId, owner: UserId, uuid: &str, outcome: Outcome) -> Result<bool, Error> {
    let mut tx = core.deps.db.begin().await?;
    let settled = match outcome {
        Outcome::Restored => file::restore(&mut tx, app, uuid, owner).await?,
        Outcome::Removed => file::retire_withdrawn(&mut tx, app, uuid, owner, core.deps.clock.now()).await?,
    };
    if !settled {
        return Ok(false);
    }
    if outcome == Outcome::Removed {
        unclaimed::insert(&mut tx, app, uuid, UnixMillis(0)).await?;
    }
    tx.commit().await?;
    if outcome == Outcome::Removed {
        discard(core, app, uuid).await?;
    }
    Ok(true)
}
