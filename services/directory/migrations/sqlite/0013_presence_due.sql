-- Whose presence is to be told to their subscribers, and when.
create table presence_due (
    app_id integer not null,
    user_id integer not null,
    -- If nothing is pending then, the row goes.
    due_at integer not null,
    pending integer not null check (pending in (0, 1)),
    -- Devices that have gone since the presence was told, as a JSON array of their names.
    gone text not null,
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict;
create index presence_due_by_time on presence_due (due_at);
