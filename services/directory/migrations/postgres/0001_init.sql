-- Who exists: apps, their admin tokens, their users. Same columns as on SQLite.
-- Secrets (client_secret, app_certificate, token_key and their previous_ ones) are sealed under the data key.

create table app_number (
    next_app_id bigint not null
);
insert into app_number (next_app_id) values (1);

create table app (
    app_id bigint not null primary key,
    org text not null check (length(org) between 1 and 64),
    name text not null check (length(name) between 1 and 64),
    uuid text not null check (length(uuid) = 36),
    lanying_app_id text not null check (length(lanying_app_id) between 1 and 64),
    sdk_appid bigint not null check (sdk_appid between 1 and 9999999999),
    client_id text not null check (length(client_id) between 1 and 128),
    agora_app_id text not null check (length(agora_app_id) = 32),
    client_secret text not null check (length(client_secret) <= 1024),
    previous_client_secret text check (length(previous_client_secret) <= 1024),
    previous_client_secret_until bigint,
    app_certificate text not null check (length(app_certificate) <= 1024),
    previous_app_certificate text check (length(previous_app_certificate) <= 1024),
    previous_app_certificate_until bigint,
    token_key text not null check (length(token_key) <= 1024),
    previous_token_key text check (length(previous_token_key) <= 1024),
    previous_token_key_until bigint,
    enabled boolean not null,
    policy text not null,
    next_user_number bigint not null,
    next_admin_token_id bigint not null,
    created_at bigint not null,
    deleted_at bigint
);
-- Names are unique among the living: a deleted app's names may be used again.
create unique index app_by_name on app (org, name) where deleted_at is null;
create unique index app_by_lanying_app_id on app (lanying_app_id) where deleted_at is null;
create unique index app_by_sdk_appid on app (sdk_appid) where deleted_at is null;

create table admin_token (
    app_id bigint not null references app (app_id),
    admin_token_id bigint not null,
    label text not null check (length(label) <= 128),
    created_at bigint not null,
    revoked_at bigint,
    primary key (app_id, admin_token_id)
);

-- `user` is a reserved word of PostgreSQL.
create table app_user (
    app_id bigint not null references app (app_id),
    user_id bigint not null check (user_id between 1 and 9007199254740991),
    username text check (length(username) between 1 and 64),
    folded text check (length(folded) between 1 and 64),
    uuid text not null check (length(uuid) = 36),
    registered boolean not null,
    enabled boolean not null,
    password_hash text not null check (length(password_hash) <= 256),
    nickname text not null check (length(nickname) <= 256),
    token_epoch bigint not null,
    created_at bigint not null,
    modified_at bigint not null,
    deleted_at bigint,
    primary key (app_id, user_id),
    check ((username is null) = (folded is null))
);
-- A deleted user's name is free again; the row stays, so that the id is never given out twice.
create unique index app_user_by_name on app_user (app_id, folded) where deleted_at is null;
create index app_user_registered on app_user (app_id, user_id) where registered and deleted_at is null;
