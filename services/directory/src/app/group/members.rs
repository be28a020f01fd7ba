//! Lists of a group: its members, its block list and its applicants.

use tidings_domain::{AppId, Caller, Error};

use crate::{
    app::{Core, page::page},
    model::group::{Application, ApplicationPlace, Member, MemberFilter, MemberPage, Part},
    store::{
        self,
        group_list::{BLOCKED, GroupList},
    },
};

impl Core {
    /// Needs a member.
    pub(crate) async fn list_members(
        &self,
        caller: &Caller,
        group: i64,
        filter: MemberFilter,
        part: Part,
    ) -> Result<MemberPage, Error> {
        self.group_rights(caller, group).await?.need_member()?;
        let now = self.clock.now();
        let one_more = Part { limit: part.limit + 1, ..part };
        let found = store::group_member::list(&self.db, caller.app, group, filter, one_more, now).await?;
        let found = found.into_iter().map(|member| Member { muted: member.muted.at(now), ..member }).collect();
        let (members, next) = page(found, part.limit, |member: &Member| member.user);
        let total = store::group_member::count_now(&self.db, caller.app, group, filter, now).await?;
        Ok(MemberPage { members, next, total })
    }

    /// Needs an admin.
    pub(crate) async fn list_group_blocked(
        &self,
        caller: &Caller,
        group: i64,
        after: i64,
        limit: i64,
    ) -> Result<MemberPage, Error> {
        self.group_rights(caller, group).await?.need_admin()?;
        self.page_of(&BLOCKED, caller.app, group, (after, limit)).await
    }

    /// A page of one of a group's lists, without checks.
    pub(super) async fn page_of(
        &self,
        list: &GroupList,
        app: AppId,
        group: i64,
        (after, limit): (i64, i64),
    ) -> Result<MemberPage, Error> {
        let found = list.list(&self.db, app, group, after, limit + 1).await?;
        let (members, next) = page(found, limit, |member: &Member| member.user);
        let total = list.count(&self.db, app, group).await?;
        Ok(MemberPage { members, next, total })
    }

    /// Needs an admin. Oldest first.
    pub(crate) async fn list_applications(
        &self,
        caller: &Caller,
        group: i64,
        after: ApplicationPlace,
        limit: i64,
    ) -> Result<(Vec<Application>, Option<ApplicationPlace>), Error> {
        self.group_rights(caller, group).await?.need_admin()?;
        let found = store::group_application::list(&self.db, caller.app, group, after, limit + 1).await?;
        Ok(page(found, limit, |application: &Application| (application.made_at, application.user)))
    }
}
