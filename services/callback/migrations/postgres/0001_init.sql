-- Servers that are told what happens.
create table endpoint (
    app_id bigint not null,
    endpoint_id bigint not null,
    -- tencent, agora or lanying.
    dialect text not null,
    url text not null check (length(url) <= 2048),
    -- Sealed; null: none.
    token text,
    -- Sealed: the key of webhook-signature.
    secret text not null,
    -- Kinds of events, with commas; empty: all.
    events text not null,
    ordered bigint not null,
    -- durable, none or timeout.
    retry text not null,
    timeout_ms bigint not null,
    allow_private bigint not null,
    paused bigint not null,
    paused_because text not null,
    created_at bigint not null,
    -- Up to where the event feed has become deliveries.
    cursor text not null,
    primary key (app_id, endpoint_id)
);

-- The last number of an endpoint or a delivery in an app.
create table counter (
    app_id bigint not null,
    name text not null,
    last bigint not null,
    primary key (app_id, name)
);

-- One event for one endpoint.
create table delivery (
    app_id bigint not null,
    endpoint_id bigint not null,
    delivery_id bigint not null,
    event_id text not null,
    event text not null,
    command text not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    -- The caller's address, platform and trace context.
    address text not null,
    platform text not null,
    trace text not null,
    -- As it was first rendered.
    body text not null,
    created_at bigint not null,
    -- 1 waiting, 2 delivered, 3 dead.
    state bigint not null,
    -- When it is tried next, or was done.
    at_ms bigint not null,
    -- How often it was tried of its present schedule.
    tries bigint not null,
    -- JSON, one attempt a line.
    attempts text not null,
    primary key (app_id, endpoint_id, delivery_id)
);
create index delivery_waiting on delivery (app_id, endpoint_id, at_ms, delivery_id) where state = 1;
create index delivery_of_conversation on delivery (app_id, endpoint_id, conv_a, conv_b, delivery_id) where state = 1;
create unique index delivery_by_id on delivery (app_id, delivery_id);
create index delivery_of_message on delivery (app_id, msg_id, delivery_id);
create index delivery_done on delivery (at_ms) where state <> 1;
