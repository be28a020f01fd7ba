-- The newest message for which a conversation stands in lists; messages to some members alone do not count there.
alter table conversation_head add column listed_msg_id integer not null default 0;
update conversation_head set listed_msg_id = last_msg_id;
-- The newest message that was purged, and the counts at it.
alter table conversation_head add column purged_msg_id integer not null default 0;
alter table conversation_head add column purged_ordinal integer not null default 0;
alter table conversation_head add column purged_ordinal_low integer not null default 0;

-- Bits: 1 a system notification, 2 for some members alone, 4 imported.
alter table message rename column system to flags;
-- JSON: how it is delivered, and to whom; null: as usual, to everybody. See delivery.rs.
alter table message add column delivery text;

-- Countable messages that were imported below their conversation's newest: the running counts of the rows above do not
-- have them, so they are counted here.
create table late (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    sender_id integer not null,
    primary key (app_id, conv_a, conv_b, msg_id)
) strict, without rowid;

-- Messages that one user does not see.
create table excluded (
    app_id integer not null,
    user_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    -- 1 where the user would count it as unread.
    counted integer not null,
    primary key (app_id, user_id, conv_a, conv_b, msg_id)
) strict, without rowid;
create index excluded_by_message on excluded (app_id, conv_a, conv_b, msg_id);

-- Imports of an app take turns, since their ids are looked up before they are written.
create table import_turn (
    app_id integer not null,
    taken integer not null,
    primary key (app_id)
) strict, without rowid;

-- Broadcasts that were taken on. Which parts are done is known from the keys of the parts.
create table broadcast (
    app_id integer not null,
    broadcast_id integer not null,
    -- users or rooms.
    scope text not null,
    sender_id integer not null,
    -- JSON, as in an event.
    body text not null,
    delivery text,
    made_at integer not null,
    -- A process works on it until then.
    leased_until integer not null,
    done_at integer,
    primary key (app_id, broadcast_id)
) strict, without rowid;
create index broadcast_open on broadcast (leased_until) where done_at is null;
