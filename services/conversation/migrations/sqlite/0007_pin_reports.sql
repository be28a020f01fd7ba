-- Messages that were pinned or unpinned and that the message service has not been told of yet, which puts that into the event feed.
create table pin_report (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    report_no integer not null,
    msg_id integer not null,
    operator_id integer not null,
    -- 0: it was unpinned.
    pinned integer not null,
    at_ms integer not null,
    -- The caller's address, platform and trace context; the first and the last may be empty.
    address text not null,
    platform text not null,
    trace text not null,
    primary key (app_id, conv_a, conv_b, report_no)
) strict, without rowid;
