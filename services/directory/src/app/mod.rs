//! The use-cases, one per file.

mod admin_tokens;
mod apps;
mod authenticate;
mod block_user;
mod built_token;
mod changes;
mod contact;
mod create_app;
mod delete_user;
mod freed_names;
mod group;
mod hook_round;
mod hooks;
mod issue_token;
mod notifications;
mod notify_presence;
mod page;
mod presence;
mod presence_changes;
mod profile;
mod reach;
mod register_users;
mod report_sessions;
mod resolve_users;
mod rotate_secret;
mod screening;
mod service_accounts;
mod sessions;
mod shows_file;
mod subject;
mod super_admins;
mod sweep_sessions;
mod take_quota;
mod update_user;
mod user_attributes;
mod user_mutes;
mod user_names;
mod user_statuses;
mod users;
mod word_lists;

pub(crate) use self::{
    changes::spawn as spawn_hint_at_changes,
    contact::Imported,
    notify_presence::spawn as spawn_notify_presence,
    register_users::Registrar,
    report_sessions::{EndedSession, SessionReport},
    resolve_users::Unknown,
    sweep_sessions::spawn as spawn_sweep,
};

use std::sync::Arc;

use tidings_domain::{App, Clock, Entropy, Error, Reason, UnixMillis};
use tidings_outbound::Outbound;
use tidings_runtime::Bus;
use tidings_store::{Db, Tx};

use crate::{
    app_cache::AppCache,
    breaker::Breaker,
    guesses::Guesses,
    model::{AppKey, KnownApp},
    password::Passwords,
    quotas::Quotas,
    registrations::Registrations,
    seal::DataKey,
    store::{self, app_row::AppRow},
};

/// The dependencies of the use-cases.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) data_key: DataKey,
    pub(crate) apps: AppCache,
    pub(crate) passwords: Passwords,
    pub(crate) guesses: Guesses,
    pub(crate) registrations: Registrations,
    pub(crate) quotas: Quotas,
    /// Only hooks are called.
    pub(crate) outbound: Outbound,
    pub(crate) breaker: Breaker,
    pub(crate) bus: Arc<dyn Bus>,
}

impl Core {
    /// The current time for in-process counters: it advances steadily, whatever the clock is set to, and is not a time
    /// of day.
    pub(crate) fn steady(&self) -> UnixMillis {
        UnixMillis(0) + self.clock.elapsed()
    }

    /// The app of that name, possibly from the cache.
    pub(crate) async fn known_app(&self, key: &AppKey) -> Result<Arc<KnownApp>, Error> {
        let read = async {
            let Some(row) = store::app::find(&self.db, key).await? else {
                return Err(key.not_found());
            };
            row.open(&self.data_key).map(Arc::new)
        };
        // An app does not know this name of itself, so a change would not remove it from the cache.
        if matches!(key, AppKey::AgoraId(_)) {
            return read.await;
        }
        self.apps.get(key, self.steady(), read).await
    }

    /// The same, unless the app is disabled.
    pub(crate) async fn enabled_app(&self, key: &AppKey) -> Result<Arc<KnownApp>, Error> {
        let known = self.known_app(key).await?;
        if !known.app.enabled {
            return Err(Error::new(Reason::AppDisabled, known.app.id.to_string()));
        }
        Ok(known)
    }

    /// The app's current row, locked until the transaction ends.
    async fn locked_app(&self, tx: &mut Tx, key: &AppKey) -> Result<(App, AppRow), Error> {
        let Some(found) = store::app::find_in(tx, key).await? else {
            return Err(key.not_found());
        };
        let Some(row) = store::app::lock(tx, found.app()?.id).await? else {
            return Err(key.not_found());
        };
        Ok((row.app()?, row))
    }

    /// Commits a change of `app` and invalidates the cache for it.
    async fn commit_change(&self, tx: Tx, app: &App) -> Result<(), Error> {
        let committed = tx.commit().await;
        // A commit that failed may have taken effect anyway.
        self.apps.changed(app);
        committed
    }
}
