-- The highest number of an event that is no longer kept; what is above it is whole.
alter table event_lane add column purged_no bigint not null default 0;
