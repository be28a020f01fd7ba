//! Deletes the files of recalled messages (agora.md 3.3).
//!
//! The transaction of a recall records the files of its message, so a crash loses none. After the app's grace time a
//! file is deleted, if it was uploaded by the user for whom the recall released it, and nothing references it: no other
//! message, of any type and in any place, and no profile or group. References are checked while the file is withdrawn
//! and reported as expired: earlier references keep it, later ones are to a removed file. All of it is done in the
//! name of that user, never with the rights of the app. Every step can be repeated, so a crash does no harm.

use tidings_domain::{Actor, App, Caller, Error, UnixMillis, UserId};

use super::files;
use crate::{
    Deps,
    store::file_use::{self, Released},
};

/// Files per step.
const STEP: usize = 200;

/// Returns how many files of the app were deleted.
pub async fn delete(deps: &Deps, app: &App) -> Result<usize, Error> {
    let by = UnixMillis(deps.clock.now().0 - app.policy.recalled_file_grace.as_millis() as i64);
    let mut deleted = 0;
    loop {
        let step = file_use::due(&deps.db, app.id, by, STEP as i64).await?;
        for released in &step {
            deleted += usize::from(settle(deps, &owner(app, released.user), released).await?);
            let mut tx = deps.db.begin().await?;
            file_use::forget(&mut tx, app.id, released).await?;
            tx.commit().await?;
        }
        if step.len() < STEP {
            return Ok(deleted);
        }
    }
}

/// In whose name a file is deleted.
fn owner(app: &App, user: UserId) -> Caller {
    let actor = if user == UserId::ADMIN { Actor::App } else { Actor::User(user) };
    Caller { actor, ..Caller::of_app(app.id) }
}

/// Whether the file was deleted.
async fn settle(deps: &Deps, owner: &Caller, released: &Released) -> Result<bool, Error> {
    // Also checked before, so that a referenced file does not become unavailable temporarily.
    if is_shown(deps, owner, released).await? {
        // A round that crashed may have withdrawn it.
        files::restore(deps, owner, &released.uuid).await?;
        return Ok(false);
    }
    if !files::withdraw(deps, owner, &released.uuid).await? {
        return Ok(false);
    }
    if is_shown(deps, owner, released).await? {
        files::restore(deps, owner, &released.uuid).await?;
        return Ok(false);
    }
    files::remove(deps, owner, &released.uuid).await
}

/// Whether anything references the file. Waits for messages that are being appended.
async fn is_shown(deps: &Deps, owner: &Caller, released: &Released) -> Result<bool, Error> {
    if deps.directory.shows_file(owner.app, &released.uuid).await? {
        return Ok(true);
    }
    let mut tx = deps.db.begin().await?;
    // If another recall has released it since, the time of that one counts.
    let renewed = !file_use::lock(&mut tx, owner.app, released).await?;
    let shown = renewed || file_use::is_shown(&mut tx, owner.app, &released.uuid).await?;
    tx.commit().await?;
    Ok(shown)
}
