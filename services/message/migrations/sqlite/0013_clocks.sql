-- Messages whose id is of another minute than the one in which they were sent, since it had to lie above their
-- conversation's newest. The exports of an hour, which go by id, have them by this table. Nearly always empty.
create table stray (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    sent_at integer not null,
    primary key (app_id, conv_a, conv_b, msg_id)
) strict, without rowid;
create index stray_by_time on stray (app_id, sent_at, msg_id);

-- When a process last ran on this database that has no clock of its own. One row.
create table last_run (
    one integer not null,
    at_ms integer not null,
    primary key (one)
) strict, without rowid;
