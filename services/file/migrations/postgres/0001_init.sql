-- Files whose bytes are in the object store.
create table file (
    app_id bigint not null,
    uuid text not null check (length(uuid) = 36),
    name text not null check (length(name) <= 255),
    content_type text not null check (length(content_type) <= 255),
    size bigint not null,
    sha256 text not null check (length(sha256) = 64),
    restricted bigint not null,
    secret text not null check (length(secret) <= 48),
    -- 1: for our own use; downloads by strangers do not find it.
    internal bigint not null,
    thumbnail_type text check (length(thumbnail_type) <= 255),
    thumbnail_size bigint,
    created_at bigint not null,
    -- Null: never.
    expires_at bigint,
    -- When it was removed; the row stays, so that the uuid is told as expired.
    gone_at bigint,
    primary key (app_id, uuid)
);
create index file_by_expiry on file (expires_at) where gone_at is null and expires_at is not null;

-- Objects that no file names: uploads that have begun, and what was removed. A file is published by taking its row away
-- here; what stays too long is swept up.
create table unclaimed (
    app_id bigint not null,
    uuid text not null check (length(uuid) = 36),
    -- When the upload began; 0: swept up at once.
    since bigint not null,
    primary key (app_id, uuid)
);
create index unclaimed_by_age on unclaimed (since);
