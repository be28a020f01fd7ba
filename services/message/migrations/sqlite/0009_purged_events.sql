-- The highest numbers that are no longer kept, of messages and of events beside the log.
alter table event_lane add column purged_no integer not null default 0;
alter table event_lane add column purged_event_no integer not null default 0;
