-- What users have added to a message as reactions: a row for each text that somebody has added.
create table reaction (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    -- Derived from the message and the text, so it is the same again after all users have removed it.
    reaction_id integer not null,
    text text not null check (length(text) between 1 and 128),
    -- When the first and the last user were added.
    made_at integer not null,
    changed_at integer not null,
    -- The number of its rows in reaction_user, and the highest place among them so far.
    users integer not null check (users >= 1),
    last_place integer not null,
    primary key (app_id, conv_a, conv_b, msg_id, reaction_id)
) strict, without rowid;

-- Who added it.
create table reaction_user (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    reaction_id integer not null,
    user_id integer not null,
    -- Ascending, in the order in which users were added.
    place integer not null,
    made_at integer not null,
    primary key (app_id, conv_a, conv_b, msg_id, reaction_id, user_id)
) strict, without rowid;
create unique index reaction_user_by_place on reaction_user (app_id, conv_a, conv_b, msg_id, reaction_id, place);
