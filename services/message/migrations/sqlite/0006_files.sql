-- Files of ours that messages bring. Written with the message, gone with it.
create table file_use (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    uuid text not null check (length(uuid) = 36),
    primary key (app_id, conv_a, conv_b, msg_id, uuid)
) strict, without rowid;
create index file_use_by_file on file_use (app_id, uuid);

-- Files of recalled messages, to be deleted unless another message brings them. Written with the recall.
create table unused_file (
    app_id integer not null,
    uuid text not null check (length(uuid) = 36),
    since integer not null,
    primary key (app_id, uuid)
) strict, without rowid;
create index unused_file_by_age on unused_file (app_id, since);
