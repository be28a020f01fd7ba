//! The position up to which a device has everything. Nothing is written per message: a device saves its position
//! occasionally, and when it leaves.

use tidings_domain::{Caller, Error, UnixMillis, UserId};

use crate::{Deps, store::device_position as store};

/// Maximum length of a device's name in bytes.
const MAX_DEVICE: usize = 128;
/// Maximum length of a cursor in bytes.
const MAX_CURSOR: usize = 256;

/// The position of a device, and when it was reached; `None`: the device is not known.
pub async fn find(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    device: &str,
) -> Result<Option<(String, UnixMillis)>, Error> {
    check("device", device, MAX_DEVICE)?;
    store::find(&deps.db, (caller.app, user), device).await
}

/// Saves it, unless a later one was reached already: an older connection of the device, of which it is not known yet
/// that it is gone, moves nothing back. A user's devices that were not saved for the longest are forgotten when there are too many.
pub async fn save(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    device: &str,
    (cursor, reached_at): (&str, UnixMillis),
) -> Result<(), Error> {
    check("device", device, MAX_DEVICE)?;
    check("cursor", cursor, MAX_CURSOR)?;
    let owner = (caller.app, user);
    let mut tx = deps.db.begin().await?;
    let now = tx.now(&*deps.clock).await?;
    // The clock of a gateway may be ahead, which must not make what comes later look old.
    store::save(&mut tx, owner, device, (cursor, reached_at.min(now)), now).await?;
    store::forget(&mut tx, owner).await?;
    tx.commit().await
}

fn check(field: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.is_empty() || text.len() > most || text.contains('\0') {
        return Err(Error::invalid(field, format!("must be 1 to {most} bytes without U+0000")));
    }
    Ok(())
}
