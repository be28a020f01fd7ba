-- Tokens that an app's own server builds carry no epoch: they count only when built after this second.
alter table app_user add column tokens_void_until integer not null default 0;

-- Whoever registers a deleted user's name gets none of the tokens that were built for him.
create index app_user_deleted_by_name on app_user (app_id, folded, deleted_at) where deleted_at is not null;
update app_user set tokens_void_until = (
    select max(d.deleted_at) / 1000 from app_user d
    where d.app_id = app_user.app_id and d.folded = app_user.folded and d.deleted_at is not null)
where deleted_at is null and exists (
    select 1 from app_user d
    where d.app_id = app_user.app_id and d.folded = app_user.folded and d.deleted_at is not null);
