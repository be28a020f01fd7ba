-- Ids alone are looked up, never walked. As an index over an expression it is out of the way of the queries that walk a
-- conversation: on tables that were empty when it made its plan, PostgreSQL took the one for the other.
drop index message_by_id;
create unique index message_by_id on message (app_id, (msg_id + 0));
