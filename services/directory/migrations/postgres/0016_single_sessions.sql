-- Whether only one session of a device of that name is open: a new one ends the older ones.
alter table connected_session add column is_single bigint not null default 0 check (is_single in (0, 1));
