-- What hooks are asked about: names with commas between. Same columns as on PostgreSQL.
alter table hook add column subjects text not null default 'message' check (length(subjects) between 1 and 256);
