-- AccessToken2 names users by uuid.
create index app_user_by_uuid on app_user (app_id, uuid) where deleted_at is null;
