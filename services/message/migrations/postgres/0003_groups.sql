-- When a message was last edited, and how often.
alter table message add column edited_at bigint;
alter table message add column edits bigint not null default 0;

-- What one sender wrote into a group (-1) or room (-2): unread counts subtract the reader's own. Recalled ones stay in
-- it. Every column that the count looks at is here, and the condition is one that no index serves, or SQLite would count
-- through the whole conversation instead.
create index message_of_sender on message (app_id, conv_a, conv_b, sender_id, countable, msg_id)
    where conv_b in (-1, -2);

-- What happened beside the sending of kept messages. Numbers are shared with the rows of `message`: gap-free per lane
-- over both tables.
create table event (
    app_id bigint not null,
    lane bigint not null,
    event_no bigint not null,
    -- recalled, edited or online.
    kind text not null,
    made_at bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    -- Who did it; 0 is the app itself.
    actor_id bigint not null,
    -- JSON: the content, where the event brings any; see content.rs.
    body text,
    -- The caller's address as the gateway knows it.
    address text,
    platform text not null,
    -- W3C traceparent.
    trace text,
    primary key (app_id, lane, event_no)
);
