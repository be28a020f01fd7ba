-- Files that a profile, a group or a room names: no recall of a message deletes them. Written with what names them. What
-- was written before has no rows here; it names files of before, whose owners nobody knows and no recall deletes.
create table shown_file (
    app_id integer not null,
    -- 1: a user's profile, 2: a group or room.
    kind integer not null check (kind in (1, 2)),
    -- The user or group.
    id integer not null,
    uuid text not null check (length(uuid) = 36),
    primary key (app_id, kind, id, uuid)
) strict, without rowid;
create index shown_file_by_file on shown_file (app_id, uuid);
