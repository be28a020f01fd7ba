-- Groups and chat rooms with their members, and what users keep beside their names. Same columns as on SQLite.
-- `group` is a reserved word of PostgreSQL.

-- What every message asks for comes first, the texts last. A destroyed group's row stays, so that its id is never
-- given out again. The owner is one of the members, whose rows refer to users. A reference of his own would lock him
-- after the group, against the order that deletions keep.
create table chat_group (
    app_id bigint not null references app (app_id),
    group_id bigint not null check (group_id between 1 and 9007199254740991),
    kind bigint not null check (kind in (1, 2)),
    owner_id bigint not null,
    enabled boolean not null,
    history_visible boolean not null,
    read_ack boolean not null,
    mute_all_until bigint not null check (mute_all_until >= -1),
    apply_approval bigint not null check (apply_approval between 1 and 3),
    member_invite boolean not null,
    member_modify boolean not null,
    public boolean not null,
    max_members bigint not null check (max_members between 1 and 100000),
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    name text not null check (length(name) <= 128),
    avatar text not null check (length(avatar) <= 1024),
    description text not null check (length(description) <= 2048),
    custom text not null check (length(custom) <= 8192),
    primary key (app_id, group_id)
);
-- Not partial: PostgreSQL would take a small partial index for lookups by group_id too.
create index chat_group_by_kind on chat_group (app_id, kind, group_id);

-- role: 1 plain member, 2 admin, 3 owner. muted_until: 0 not muted, -1 for ever.
create table group_member (
    app_id bigint not null,
    group_id bigint not null,
    user_id bigint not null,
    role bigint not null check (role between 1 and 3),
    joined_at bigint not null,
    muted_until bigint not null check (muted_until >= -1),
    primary key (app_id, group_id, user_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
);
create index group_member_by_user on group_member (app_id, user_id, group_id);

-- Who asked to join and waits for an admin.
create table group_application (
    app_id bigint not null,
    group_id bigint not null,
    user_id bigint not null,
    made_at bigint not null,
    text text not null check (length(text) <= 512),
    primary key (app_id, group_id, user_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
);
create index group_application_by_age on group_application (app_id, group_id, made_at, user_id);
create index group_application_by_user on group_application (app_id, user_id, group_id);

-- Who may not join a group.
create table group_block (
    app_id bigint not null,
    group_id bigint not null,
    user_id bigint not null,
    primary key (app_id, group_id, user_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
);
create index group_block_by_user on group_block (app_id, user_id, group_id);

-- user_id takes no messages from blocked_id.
create table user_block (
    app_id bigint not null,
    user_id bigint not null,
    blocked_id bigint not null,
    primary key (app_id, user_id, blocked_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id),
    foreign key (app_id, blocked_id) references app_user (app_id, user_id),
    check (user_id <> blocked_id)
);
create index user_block_by_blocked on user_block (app_id, blocked_id, user_id);

-- What a user tells of himself; the nickname is in app_user, whose rows are read all the time and stay short.
create table user_profile (
    app_id bigint not null,
    user_id bigint not null,
    avatar text not null check (length(avatar) <= 1024),
    description text not null check (length(description) <= 2048),
    public_info text not null check (length(public_info) <= 2048),
    private_info text not null check (length(private_info) <= 2048),
    mobile text not null check (length(mobile) <= 64),
    email text not null check (length(email) <= 256),
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
);

-- Devices that are online until expires_at.
create table user_session (
    app_id bigint not null,
    user_id bigint not null,
    device_sn bigint not null check (device_sn between 1 and 2147483647),
    opened_at bigint not null,
    expires_at bigint not null,
    platform text not null check (length(platform) <= 32),
    primary key (app_id, user_id, device_sn),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
);
