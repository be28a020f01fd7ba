-- Gateways that hold connections of clients: their sessions count while the lease does.
create table gateway_lease (
    gateway_id bigint not null primary key check (gateway_id > 0),
    expires_at bigint not null
);

-- Clients that are connected to a gateway.
create table connected_session (
    app_id bigint not null,
    user_id bigint not null,
    gateway_id bigint not null,
    -- Unique at the gateway.
    session_id bigint not null,
    device_sn bigint not null check (device_sn between 1 and 2147483647),
    -- The client's name for the device.
    resource text not null check (length(resource) between 1 and 128),
    platform text not null check (length(platform) <= 32),
    opened_at bigint not null,
    primary key (app_id, user_id, gateway_id, session_id)
);
create index connected_session_by_gateway on connected_session (gateway_id, session_id);
