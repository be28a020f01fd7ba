-- Delivered marks of direct conversations that moved and that the message service has not been told of yet, which puts them into the event feed.
create table delivered_report (
    app_id integer not null,
    user_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    delivered_id integer not null,
    at_ms integer not null,
    -- The caller's address, platform and trace context; the first and the last may be empty.
    address text not null,
    platform text not null,
    trace text not null,
    primary key (app_id, user_id, conv_a, conv_b, delivered_id)
) strict, without rowid;
