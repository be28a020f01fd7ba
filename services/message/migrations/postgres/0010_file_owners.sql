-- 1 where the app itself made the call that brought the file.
alter table file_use add column by_app bigint not null default 0;

-- Files that a recall let go of, each in the name of whom the recall may let go for: the message's sender, or 0, the app
-- itself. They are deleted where that user brought them and nothing shows them. Written with the recall. It takes the
-- place of unused_file, which did not say whose; what is left there stays unread, so those files are kept.
create table released_file (
    app_id bigint not null,
    uuid text not null check (length(uuid) = 36),
    user_id bigint not null,
    since bigint not null,
    primary key (app_id, uuid, user_id)
);
create index released_file_by_age on released_file (app_id, since);

-- Files that no recall deletes: named by what is no row of the log, or by more than a call's uses are noted of.
create table kept_file (
    app_id bigint not null,
    uuid text not null check (length(uuid) = 36),
    primary key (app_id, uuid)
);
