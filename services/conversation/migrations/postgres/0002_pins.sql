-- The conversations that a user has pinned.
create table pin (
    app_id bigint not null,
    user_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    -- Grows with every pin of the user.
    pin_no bigint not null,
    primary key (app_id, user_id, conv_a, conv_b)
);

-- The last number of each user's pins. Locked by a transaction that pins.
create table pin_head (
    app_id bigint not null,
    user_id bigint not null,
    last_no bigint not null,
    primary key (app_id, user_id)
);
