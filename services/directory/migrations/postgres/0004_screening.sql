-- What is looked at before a message goes into the log. Same columns as on SQLite.

-- Another number after every change of the two tables below; 0: there never was one.
alter table app add column screening bigint not null default 0;
alter table app add column next_hook_id bigint not null default 1;

-- words: each on a line of its own; last, since lists are listed without them.
create table word_list (
    app_id bigint not null references app (app_id),
    name text not null check (length(name) between 1 and 64),
    action text not null check (action in ('refuse', 'mask')),
    word_count bigint not null check (word_count >= 1),
    word_bytes bigint not null check (word_bytes between 1 and 2097152),
    words text not null check (length(words) between 1 and 4194304),
    primary key (app_id, name)
);

-- token is sealed under the data key. kinds: names of kinds of conversations with commas between; empty: all.
create table hook (
    app_id bigint not null references app (app_id),
    hook_id bigint not null,
    form text not null check (form in ('tencent', 'agora')),
    url text not null check (length(url) between 1 and 2048),
    token text check (length(token) <= 1024),
    timeout_ms bigint not null check (timeout_ms between 50 and 10000),
    refuse_on_failure boolean not null,
    kinds text not null check (length(kinds) <= 64),
    allow_private boolean not null,
    primary key (app_id, hook_id)
);
