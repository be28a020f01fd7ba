-- Where each user stands in each conversation: message ids, which never move back.
create table cursor (
    app_id integer not null,
    user_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    read_id integer not null,
    delivered_id integer not null,
    -- Hidden up to here by a deletion.
    cleared_id integer not null,
    -- Left out of the list until something newer comes.
    unlisted_id integer not null,
    primary key (app_id, user_id, conv_a, conv_b)
) strict, without rowid;
