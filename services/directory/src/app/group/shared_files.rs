//! The shared files of a group. The bytes are the file service's; the directory knows only what a group shows.

use tidings_domain::{Caller, Change, Error, GroupChanged, GroupKind, Reason, UnixMillis};
use tidings_store::Tx;

use super::rights::Rights;
use crate::{
    app::{Core, page::page},
    model::{
        AppKey,
        group::Group,
        sharing::{FileKey, NewSharedFile, SharedFile, check_file_name},
    },
    store,
};

impl Core {
    /// Needs a member. A file that the group has already is returned as it is.
    pub(crate) async fn share_file(&self, caller: &Caller, new: NewSharedFile) -> Result<SharedFile, Error> {
        check_file_name(&new.name)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // The app's row is locked before its groups.
        let number = store::app::take_user_numbers(&mut tx, caller.app, 1).await?;
        let number = number.ok_or_else(|| AppKey::Id(caller.app).not_found())?;
        let (group, rights) = self.open_enabled_group(&mut tx, caller, new.group).await?;
        rights.need_member()?;
        let key = FileKey::Uuid(new.uuid.clone());
        if let Some(shared) = store::group_file::find_in(&mut tx, caller.app, group.id, &key).await? {
            return Ok(shared);
        }
        let file = SharedFile {
            group: group.id,
            number,
            uuid: new.uuid,
            owner: caller.actor.user(),
            name: new.name,
            size: new.size,
            shared_at: now,
        };
        store::group_file::insert(&mut tx, caller.app, &file).await?;
        store::change::add(&mut tx, caller, now, &[change(group.changed_group(), &file, true)]).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// Oldest first, those with numbers above `after`, and where the next page starts. Needs a member.
    pub(crate) async fn list_shared_files(
        &self,
        caller: &Caller,
        group: i64,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<SharedFile>, Option<i64>), Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let found = store::group_file::list(&self.db, caller.app, group, after, limit + 1).await?;
        Ok(page(found, limit, |file: &SharedFile| file.number))
    }

    /// Needs a member.
    pub(crate) async fn get_shared_file(
        &self,
        caller: &Caller,
        group: i64,
        key: &FileKey,
    ) -> Result<SharedFile, Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let found = store::group_file::find(&self.db, caller.app, group, key).await?;
        found.ok_or_else(|| not_found(key))
    }

    /// Needs the user who shared it, or an admin.
    pub(crate) async fn rename_shared_file(
        &self,
        caller: &Caller,
        group: i64,
        key: &FileKey,
        name: &str,
    ) -> Result<SharedFile, Error> {
        check_file_name(name)?;
        let mut tx = self.db.begin().await?;
        let (group, file) = self.open_shared_file(&mut tx, caller, group, key).await?;
        let renamed = SharedFile { name: name.to_owned(), ..file.clone() };
        if renamed != file {
            store::group_file::rename(&mut tx, caller.app, &file, name).await?;
            let change = change(group.changed_group(), &renamed, true);
            store::change::add(&mut tx, caller, self.clock.now(), &[change]).await?;
        }
        tx.commit().await?;
        Ok(renamed)
    }

    /// Needs the user who shared it, or an admin. The message service, which is notified by the change, releases the
    /// bytes.
    pub(crate) async fn unshare_file(&self, caller: &Caller, group: i64, key: &FileKey) -> Result<SharedFile, Error> {
        let mut tx = self.db.begin().await?;
        let (group, file) = self.open_shared_file(&mut tx, caller, group, key).await?;
        store::group_file::delete(&mut tx, caller.app, &file).await?;
        let change = change(group.changed_group(), &file, false);
        store::change::add(&mut tx, caller, self.clock.now(), &[change]).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// A shared file that the caller may change, with its group locked.
    async fn open_shared_file(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        group: i64,
        key: &FileKey,
    ) -> Result<(Group, SharedFile), Error> {
        let (group, rights) = self.open_enabled_group(tx, caller, group).await?;
        rights.need_member()?;
        let found = store::group_file::find_in(tx, caller.app, group.id, key).await?;
        let file = found.ok_or_else(|| not_found(key))?;
        if let Rights::User(user, _) = rights
            && user != file.owner
            && rights.need_admin().is_err()
        {
            return Err(Error::new(Reason::SharedFileNotOwn, user.to_string()));
        }
        Ok((group, file))
    }
}

/// Records that groups which end share nothing any more. Called before their rows go.
pub(crate) async fn release_all(tx: &mut Tx, caller: &Caller, groups: &[i64], now: UnixMillis) -> Result<(), Error> {
    let files = store::group_file::of_groups(tx, caller.app, groups).await?;
    let changes: Vec<Change> = files.iter().map(|file| change(changed(file.group), file, false)).collect();
    store::change::add(tx, caller, now, &changes).await
}

/// A group by its id, which says its kind.
pub(crate) fn changed(group: i64) -> GroupChanged {
    GroupChanged::new(group, GroupKind::from_code(group & 15).unwrap_or(GroupKind::Group))
}

fn change(group: GroupChanged, file: &SharedFile, is_shared: bool) -> Change {
    Change::FileShared { group, uuid: file.uuid.clone(), name: file.name.clone(), owner: file.owner, is_shared }
}

fn not_found(key: &FileKey) -> Error {
    let name = match key {
        FileKey::Uuid(uuid) => uuid.clone(),
        FileKey::Number(number) => number.to_string(),
    };
    Error::new(Reason::SharedFileNotFound, name)
}
