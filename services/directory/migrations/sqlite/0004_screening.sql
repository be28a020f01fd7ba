-- What is looked at before a message goes into the log. Same columns as on PostgreSQL.

-- Another number after every change of the two tables below; 0: there never was one.
alter table app add column screening integer not null default 0;
alter table app add column next_hook_id integer not null default 1;

-- words: each on a line of its own; last, since lists are listed without them.
create table word_list (
    app_id integer not null references app (app_id),
    name text not null check (length(name) between 1 and 64),
    action text not null check (action in ('refuse', 'mask')),
    word_count integer not null check (word_count >= 1),
    word_bytes integer not null check (word_bytes between 1 and 2097152),
    words text not null check (length(words) between 1 and 4194304),
    primary key (app_id, name)
) strict;

-- token is sealed under the data key. kinds: names of kinds of conversations with commas between; empty: all.
create table hook (
    app_id integer not null references app (app_id),
    hook_id integer not null,
    form text not null check (form in ('tencent', 'agora')),
    url text not null check (length(url) between 1 and 2048),
    token text check (length(token) <= 1024),
    timeout_ms integer not null check (timeout_ms between 50 and 10000),
    refuse_on_failure integer not null check (refuse_on_failure in (0, 1)),
    kinds text not null check (length(kinds) <= 64),
    allow_private integer not null check (allow_private in (0, 1)),
    primary key (app_id, hook_id)
) strict;
