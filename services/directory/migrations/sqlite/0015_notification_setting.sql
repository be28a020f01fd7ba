-- When users want to be notified of messages.
create table notification_setting (
    app_id integer not null,
    user_id integer not null,
    -- 0, or the other user, or the group or room.
    target_id integer not null,
    -- 0: all conversations, 1: with a user, 2: a group or room.
    kind integer not null check (kind between 0 and 2),
    -- 0: default, 1: every message, 2: mentions, 3: none.
    mode integer not null check (mode between 0 and 3),
    -- Such as 21:30-8:00; empty: none.
    quiet_hours text not null check (length(quiet_hours) <= 16),
    -- In milliseconds; 0: never set.
    quiet_until integer not null,
    language text not null check (length(language) <= 64),
    primary key (app_id, user_id, target_id, kind),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict;
