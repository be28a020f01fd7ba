-- Of an empty table PostgreSQL cannot tell which index leads to fewer rows, and it keeps the plan while the table grows.
-- An index with a condition is not taken for a statement that does not imply it, as only one on its own column does.
drop index app_by_name;
create unique index app_by_name on app (org, name) where deleted_at is null and name is not null;
drop index app_by_lanying_app_id;
create unique index app_by_lanying_app_id on app (lanying_app_id)
    where deleted_at is null and lanying_app_id is not null;
drop index app_by_sdk_appid;
create unique index app_by_sdk_appid on app (sdk_appid) where deleted_at is null and sdk_appid is not null;
drop index app_user_by_uuid;
create index app_user_by_uuid on app_user (app_id, uuid) where deleted_at is null and uuid is not null;
