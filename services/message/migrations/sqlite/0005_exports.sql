-- Files with the messages of one hour. A part is never changed; what comes later goes into the next.
create table export (
    app_id integer not null,
    -- The first millisecond of the hour.
    hour_start integer not null,
    part integer not null,
    -- The place in the app's chain.
    seq integer not null,
    file_uuid text not null check (length(file_uuid) = 36),
    bytes integer not null,
    messages integer not null,
    first_msg_id integer not null,
    last_msg_id integer not null,
    sha256 text not null check (length(sha256) = 64),
    -- The digest of the one before in the chain; empty for the first.
    previous text not null,
    digest text not null check (length(digest) = 64),
    sealed_at integer not null,
    -- JSON: lane and last event number, up to which events are in this part or an earlier one.
    positions text not null,
    -- Rows that the hour had when it was last looked through: another number means that there may be more to export.
    rows_seen integer not null,
    -- 1 once the file service keeps the file for ever, 2 when the file was removed.
    kept integer not null,
    primary key (app_id, hour_start, part)
) strict, without rowid;
create unique index export_by_seq on export (app_id, seq);
create index export_by_kept on export (app_id, kept);
