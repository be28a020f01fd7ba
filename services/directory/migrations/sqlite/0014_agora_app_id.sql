-- Apps by Agora's app id, which clients may name instead of org and app.
create unique index app_by_agora_app_id on app (agora_app_id) where deleted_at is null;
