-- Internal services that use one app over gRPC, each with a key.

create table service_account (
    app_id integer not null references app (app_id),
    service_account_id integer not null check (service_account_id >= 1),
    name text not null check (length(name) between 1 and 128),
    -- Names of scopes with commas between.
    scopes text not null check (length(scopes) between 1 and 256),
    -- SHA-256 of its key, in hex digits: the key itself is not stored.
    hash text not null check (length(hash) = 64),
    created_at integer not null,
    revoked_at integer,
    primary key (app_id, service_account_id)
) strict;
