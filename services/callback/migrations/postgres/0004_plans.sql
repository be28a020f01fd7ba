-- Of an empty table PostgreSQL cannot tell which index leads to fewer rows, and it keeps the plan while the table grows.
-- An index with a condition is not taken for a statement that does not imply it, as only one on its own column does.
drop index delivery_of_message;
create index delivery_of_message on delivery (app_id, msg_id, delivery_id) where msg_id is not null;
drop index delivery_of_conversation;
create index delivery_of_conversation on delivery (app_id, endpoint_id, conv_a, conv_b, delivery_id)
    where state = 1 and conv_a is not null;
drop index delivery_by_id;
create unique index delivery_by_id on delivery (app_id, delivery_id) where delivery_id is not null;
drop index delivery_waiting;
create index delivery_waiting on delivery (app_id, endpoint_id, at_ms, delivery_id) where state = 1 and at_ms is not null;
