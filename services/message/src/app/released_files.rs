//! Deletes the files of recalled messages (agora.md 3.3).
//!
//! The transaction of a recall notes the files that its message named, so a crash forgets none. After the app's grace
//! time a file goes, if whoever the recall let go for brought it, and nothing shows it: no other message, whatever its
//! type and wherever in it, and nobody's profile or group. What counts is decided while the file is withdrawn, which is
//! told as expired: what shows it before that keeps it, and what comes later names a file that is gone. All of it is done
//! in the name of that user, never with the rights of the app. Every step can be done again, so a crash does no harm.

use tidings_domain::{Actor, App, Caller, Error, UnixMillis, UserId};

use super::files;
use crate::{
    Deps,
    store::file_use::{self, Released},
};

/// Files of one step.
const STEP: usize = 200;

/// How many files of the app were deleted.
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
    // Looked at before as well, so that a file that is shown is not away for a moment.
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

/// Whether anything shows the file. What is being appended is waited for.
async fn is_shown(deps: &Deps, owner: &Caller, released: &Released) -> Result<bool, Error> {
    if deps.directory.shows_file(owner.app, &released.uuid).await? {
        return Ok(true);
    }
    let mut tx = deps.db.begin().await?;
    // Where another recall has let go of it since, its own time decides.
    let renewed = !file_use::lock(&mut tx, owner.app, released).await?;
    let shown = renewed || file_use::is_shown(&mut tx, owner.app, &released.uuid).await?;
    tx.commit().await?;
    Ok(shown)
}
