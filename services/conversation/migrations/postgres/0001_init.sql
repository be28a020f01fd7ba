-- Where each user stands in each conversation: message ids, which never move back.
create table cursor (
    app_id bigint not null,
    user_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    read_id bigint not null,
    delivered_id bigint not null,
    -- Hidden up to here by a deletion.
    cleared_id bigint not null,
    -- Left out of the list until something newer comes.
    unlisted_id bigint not null,
    primary key (app_id, user_id, conv_a, conv_b)
);
