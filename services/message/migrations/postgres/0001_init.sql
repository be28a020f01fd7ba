-- Where each conversation stands. Locked for as long as a transaction appends to it.
create table conversation_head (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    -- The newest message's number and id.
    seq bigint not null,
    last_msg_id bigint not null,
    -- Countable messages so far: of everybody, and of the lower party of a direct conversation.
    ordinal bigint not null,
    ordinal_low bigint not null,
    primary key (app_id, conv_a, conv_b)
);

-- Who takes part in a direct conversation; written with its first message.
create table participant (
    app_id bigint not null,
    user_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    primary key (app_id, user_id, conv_a, conv_b)
);

-- The log. A row is its own `sent` event: lane and event_no are its place in the app's event feed.
create table message (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    seq bigint not null,
    sender_id bigint not null,
    sent_at bigint not null,
    countable bigint not null,
    system bigint not null,
    -- The head's counts once this message is in; what lies between two rows is a subtraction.
    ordinal bigint not null,
    ordinal_low bigint not null,
    lane bigint not null,
    event_no bigint not null,
    -- JSON text; see content.rs.
    body text not null,
    ext text,
    config text,
    verbatim text,
    recalled_at bigint,
    primary key (app_id, conv_a, conv_b, msg_id)
);
create unique index message_by_id on message (app_id, msg_id);
create unique index message_by_event on message (app_id, lane, event_no);

-- Countable messages that were recalled: what unread counts subtract.
create table recalled (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    sender_id bigint not null,
    primary key (app_id, conv_a, conv_b, msg_id)
);

-- The last event number of each lane.
create table event_lane (
    app_id bigint not null,
    lane bigint not null,
    last_no bigint not null,
    primary key (app_id, lane)
);

-- Calls that were made once, with what they answered.
create table idempotency_key (
    app_id bigint not null,
    -- Caller and call.
    scope text not null,
    key text not null,
    -- Hash of the canonical request; empty where any repetition counts as the same.
    fingerprint text not null,
    made_at bigint not null,
    expires_at bigint not null,
    -- JSON; null only inside the transaction that makes it.
    reply text,
    primary key (app_id, scope, key)
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- Which process mints ids under which node number.
create table node_lease (
    node bigint not null,
    holder text not null,
    expires_at bigint not null,
    -- The holder mints no id of a later time than this.
    reached_at bigint not null,
    primary key (node)
);
