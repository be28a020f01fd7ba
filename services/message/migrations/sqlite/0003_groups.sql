-- When a message was last edited, and how often.
alter table message add column edited_at integer;
alter table message add column edits integer not null default 0;

-- What one sender wrote into a group (-1) or room (-2): unread counts subtract the reader's own. Recalled ones stay in
-- it. Every column that the count looks at is here, and the condition is one that no index serves, or SQLite would count
-- through the whole conversation instead.
create index message_of_sender on message (app_id, conv_a, conv_b, sender_id, countable, msg_id)
    where conv_b in (-1, -2);

-- What happened beside the sending of kept messages. Numbers are shared with the rows of `message`: gap-free per lane
-- over both tables.
create table event (
    app_id integer not null,
    lane integer not null,
    event_no integer not null,
    -- recalled, edited or online.
    kind text not null,
    made_at integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    -- Who did it; 0 is the app itself.
    actor_id integer not null,
    -- JSON: the content, where the event brings any; see content.rs.
    body text,
    -- The caller's address as the gateway knows it.
    address text,
    platform text not null,
    -- W3C traceparent.
    trace text,
    primary key (app_id, lane, event_no)
) strict, without rowid;
