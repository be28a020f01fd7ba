-- Gateways that hold connections of clients: their sessions count while the lease does.
create table gateway_lease (
    gateway_id integer not null primary key check (gateway_id > 0),
    expires_at integer not null
) strict;

-- Clients that are connected to a gateway.
create table connected_session (
    app_id integer not null,
    user_id integer not null,
    gateway_id integer not null,
    -- Unique at the gateway.
    session_id integer not null,
    device_sn integer not null check (device_sn between 1 and 2147483647),
    -- The client's name for the device.
    resource text not null check (length(resource) between 1 and 128),
    platform text not null check (length(platform) <= 32),
    opened_at integer not null,
    primary key (app_id, user_id, gateway_id, session_id)
) strict;
create index connected_session_by_gateway on connected_session (gateway_id, session_id);
