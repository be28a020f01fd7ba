//! Announcements of a group.

use tidings_domain::{Caller, Change, Error, Reason, UnixMillis, UserId};

use crate::{
    app::{Core, page::page},
    model::{check_text, group::Announcement},
    store,
};

const MAX_TITLE: usize = 256;
const MAX_TEXT: usize = 8192;

impl Core {
    /// Needs an admin. Former announcements stay, up to a number.
    pub(crate) async fn set_announcement(
        &self,
        caller: &Caller,
        group: i64,
        title: String,
        text: String,
    ) -> Result<Announcement, Error> {
        check_text("title", &title, MAX_TITLE)?;
        check_text("text", &text, MAX_TEXT)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        let new = Announcement { group: group.id, id: 0, author: caller.actor.user(), made_at: now, title, text };
        let id = store::group_announcement::insert(&mut tx, caller.app, &new).await?;
        let change = Change::Announced { group: group.changed_group(), text: new.text.clone() };
        store::change::add(&mut tx, caller, now, &[change]).await?;
        tx.commit().await?;
        Ok(Announcement { id, ..new })
    }

    /// Needs a member. The newest for number 0; without an announcement, one with the number 0 and no text.
    pub(crate) async fn get_announcement(&self, caller: &Caller, group: i64, id: i64) -> Result<Announcement, Error> {
        self.group_rights(caller, group).await?.need_member()?;
        if id != 0 {
            let found = store::group_announcement::find(&self.db, caller.app, group, id).await?;
            return found.ok_or_else(|| not_found(id));
        }
        let newest = store::group_announcement::newest(&self.db, caller.app, group).await?;
        Ok(newest.unwrap_or(Announcement {
            group,
            id: 0,
            author: UserId::ADMIN,
            made_at: UnixMillis(0),
            title: String::new(),
            text: String::new(),
        }))
    }

    /// Newest first, those before number `before` (0: all), and where the next page starts. Needs a member.
    pub(crate) async fn list_announcements(
        &self,
        caller: &Caller,
        group: i64,
        before: i64,
        limit: i64,
    ) -> Result<(Vec<Announcement>, Option<i64>), Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let before = if before == 0 { i64::MAX } else { before };
        let found = store::group_announcement::list(&self.db, caller.app, group, before, limit + 1).await?;
        Ok(page(found, limit, |announcement: &Announcement| announcement.id))
    }

    /// Needs an admin.
    pub(crate) async fn delete_announcement(&self, caller: &Caller, group: i64, id: i64) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, group).await?;
        rights.need_admin()?;
        if !store::group_announcement::delete(&mut tx, caller.app, group.id, id).await? {
            return Err(not_found(id));
        }
        let change = Change::Announced { group: group.changed_group(), text: String::new() };
        store::change::add(&mut tx, caller, self.clock.now(), &[change]).await?;
        tx.commit().await
    }
}

fn not_found(id: i64) -> Error {
    Error::new(Reason::AnnouncementNotFound, id.to_string())
}
