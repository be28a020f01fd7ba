-- The conversations that a user has pinned.
create table pin (
    app_id integer not null,
    user_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    -- Grows with every pin of the user.
    pin_no integer not null,
    primary key (app_id, user_id, conv_a, conv_b)
) strict, without rowid;

-- The last number of each user's pins. Locked by a transaction that pins.
create table pin_head (
    app_id integer not null,
    user_id integer not null,
    last_no integer not null,
    primary key (app_id, user_id)
) strict, without rowid;
