//! Removes a file that nothing shows any more, in two steps.
//!
//! Whoever decides that (the message service, when a message was recalled) withdraws the file first: from then on it is
//! told as expired, so what names it from now on names a file that is gone. What named it before can be looked for
//! without haste, and decides whether the file is given back or removed for good. Both steps are for whoever brought the
//! file, and doing either again is no error; so a crash between them is made up for by doing both again.

use tidings_domain::{AppId, Error, Reason, StoredFile, UnixMillis, UserId};

use super::{Core, delete::discard};
use crate::store::{file, unclaimed};

/// What becomes of a withdrawn file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Restored,
    Removed,
}

/// Tells the file as expired from now on. Of files of `owner` alone, whatever else the caller may do.
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
    Err(Error::not_permitted("somebody else's file"))
}

/// Ends it; false when there was no withdrawn file of `owner`.
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
