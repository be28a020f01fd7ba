-- Users, contacts, groups and rooms as the vendors' SDKs manage them. Same columns as on PostgreSQL.

-- Settings of push notifications that clients keep with their user: stored and returned. Null: never set.
create table user_push (
    app_id integer not null,
    user_id integer not null,
    -- 0: only that there is a message, 1: its content.
    display_style integer check (display_style in (0, 1)),
    no_disturbing integer check (no_disturbing in (0, 1)),
    -- Hours of the day.
    no_disturbing_start integer check (no_disturbing_start between 0 and 24),
    no_disturbing_end integer check (no_disturbing_end between 0 and 24),
    notifier_name text check (length(notifier_name) <= 256),
    device_token text check (length(device_token) <= 1024),
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict;

-- Until when a user may not send, for each kind of conversation. 0: may; -1: forever.
create table user_mute (
    app_id integer not null,
    user_id integer not null,
    direct_until integer not null check (direct_until >= -1),
    group_until integer not null check (group_until >= -1),
    room_until integer not null check (room_until >= -1),
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;

-- What users tell about themselves, by name.
create table user_attribute (
    app_id integer not null,
    user_id integer not null,
    name text not null check (length(name) between 1 and 256),
    value text not null check (length(value) <= 8192),
    primary key (app_id, user_id, name),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
-- Bytes of all names and values of an app. Locked last, after users and groups, before the version of its users.
create table user_attribute_total (
    app_id integer not null primary key references app (app_id),
    bytes integer not null
) strict;

-- The contacts of user_id; two users who are contacts have a row each.
create table contact (
    app_id integer not null,
    user_id integer not null,
    contact_id integer not null,
    added_at integer not null,
    remark text not null check (length(remark) <= 512),
    ext text not null check (length(ext) <= 1024),
    mute_notification integer not null check (mute_notification in (0, 1)),
    primary key (app_id, user_id, contact_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id),
    foreign key (app_id, contact_id) references app_user (app_id, user_id),
    check (user_id <> contact_id)
) strict, without rowid;
create index contact_by_contact on contact (app_id, contact_id, user_id);
-- How many contacts a user has. Locked after users and groups, by ascending user, before any change of contacts, contact
-- requests and block lists of these users.
create table contact_total (
    app_id integer not null,
    user_id integer not null,
    contacts integer not null,
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
-- from_id asked user_id to become a contact, and waits.
create table contact_request (
    app_id integer not null,
    user_id integer not null,
    from_id integer not null,
    made_at integer not null,
    text text not null check (length(text) <= 512),
    remark text not null check (length(remark) <= 512),
    primary key (app_id, user_id, from_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id),
    foreign key (app_id, from_id) references app_user (app_id, user_id),
    check (user_id <> from_id)
) strict, without rowid;
create index contact_request_by_age on contact_request (app_id, user_id, made_at, from_id);
create index contact_request_by_from on contact_request (app_id, from_id, user_id);

-- What devices of a user say about their presence.
create table presence (
    app_id integer not null,
    user_id integer not null,
    resource text not null check (length(resource) between 1 and 256),
    status text not null check (length(status) between 1 and 64),
    updated_at integer not null,
    ext text not null check (length(ext) <= 1024),
    primary key (app_id, user_id, resource),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
-- user_id follows the presence of target_id.
create table presence_subscription (
    app_id integer not null,
    user_id integer not null,
    target_id integer not null,
    expires_at integer not null,
    primary key (app_id, user_id, target_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id),
    foreign key (app_id, target_id) references app_user (app_id, user_id)
) strict, without rowid;
create index presence_subscription_by_target on presence_subscription (app_id, target_id, expires_at, user_id);

-- Whether users who are invited must accept first.
alter table chat_group add column invite_confirm integer not null default 0 check (invite_confirm in (0, 1));
-- A thread is a group that hangs on a message of another group. 0: no thread. Threads are not listed as groups.
alter table chat_group add column parent_group_id integer not null default 0;
alter table chat_group add column parent_msg_id integer not null default 0;
create unique index chat_group_thread on chat_group (app_id, parent_group_id, parent_msg_id)
    where parent_group_id <> 0 and deleted_at is null;
create index chat_group_threads_of_group on chat_group (app_id, parent_group_id, group_id)
    where parent_group_id <> 0 and deleted_at is null;
-- The sum is for lists of all threads of an app alone: see 0007_plans.
create index chat_group_threads on chat_group (app_id, (group_id + 0))
    where (group_id + 0) is not null and parent_group_id <> 0 and deleted_at is null;
-- As in its group: so members leave the threads of a group together with it, and lists of groups pass over threads.
alter table group_member add column parent_group_id integer not null default 0;
drop index group_member_by_user;
create index group_member_joined on group_member (app_id, user_id, parent_group_id, group_id);
create index group_member_threads on group_member (app_id, user_id, joined_at, group_id) where parent_group_id <> 0;
create index group_member_threads_of_group on group_member (app_id, user_id, parent_group_id, joined_at, group_id)
    where parent_group_id <> 0;
-- The name by which a member wants to be shown in the group; empty: none.
alter table group_member add column display_name text not null default '' check (length(display_name) <= 256);

-- Who may speak while all are muted.
create table group_allow (
    app_id integer not null,
    group_id integer not null,
    user_id integer not null,
    primary key (app_id, group_id, user_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
create index group_allow_by_user on group_allow (app_id, user_id, group_id);

-- The lists of a group's admins and of its muted members, and of the groups that everybody may see.
create index group_member_admin on group_member (app_id, group_id, user_id) where role = 2;
create index group_member_muted on group_member (app_id, group_id, user_id) where muted_until <> 0;
create index chat_group_public on chat_group (app_id, kind, group_id) where public and deleted_at is null;

-- Announcements of a group, numbered from 1; the newest is the current one.
create table group_announcement (
    app_id integer not null,
    group_id integer not null,
    announcement_id integer not null check (announcement_id >= 1),
    -- 0: the app itself.
    author_id integer not null,
    made_at integer not null,
    title text not null check (length(title) <= 256),
    text text not null check (length(text) <= 8192),
    primary key (app_id, group_id, announcement_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id)
) strict, without rowid;

-- Files shared in a group, with numbers of the app's single id space. The bytes are the file service's.
create table group_file (
    app_id integer not null,
    group_id integer not null,
    file_no integer not null check (file_no >= 1),
    uuid text not null check (length(uuid) = 36),
    -- 0: the app itself.
    owner_id integer not null,
    size integer not null,
    made_at integer not null,
    name text not null check (length(name) <= 1024),
    primary key (app_id, group_id, file_no),
    foreign key (app_id, group_id) references chat_group (app_id, group_id)
) strict, without rowid;
create unique index group_file_by_uuid on group_file (app_id, uuid, group_id);

-- What members tell about themselves in one group.
create table member_attribute (
    app_id integer not null,
    group_id integer not null,
    user_id integer not null,
    name text not null check (length(name) between 1 and 256),
    value text not null check (length(value) <= 4096),
    primary key (app_id, group_id, user_id, name),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
create index member_attribute_by_user on member_attribute (app_id, user_id, group_id, name);

-- What a room shows to all of its members, and who set it.
create table room_attribute (
    app_id integer not null,
    group_id integer not null,
    name text not null check (length(name) between 1 and 256),
    -- 0: the app itself.
    owner_id integer not null,
    -- Whether it goes when its owner leaves.
    auto_delete integer not null check (auto_delete in (0, 1)),
    value text not null check (length(value) <= 4096),
    primary key (app_id, group_id, name),
    foreign key (app_id, group_id) references chat_group (app_id, group_id)
) strict, without rowid;
create index room_attribute_by_owner on room_attribute (app_id, group_id, owner_id, name);

-- Who was invited to a group and has not answered.
create table group_invitation (
    app_id integer not null,
    group_id integer not null,
    user_id integer not null,
    -- 0: the app itself.
    inviter_id integer not null,
    made_at integer not null,
    text text not null check (length(text) <= 512),
    primary key (app_id, group_id, user_id),
    foreign key (app_id, group_id) references chat_group (app_id, group_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;
create index group_invitation_by_user on group_invitation (app_id, user_id, made_at, group_id);

-- Users who may create rooms with their own token.
create table super_admin (
    app_id integer not null,
    user_id integer not null,
    made_at integer not null,
    primary key (app_id, user_id),
    foreign key (app_id, user_id) references app_user (app_id, user_id)
) strict, without rowid;

-- Changes that the message service has not yet put into the event feed. Written in the transaction of the change and
-- removed once they are in the feed.
create table change (
    change_id integer not null primary key autoincrement,
    app_id integer not null references app (app_id),
    made_at integer not null,
    -- Who made it; 0: the app itself.
    actor_id integer not null,
    kind text not null check (length(kind) between 1 and 64),
    -- The caller's address, platform and trace context; the first and the last may be empty.
    address text not null,
    platform text not null,
    trace text not null,
    -- JSON.
    detail text not null
) strict;
create index change_by_app on change (app_id, change_id);
