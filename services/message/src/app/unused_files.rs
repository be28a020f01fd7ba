//! Deletes the files of recalled messages (agora.md 3.3).
//!
//! The transaction of a recall notes the files that its message brought, so a crash forgets none. After the app's grace
//! time a file goes, unless another message brings it. Deleting twice does no harm.

use tidings_domain::{App, Caller, Error, UnixMillis};

use super::files;
use crate::{Deps, store::file_use};

/// Files of one step.
const STEP: usize = 200;

/// How many files of the app were deleted.
pub async fn delete(deps: &Deps, app: &App) -> Result<usize, Error> {
    let by = UnixMillis(deps.clock.now().0 - app.policy.recalled_file_grace.as_millis() as i64);
    let (caller, mut deleted) = (Caller::of_app(app.id), 0);
    loop {
        let step = file_use::unused(&deps.db, app.id, by, STEP as i64).await?;
        for unused in &step {
            deleted += usize::from(!unused.used && files::delete(deps, &caller, &unused.uuid).await?);
            let mut tx = deps.db.begin().await?;
            file_use::forget(&mut tx, app.id, unused).await?;
            tx.commit().await?;
        }
        if step.len() < STEP {
            return Ok(deleted);
        }
    }
}
