-- Servers that are told what happens.
create table endpoint (
    app_id integer not null,
    endpoint_id integer not null,
    -- tencent, agora or lanying.
    dialect text not null,
    url text not null check (length(url) <= 2048),
    -- Sealed; null: none.
    token text,
    -- Sealed: the key of webhook-signature.
    secret text not null,
    -- Kinds of events, with commas; empty: all.
    events text not null,
    ordered integer not null,
    -- durable, none or timeout.
    retry text not null,
    timeout_ms integer not null,
    allow_private integer not null,
    paused integer not null,
    paused_because text not null,
    created_at integer not null,
    -- Up to where the event feed has become deliveries.
    cursor text not null,
    primary key (app_id, endpoint_id)
) strict, without rowid;

-- The last number of an endpoint or a delivery in an app.
create table counter (
    app_id integer not null,
    name text not null,
    last integer not null,
    primary key (app_id, name)
) strict, without rowid;

-- One event for one endpoint.
create table delivery (
    app_id integer not null,
    endpoint_id integer not null,
    delivery_id integer not null,
    event_id text not null,
    event text not null,
    command text not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    -- The caller's address, platform and trace context.
    address text not null,
    platform text not null,
    trace text not null,
    -- As it was first rendered.
    body text not null,
    created_at integer not null,
    -- 1 waiting, 2 delivered, 3 dead.
    state integer not null,
    -- When it is tried next, or was done.
    at_ms integer not null,
    -- How often it was tried of its present schedule.
    tries integer not null,
    -- JSON, one attempt a line.
    attempts text not null,
    primary key (app_id, endpoint_id, delivery_id)
) strict, without rowid;
create index delivery_waiting on delivery (app_id, endpoint_id, at_ms, delivery_id) where state = 1;
create index delivery_of_conversation on delivery (app_id, endpoint_id, conv_a, conv_b, delivery_id) where state = 1;
create unique index delivery_by_id on delivery (app_id, delivery_id);
create index delivery_of_message on delivery (app_id, msg_id, delivery_id);
create index delivery_done on delivery (at_ms) where state <> 1;
