-- When read_id moved last; 0: before this was recorded.
alter table cursor add column read_at bigint not null default 0;
-- In a group, messages up to here are from before the user could see them: a mark that covers them does not say that
-- they were read.
alter table cursor add column since_id bigint not null default 0;
-- Who has read a message of a group or room. Without the marks, so that a mark that moves does not touch the index.
create index cursor_by_group on cursor (app_id, conv_a, conv_b, user_id) where conv_b < 0;

-- Unix milliseconds; 0: before this was recorded.
alter table pin add column pinned_at bigint not null default 0;

-- The marks that a user has set on conversations.
create table mark (
    app_id bigint not null,
    user_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    -- 0 to 19.
    mark bigint not null,
    -- Grows with every mark and pin of the user: from pin_head.
    mark_no bigint not null,
    primary key (app_id, user_id, conv_a, conv_b, mark)
);
create index mark_by_number on mark (app_id, user_id, mark, mark_no);

-- The messages that are pinned in a conversation.
create table pinned_message (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    msg_id bigint not null,
    -- Grows with every pinned message of the conversation.
    pin_no bigint not null,
    -- 0: the app itself.
    operator_id bigint not null,
    pinned_at bigint not null,
    primary key (app_id, conv_a, conv_b, msg_id)
);

-- The last number of each conversation's pinned messages. Locked by a transaction that pins one.
create table pinned_message_head (
    app_id bigint not null,
    conv_a bigint not null,
    conv_b bigint not null,
    last_no bigint not null,
    primary key (app_id, conv_a, conv_b)
);
