-- Of an empty table PostgreSQL cannot tell which index leads to fewer rows, and it keeps the plan while the table grows.
-- An index with a condition is not taken for a statement that does not imply it, as only one on its own column does.
drop index message_by_id;
create unique index message_by_id on message (app_id, (msg_id + 0)) where (msg_id + 0) is not null;
drop index export_by_kept;
create index export_by_kept on export (app_id, kept) where kept is not null;
drop index message_by_event;
create unique index message_by_event on message (app_id, lane, event_no) where event_no is not null;
drop index export_by_seq;
create unique index export_by_seq on export (app_id, seq) where seq is not null;
