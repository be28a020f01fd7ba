//! Delays reuse of the name of a user who has just been deleted.
//!
//! Other processes cache the user of a name for a short time. If the name got another account within that time, what is
//! sent to it would go to the deleted user. They read the version of the app's users once a second, so after that
//! second no process maps the name to the deleted user any more.

use std::{collections::HashSet, time::Duration};

use tidings_domain::{AppId, Error, Reason, UnixMillis, UserId, Username};
use tidings_store::Tx;

use crate::store;

/// How long a deletion that was committed may be unknown elsewhere: `tidings_directory_client` refreshes after a
/// second, which lasts a tenth longer on a clock that is being corrected.
const UNKNOWN_ELSEWHERE: Duration = Duration::from_millis(1250);
/// The age, by its row, at which a deletion is known everywhere. More than a transaction takes (4.5 seconds), since it
/// is unknown when the row was committed, and more than the clocks of two processes may differ (5 seconds each).
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(16);
/// How often one call waits: names that are deleted again meanwhile are refused as a busy server's.
const WAITS: usize = 2;

/// The deletions that one call has met.
#[derive(Default)]
pub(super) struct FreedNames {
    met: HashSet<UserId>,
    waits: usize,
}

impl FreedNames {
    /// Whether one of the names, which the transaction has taken, was another user's until recently. It must be undone
    /// then, and may be done again after [`Self::wait`].
    pub(super) async fn are_fresh(
        &mut self,
        tx: &mut Tx,
        app: AppId,
        names: &[&Username],
        now: UnixMillis,
    ) -> Result<bool, Error> {
        let since = UnixMillis(now.0.saturating_sub(KNOWN_EVERYWHERE.as_millis() as i64));
        let before = self.met.len();
        self.met.extend(store::users::deleted_since(tx, app, names, since).await?);
        Ok(self.met.len() > before)
    }

    /// Waits until no process maps the names to their deleted users any more. It is committed, so the whole time
    /// is waited from now on. To be called outside of a transaction.
    pub(super) async fn wait(&mut self) -> Result<(), Error> {
        self.waits += 1;
        if self.waits > WAITS {
            return Err(Error::new(Reason::Overloaded, "").because("the name was deleted again during each retry"));
        }
        tokio::time::sleep(UNKNOWN_ELSEWHERE).await;
        Ok(())
    }
}
