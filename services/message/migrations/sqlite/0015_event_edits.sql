-- How often a message had been edited when an event edited it; callbacks say so. Unknown of events before this step.
alter table event add column edits integer not null default 0;
