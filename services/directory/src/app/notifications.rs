//! When users want to be notified of messages.

use std::collections::HashMap;

use tidings_domain::{Caller, Error, Reason, UserRef};

use super::{Core, page::page, subject::not_found};
use crate::{
    model::notification::{NotificationChange, NotificationSetting, NotificationTarget},
    store::{
        self,
        notification_setting::{Listed, MAX_SETTINGS},
    },
};

/// Conversations per call.
const MAX_TARGETS: usize = 100;

impl Core {
    /// Changes a setting, and returns it. Users set their own. Whether a conversation exists is not checked, so their number
    /// is bounded.
    pub(crate) async fn set_notification(
        &self,
        caller: &Caller,
        user: &UserRef,
        target: NotificationTarget,
        change: NotificationChange,
    ) -> Result<NotificationSetting, Error> {
        change.check(target)?;
        let id = self.own_user(caller, user).await?.user.id;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        store::users::lock(&mut tx, caller.app, id).await?.ok_or_else(|| not_found(user))?;
        let before = store::notification_setting::find_in(&mut tx, caller.app, id, target).await?;
        let is_new = before.is_none();
        let after = change.applied_to(before.unwrap_or_default(), now);
        if is_new
            && after != NotificationSetting::default()
            && store::notification_setting::count(&mut tx, caller.app, id).await? >= MAX_SETTINGS
        {
            return Err(Error::new(Reason::NotificationSettingsFull, MAX_SETTINGS.to_string()));
        }
        store::notification_setting::set(&mut tx, caller.app, id, target, &after).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// The settings in the order of the request.
    pub(crate) async fn get_notifications(
        &self,
        caller: &Caller,
        user: &UserRef,
        targets: &[NotificationTarget],
    ) -> Result<Vec<NotificationSetting>, Error> {
        if !(1..=MAX_TARGETS).contains(&targets.len()) {
            return Err(Error::invalid("targets", format!("must be 1 to {MAX_TARGETS}")));
        }
        let id = self.own_user(caller, user).await?.user.id;
        let found = store::notification_setting::of_many(&self.db, caller.app, id, targets).await?;
        let found: HashMap<NotificationTarget, NotificationSetting> = found.into_iter().collect();
        Ok(targets.iter().map(|target| found.get(target).cloned().unwrap_or_default()).collect())
    }

    /// The conversations with a mode of their own above `after`, and where the next page starts.
    pub(crate) async fn list_notifications(
        &self,
        caller: &Caller,
        user: &UserRef,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<Listed>, Option<i64>), Error> {
        let id = self.own_user(caller, user).await?.user.id;
        let found = store::notification_setting::list(&self.db, caller.app, id, after, limit + 1).await?;
        Ok(page(found, limit, Listed::key))
    }
}
