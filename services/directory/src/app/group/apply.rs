//! A user applies to join a group.

use tidings_domain::{Caller, Change, Error, Joining, Reason, UserId};
use tidings_store::Tx;

use super::{
    join::join,
    outcomes::{standings, stranger},
};
use crate::{
    app::{Core, subject::subject},
    model::{
        check_text,
        group::{ApplyApproval, Group, Joinable},
    },
    store,
};

const MAX_TEXT: usize = 512;

impl Core {
    /// Whether the user joined at once; otherwise an admin decides. Applying again keeps the position in the queue.
    pub(crate) async fn apply(
        &self,
        caller: &Caller,
        group: i64,
        user: Option<i64>,
        text: &str,
        joinable: Joinable,
    ) -> Result<bool, Error> {
        check_text("text", text, MAX_TEXT)?;
        let user = subject(caller, user)?;
        self.ask_application(caller, group, user).await?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let living = store::users::hold(&mut tx, caller.app, &[user]).await?;
        let (group, _) = self.open_enabled_group(&mut tx, caller, group).await?;
        if !living.contains(&user) {
            return Err(Error::user_not_found(user.to_string()));
        }
        if joinable.public_only && !group.settings.public {
            check_stranger(&mut tx, caller, &group, user).await?;
            return Err(Error::not_permitted("this group is not public"));
        }
        match group.settings.apply_approval {
            ApplyApproval::Ask if joinable.at_once => {
                check_stranger(&mut tx, caller, &group, user).await?;
                return Err(Error::not_permitted("an admin decides who joins this group"));
            }
            ApplyApproval::All => {
                let outcomes = join(&mut tx, caller, &group, &[user], &living, now, Joining::Joined).await?;
                for (_, outcome) in outcomes {
                    outcome?;
                }
            }
            ApplyApproval::Ask => {
                check_stranger(&mut tx, caller, &group, user).await?;
                if store::group_application::upsert(&mut tx, caller.app, group.id, user, text, now).await? {
                    let change = Change::Applied { group: group.changed_group(), user, text: text.to_owned() };
                    store::change::add(&mut tx, caller, now, &[change]).await?;
                }
            }
            ApplyApproval::None => {
                check_stranger(&mut tx, caller, &group, user).await?;
                return Err(Error::not_permitted("this group does not accept applications"));
            }
        }
        tx.commit().await?;
        Ok(group.settings.apply_approval == ApplyApproval::All)
    }
}

/// Refuses users who are in the group or on its block list.
async fn check_stranger(tx: &mut Tx, caller: &Caller, group: &Group, user: UserId) -> Result<(), Error> {
    let standings = standings(tx, caller.app, group.id, &[user]).await?;
    let standing = standings.get(&user).copied().unwrap_or(stranger(user));
    if standing.role.is_some() {
        return Err(Error::new(Reason::AlreadyGroupMember, user.to_string()));
    }
    if standing.blocked {
        return Err(Error::new(Reason::OnGroupBlockList, user.to_string()));
    }
    Ok(())
}
