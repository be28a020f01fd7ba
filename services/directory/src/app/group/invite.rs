//! Invitations: invited users join immediately, or must accept first if the group's `invite_confirm` is set.

use tidings_domain::{Actor, Caller, Change, Error, Joining, Reason, UnixMillis, UserId};

use super::{
    ask_hooks::{admitted, together},
    join::{join, refusals},
    outcomes::accepted,
};
use crate::{
    app::{Core, page::page, subject::subject},
    model::{AppKey, check_text, group::Outcomes, sharing::Invitation},
    store,
};

const MAX_TEXT: usize = 512;
/// Milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Core {
    /// Needs an admin, or any member where `member_invite` is set. Returns the outcome for each user, and those who
    /// must accept first.
    pub(crate) async fn invite_members(
        &self,
        caller: &Caller,
        group: i64,
        users: &[UserId],
        text: &str,
    ) -> Result<(Outcomes, Vec<UserId>), Error> {
        check_text("text", text, MAX_TEXT)?;
        let refused = self.ask_invitation(caller, group, users).await?;
        let admitted = admitted(users, &refused);
        if admitted.is_empty() {
            return Ok((refused, Vec::new()));
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &admitted).await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_inviter(&group.settings)?;
        if caller.actor == Actor::App || !group.settings.invite_confirm {
            let outcomes = join(&mut tx, caller, &group, &admitted, &living, now, Joining::Added).await?;
            tx.commit().await?;
            return Ok((together(users, refused, outcomes), Vec::new()));
        }
        let outcomes = refusals(&mut tx, caller, &group, &admitted, &living).await?;
        let asked = accepted(&outcomes);
        let invitation =
            Invitation { group: group.id, inviter: caller.actor.user(), text: text.to_owned(), made_at: now };
        store::group_invitation::upsert(&mut tx, caller.app, &invitation, &asked).await?;
        if !asked.is_empty() {
            let change = Change::Invited { group: group.changed_group(), users: asked.clone() };
            store::change::add(&mut tx, caller, now, &[change]).await?;
        }
        tx.commit().await?;
        Ok((together(users, refused, outcomes), asked))
    }

    /// Invitations that were made until then have expired.
    async fn invitations_expired(&self, caller: &Caller) -> Result<UnixMillis, Error> {
        let days = self.known_app(&AppKey::Id(caller.app)).await?.app.policy.invitation_days;
        Ok(match days {
            0 => UnixMillis(0),
            days => UnixMillis(self.clock.now().0 - days as i64 * DAY),
        })
    }

    /// A user's open invitations after that one, oldest first, and where the next page starts.
    pub(crate) async fn list_invitations(
        &self,
        caller: &Caller,
        user: Option<i64>,
        after: (i64, i64),
        limit: i64,
    ) -> Result<(Vec<Invitation>, Option<(i64, i64)>), Error> {
        let user = subject(caller, user)?;
        let after = after.max((self.invitations_expired(caller).await?.0, i64::MAX));
        let found = store::group_invitation::list(&self.db, caller.app, user, after, limit + 1).await?;
        Ok(page(found, limit, |invitation: &Invitation| (invitation.made_at.0, invitation.group)))
    }

    /// If the group is full, the invitation stays open.
    pub(crate) async fn decide_invitation(
        &self,
        caller: &Caller,
        group: i64,
        user: Option<i64>,
        accept: bool,
    ) -> Result<(), Error> {
        let user = subject(caller, user)?;
        let (now, since) = (self.clock.now(), self.invitations_expired(caller).await?);
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user]).await?;
        let (group, _) = self.open_enabled_group(&mut tx, caller, group).await?;
        if !store::group_invitation::take(&mut tx, caller.app, group.id, user, since).await? {
            return Err(Error::new(Reason::InvitationGone, user.to_string()));
        }
        if accept {
            for (_, outcome) in join(&mut tx, caller, &group, &[user], &living, now, Joining::Invited).await? {
                outcome?;
            }
        } else {
            let change = Change::InvitationDeclined { group: group.changed_group(), user };
            store::change::add(&mut tx, caller, now, &[change]).await?;
        }
        tx.commit().await
    }
}
