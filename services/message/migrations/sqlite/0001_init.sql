-- Where each conversation stands. Locked for as long as a transaction appends to it.
create table conversation_head (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    -- The newest message's number and id.
    seq integer not null,
    last_msg_id integer not null,
    -- Countable messages so far: of everybody, and of the lower party of a direct conversation.
    ordinal integer not null,
    ordinal_low integer not null,
    primary key (app_id, conv_a, conv_b)
) strict, without rowid;

-- Who takes part in a direct conversation; written with its first message.
create table participant (
    app_id integer not null,
    user_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    primary key (app_id, user_id, conv_a, conv_b)
) strict, without rowid;

-- The log. A row is its own `sent` event: lane and event_no are its place in the app's event feed.
create table message (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    seq integer not null,
    sender_id integer not null,
    sent_at integer not null,
    countable integer not null,
    system integer not null,
    -- The head's counts once this message is in; what lies between two rows is a subtraction.
    ordinal integer not null,
    ordinal_low integer not null,
    lane integer not null,
    event_no integer not null,
    -- JSON text; see content.rs.
    body text not null,
    ext text,
    config text,
    verbatim text,
    recalled_at integer,
    primary key (app_id, conv_a, conv_b, msg_id)
) strict, without rowid;
create unique index message_by_id on message (app_id, msg_id);
create unique index message_by_event on message (app_id, lane, event_no);

-- Countable messages that were recalled: what unread counts subtract.
create table recalled (
    app_id integer not null,
    conv_a integer not null,
    conv_b integer not null,
    msg_id integer not null,
    sender_id integer not null,
    primary key (app_id, conv_a, conv_b, msg_id)
) strict, without rowid;

-- The last event number of each lane.
create table event_lane (
    app_id integer not null,
    lane integer not null,
    last_no integer not null,
    primary key (app_id, lane)
) strict, without rowid;

-- Calls that were made once, with what they answered.
create table idempotency_key (
    app_id integer not null,
    -- Caller and call.
    scope text not null,
    key text not null,
    -- Hash of the canonical request; empty where any repetition counts as the same.
    fingerprint text not null,
    made_at integer not null,
    expires_at integer not null,
    -- JSON; null only inside the transaction that makes it.
    reply text,
    primary key (app_id, scope, key)
) strict, without rowid;
create index idempotency_key_expiry on idempotency_key (expires_at);

-- Which process mints ids under which node number.
create table node_lease (
    node integer not null,
    holder text not null,
    expires_at integer not null,
    -- The holder mints no id of a later time than this.
    reached_at integer not null,
    primary key (node)
) strict, without rowid;
