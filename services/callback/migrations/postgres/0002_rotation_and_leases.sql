-- The key of webhook-signature before the last rotation, sealed, and until when it signs too.
alter table endpoint add column previous_secret text;
alter table endpoint add column previous_until bigint not null default 0;
-- Which process works for the endpoint, and until when unless it says so again.
alter table endpoint add column lease_owner text not null default '';
alter table endpoint add column lease_until bigint not null default 0;

-- What is done is forgotten app by app.
drop index delivery_done;
create index delivery_done on delivery (app_id, at_ms) where state <> 1;
