-- Who brought the file: a user, or 0 for the app itself. Null: from before this was recorded; nobody's but the app's to
-- expire, and no recall removes it.
alter table file add column owner_id integer;
-- Since when it is told as expired while it is being decided whether anything still shows it. Null: it is not.
alter table file add column withdrawn_at integer;

-- What was uploaded in a day of UTC, for the quotas. Counted in the transaction that publishes the file.
create table upload_count (
    day integer not null,
    app_id integer not null,
    -- 0: the app and all of its users together.
    user_id integer not null,
    files integer not null,
    bytes integer not null,
    primary key (day, app_id, user_id)
) strict, without rowid;
