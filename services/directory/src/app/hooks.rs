//! Servers that are asked before a message goes into the log.

use std::time::Duration;

use tidings_domain::{AppId, Caller, Error, Hook, HookForm, Reason};
use tidings_store::Tx;

use super::Core;
use crate::{model::AppKey, secret::Secret, store};

/// Hooks of an app: each is asked before every message.
const MAX_HOOKS: usize = 4;
/// How long an answer may be waited for.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(10);
/// As what tokens are sealed.
const TOKEN: &str = "hook.token";

/// How long an answer is waited for where nothing is said (tencent.md 2, agora.md 11.2).
pub(crate) const fn usual_timeout(form: HookForm) -> Duration {
    match form {
        HookForm::Tencent => Duration::from_secs(2),
        HookForm::Agora => Duration::from_millis(200),
    }
}

impl Core {
    /// Adds the hook under a number of its own.
    pub(crate) async fn add_hook(&self, caller: &Caller, new: Hook) -> Result<Hook, Error> {
        tidings_outbound::check_url(&new.url)?;
        tidings_outbound::check_token(new.token.as_deref().unwrap_or_default())?;
        if !TIMEOUTS.contains(&new.timeout) {
            return Err(Error::invalid("timeout_ms", "must be from 50 to 10000"));
        }
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(caller.app)).await?;
        if self.hooks_in(&mut tx, app.id).await?.len() >= MAX_HOOKS {
            return Err(Error::invalid("hook", format!("is one too many: an app has at most {MAX_HOOKS}")));
        }
        let hook = Hook { id: store::app::next_screening(&mut tx, app.id).await?, ..new };
        let seal = |token: &String| self.data_key.seal(app.id, TOKEN, &Secret::new(token.clone()), &*self.entropy);
        store::hook::insert(&mut tx, app.id, &hook, hook.token.as_ref().map(seal)).await?;
        self.commit_change(tx, &app).await?;
        Ok(hook)
    }

    pub(crate) async fn list_hooks(&self, caller: &Caller) -> Result<Vec<Hook>, Error> {
        let mut tx = self.db.begin().await?;
        self.hooks_in(&mut tx, caller.app).await
    }

    pub(crate) async fn remove_hook(&self, caller: &Caller, id: i64) -> Result<Hook, Error> {
        let mut tx = self.db.begin().await?;
        let (app, _) = self.locked_app(&mut tx, &AppKey::Id(caller.app)).await?;
        let hooks = self.hooks_in(&mut tx, app.id).await?;
        let not_found = || Error::new(Reason::HookNotFound, id.to_string());
        let hook = hooks.into_iter().find(|hook| hook.id == id).ok_or_else(not_found)?;
        store::hook::delete(&mut tx, app.id, id).await?;
        store::app::next_screening(&mut tx, app.id).await?;
        self.commit_change(tx, &app).await?;
        Ok(hook)
    }

    pub(super) async fn hooks_in(&self, tx: &mut Tx, app: AppId) -> Result<Vec<Hook>, Error> {
        let open = |sealed: &str| self.data_key.open(app, TOKEN, sealed).map(|token| token.expose().to_owned());
        store::hook::list(tx, app, open).await
    }
}
