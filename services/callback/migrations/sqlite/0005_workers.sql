-- The processes that share the work for endpoints, each until then unless it says so again.
create table worker (
    owner text not null primary key check (length(owner) between 1 and 64),
    lease_until integer not null
) strict, without rowid;
