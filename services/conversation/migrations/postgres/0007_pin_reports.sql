-- Messages that were pinned or unpinned and that the message service has not been told of yet, which puts that into the event feed.
create table pin_report (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    report_no bigint not null,
    msg_id bigint not null,
    operator_id bigint not null,
    -- 0: it was unpinned.
    pinned bigint not null,
    at_ms bigint not null,
    -- The caller's address, platform and trace context; the first and the last may be empty.
    address text not null,
    platform text not null,
    trace text not null,
    primary key (app_id, conv_a, conv_b, report_no)
);
