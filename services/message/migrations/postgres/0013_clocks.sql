-- Messages whose id is of another minute than the one in which they were sent, since it had to lie above their
-- conversation's newest. The exports of an hour, which go by id, have them by this table. Nearly always empty.
create table stray (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    sent_at bigint not null,
    primary key (app_id, conv_a, conv_b, msg_id)
);
create index stray_by_time on stray (app_id, sent_at, msg_id);

-- When a process last ran on this database that has no clock of its own. One row.
create table last_run (
    one bigint not null,
    at_ms bigint not null,
    primary key (one)
);
